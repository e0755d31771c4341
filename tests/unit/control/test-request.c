// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/request.h"

#include "tests/unit/control/talk.h"

#include <stdlib.h>
#include <string.h>

static const struct policy policy = {
	.max_padding = 9000, .max_timeout_s = 900, .refwait_s = 7, .dscp_allowed = UINT64_MAX
};

/* Whose connection it is. */
enum link {
	V4, /* as the vectors have it */
	V6,
	HOME4,
	HOME6, /* of this host with itself */
	LOCAL, /* both ends link-local on interface 3 */
};

static const struct address ends[][2] = {
	[V4] = { { .family = 4, .port = 862, .ip = { 192, 0, 2, 10 } },
		 { .family = 4, .port = 33333, .ip = { 198, 51, 100, 7 } } },
	[V6] = { { .family = 6, .port = 862, .ip = { 0x20, 1, 0xd, 0xb8, [15] = 0x10 } },
		 { .family = 6, .port = 33333, .ip = { 0x20, 1, 0xd, 0xb8, [15] = 0x07 } } },
	[HOME4] = { { .family = 4, .port = 862, .ip = { 192, 0, 2, 10 } },
		    { .family = 4, .port = 33333, .ip = { 192, 0, 2, 10 } } },
	[HOME6] = { { .family = 6, .port = 862, .ip = { [15] = 1 } },
		    { .family = 6, .port = 33333, .ip = { [15] = 1 } } },
	[LOCAL] = { { .family = 6, .port = 862, .scope = 3, .ip = { 0xfe, 0x80, [15] = 0x10 } },
		    { .family = 6, .port = 33333, .scope = 3, .ip = { 0xfe, 0x80, [15] = 0x07 } } },
};

struct patch {
	size_t at;
	const char *hex; /* NULL: no more */
};

/* One fault each in a request that is fine otherwise, or several: then the first counts. */
struct row {
	const char *request;
	enum link link;
	uint32_t modes;
	struct patch patch[4];
	enum reason reason;
	uint64_t value;
};

#define R4 "$req.v4.plain_unauth", V4, 1
#define R6 "$req.v6.plain_unauth", V6, 1
#define R0 "$req.zero_addr.plain_unauth", V4, 1
#define INSIDE4 "$req.v4.plain_unauth", HOME4, 1
#define INSIDE6 "$req.v6.plain_unauth", HOME6, 1
#define IPVN 1
#define CONF_SENDER 2
#define CONF_RECEIVER 3
#define SLOTS 4
#define PACKETS 8
#define SENDER_PORT 12
#define RECEIVER_PORT 14
#define SENDER 16
#define RECEIVER 32
#define SID 48
#define PADDING 64
#define START 68
#define TIMEOUT 76
#define TYPE_P 84
#define MBZ 88
#define HMAC 96

static const struct row rows[] = {
	{ R4, { { 0 } }, REASON_OK, 0 },
	{ R6, { { 0 } }, REASON_OK, 0 },
	{ R0, { { 0 } }, REASON_OK, 0 },
	/* */
	{ R4, { { CONF_SENDER, "01" } }, REASON_CONF_FIELDS, 1 },
	{ R4, { { CONF_SENDER, "ff" } }, REASON_CONF_FIELDS, 255 },
	{ R4, { { CONF_RECEIVER, "01" } }, REASON_CONF_FIELDS, 1 },
	{ R4, { { CONF_RECEIVER, "ff" } }, REASON_CONF_FIELDS, 255 },
	/* */
	{ R4, { { SLOTS, "00000001" } }, REASON_SCHEDULE_FIELDS, 1 },
	{ R4, { { SLOTS, "80000000" } }, REASON_SCHEDULE_FIELDS, UINT32_C(0x80000000) },
	{ R4, { { PACKETS, "00000005" } }, REASON_OK, 0 },
	{ R4, { { PACKETS, "ffffffff" } }, REASON_OK, 0 },
	/* */
	{ R4, { { IPVN, "00" } }, REASON_IP_VERSION, 0 },
	{ R4, { { IPVN, "05" } }, REASON_IP_VERSION, 5 },
	{ R4, { { IPVN, "0f" } }, REASON_IP_VERSION, 15 },
	{ R4, { { IPVN, "40" } }, REASON_IP_VERSION, 0 },
	{ R4, { { IPVN, "f4" } }, REASON_OK, 0 },
	{ R6, { { IPVN, "f6" } }, REASON_OK, 0 },
	/* R-085 R-071: SID, MBZ and HMAC, and the rest of an IPv4 address */
	{ R4, { { SID, "ff*16" }, { MBZ, "ff*8" }, { HMAC, "ff*16" } }, REASON_OK, 0 },
	{ R4, { { SENDER + 4, "ff*12" }, { RECEIVER + 4, "ff*12" } }, REASON_OK, 0 },
	{ R0, { { SENDER + 4, "ff*12" }, { RECEIVER + 4, "ff*12" } }, REASON_OK, 0 },
	/* */
	{ "$req.zero_addr.plain_unauth",
	  V6,
	  1,
	  { { 0 } },
	  REASON_OK,
	  0 }, /* that of the connection */
	{ "$req.zero_addr.plain_unauth",
	  V6,
	  1,
	  { { PADDING, "0000ffe9" } },
	  REASON_MAX_PADDING,
	  65513 },
	{ R0, { { IPVN, "06" } }, REASON_FAMILY_MISMATCH, 0 },
	{ "$req.v4.plain_unauth", V6, 1, { { RECEIVER, "00*16" } }, REASON_FAMILY_MISMATCH, 0 },
	{ "$req.v4.plain_unauth", V6, 1, { { SENDER, "00*16" } }, REASON_FAMILY_MISMATCH, 0 },
	/* */
	{ R4, { { SENDER, "c6336401" } }, REASON_POLICY_ADDRESS, 0 },
	{ R6, { { SENDER + 15, "08" } }, REASON_POLICY_ADDRESS, 0 },
	{ "$req.v4.plain_unauth", V6, 1, { { 0 } }, REASON_POLICY_ADDRESS, 0 },
	/* whether a Receiver Address is ours is seen when it is bound; these never are */
	{ R4, { { RECEIVER, "e0000001" } }, REASON_ADDRESS_NOT_LOCAL, 0 },
	{ R4, { { RECEIVER, "ffffffff" } }, REASON_ADDRESS_NOT_LOCAL, 0 },
	{ R4, { { RECEIVER, "c6336401" } }, REASON_OK, 0 },
	/* R-089 R-090: loopback from outside, and IPv4-mapped */
	{ R4, { { RECEIVER, "7f000001" } }, REASON_ADDRESS_NOT_LOCAL, 0 },
	{ R4, { { RECEIVER, "7fffff05" } }, REASON_ADDRESS_NOT_LOCAL, 0 },
	{ R6, { { RECEIVER, "00*15 01" } }, REASON_ADDRESS_NOT_LOCAL, 0 },
	{ R6, { { RECEIVER, "00*10 ffff c000020a" } }, REASON_ADDRESS_NOT_LOCAL, 0 },
	{ R4, { { SENDER, "7f000001" } }, REASON_SENDER_ADDRESS, 0 },
	{ R6, { { SENDER, "00*15 01" } }, REASON_SENDER_ADDRESS, 0 },
	{ R6, { { SENDER, "00*10 ffff c6336407" } }, REASON_SENDER_ADDRESS, 0 },
	{ INSIDE4, { { SENDER, "00*4" }, { RECEIVER, "7f000001" } }, REASON_OK, 0 },
	{ INSIDE4, { { SENDER, "00*4" }, { RECEIVER, "7f000005" } }, REASON_OK, 0 },
	{ INSIDE6, { { SENDER, "00*16" }, { RECEIVER, "00*15 01" } }, REASON_OK, 0 },
	/* */
	{ R4, { { SENDER, "e0000001" } }, REASON_SENDER_ADDRESS, 0 },
	{ R4, { { SENDER, "ffffffff" } }, REASON_SENDER_ADDRESS, 0 },
	{ R4, { { SENDER, "00000001" } }, REASON_SENDER_ADDRESS, 0 },
	{ R6, { { SENDER, "ff02" } }, REASON_SENDER_ADDRESS, 0 },
	/* */
	{ R6, { { SENDER, "fe80" } }, REASON_LINK_LOCAL_SCOPE, 0 },
	{ R6, { { RECEIVER, "fe80" } }, REASON_LINK_LOCAL_SCOPE, 0 },
	{ "$req.v6.plain_unauth",
	  LOCAL,
	  1,
	  { { SENDER, "fe80 00*13 07" }, { RECEIVER, "fe80 00*13 10" } },
	  REASON_OK,
	  0 },
	{ "$req.v6.plain_unauth",
	  LOCAL,
	  1,
	  { { SENDER, "00*16" }, { RECEIVER, "00*16" } },
	  REASON_OK,
	  0 },
	/* */
	{ R4, { { SENDER_PORT, "0000" } }, REASON_SENDER_PORT, 0 },
	{ R4, { { RECEIVER_PORT, "0000" } }, REASON_OK, 0 }, /* */
	/* */
	{ R4, { { TYPE_P, "00000000" } }, REASON_OK, 0 },
	{ R4, { { TYPE_P, "$typep.dscp_63" } }, REASON_OK, 0 },
	{ R4, { { TYPE_P, "$typep.bad.phb_id" } }, REASON_TYPE_P, UINT32_C(0x40000000) },
	{ R4, { { TYPE_P, "$typep.bad.prefix_10" } }, REASON_TYPE_P, UINT32_C(0x80000000) },
	{ R4, { { TYPE_P, "$typep.bad.prefix_11" } }, REASON_TYPE_P, UINT32_C(0xc0000000) },
	{ R4, { { TYPE_P, "$typep.bad.low_bits" } }, REASON_TYPE_P, UINT32_C(0x2e000001) },
	/* 14 octets of header, 65507 or 65527 of payload; then the limit, 9000 */
	{ R4, { { PADDING, "00000000" } }, REASON_OK, 0 },
	{ R4, { { PADDING, "00002328" } }, REASON_OK, 0 },
	{ R4, { { PADDING, "00002329" } }, REASON_MAX_PADDING, 9001 },
	{ R4, { { PADDING, "0000ffd5" } }, REASON_MAX_PADDING, 65493 },
	{ R4, { { PADDING, "0000ffd6" } }, REASON_PADDING_TOO_LARGE, 65494 },
	{ R6, { { PADDING, "0000ffe9" } }, REASON_MAX_PADDING, 65513 },
	{ R6, { { PADDING, "0000ffea" } }, REASON_PADDING_TOO_LARGE, 65514 },
	{ R4, { { PADDING, "ffffffff" } }, REASON_PADDING_TOO_LARGE, UINT32_MAX },
	{ R4, { { PADDING, "fffffff2" } }, REASON_PADDING_TOO_LARGE, UINT32_C(0xfffffff2) },
	/* 0 and 900 s are allowed, more is not */
	{ R4, { { TIMEOUT, "00*8" } }, REASON_OK, 0 },
	{ R4, { { TIMEOUT, "0000038400000000" } }, REASON_OK, 0 },
	{ R4, { { TIMEOUT, "0000038400000100" } }, REASON_TIMEOUT_TOO_LARGE, 900 },
	{ R4, { { TIMEOUT, "ffffffffffffffff" } }, REASON_TIMEOUT_TOO_LARGE, UINT32_MAX },
	/* Start Time is not looked at */
	{ R4, { { START, "ff*8" } }, REASON_OK, 0 },
	/* 3 before 1 before 4 */
	{ R4, { { SENDER, "c6336401" }, { TYPE_P, "40" } }, REASON_TYPE_P, UINT32_C(0x40000000) },
	{ R4, { { SENDER, "c6336401" }, { PADDING, "00002329" } }, REASON_POLICY_ADDRESS, 0 },
	{ R4,
	  { { SENDER, "c6336401" }, { TIMEOUT, "ffffffff" } },
	  REASON_TIMEOUT_TOO_LARGE,
	  UINT32_MAX },
	{ R4,
	  { { SENDER, "c6336401" }, { PADDING, "ffffffff" } },
	  REASON_PADDING_TOO_LARGE,
	  UINT32_MAX },
	{ R4, { { SENDER, "c6336401" }, { SENDER_PORT, "0000" } }, REASON_SENDER_PORT, 0 },
	{ R4, { { SENDER, "c6336401" }, { CONF_SENDER, "01" } }, REASON_CONF_FIELDS, 1 },
	{ R4, { { SENDER, "c6336401" }, { SLOTS, "00000002" } }, REASON_SCHEDULE_FIELDS, 2 },
};

static void build(const struct row *row, uint8_t octets[static MSG_REQUEST_LEN])
{
	ck_assert_uint_eq(talk_hex(row->request, octets, MSG_REQUEST_LEN), MSG_REQUEST_LEN);
	for (int i = 0; i < 4 && row->patch[i].hex; i++) {
		talk_hex(row->patch[i].hex, octets + row->patch[i].at,
			 MSG_REQUEST_LEN - row->patch[i].at);
	}
}

static enum reason check(const struct row *row, struct session_spec *spec, uint64_t *value)
{
	const struct request_context x = { &ends[row->link][0], &ends[row->link][1], row->modes };
	uint8_t octets[MSG_REQUEST_LEN];
	struct msg_request m;

	build(row, octets);
	msg_get_request(octets, &m);
	return request_check(&x, &policy, &m, spec, value);
}

START_TEST(fault)
{
	struct session_spec spec;
	uint64_t value = 77;
	enum reason r = check(&rows[_i], &spec, &value);

	ck_assert_msg(r == rows[_i].reason, "row %d: %s", _i, reason_info(r)->key);
	ck_assert_msg(value == rows[_i].value, "row %d: value %llu", _i, (unsigned long long)value);
}
END_TEST

static const struct {
	enum reason reason;
	enum accept_code code;
} codes[] = {
	{ REASON_CONF_FIELDS, ACCEPT_UNSUPPORTED },
	{ REASON_SCHEDULE_FIELDS, ACCEPT_UNSUPPORTED },
	{ REASON_IP_VERSION, ACCEPT_UNSUPPORTED },
	{ REASON_FAMILY_MISMATCH, ACCEPT_UNSUPPORTED },
	{ REASON_POLICY_ADDRESS, ACCEPT_FAILURE },
	{ REASON_ADDRESS_NOT_LOCAL, ACCEPT_UNSUPPORTED },
	{ REASON_SENDER_ADDRESS, ACCEPT_UNSUPPORTED },
	{ REASON_LINK_LOCAL_SCOPE, ACCEPT_UNSUPPORTED },
	{ REASON_SENDER_PORT, ACCEPT_UNSUPPORTED },
	{ REASON_TYPE_P, ACCEPT_UNSUPPORTED },
	{ REASON_PADDING_TOO_LARGE, ACCEPT_UNSUPPORTED },
	{ REASON_TIMEOUT_TOO_LARGE, ACCEPT_UNSUPPORTED },
	{ REASON_MAX_PADDING, ACCEPT_PERMANENT },
};

/* R-076 R-082 R-083 R-084 R-088 R-095 R-097, the table of chapter 12 */
START_TEST(code)
{
	ck_assert_int_eq(reason_info(codes[_i].reason)->code, codes[_i].code);
}
END_TEST

static void check_address(const struct address *a, const struct address *host, uint16_t port)
{
	ck_assert(address_same_host(a, host));
	ck_assert_uint_eq(a->port, port);
}

/* R-093 R-097: everything that the reflector needs */
START_TEST(completed)
{
	const struct row row = { R4, { { 0 } }, REASON_OK, 0 };
	struct session_spec spec;
	uint64_t value;

	ck_assert_int_eq(check(&row, &spec, &value), REASON_OK);
	check_address(&spec.local, &ends[V4][0], 50000);
	check_address(&spec.remote, &ends[V4][1], 40000);
	ck_assert_uint_eq(spec.modes, 1);
	ck_assert_uint_eq(spec.dscp, 46);
	ck_assert_uint_eq(spec.padding, 64);
	ck_assert_int_eq(spec.timeout_ns, 5 * TS_NS_PER_S / 2);
	ck_assert_int_eq(spec.refwait_ns, 7 * TS_NS_PER_S);
}
END_TEST

/* each address on its own */
START_TEST(zero_is_own)
{
	struct row row = { R0, { { 0 } }, REASON_OK, 0 };
	struct session_spec spec;
	uint64_t value;

	ck_assert_int_eq(check(&row, &spec, &value), REASON_OK);
	check_address(&spec.local, &ends[V4][0], 862);
	check_address(&spec.remote, &ends[V4][1], 40000);
	row.patch[0] = (struct patch){ RECEIVER, "c000020b" };
	ck_assert_int_eq(check(&row, &spec, &value), REASON_OK);
	check_address(&spec.local, &(struct address){ .family = 4, .ip = { 192, 0, 2, 11 } }, 862);
	check_address(&spec.remote, &ends[V4][1], 40000);
	row.patch[0] = (struct patch){ SENDER, "c6336407" };
	ck_assert_int_eq(check(&row, &spec, &value), REASON_OK);
	check_address(&spec.local, &ends[V4][0], 862);
	check_address(&spec.remote, &ends[V4][1], 40000);
}
END_TEST

/* the scope is that of the connection, given or not */
START_TEST(scope_is_taken)
{
	struct row row = { "$req.v6.plain_unauth",
			   LOCAL,
			   1,
			   { { SENDER, "00*16" }, { RECEIVER, "fe80 00*13 11" } },
			   REASON_OK,
			   0 };
	struct session_spec spec;
	uint64_t value;

	ck_assert_int_eq(check(&row, &spec, &value), REASON_OK);
	check_address(&spec.remote, &ends[LOCAL][1], 40001);
	ck_assert_uint_eq(spec.local.scope, 3);
	ck_assert_uint_eq(spec.local.ip[15], 0x11);
	/* a global address has none */
	row.patch[1] = (struct patch){ RECEIVER, "20010db8 00*11 10" };
	ck_assert_int_eq(check(&row, &spec, &value), REASON_OK);
	ck_assert_uint_eq(spec.local.scope, 0);
}
END_TEST

/* header and padding of the layout that is selected must fit */
START_TEST(padding_of_layouts)
{
	static const struct {
		uint32_t modes;
		uint32_t largest;
	} layouts[] = {
		{ MODE_UNAUTHENTICATED, 65493 },
		{ MODE_UNAUTHENTICATED | MODE_SYMMETRICAL_SIZE, 65466 },
		{ MODE_UNAUTHENTICATED | MODE_SYMMETRICAL_SIZE | MODE_DSCP_ECN, 65465 },
		{ MODE_ENCRYPTED, 65459 },
		{ MODE_ENCRYPTED | MODE_SYMMETRICAL_SIZE, 65395 },
	};
	struct policy all = policy;

	all.max_padding = UINT32_MAX;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct request_context x = { &ends[V4][0], &ends[V4][1], layouts[i].modes };
		struct msg_request m = { .ipvn = 4,
					 .sender_port = 1,
					 .padding = layouts[i].largest };
		struct session_spec spec;
		uint64_t value;

		ck_assert_int_eq(request_check(&x, &all, &m, &spec, &value), REASON_OK);
		m.padding++;
		ck_assert_int_eq(request_check(&x, &all, &m, &spec, &value),
				 REASON_PADDING_TOO_LARGE);
	}
}
END_TEST

/* */
START_TEST(every_dscp)
{
	struct row row = { R4, { { 0 } }, REASON_OK, 0 };
	const struct request_context x = { &ends[V4][0], &ends[V4][1], 1 };
	uint8_t octets[MSG_REQUEST_LEN];
	struct session_spec spec;
	struct msg_request m;
	uint64_t value;

	build(&row, octets);
	for (unsigned first = 0; first < 256; first++) {
		enum reason expected = first < 64 ? REASON_OK : REASON_TYPE_P;

		octets[TYPE_P] = (uint8_t)first;
		msg_get_request(octets, &m);
		ck_assert_int_eq(request_check(&x, &policy, &m, &spec, &value), expected);
		if (expected == REASON_OK) {
			ck_assert_uint_eq(spec.dscp, first);
		}
	}
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *suite = suite_create("request");
	TCase *tc = tcase_create("request");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, fault, 0, COUNT(rows));
	tcase_add_loop_test(tc, code, 0, COUNT(codes));
	tcase_add_test(tc, completed);
	tcase_add_test(tc, zero_is_own);
	tcase_add_test(tc, scope_is_taken);
	tcase_add_test(tc, padding_of_layouts);
	tcase_add_test(tc, every_dscp);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
