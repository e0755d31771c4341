// SPDX-License-Identifier: BSD-2-Clause
/* Who looks on is told of each packet and each reply: a run over loopback, to a reflector here. */
#include "client/measure/measure.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKETS 20
#define SESSIONS 3

static struct {
	int fd;
	uint16_t port;
	pthread_t thread;
	atomic_bool over;
} reflector;

static struct {
	unsigned sent[SESSIONS], replies[SESSIONS];
	bool left[SESSIONS][PACKETS], answered[SESSIONS][PACKETS];
	char note[64];
} seen;

static void *reflect(void *unused)
{
	const struct pkt_layout *l = pkt_layout(MODE_UNAUTHENTICATED);
	uint32_t seq = 0;

	while (!reflector.over) {
		struct pollfd p = { .fd = reflector.fd, .events = POLLIN };
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		uint8_t in[1500], out[1500];
		struct pkt_reply r = { .error_estimate = TS_EE_SYNC | 1, .ttl = 255 };
		ssize_t n;

		(void)poll(&p, 1, 10);
		n = recvfrom(reflector.fd, in, sizeof(in), MSG_DONTWAIT, (void *)&from, &len);
		if (n < 0 || pkt_get_send(l, in, (size_t)n, &r.sender)) {
			continue;
		}
		r.seq = seq++;
		r.rx_ts = r.sender.ts;
		if (!pkt_put_reply(l, in, (size_t)n, out, &r)) {
			pkt_put_reply_ts(l, out, r.rx_ts);
			(void)!sendto(reflector.fd, out, l->reply_min, 0, (void *)&from, len);
		}
	}
	return NULL;
}

static void start(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	memset(&seen, 0, sizeof(seen));
	reflector.over = false;
	reflector.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(reflector.fd, (void *)&at, len), 0);
	ck_assert_int_eq(getsockname(reflector.fd, (void *)&at, &len), 0);
	reflector.port = ntohs(at.sin_port);
	ck_assert_int_eq(pthread_create(&reflector.thread, NULL, reflect, NULL), 0);
}

static void stop(void)
{
	reflector.over = true;
	pthread_join(reflector.thread, NULL);
	close(reflector.fd);
}

static struct plan make_plan(void)
{
	struct plan p = { .port = reflector.port,
			  .family = AF_INET,
			  .count = PACKETS,
			  .interval_ns = 100000,
			  .ttl = 255,
			  .timeout_ns = 60 * TS_NS_PER_S,
			  .sessions = SESSIONS,
			  .catch_up = true };

	strcpy(p.host, "127.0.0.1");
	return p;
}

static void on_sent(void *data, uint32_t session, uint64_t index, struct clock_pair t1)
{
	ck_assert_ptr_eq(data, &seen);
	ck_assert_uint_lt(session, SESSIONS);
	ck_assert_uint_eq(index, seen.sent[session]);
	ck_assert_int_gt(t1.wall.ns, 0);
	seen.left[session][index] = true;
	seen.sent[session]++;
}

static void on_reply(void *data, uint32_t session, const struct series_reading *r, bool late)
{
	ck_assert_ptr_eq(data, &seen);
	ck_assert_uint_lt(session, SESSIONS);
	ck_assert_uint_lt(r->index, PACKETS);
	ck_assert(seen.left[session][r->index] && !seen.answered[session][r->index]);
	ck_assert(r->known[SERIES_ROUND_TRIP] && r->delay_ns[SERIES_ROUND_TRIP] >= 0);
	ck_assert(!late);
	seen.answered[session][r->index] = true;
	seen.replies[session]++;
}

static void on_note(void *data, const char *text)
{
	ck_assert_ptr_eq(data, &seen);
	(void)snprintf(seen.note, sizeof(seen.note), "%s", text);
}

START_TEST(each_packet_and_each_reply)
{
	const struct watcher watcher = { .data = &seen, .sent = on_sent, .reply = on_reply };
	struct plan plan = make_plan();
	struct measure m;

	measure_init(&m, &plan, &watcher);
	measure_light(&m);
	ck_assert_msg(m.outcome.kind == OUTCOME_OK, "%s", m.outcome.text);
	for (unsigned i = 0; i < SESSIONS; i++) {
		ck_assert_uint_eq(seen.sent[i], PACKETS);
		ck_assert_uint_eq(seen.replies[i], PACKETS);
	}
	ck_assert_uint_eq(m.summary.answered, SESSIONS * PACKETS);
	measure_wipe(&m);
}
END_TEST

START_TEST(a_call_that_is_not_there_is_not_made)
{
	const struct watcher nothing = { .data = &seen };
	const struct watcher notes = { .data = &seen, .note = on_note };
	struct plan plan = make_plan();
	struct measure m;

	measure_init(&m, &plan, &nothing);
	measure_light(&m);
	measure_note(&m, "to nobody");
	ck_assert_msg(m.outcome.kind == OUTCOME_OK, "%s", m.outcome.text);
	measure_wipe(&m);
	measure_init(&m, &plan, &notes);
	measure_note(&m, "retry %d", 1);
	ck_assert_str_eq(seen.note, "retry 1");
	measure_wipe(&m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watcher");
	TCase *cases = tcase_create("watcher");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(cases, start, stop);
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, each_packet_and_each_reply);
	tcase_add_test(cases, a_call_that_is_not_there_is_not_made);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
