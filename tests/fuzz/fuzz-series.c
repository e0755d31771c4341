// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the client makes of replies: capacity, then a row of actions: a packet is sent, or a reply
 * comes, its fields from the input. RFC 5357 4.2.1; T-037, T-060, T-062, T-063
 */
#include "client/measure/series.h"
#include "tests/fuzz/fuzz.h"

#define T0 INT64_C(1700000000000000000)
#define CENTURY_NS (INT64_C(100) * 365 * 86400 * TS_NS_PER_S)

static void check_series(const struct series *s)
{
	for (int stateful = 0; stateful < 2; stateful++) {
		struct series_loss loss = series_loss(s, stateful);

		MUST(loss.total == s->sent - s->answered);
		MUST(!loss.known || loss.out + loss.in == loss.total);
		MUST(!loss.known || (loss.out <= s->sent && loss.in <= s->sent));
	}
	MUST(s->answered + s->late <= s->sent && s->sent <= s->capacity);
	MUST(s->corrupt <= s->answered);
	MUST(!s->sender_ttl.any || s->sender_ttl.min <= s->sender_ttl.max);
	MUST(!s->reply_ttl.any || s->reply_ttl.min <= s->reply_ttl.max);
}

static void take_reply(struct series *s, struct input *input, int64_t now)
{
	uint8_t wire[112];
	struct pkt_reply r;
	uint32_t answered = s->answered;
	enum series_verdict v;

	input_fill(input, wire, sizeof(wire));
	MUST(!pkt_get_reply(pkt_layout(input_octet(input)), wire, sizeof(wire), &r));
	if (input_octet(input) % 4) {
		r.sender.seq %= s->capacity + 1;
		r.seq %= s->capacity * 2 + 80;
	}
	v = series_reply(s, &r, (struct wall){ now }, input_octet(input) - 1);
	MUST((v == SERIES_COUNTED) == (s->answered == answered + 1));
	MUST(v != SERIES_COUNTED || s->samples[r.sender.seq].state == SERIES_ANSWERED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	int64_t now = T0, jump;
	uint32_t next = 0;
	struct series s;

	MUST(!series_init(&s, input_octet(&input), (int64_t)input_octet(&input) * 10000000));
	check_series(&s);
	while (input.left) {
		uint8_t action = input_octet(&input);

		if (action & 1) { /* a wall clock may be set to anything */
			jump = (int64_t)input_64(&input) % CENTURY_NS;
			now = T0 + (action & 2 ? jump : jump % TS_NS_PER_S);
		}
		if (action & 4 && next < s.capacity) {
			series_sent(&s, next++, (struct wall){ now });
		} else if (action & 8) {
			next += next < s.capacity; /* could not be sent */
		} else {
			take_reply(&s, &input, now);
		}
		check_series(&s);
	}
	series_wipe(&s);
	return 0;
}
