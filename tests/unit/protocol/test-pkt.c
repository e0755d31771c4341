// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/pkt.h"

#include "tests/unit/protocol/seed.h"
#include "tests/unit/protocol/test-pkt.h"

#include <check.h>
#include <stdlib.h>

#define ROUNDS 2000

static struct seed seed;
static struct vectors *test, *cipher, *stamp;

static const uint32_t securities[] = { MODE_UNAUTHENTICATED, MODE_AUTHENTICATED, MODE_ENCRYPTED,
				       MODE_MIXED };

static void pad(uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		at[i] = (uint8_t)(0xa0 + i);
	}
}

/* The table of RFC 5357 4.2.1, RFC 6038 5.1.4 and RFC 7750 2.2. */
START_TEST(layouts)
{
	for (size_t s = 0; s < 4; s++) {
		bool keyed = s == 1 || s == 2;

		for (uint32_t features = 0; features < 0x400; features += 0x10) {
			const struct pkt_layout *l = pkt_layout(securities[s] | features);
			bool sym = features & MODE_SYMMETRICAL_SIZE;
			bool tos = features & MODE_DSCP_ECN;

			ck_assert_uint_eq(l->send_min, keyed ? 48 : 14);
			ck_assert_uint_eq(l->reply_min, keyed ? 112 : tos ? 44 : 41);
			ck_assert_uint_eq(l->send_padding, !sym	   ? l->send_min
							   : keyed ? 112
							   : tos   ? 42
								   : 41);
			ck_assert_uint_eq(l->ts, keyed ? 16 : 4);
			ck_assert_uint_eq(l->ee, keyed ? 24 : 12);
			ck_assert_uint_eq(l->rx_ts, keyed ? 32 : 16);
			ck_assert_uint_eq(l->sender_seq, keyed ? 48 : 24);
			ck_assert_uint_eq(l->sender_ts, keyed ? 64 : 28);
			ck_assert_uint_eq(l->sender_ee, keyed ? 72 : 36);
			ck_assert_uint_eq(l->ttl, keyed ? 80 : 40);
			ck_assert_uint_eq(l->tos, !tos ? 0 : keyed ? 81 : 41);
			/* What keeps the copy of the padding inside the packet. */
			ck_assert_uint_le(l->send_padding, l->reply_min);
		}
	}
}
END_TEST

/* The mixed mode ciphers only the control connection: clear packets. C-055 */
START_TEST(mixed_is_clear)
{
	ck_assert_ptr_eq(pkt_layout(MODE_MIXED), pkt_layout(MODE_UNAUTHENTICATED));
	ck_assert_ptr_eq(pkt_layout(MODE_AUTHENTICATED), pkt_layout(MODE_ENCRYPTED));
	ck_assert_ptr_ne(pkt_layout(MODE_MIXED), pkt_layout(MODE_ENCRYPTED));
}
END_TEST

static void assert_send(const char *name, uint32_t modes, const uint8_t *padding, size_t n)
{
	const struct pkt_layout *l = pkt_layout(modes);
	const struct vector *wire = vectors_get(test, name);
	const struct pkt_send p = sender_fields(test);
	struct pkt_send back;
	uint8_t out[256];

	memset(out, GUARD, sizeof(out));
	if (n > 0) {
		memcpy(out + l->send_padding, padding, n);
	}
	ck_assert_uint_eq(pkt_send_len(l, n), wire->n);
	pkt_put_send(l, out, &p);
	ck_assert_mem_eq(out, wire->octets, wire->n);
	ck_assert_uint_eq(out[wire->n], GUARD);
	ck_assert_int_eq(pkt_get_send(l, out, wire->n, &back), 0);
	ck_assert_uint_eq(back.seq, p.seq);
	ck_assert_uint_eq(back.ts, p.ts);
	ck_assert_uint_eq(back.error_estimate, p.error_estimate);
}

/* T-007 */
START_TEST(sender_vectors)
{
	uint8_t padding[64], reflect[64] = { 0xca, 0xfe };

	pad(padding, sizeof(padding));
	pad(reflect + 2, sizeof(reflect) - 2);
	assert_send("test.unauth.sender.pad0", MODE_UNAUTHENTICATED, padding, 0);
	assert_send("test.unauth.sender.pad10", MODE_UNAUTHENTICATED, padding, 10);
	assert_send("test.unauth.sender.pad27", MODE_UNAUTHENTICATED, padding, 27);
	assert_send("test.unauth.sender.pad40", MODE_MIXED, padding, 40);
	assert_send("test.unauth.sender.symmetrical.pad16",
		    MODE_UNAUTHENTICATED | MODE_SYMMETRICAL_SIZE, padding, 16);
	assert_send("test.unauth.sender.reflect_octets.rlen10_pad64",
		    MODE_UNAUTHENTICATED | MODE_REFLECT_OCTETS, reflect, 64);
}
END_TEST

static void assert_fields(const struct pkt_reply *a, const struct pkt_reply *b, bool tos)
{
	ck_assert_uint_eq(a->seq, b->seq);
	ck_assert_uint_eq(a->ts, b->ts);
	ck_assert_uint_eq(a->error_estimate, b->error_estimate);
	ck_assert_uint_eq(a->rx_ts, b->rx_ts);
	ck_assert_uint_eq(a->sender.seq, b->sender.seq);
	ck_assert_uint_eq(a->sender.ts, b->sender.ts);
	ck_assert_uint_eq(a->sender.error_estimate, b->sender.error_estimate);
	ck_assert_uint_eq(a->ttl, b->ttl);
	ck_assert_uint_eq(a->tos, tos ? b->tos : 0);
}

static void assert_reply(const char *sent, const char *replied, uint32_t modes)
{
	const struct pkt_layout *l = pkt_layout(modes);
	const struct vector *in = vectors_get(test, sent);
	const struct vector *wire = vectors_get(test, replied);
	const struct pkt_reply p = reply_fields(test);
	struct pkt_reply back;
	uint8_t out[256];

	memset(out, GUARD, sizeof(out));
	ck_assert_uint_eq(pkt_reply_len(l, in->n), wire->n);
	ck_assert_int_eq(pkt_put_reply(l, in->octets, in->n, out, &p), 0);
	pkt_put_reply_ts(l, out, p.ts);
	ck_assert_mem_eq(out, wire->octets, wire->n);
	ck_assert_uint_eq(out[wire->n], GUARD);
	ck_assert_int_eq(pkt_get_reply(l, out, wire->n, &back), 0);
	assert_fields(&back, &p, l->tos);
}

/* T-013 T-014 T-021 T-022 T-023 T-043 R-214 */
START_TEST(reflector_vectors)
{
	assert_reply("test.unauth.sender.pad0", "test.unauth.reflector.pad0_in", 1);
	assert_reply("test.unauth.sender.pad10", "test.unauth.reflector.pad10_in", 1);
	assert_reply("test.unauth.sender.pad27", "test.unauth.reflector.pad27_in", 1);
	assert_reply("test.unauth.sender.pad40", "test.unauth.reflector.pad40_in", MODE_MIXED);
	assert_reply("test.unauth.sender.pad40", "test.unauth.reflector.rfc7750.sender_pad40",
		     MODE_UNAUTHENTICATED | MODE_DSCP_ECN);
	assert_reply("test.unauth.sender.symmetrical.pad16",
		     "test.unauth.reflector.symmetrical.pad16",
		     MODE_UNAUTHENTICATED | MODE_SYMMETRICAL_SIZE);
	assert_reply("test.unauth.sender.reflect_octets.rlen10_pad64",
		     "test.unauth.reflector.reflect_octets.rlen10_pad64",
		     MODE_UNAUTHENTICATED | MODE_REFLECT_OCTETS);
}
END_TEST

/* The plaintext of ciphered packets: HMACs are not ours to fill in. T-003 T-010 T-011 */
START_TEST(keyed_packets)
{
	const struct pkt_layout *l = pkt_layout(MODE_ENCRYPTED);
	const struct pkt_layout *dscp = pkt_layout(MODE_AUTHENTICATED | MODE_DSCP_ECN);
	const uint8_t *reply = vectors_octets(test, "test.reflector.plain_first96", 96);
	const uint8_t *wire = vectors_octets(cipher, "test.enc.reflector.wire.sender_pad80", 128);
	const struct pkt_send s = sender_fields(test);
	const struct pkt_reply p = reply_fields(test);
	uint8_t in[128], out[129], zeros[16] = { 0 };
	struct pkt_reply back;

	memset(in, GUARD, sizeof(in));
	memset(out, GUARD, sizeof(out));
	pad(in + 48, 80);
	pkt_put_send(l, in, &s);
	ck_assert_mem_eq(in, vectors_octets(test, "test.sender.plain_first32", 32), 32);
	ck_assert_mem_eq(in + 32, zeros, 16);
	memcpy(in + 32, vectors_octets(cipher, "test.enc.sender.hmac", 16), 16);
	/* HMAC and padding are clear on the wire. */
	ck_assert_mem_eq(in + 32, vectors_octets(cipher, "test.enc.sender.wire.pad64", 112) + 32,
			 80);

	ck_assert_uint_eq(pkt_reply_len(l, 128), 128);
	ck_assert_int_eq(pkt_put_reply(l, in, 128, out, &p), 0);
	pkt_put_reply_ts(l, out, p.ts);
	ck_assert_mem_eq(out, reply, 96);
	ck_assert_mem_eq(out + 96, zeros, 16);
	ck_assert_mem_eq(out + 112, wire + 112, 16);
	ck_assert_uint_eq(out[128], GUARD);
	ck_assert_int_eq(pkt_get_reply(l, out, 128, &back), 0);
	assert_fields(&back, &p, false);

	ck_assert_int_eq(pkt_put_reply(dscp, in, 112, out, &p), 0);
	pkt_put_reply_ts(dscp, out, p.ts);
	ck_assert_uint_eq(out[81], p.tos);
	out[81] = 0;
	ck_assert_mem_eq(out, reply, 96);
}
END_TEST

/* In the authenticated mode everything from 16 on is clear. T-001 T-010 */
START_TEST(authenticated_packets_from_16_on)
{
	const struct pkt_layout *l = pkt_layout(MODE_AUTHENTICATED);
	const struct vector *sent = vectors_get(cipher, "test.auth.sender.wire.pad64");
	const struct vector *replied = vectors_get(cipher, "test.auth.reflector.wire.sender_pad64");
	const struct pkt_reply p = reply_fields(test);
	struct pkt_send s;
	struct pkt_reply r;

	ck_assert_uint_eq(pkt_reply_len(l, sent->n), replied->n);
	ck_assert_int_eq(pkt_get_send(l, sent->octets, sent->n, &s), 0);
	ck_assert_uint_eq(s.ts, p.sender.ts);
	ck_assert_uint_eq(s.error_estimate, p.sender.error_estimate);
	ck_assert_int_eq(pkt_get_reply(l, replied->octets, replied->n, &r), 0);
	r.seq = p.seq;
	assert_fields(&r, &p, false);
}
END_TEST

/* The STAMP base has the fields of the clear layout, the SSID in its MBZ octets. */
START_TEST(stamp_base)
{
	const struct pkt_layout *l = pkt_layout(MODE_UNAUTHENTICATED);
	const struct vector *sent = vectors_get(stamp, "stamp.unauth.sender.base44");
	const struct vector *replied = vectors_get(stamp, "stamp.unauth.reflector.base44");
	const struct pkt_reply p = reply_fields(test);
	struct pkt_send s;
	struct pkt_reply r;

	ck_assert_int_eq(pkt_get_send(l, sent->octets, sent->n, &s), 0);
	ck_assert_uint_eq(s.seq, p.sender.seq);
	ck_assert_uint_eq(s.ts, p.sender.ts);
	ck_assert_uint_eq(s.error_estimate, p.sender.error_estimate);
	ck_assert_int_eq(pkt_get_reply(l, replied->octets, replied->n, &r), 0);
	assert_fields(&r, &p, false);
}
END_TEST

/*
 * Every length in every mode, in buffers of just that length: short ones fail and touch
 * nothing, the others give max(n, Hr) octets with the sender's padding. T-020 T-021 T-022
 * T-025 T-026 T-043
 */
static void assert_length(const struct pkt_layout *l, size_t n)
{
	size_t length = pkt_reply_len(l, n);
	uint8_t *in = malloc(n + 1), *out = malloc(length + 1);
	const struct pkt_reply p = { .seq = 1, .ttl = 2, .tos = 3 };
	struct pkt_send s = { .seq = 99 };
	struct pkt_reply back;

	ck_assert(in && out);
	seed_fill(&seed, in, n);
	memset(out, GUARD, length + 1);
	if (n < l->send_min) {
		ck_assert_int_eq(pkt_get_send(l, in, n, &s), PKT_SHORT);
		ck_assert_uint_eq(s.seq, 99);
		ck_assert_int_eq(pkt_put_reply(l, in, n, out, &p), PKT_SHORT);
		ck_assert_uint_eq(out[0], GUARD);
		ck_assert_mem_eq(out, out + 1, length);
	} else {
		size_t copied = length - l->reply_min;

		ck_assert_uint_eq(length, n > l->reply_min ? n : l->reply_min);
		ck_assert_int_eq(pkt_get_send(l, in, n, &s), 0);
		ck_assert_int_eq(pkt_put_reply(l, in, n, out, &p), 0);
		ck_assert_uint_eq(out[length], GUARD);
		ck_assert_uint_le(l->send_padding + copied,
				  n > l->send_padding ? n : l->send_padding);
		ck_assert_mem_eq(out + l->reply_min, in + l->send_padding, copied);
		ck_assert_int_eq(pkt_get_reply(l, out, length, &back), 0);
		ck_assert_mem_eq(out + l->sender_seq, in, 4);
		ck_assert_uint_eq(back.sender.seq, s.seq);
		ck_assert_uint_eq(back.sender.ts, s.ts);
		ck_assert_uint_eq(back.sender.error_estimate, s.error_estimate);
		ck_assert_uint_eq(back.ts, 0);
		ck_assert_uint_eq(back.ttl, 2);
		ck_assert_uint_eq(back.tos, l->tos ? 3 : 0);
	}
	free(in);
	free(out);
}

START_TEST(every_length)
{
	for (size_t s = 0; s < 4; s++) {
		for (unsigned f = 0; f < 4; f++) {
			uint32_t features = (f & 1 ? MODE_SYMMETRICAL_SIZE : 0) |
					    (f & 2 ? MODE_DSCP_ECN : 0);
			const struct pkt_layout *l = pkt_layout(securities[s] | features);

			for (size_t n = 0; n < 300; n++) {
				assert_length(l, n);
			}
			assert_length(l, PKT_MAX_PAYLOAD_V4);
			assert_length(l, PKT_MAX_PAYLOAD_V6);
		}
	}
}
END_TEST

START_TEST(short_replies)
{
	for (size_t s = 0; s < 2; s++) {
		const struct pkt_layout *l = pkt_layout(securities[s]);

		for (size_t n = 0; n < l->reply_min; n++) {
			uint8_t *in = calloc(1, n + 1);
			struct pkt_reply p = { .seq = 99 };

			ck_assert_ptr_nonnull(in);
			ck_assert_int_eq(pkt_get_reply(l, in, n, &p), PKT_SHORT);
			ck_assert_uint_eq(p.seq, 99);
			free(in);
		}
	}
}
END_TEST

/* Octets of a reply that hold a field or padding. */
static void mark_fields(const struct pkt_layout *l, bool *mark)
{
	memset(mark, true, 4);
	memset(mark + l->ts, true, 8);
	memset(mark + l->ee, true, 2);
	memset(mark + l->rx_ts, true, 8);
	memset(mark + l->sender_seq, true, 4);
	memset(mark + l->sender_ts, true, 8);
	memset(mark + l->sender_ee, true, 2);
	mark[l->ttl] = true;
	if (l->tos) {
		mark[l->tos] = true;
	}
}

/* Random packets: fields come back, Must Be Zero octets are zero, no stale octet leaks. C-002 */
START_TEST(replies_round_trip)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t modes = securities[round % 4] | (uint32_t)(seed_next(&seed) & 0x370);
		const struct pkt_layout *l = pkt_layout(modes);
		uint8_t in[256], out[256];
		size_t n = l->send_min + (size_t)(seed_next(&seed) % 128);
		bool field[112] = { false };
		struct pkt_reply p, back;
		size_t stale = 0;

		seed_fill(&seed, &p, sizeof(p));
		seed_fill(&seed, in, sizeof(in));
		memset(out, GUARD, sizeof(out));
		pkt_put_send(l, in, &p.sender);
		ck_assert_int_eq(pkt_put_reply(l, in, n, out, &p), 0);
		pkt_put_reply_ts(l, out, p.ts);
		ck_assert_int_eq(pkt_get_reply(l, out, pkt_reply_len(l, n), &back), 0);
		assert_fields(&back, &p, l->tos);
		mark_fields(l, field);
		for (size_t i = 0; i < l->reply_min; i++) {
			stale += !field[i] && out[i] != 0;
		}
		ck_assert_uint_eq(stale, 0);
	}
}
END_TEST

/* The sender's header is zero where it has no field, up to its padding. C-002 */
START_TEST(sends_are_zero_between_fields)
{
	const struct pkt_send p = { .seq = UINT32_MAX,
				    .ts = UINT64_MAX,
				    .error_estimate = UINT16_MAX };

	for (size_t s = 0; s < 4; s++) {
		for (unsigned f = 0; f < 4; f++) {
			uint32_t features = (f & 1 ? MODE_SYMMETRICAL_SIZE : 0) |
					    (f & 2 ? MODE_DSCP_ECN : 0);
			const struct pkt_layout *l = pkt_layout(securities[s] | features);
			uint8_t out[128];
			size_t zeros = 0;

			memset(out, GUARD, sizeof(out));
			pkt_put_send(l, out, &p);
			for (size_t i = 0; i < l->send_padding; i++) {
				zeros += out[i] == 0;
			}
			ck_assert_uint_eq(zeros, l->send_padding - 14u);
			ck_assert_uint_eq(out[l->send_padding], GUARD);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pkt");
	TCase *tc = tcase_create("pkt");
	SRunner *runner;
	int failed;

	seed = seed_start();
	test = vectors_load("test.hex");
	cipher = vectors_load("test-cipher.hex");
	stamp = vectors_load("stamp.hex");
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, layouts);
	tcase_add_test(tc, mixed_is_clear);
	tcase_add_test(tc, sender_vectors);
	tcase_add_test(tc, reflector_vectors);
	tcase_add_test(tc, keyed_packets);
	tcase_add_test(tc, authenticated_packets_from_16_on);
	tcase_add_test(tc, stamp_base);
	tcase_add_test(tc, every_length);
	tcase_add_test(tc, short_replies);
	tcase_add_test(tc, replies_round_trip);
	tcase_add_test(tc, sends_are_zero_between_fields);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	vectors_free(test);
	vectors_free(cipher);
	vectors_free(stamp);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
