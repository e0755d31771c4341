// SPDX-License-Identifier: BSD-2-Clause
/* Sessions that share a thread: one is flooded, and its neighbour must not notice much. */
#include "tests/unit/reflector/rig.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROBES 200
#define PROBE_LEN 60
#define FLOOD_LEN 60
#define FLOOD_RUN 64

static struct reflector *r;
static struct ev_loop *loop;
static _Atomic bool enough;

static void on_ended(void *context, void *owner, enum udp_end why, const struct counters_values *c)
{
}

static void set_up(void)
{
	struct reflector_config config = { .threads = 1, .ended = on_ended };

	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_int_eq(reflector_new(&r, loop, &config), 0);
}

static void tear_down(void)
{
	reflector_free(r);
	ev_loop_destroy(loop);
}

static struct udp_session *start(uint16_t from, uint16_t *port)
{
	static const struct crypt_keys none;
	static const uint8_t sid[MSG_SID_LEN];
	struct session_spec spec = rig_spec(4, from);
	struct udp_session *u = NULL;

	ck_assert_int_eq(udp_open(r, &spec, 42000, 48999, NULL, &u, port), 0);
	ck_assert_int_eq(udp_start(u, &none, sid), 0);
	return u;
}

/* More than any thread can answer: 64 packets a system call. Nobody reads the replies. */
static void *flood(void *arg)
{
	const int *fd = arg;
	uint8_t packets[FLOOD_RUN * FLOOD_LEN] = { 0 };
	uint16_t each = FLOOD_LEN;
	union {
		uint8_t octets[CMSG_SPACE(sizeof(each))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { packets, sizeof(packets) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.octets,
			    .msg_controllen = sizeof(control.octets) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(each));
	memcpy(CMSG_DATA(c), &each, sizeof(each));
	while (!enough) {
		(void)!sendmsg(*fd, &m, 0);
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Every probe is answered, however the neighbour is flooded: with unbounded work per event the
 * first one already would wait for ever. */
START_TEST(neighbour_of_a_flood)
{
	static struct rig_reply reply;
	uint16_t from[2] = { 0, 0 }, port[2];
	int fd[2] = { rig_sender(4, &from[0]), rig_sender(4, &from[1]) };
	struct udp_session *flooded = start(from[0], &port[0]);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int64_t dwell[PROBES];
	pthread_t thread;
	uint64_t answered;

	start(from[1], &port[1]);
	to.sin_port = htons(port[0]);
	ck_assert_int_eq(connect(fd[0], (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, flood, &fd[0]), 0);
	while (rig_count(flooded, COUNTER_REFLECTED) < 10000) {
		rig_sleep_ms(1);
	}
	answered = rig_count(flooded, COUNTER_REFLECTED);
	for (uint32_t i = 0; i < PROBES; i++) {
		uint8_t packet[PROBE_LEN];

		rig_fill(packet, sizeof(packet), i, 1);
		rig_send(fd[1], 4, port[1], packet, sizeof(packet));
		rig_receive(fd[1], &reply, RIG_WAIT_MS);
		ck_assert_int_eq(reply.len, PROBE_LEN);
		ck_assert_uint_eq(rig_get32(reply.octets), i);
		dwell[i] = rig_ntp_ns(reply.octets + 4) - rig_ntp_ns(reply.octets + 16);
		ck_assert_int_ge(dwell[i], 0);
		rig_sleep_ms(1);
	}
	answered = rig_count(flooded, COUNTER_REFLECTED) - answered;
	ck_assert_uint_gt(answered, PROBES); /* and the flood went on */
	enough = true;
	pthread_join(thread, NULL);
	qsort(dwell, PROBES, sizeof(dwell[0]), compare);
	printf("beside %lu packets of a flood, dwell p50 %ld us, p99 %ld us\n",
	       (unsigned long)answered, (long)(dwell[PROBES / 2] / 1000),
	       (long)(dwell[PROBES * 99 / 100] / 1000));
	close(fd[0]);
	close(fd[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fairness");
	TCase *t = tcase_create("fairness");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 240);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, neighbour_of_a_flood);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
