// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/stamp.h"

#include "protocol/reflection.h"
#include "tests/unit/protocol/seed.h"
#include "tests/unit/protocol/test-pkt.h"

#include <check.h>
#include <stdlib.h>

#define ROUNDS 100000

static struct seed seed;
static struct vectors *test, *stamp;

/* What the vectors were computed from. */
#define SSID 0x1234

/* The reply with the T2 and T3 of the vectors, which are finer than nanoseconds; between guards. */
static void reflect(const uint8_t *in, size_t n, uint8_t *out)
{
	const struct reflection_rules rules = reflection_light(true, false);
	struct pkt_reply p = reply_fields(test);
	struct reflection_facts facts = {
		.seq = p.seq, .error_estimate = p.error_estimate, .ttl = p.ttl, .tos = p.tos
	};
	struct wire_out t2 = wire_out(out + stamp_layout()->rx_ts, sizeof(p.rx_ts));
	size_t len = pkt_reply_len(stamp_layout(), n);

	out[len] = GUARD;
	ck_assert_uint_eq(reflection_build(&rules, in, n, out, &facts), len);
	wire_put64(&t2, p.rx_ts);
	pkt_put_reply_ts(stamp_layout(), out, p.ts);
	ck_assert_uint_eq(out[len], GUARD);
}

/* RFC 8762 4.2.1; RFC 8972 3 */
START_TEST(sender_packet)
{
	const uint8_t *want = vectors_octets(stamp, "stamp.unauth.sender.base44", STAMP_BASE_LEN);
	struct pkt_send fields = sender_fields(test), read;
	uint8_t out[STAMP_BASE_LEN + 1];

	memset(out, GUARD, sizeof(out));
	ck_assert_uint_eq(pkt_send_len(stamp_layout(), 0), STAMP_BASE_LEN);
	pkt_put_send(stamp_layout(), out, &fields);
	stamp_put_ssid(out, SSID);
	ck_assert_mem_eq(out, want, STAMP_BASE_LEN);
	ck_assert_uint_eq(out[STAMP_BASE_LEN], GUARD);
	ck_assert_int_eq(pkt_get_send(stamp_layout(), want, STAMP_BASE_LEN, &read), 0);
	ck_assert_uint_eq(read.seq, fields.seq);
	ck_assert_uint_eq(read.ts, fields.ts);
	ck_assert_uint_eq(read.error_estimate, fields.error_estimate);
	ck_assert_uint_eq(stamp_get_ssid(want, STAMP_BASE_LEN), SSID);
}
END_TEST

/* T-085 */
START_TEST(base_reply)
{
	const uint8_t *in = vectors_octets(stamp, "stamp.unauth.sender.base44", STAMP_BASE_LEN);
	const uint8_t *want = vectors_octets(stamp, "stamp.unauth.reflector.base44",
					     STAMP_BASE_LEN);
	struct pkt_reply fields = reply_fields(test), read;
	uint8_t out[STAMP_BASE_LEN + 1];

	reflect(in, STAMP_BASE_LEN, out);
	ck_assert_mem_eq(out, want, STAMP_BASE_LEN);
	ck_assert_int_eq(pkt_get_reply(stamp_layout(), want, STAMP_BASE_LEN, &read), 0);
	ck_assert_uint_eq(read.seq, fields.seq);
	ck_assert_uint_eq(read.rx_ts, fields.rx_ts);
	ck_assert_uint_eq(read.sender.seq, fields.sender.seq);
	ck_assert_uint_eq(read.ttl, fields.ttl);
	ck_assert_uint_eq(stamp_get_ssid(want, STAMP_BASE_LEN), SSID);
}
END_TEST

/* T-092 T-083: the base packet of a reply, and the TLVs as they came. */
START_TEST(tlvs_are_copied)
{
	const struct vector *in = vectors_get(stamp, "stamp.unauth.sender.tlvs_cos_hmac_pad");
	const struct vector *base = vectors_get(stamp, "stamp.unauth.reflector.base44");
	uint8_t out[256];

	ck_assert_uint_gt(in->n, STAMP_BASE_LEN);
	reflect(in->octets, in->n, out);
	ck_assert_mem_eq(out, base->octets, STAMP_BASE_LEN);
	ck_assert_mem_eq(out + STAMP_BASE_LEN, in->octets + STAMP_BASE_LEN, in->n - STAMP_BASE_LEN);
}
END_TEST

/* T-083 Q-31: a TWAMP Light sender gets the base packet, and its padding is no SSID. */
START_TEST(short_packets)
{
	uint8_t in[STAMP_BASE_LEN], out[STAMP_BASE_LEN + 1];
	struct pkt_send fields = sender_fields(test);
	const struct reflection_rules rules = reflection_light(true, false);
	const struct reflection_facts facts = { .seq = 1 };

	memset(in, 0xa5, sizeof(in));
	pkt_put_send(pkt_layout(MODE_UNAUTHENTICATED), in, &fields);
	for (size_t n = 0; n < 14; n++) {
		ck_assert_int_eq(reflection_check(&rules, in, n), REFLECTION_SHORT);
		ck_assert_uint_eq(reflection_build(&rules, in, n, out, &facts), 0);
	}
	for (size_t n = 14; n < STAMP_BASE_LEN; n++) {
		struct pkt_reply read;

		reflect(in, n, out);
		ck_assert_int_eq(pkt_get_reply(stamp_layout(), out, STAMP_BASE_LEN, &read), 0);
		ck_assert_uint_eq(read.sender.seq, fields.seq);
		ck_assert_uint_eq(read.sender.ts, fields.ts);
		ck_assert_uint_eq(out[14] | out[15] | out[38] | out[39], 0);
		ck_assert_uint_eq(out[41] | out[42] | out[43], 0);
	}
	ck_assert_uint_eq(stamp_get_ssid(in, STAMP_BASE_LEN - 1), 0);
	ck_assert_uint_eq(stamp_get_ssid(in, STAMP_BASE_LEN), 0xa5a5);
}
END_TEST

/* As the sender of the vector has it at the end of its TLVs. */
START_TEST(extra_padding)
{
	const struct vector *v = vectors_get(stamp, "stamp.unauth.sender.tlvs_cos_hmac_pad");
	uint8_t out[12];

	for (uint8_t i = 0; i < sizeof(out); i++) {
		out[i] = (uint8_t)(0xa0 + i - STAMP_TLV_HEADER_LEN);
	}
	stamp_put_extra_padding(out, sizeof(out));
	ck_assert_mem_eq(out + 1, v->octets + v->n - sizeof(out) + 1, sizeof(out) - 1);
	ck_assert_uint_eq(out[0], 0x80);
}
END_TEST

/* No loops between reflectors: replies of every layout without keys, from now and from 1970. */
START_TEST(replies_are_known)
{
	const struct pkt_layout *layouts[] = { pkt_layout(MODE_UNAUTHENTICATED),
					       pkt_layout(MODE_UNAUTHENTICATED | MODE_DSCP_ECN),
					       stamp_layout() };
	static const int64_t dwells_ns[] = { 0, 1, 1000, 999999999, 3900000000 };
	static const int64_t starts_ns[] = { 1, INT64_C(2085978496) * TS_NS_PER_S - 1,
					     INT64_C(1800000000999999999) };
	uint8_t in[64] = { 0 }, out[64];

	for (size_t i = 0; i < 2 * 3 * 5 * 3; i++) {
		const struct pkt_layout *l = layouts[i % 3];
		struct wall t2 = { starts_ns[i / 3 % 3] }, t3 = t2;
		enum ts_format format = i / 45 ? TS_PTP : TS_NTP;
		struct pkt_reply p = { .seq = 9, .rx_ts = ts_encode(format, t2), .ttl = 255 };

		t3.ns += dwells_ns[i / 9 % 5];
		ck_assert_int_eq(pkt_put_reply(l, in, sizeof(in), out, &p), 0);
		pkt_put_reply_ts(l, out, ts_encode(format, t3));
		ck_assert(stamp_is_reply(out, sizeof(out)));
		ck_assert(stamp_is_reply(out, 41));
		ck_assert(!stamp_is_reply(out, 39));
	}
}
END_TEST

/* ... and what senders send is not taken for one: zeros, random padding, vectors. */
START_TEST(senders_are_not_replies)
{
	const struct vector *v = vectors_get(stamp, "stamp.unauth.sender.tlvs_cos_hmac_pad");
	struct pkt_send fields = sender_fields(test);
	uint8_t in[64] = { 0 };

	ck_assert(!stamp_is_reply(v->octets, v->n));
	ck_assert(!stamp_is_reply(in, sizeof(in)));
	pkt_put_send(stamp_layout(), in, &fields);
	ck_assert(!stamp_is_reply(in, sizeof(in)));
	for (int i = 0; i < ROUNDS; i++) {
		for (size_t at = 14; at < 48; at += 8) {
			uint64_t octets = seed_next(&seed);

			memcpy(in + at, &octets, sizeof(octets));
		}
		ck_assert(!stamp_is_reply(in, 48));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stamp");
	TCase *tc = tcase_create("stamp");
	SRunner *runner;
	int failed;

	seed = seed_start();
	test = vectors_load("test.hex");
	stamp = vectors_load("stamp.hex");
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, sender_packet);
	tcase_add_test(tc, base_reply);
	tcase_add_test(tc, tlvs_are_copied);
	tcase_add_test(tc, short_packets);
	tcase_add_test(tc, extra_padding);
	tcase_add_test(tc, replies_are_known);
	tcase_add_test(tc, senders_are_not_replies);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	vectors_free(test);
	vectors_free(stamp);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
