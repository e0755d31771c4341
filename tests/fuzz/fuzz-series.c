// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the client makes of replies: a window, then a row of actions: a packet is sent or left
 * out, a reply comes, its fields from the input, time goes by or is set.
 * RFC 5357 4.2.1; T-037, T-060, T-062, T-063
 */
#include "client/measure/series.h"
#include "tests/fuzz/fuzz.h"

#define T0 INT64_C(1700000000000000000)
#define CENTURY_NS (INT64_C(100) * 365 * 86400 * TS_NS_PER_S)

static void check_series(const struct series *s)
{
	struct series_loss loss = series_loss(s);

	MUST(loss.total == s->sent - s->answered);
	MUST(loss.here + loss.out + loss.in + loss.unknown == loss.total);
	MUST(loss.known || loss.out + loss.in == 0);
	MUST(s->answered + s->late <= s->sent && s->sent <= s->next);
	MUST(s->tail <= s->next && s->next - s->tail <= s->window);
	MUST(s->delay[SERIES_ROUND_TRIP].h.n <= s->answered);
	MUST(s->delay[SERIES_OUTBOUND].h.n <= s->delay[SERIES_ROUND_TRIP].h.n);
	MUST(s->delay[SERIES_ROUND_TRIP].h.n == 0 || s->delay[SERIES_ROUND_TRIP].h.min >= 0);
	MUST(s->expired <= s->sent && s->longest_run <= s->expired);
	MUST(!s->sender_ttl.any || s->sender_ttl.min <= s->sender_ttl.max);
	MUST(!s->reply_ttl.any || s->reply_ttl.min <= s->reply_ttl.max);
}

static void take_reply(struct series *s, struct input *input, struct clock_pair now)
{
	struct series_arrival a = { .now = now };
	struct series_reading reading;
	uint8_t wire[112], choice;
	struct pkt_reply r;
	uint64_t answered = s->answered;
	enum series_verdict v;

	input_fill(input, wire, sizeof(wire));
	MUST(!pkt_get_reply(pkt_layout(input_octet(input)), wire, sizeof(wire), &r));
	choice = input_octet(input);
	if (choice % 4) { /* one that may count */
		r.sender.seq = series_next(s) - r.sender.seq % 80;
		r.sender.ts = s->packets[r.sender.seq & (s->window - 1)].stamp;
		r.seq %= 200;
	}
	a.stamped = choice & 4;
	a.brief = choice & 8;
	a.t4.ns = now.wall.ns - (int64_t)input_octet(input) * 100000;
	a.ttl = input_octet(input) - 1;
	v = series_reply(s, &r, &a, &reading);
	MUST((v == SERIES_COUNTED) == (s->answered == answered + 1));
	MUST(v != SERIES_COUNTED || (reading.index < s->next && reading.number == r.seq));
}

static void pass_time(struct series *s, struct input *input, struct clock_pair *now)
{
	int64_t by = (int64_t)(input_64(input) >> 1);

	if (input_octet(input) % 4 == 0) { /* a wall clock may be set to anything */
		now->wall.ns = T0 + by % CENTURY_NS;
		return;
	}
	now->wall.ns += by % TS_NS_PER_S;
	now->mono.ns += by % TS_NS_PER_S;
	series_expire(s, now->mono);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct clock_pair now = { { T0 }, { TS_NS_PER_S } };
	struct series s;

	MUST(!series_init(&s, input_octet(&input), (int64_t)input_octet(&input) * 10000000,
			  input_octet(&input) & 1));
	check_series(&s);
	while (input.left) {
		switch (input_octet(&input) % 8) {
		case 0:
			pass_time(&s, &input, &now);
			break;
		case 1:
			series_skipped(&s);
			break;
		case 2:
			series_departed(&s, s.next - input_octet(&input), now.wall);
			break;
		case 3:
		case 4:
			series_sent(&s, input_64(&input) | 1, now);
			break;
		default:
			take_reply(&s, &input, now);
			break;
		}
		check_series(&s);
	}
	series_finish(&s);
	check_series(&s);
	MUST(s.expired + s.answered <= s.sent + s.late);
	series_wipe(&s);
	return 0;
}
