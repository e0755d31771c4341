// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/admit.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S TS_NS_PER_S

static const struct policy policy = {
	.max_connections = 3,
	.max_connections_per_client = 2,
	.max_sessions = 4,
	.max_sessions_per_client = 3,
	.max_sessions_per_connection = 2,
};

static struct admit_total total;
static struct admit_class class;
static struct admit_client one, other;

static void reset(void)
{
	total = (struct admit_total){ .max_connections = policy.max_connections,
				      .max_sessions = policy.max_sessions };
	class = (struct admit_class){ 0 };
	admit_client_init(&one, (struct mono){ 0 });
	admit_client_init(&other, (struct mono){ 0 });
}

static enum accept_code code(enum reason r)
{
	return reason_info(r)->code;
}

/* R-009 R-120 R-123 */
START_TEST(connections)
{
	ck_assert_int_eq(admit_connection(&total, &class, &one, &policy), REASON_OK);
	ck_assert_int_eq(admit_connection(&total, &class, &one, &policy), REASON_OK);
	ck_assert_int_eq(admit_connection(&total, &class, &one, &policy),
			 REASON_MAX_CONNECTIONS_PER_CLIENT);
	ck_assert_int_eq(admit_connection(&total, &class, &other, &policy), REASON_OK);
	ck_assert_int_eq(admit_connection(&total, &class, &other, &policy), REASON_MAX_CONNECTIONS);
	ck_assert_uint_eq(total.connections, 3);
	ck_assert_uint_eq(one.connections, 2);
	ck_assert_uint_eq(other.connections, 1);
	ck_assert_int_eq(code(REASON_MAX_CONNECTIONS), ACCEPT_PERMANENT);
	ck_assert_int_eq(code(REASON_MAX_CONNECTIONS_PER_CLIENT), ACCEPT_PERMANENT);
	admit_connection_end(&total, &class, &one);
	ck_assert_int_eq(admit_connection(&total, &class, &other, &policy), REASON_OK);
	admit_connection_end(&total, &class, &one);
	admit_connection_end(&total, &class, &other);
	admit_connection_end(&total, &class, &other);
	ck_assert_uint_eq(total.connections, 0);
	ck_assert_uint_eq(one.connections, 0);
	ck_assert_uint_eq(other.connections, 0);
}
END_TEST

/* R-120 R-123 */
START_TEST(sessions)
{
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 0, true), REASON_OK);
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 1, true), REASON_OK);
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 2, true),
			 REASON_MAX_SESSIONS_PER_CONNECTION);
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 0, true), REASON_OK);
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 0, true),
			 REASON_MAX_SESSIONS_PER_CLIENT);
	ck_assert_int_eq(admit_session(&total, &class, &other, &policy, 0, true), REASON_OK);
	ck_assert_int_eq(admit_session(&total, &class, &other, &policy, 0, true),
			 REASON_MAX_SESSIONS);
	ck_assert_int_eq(code(REASON_MAX_SESSIONS), ACCEPT_PERMANENT);
	ck_assert_int_eq(code(REASON_MAX_SESSIONS_PER_CLIENT), ACCEPT_PERMANENT);
	ck_assert_int_eq(code(REASON_MAX_SESSIONS_PER_CONNECTION), ACCEPT_PERMANENT);
	ck_assert_uint_eq(total.sessions, 4);
	ck_assert_uint_eq(one.sessions, 3);
	ck_assert_uint_eq(other.sessions, 1);
	for (int i = 0; i < 3; i++) {
		admit_session_end(&total, &class, &one);
	}
	ck_assert_int_eq(admit_session(&total, &class, &other, &policy, 1, true), REASON_OK);
	admit_session_end(&total, &class, &other);
	admit_session_end(&total, &class, &other);
	ck_assert_uint_eq(total.sessions, 0);
	ck_assert_uint_eq(one.sessions, 0);
	ck_assert_uint_eq(other.sessions, 0);
}
END_TEST

/* A limit of zero admits nobody, and one below what is held ends nothing. R-120 */
START_TEST(limits_lowered)
{
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 0, true), REASON_OK);
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 1, true), REASON_OK);
	total.max_sessions = 1;
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 0, true),
			 REASON_MAX_SESSIONS);
	total.max_sessions = 0;
	ck_assert_int_eq(admit_session(&total, &class, &other, &policy, 0, true),
			 REASON_MAX_SESSIONS);
	ck_assert_uint_eq(total.sessions, 2);
}
END_TEST

static const struct {
	struct admit_total total;
	enum reason reason;
} loads[] = {
	{ { .draining = true }, REASON_DRAINING },
	{ { .memory_low = true }, REASON_MEMORY_LOW },
	{ { .descriptors_low = true }, REASON_DESCRIPTORS_LOW },
	{ { .cpu_load = true }, REASON_CPU_LOAD },
	{ { .net_buffers = true }, REASON_NET_BUFFERS },
};

/* R-121; counted is only what is admitted */
START_TEST(load)
{
	struct admit_total t = loads[_i].total;

	t.max_connections = policy.max_connections;
	t.max_sessions = policy.max_sessions;
	ck_assert_int_eq(admit_connection(&t, &class, &one, &policy), loads[_i].reason);
	ck_assert_int_eq(admit_session(&t, &class, &one, &policy, 0, true), loads[_i].reason);
	ck_assert_int_eq(code(loads[_i].reason), ACCEPT_TEMPORARY);
	ck_assert_uint_eq(t.connections + t.sessions + one.connections + one.sessions, 0);
	/* limits come before load, load before rate */
	t.sessions = policy.max_sessions;
	ck_assert_int_eq(admit_session(&t, &class, &one, &policy, 0, false), REASON_MAX_SESSIONS);
	t.sessions = 0;
	ck_assert_int_eq(admit_session(&t, &class, &one, &policy, 0, false), loads[_i].reason);
	t.connections = policy.max_connections;
	ck_assert_int_eq(admit_connection(&t, &class, &one, &policy), REASON_MAX_CONNECTIONS);
}
END_TEST

/* */
START_TEST(bucket)
{
	struct policy p = { .request_rate = 10, .request_burst = 5 };
	struct mono now = { 100 * S };

	admit_client_init(&one, now);
	for (int i = 0; i < 5; i++) {
		ck_assert(admit_request(&one, &p, now));
	}
	ck_assert(!admit_request(&one, &p, now));
	ck_assert(!admit_request(&one, &p, now));
	/* one token comes back after 1/rate, exactly, and refused requests took none */
	now.ns += S / 10 - 1;
	ck_assert(!admit_request(&one, &p, now));
	now.ns += 1;
	ck_assert(admit_request(&one, &p, now));
	ck_assert(!admit_request(&one, &p, now));
	/* it never holds more than the burst */
	now.ns += 3600 * S;
	for (int i = 0; i < 5; i++) {
		ck_assert(admit_request(&one, &p, now));
	}
	ck_assert(!admit_request(&one, &p, now));
	ck_assert_int_eq(code(REASON_RATE_LIMIT), ACCEPT_TEMPORARY);
}
END_TEST

/* In the long run it is the rate, however the requests come. */
START_TEST(bucket_rate)
{
	struct policy p = { .request_rate = 7, .request_burst = 3 };
	unsigned admitted = 0;

	for (int64_t ns = 0; ns < 100 * S; ns += S / 1000) {
		admitted += admit_request(&one, &p, (struct mono){ ns });
	}
	/* 100 s of 7/s and the burst that was there; up to one less by rounding of 1/rate */
	ck_assert_uint_ge(admitted, 700);
	ck_assert_uint_le(admitted, 703);
}
END_TEST

START_TEST(bucket_extremes)
{
	struct policy p = { .request_rate = 0, .request_burst = 0 };

	for (int i = 0; i < 1000; i++) {
		ck_assert(admit_request(&one, &p, (struct mono){ 1 }));
	}
	p.request_rate = 1; /* no burst: never */
	ck_assert(!admit_request(&one, &p, (struct mono){ 1000 * S }));
	p.request_burst = UINT32_MAX; /* may not overflow */
	ck_assert(admit_request(&one, &p, (struct mono){ 1000 * S }));
	p.request_rate = UINT32_MAX;
	ck_assert(admit_request(&other, &p, (struct mono){ 1000 * S }));
}
END_TEST

/* rate after the limits, and only sessions need it */
START_TEST(rate_is_last)
{
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 2, false),
			 REASON_MAX_SESSIONS_PER_CONNECTION);
	ck_assert_int_eq(admit_session(&total, &class, &one, &policy, 0, false), REASON_RATE_LIMIT);
	ck_assert_uint_eq(total.sessions + one.sessions, 0);
}
END_TEST

/* an entry is kept as long as it means something */
START_TEST(idle)
{
	struct policy p = policy;

	p.request_rate = 1;
	p.request_burst = 2;
	ck_assert(admit_client_idle(&one, (struct mono){ 0 }));
	ck_assert(admit_request(&one, &p, (struct mono){ 0 }));
	ck_assert(!admit_client_idle(&one, (struct mono){ S - 1 }));
	ck_assert(admit_client_idle(&one, (struct mono){ S }));
	ck_assert_int_eq(admit_connection(&total, &class, &one, &p), REASON_OK);
	ck_assert(!admit_client_idle(&one, (struct mono){ S }));
	ck_assert_int_eq(admit_session(&total, &class, &one, &p, 0, true), REASON_OK);
	admit_connection_end(&total, &class, &one);
	ck_assert(!admit_client_idle(&one, (struct mono){ S }));
	admit_session_end(&total, &class, &one);
	ck_assert(admit_client_idle(&one, (struct mono){ S }));
}
END_TEST

static void name_key(uint8_t id[static MSG_KEY_ID_LEN], int number)
{
	memset(id, 0, MSG_KEY_ID_LEN);
	snprintf((char *)id, MSG_KEY_ID_LEN, "probe-%d", number);
}

static enum reason ask(const struct policy *p, int number, int64_t at_s)
{
	uint8_t id[MSG_KEY_ID_LEN];

	name_key(id, number);
	return admit_authentication(&one, p, id, (struct mono){ at_s * S });
}

static void try_wrong(const struct policy *p, int number, int64_t at_s)
{
	uint8_t id[MSG_KEY_ID_LEN];

	name_key(id, number);
	admit_failed(&one, p, id, (struct mono){ at_s * S });
}

/* R-022 R-243: one probe with a bad key does not lock out the others behind its address */
START_TEST(failures_by_key)
{
	struct policy p = { .failure_rate = 3 };

	admit_client_init(&one, (struct mono){ 0 });
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ask(&p, 1, 0), REASON_OK);
		try_wrong(&p, 1, 0);
	}
	ck_assert_int_eq(ask(&p, 1, 0), REASON_AUTH_RATE);
	ck_assert_int_eq(ask(&p, 2, 0), REASON_OK);
	try_wrong(&p, 2, 0); /* and has a count of its own */
	ck_assert_int_eq(ask(&p, 2, 0), REASON_OK);
	ck_assert_int_eq(ask(&p, 1, 19), REASON_AUTH_RATE);
	ck_assert_int_eq(ask(&p, 1, 21), REASON_OK);
	ck_assert(!admit_client_idle(&one, (struct mono){ 59 * S }));
	ck_assert(admit_client_idle(&one, (struct mono){ 60 * S }));
	p.failure_rate = 0;
	try_wrong(&p, 1, 0);
	ck_assert_int_eq(ask(&p, 1, 0), REASON_OK);
}
END_TEST

/* R-022 R-123: whoever tries one KeyID after the other is stopped, and remembered in bounded room */
START_TEST(failures_of_many_keys)
{
	struct policy p = { .failure_rate = 3 };
	int let_in = 0;

	admit_client_init(&one, (struct mono){ 0 });
	for (int i = 0; i < 1000; i++) {
		if (ask(&p, i, 0) == REASON_OK) {
			try_wrong(&p, i, 0);
			let_in++;
		}
	}
	ck_assert_int_eq(let_in, ADMIT_KEY_IDS + 3);
	ck_assert_int_eq(ask(&p, 0, 0), REASON_OK); /* among the first: a count of its own */
	ck_assert_int_eq(ask(&p, 999, 0), REASON_AUTH_RATE);
	ck_assert_int_eq(ask(&p, 999, 61), REASON_OK);
	ck_assert(admit_client_idle(&one, (struct mono){ 61 * S }));
}
END_TEST

static const struct {
	int error;
	enum accept_code code;
} errors[] = {
	{ ENOMEM, ACCEPT_TEMPORARY },
	{ ENOBUFS, ACCEPT_TEMPORARY },
	{ EMFILE, ACCEPT_TEMPORARY },
	{ ENFILE, ACCEPT_TEMPORARY },
	{ EAGAIN, ACCEPT_TEMPORARY },
	{ EEXIST, ACCEPT_TEMPORARY },
	{ EADDRINUSE, ACCEPT_PERMANENT },
	{ EADDRNOTAVAIL, ACCEPT_UNSUPPORTED },
	{ EAFNOSUPPORT, ACCEPT_UNSUPPORTED },
	{ EPROTONOSUPPORT, ACCEPT_UNSUPPORTED },
	{ EOPNOTSUPP, ACCEPT_UNSUPPORTED },
	{ EMSGSIZE, ACCEPT_PERMANENT }, /* the packets are larger than the kernel buffers */
	{ EACCES, ACCEPT_PERMANENT }, /* of bind: the operator's range */
	{ EPERM, ACCEPT_PERMANENT },
	{ EINVAL, ACCEPT_UNSUPPORTED },
	{ ENETUNREACH, ACCEPT_UNSUPPORTED },
	{ EHOSTUNREACH, ACCEPT_UNSUPPORTED },
	{ ENETDOWN, ACCEPT_UNSUPPORTED },
	{ EDESTADDRREQ, ACCEPT_UNSUPPORTED },
	{ EIO, ACCEPT_INTERNAL },
	{ 4095, ACCEPT_INTERNAL },
};

/* R-122 R-106 R-089 R-094 */
START_TEST(errnos)
{
	ck_assert_int_eq(code(admit_errno(-errors[_i].error)), errors[_i].code);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *suite = suite_create("admit");
	TCase *tc = tcase_create("admit");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, reset, NULL);
	tcase_add_test(tc, connections);
	tcase_add_test(tc, sessions);
	tcase_add_test(tc, limits_lowered);
	tcase_add_loop_test(tc, load, 0, COUNT(loads));
	tcase_add_test(tc, bucket);
	tcase_add_test(tc, bucket_rate);
	tcase_add_test(tc, bucket_extremes);
	tcase_add_test(tc, rate_is_last);
	tcase_add_test(tc, idle);
	tcase_add_test(tc, failures_by_key);
	tcase_add_test(tc, failures_of_many_keys);
	tcase_add_loop_test(tc, errnos, 0, COUNT(errors));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
