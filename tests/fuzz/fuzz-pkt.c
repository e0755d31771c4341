// SPDX-License-Identifier: BSD-2-Clause
/*
 * Test packets: modes (2 octets), TTL and TOS, and a datagram as it came. Replies are built
 * from it in every layout, as the reflector does, and read, as the sender does. RFC 5357 4
 */
#include "protocol/pkt.h"
#include "tests/fuzz/fuzz.h"

/* T-022: what was copied is where it belongs, and all else is what it must be. */
static void check_reply(const struct pkt_layout *l, const uint8_t *in, size_t n, const uint8_t *out,
			const struct pkt_reply *want)
{
	size_t len = pkt_reply_len(l, n);
	struct pkt_reply got;
	struct pkt_send sent;

	MUST(!pkt_get_send(l, in, n, &sent));
	memset(&got, 0xff, sizeof(got));
	MUST(!pkt_get_reply(l, out, len, &got));
	MUST(got.seq == want->seq && got.ts == want->ts && got.rx_ts == want->rx_ts);
	MUST(got.error_estimate == want->error_estimate && got.ttl == want->ttl);
	MUST(got.tos == (l->tos ? want->tos : 0));
	MUST(got.sender.seq == sent.seq && got.sender.ts == sent.ts);
	MUST(got.sender.error_estimate == sent.error_estimate);
	MUST(len <= l->reply_min ||
	     !memcmp(out + l->reply_min, in + l->send_padding, len - l->reply_min));
}

/* T-021: never more than asked for, but for the shortest; and no octet of @out survives. */
static void reflect(const struct pkt_layout *l, const uint8_t *in, size_t n,
		    const struct pkt_reply *p)
{
	size_t len = pkt_reply_len(l, n);
	uint8_t *out[2] = { malloc(len), malloc(len) };

	MUST(len == (n > l->reply_min ? n : l->reply_min));
	for (int i = 0; i < 2; i++) {
		MUST(out[i]);
		memset(out[i], i ? 0xff : 0, len);
		if (pkt_put_reply(l, in, n, out[i], p)) {
			MUST(n < l->send_min);
			goto done;
		}
		pkt_put_reply_ts(l, out[i], p->ts);
	}
	MUST(n >= l->send_min);
	MUST(!memcmp(out[0], out[1], len));
	check_reply(l, in, n, out[0], p);
done:
	free(out[0]);
	free(out[1]);
}

static void resend(const struct pkt_layout *l, const uint8_t *in, size_t n)
{
	struct pkt_send p, again;
	uint8_t *out;

	memset(&p, 0xff, sizeof(p));
	if (pkt_get_send(l, in, n, &p)) {
		MUST(n < l->send_min);
		return;
	}
	out = malloc(pkt_send_len(l, 0));
	MUST(out);
	pkt_put_send(l, out, &p);
	MUST(!pkt_get_send(l, out, pkt_send_len(l, 0), &again));
	MUST(again.seq == p.seq && again.ts == p.ts && again.error_estimate == p.error_estimate);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	const struct pkt_layout *l = pkt_layout(input_16(&input));
	struct pkt_reply p = { .seq = 0x01020304,
			       .ts = UINT64_C(0x1112131415161718),
			       .rx_ts = UINT64_C(0x2122232425262728),
			       .error_estimate = 0x3132 };
	uint8_t *in;
	size_t n;

	p.ttl = input_octet(&input);
	p.tos = input_octet(&input);
	n = input.left;
	in = input_take(&input, n);
	resend(l, in, n);
	reflect(l, in, n, &p);
	if (pkt_get_reply(l, in, n, &p)) {
		MUST(n < l->reply_min);
	} else {
		MUST(n >= l->reply_min);
	}
	free(in);
	return 0;
}
