// SPDX-License-Identifier: BSD-2-Clause
/* Both sides of TLVs at the Session-Sender: tlvsend.c and tlvread.c. */
#include "protocol/stamp.h"
#include "protocol/tlvread.h"
#include "protocol/tlvsend.h"
#include "tests/unit/protocol/tlvcase.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>

static struct vectors *tlv;

static void find_case(const char *name, struct tlvcase *c)
{
	for (size_t i = 0; i < tlvcase_count(tlv); i++) {
		tlvcase_read(tlv, i, c);
		if (strcmp(c->name, name) == 0) {
			return;
		}
	}
	ck_abort_msg("there is no %s", name);
}

#define TYPES_AT_ONCE \
	(TLV_BIT(TLV_LOCATION) | TLV_BIT(TLV_TIMESTAMP_INFORMATION) | \
	 TLV_BIT(TLV_CLASS_OF_SERVICE) | TLV_BIT(TLV_DIRECT_MEASUREMENT) | \
	 TLV_BIT(TLV_FOLLOW_UP_TELEMETRY) | TLV_BIT(TLV_HMAC))

/* S-240 S-245: the whole packet of a sender, octet for octet. */
START_TEST(all_at_once)
{
	struct tlvsend s = { .types = TYPES_AT_ONCE, .family = 4, .dscp = 46 };
	struct tlvsend_packet p = { .seq = 5, .tx_count = 6 };
	struct pkt_send header = { .seq = 5,
				   .ts = UINT64_C(0xeeae310040000000),
				   .error_estimate = 0x8d1a };
	uint8_t out[512] = { 0 };
	struct tlvcase c;

	find_case("all_at_once", &c);
	p.key = &c.key;
	ck_assert_uint_eq(STAMP_AUTH_LEN + tlvsend_octets(&s), c.request->n);
	pkt_put_send(stamp_auth_layout(), out, &header);
	stamp_auth_put_ssid(out, 0x1234);
	stamp_seal(&c.key, out);
	tlvsend_put(&s, &p, out + STAMP_AUTH_LEN);
	ck_assert_mem_eq(out, c.request->octets, c.request->n);
}
END_TEST

/* S-240 S-253: of each type, what the vectors of the reflector have as a request. */
START_TEST(one_by_one)
{
	static const struct {
		const char *name;
		struct tlvsend s;
	} rows[] = {
		{ "tlv.timestamp_info", { .types = TLV_BIT(TLV_TIMESTAMP_INFORMATION) } },
		{ "tlv.cos", { .types = TLV_BIT(TLV_CLASS_OF_SERVICE), .dscp = 46 } },
		{ "tlv.access_report",
		  { .types = TLV_BIT(TLV_ACCESS_REPORT), .access_id = 1, .access_code = 1 } },
		{ "dest_node.local",
		  { .types = TLV_BIT(TLV_DESTINATION_NODE_ADDRESS),
		    .node = { .family = 4, .ip = { 198, 51, 100, 11 } } } },
		{ "return_path.same_link",
		  { .types = TLV_BIT(TLV_RETURN_PATH), .path = TLVSEND_SAME_LINK } },
		{ "return_path.no_reply",
		  { .types = TLV_BIT(TLV_RETURN_PATH), .path = TLVSEND_NO_REPLY } },
		{ "return_path.address.denied",
		  { .types = TLV_BIT(TLV_RETURN_PATH),
		    .path = TLVSEND_ADDRESS,
		    .return_to = { .family = 4, .ip = { 203, 0, 113, 5 } } } },
		{ "micro.fill", { .types = TLV_BIT(TLV_MICRO_SESSION_ID), .micro_sender = 5 } },
	};
	struct tlvsend_packet p = { .seq = 5, .access_due = true };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[64];
		struct tlvcase c;

		find_case(rows[i].name, &c);
		ck_assert_uint_eq(STAMP_BASE_LEN + tlvsend_octets(&rows[i].s), c.request->n);
		tlvsend_put(&rows[i].s, &p, out);
		ck_assert_msg(!memcmp(out, c.request->octets + STAMP_BASE_LEN,
				      c.request->n - STAMP_BASE_LEN),
			      "%s", rows[i].name);
	}
}
END_TEST

/* S-242: several of them, behind the HMAC. S-249: in the place of a report that is not due. */
START_TEST(padding)
{
	static const uint8_t want[] = { 0x80, 1, 0, 4, 0x10, 1,	   0, 0, 0x80,
					1,    0, 2, 9, 9,    0x80, 1, 0, 0 };
	struct tlvsend s = { .types = TLV_BIT(TLV_ACCESS_REPORT),
			     .access_id = 1,
			     .access_code = 1,
			     .paddings = 2,
			     .padding = { 2, 0 } };
	struct tlvsend_packet p = { .access_due = false };
	uint8_t out[sizeof(want)];

	ck_assert_uint_eq(tlvsend_octets(&s), sizeof(want));
	memset(out, 9, sizeof(out));
	tlvsend_put(&s, &p, out);
	ck_assert_mem_eq(out, want, sizeof(want));
}
END_TEST

static void read_reply(const struct tlvcase *c, struct tlvread *r)
{
	size_t base = c->auth ? STAMP_AUTH_LEN : STAMP_BASE_LEN;
	struct tlvread_proof proof = { .key = c->facts.keys[0],
				       .needed = c->auth,
				       .seq = c->facts.own_seq };

	tlvread(c->reply->octets + base, c->reply->n - base, &proof, r);
}

/* S-247 S-248: each answer of the vectors is believed, or not used if it says that. */
START_TEST(answers_are_read)
{
	struct tlvread r;
	struct tlvcase c;

	tlvcase_read(tlv, (size_t)_i, &c);
	if (!c.reply || c.policy.off) {
		return;
	}
	if (!c.facts.keys[0] && c.reply->n > STAMP_BASE_LEN + 9 &&
	    c.reply->octets[STAMP_BASE_LEN + 9] == TLV_HMAC) {
		return; /* it says I all the same */
	}
	read_reply(&c, &r);
	ck_assert_msg(!r.hmac_wrong, "%s", c.name);
	ck_assert_msg(!r.refused || !(r.known | r.unknown | r.malformed), "%s", c.name);
	ck_assert_msg(!(r.known & r.malformed), "%s", c.name);
}
END_TEST

/* What they say. S-250..S-254 */
START_TEST(values)
{
	struct tlvread r;
	struct tlvcase c;
	char text[ADDRESS_TEXT_LEN];

	find_case("all_at_once", &c);
	read_reply(&c, &r);
	ck_assert_uint_eq(r.known, TYPES_AT_ONCE);
	ck_assert_uint_eq(r.unknown | r.malformed, 0);
	ck_assert_uint_eq(r.location.to_port, 862);
	ck_assert_uint_eq(r.location.from_port, 40000);
	ck_assert_str_eq(address_host_text(&r.location.to, text, sizeof(text)), "198.51.100.10");
	ck_assert_str_eq(address_host_text(&r.location.from, text, sizeof(text)), "192.0.2.7");
	ck_assert_uint_eq(r.timestamp.sync_in, 1);
	ck_assert_uint_eq(r.timestamp.method_out, 2);
	ck_assert_uint_eq(r.service.dscp, 46);
	ck_assert(!r.service.refused);
	ck_assert_uint_eq(r.direct.sent, 6);
	ck_assert_uint_eq(r.direct.received, 4);
	ck_assert_uint_eq(r.direct.replied, 4);
	ck_assert_uint_eq(r.follow_up.seq, 2);
	ck_assert_uint_eq(r.follow_up.ts, UINT64_C(0xeeae30ff50004000));
	ck_assert_uint_eq(r.follow_up.method, 2);
	find_case("tlv.location.ipv6", &c);
	read_reply(&c, &r);
	ck_assert_str_eq(address_host_text(&r.location.from, text, sizeof(text)), "2001:db8::7");
	find_case("tlv.location.policy", &c);
	read_reply(&c, &r);
	ck_assert_uint_eq(r.location.from.family, 0);
	find_case("tlv.cos.not_permitted", &c);
	read_reply(&c, &r);
	ck_assert(r.service.refused);
	ck_assert_uint_eq(r.service.dscp, 10);
	ck_assert_uint_eq(r.service.ecn, 2);
	find_case("micro.fill", &c);
	read_reply(&c, &r);
	ck_assert_uint_eq(r.micro.sender, 5);
	ck_assert_uint_eq(r.micro.reflector, 77);
	find_case("tlv.access_report", &c);
	read_reply(&c, &r);
	ck_assert_uint_eq(r.access.id, 1);
	ck_assert_uint_eq(r.access.code, 1);
}
END_TEST

/* S-247 S-248: any change of what the HMAC covers, and another number, and none is used. */
START_TEST(damage_is_seen)
{
	struct tlvread_proof proof = { .needed = true };
	uint8_t octets[512];
	struct tlvread r;
	struct tlvcase c;
	size_t n;

	find_case("all_at_once", &c);
	n = c.reply->n - STAMP_AUTH_LEN;
	proof.key = &c.key;
	proof.seq = c.facts.own_seq;
	for (size_t bit = 0; bit < 8 * n; bit++) {
		memcpy(octets, c.reply->octets + STAMP_AUTH_LEN, n);
		octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		tlvread(octets, n, &proof, &r);
		/* the flags of the HMAC TLV itself are not covered */
		if (bit / 8 != n - 20) {
			ck_assert_msg(r.hmac_wrong || r.refused, "bit %zu", bit);
			ck_assert_uint_eq(r.known, 0);
		}
	}
	proof.seq = c.facts.sender_seq;
	tlvread(c.reply->octets + STAMP_AUTH_LEN, n, &proof, &r);
	ck_assert(r.hmac_wrong);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tlvsend");
	TCase *tc = tcase_create("tlvsend");
	SRunner *runner;
	int failed;

	tlv = vectors_load("tlv.hex");
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, all_at_once);
	tcase_add_test(tc, one_by_one);
	tcase_add_test(tc, padding);
	tcase_add_loop_test(tc, answers_are_read, 0, (int)tlvcase_count(tlv));
	tcase_add_test(tc, values);
	tcase_add_test(tc, damage_is_seen);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	vectors_free(tlv);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
