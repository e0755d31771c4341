// SPDX-License-Identifier: BSD-2-Clause
/* What the service manager is told, and that one who does not read keeps nobody waiting. */
#include "daemon/server/notify.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define S TS_NS_PER_S
#define BLOCKED_S 20 /* for the alarm: what waits for the manager waits for ever */

static struct ev_loop *loop;
static struct notify *notify;
static int manager, filler;
static struct sockaddr_un name;
static socklen_t name_len;

static struct mono now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ (int64_t)t.tv_sec * S + t.tv_nsec };
}

/* A manager on a socket without a file. */
static void set_up(void)
{
	char text[64];

	snprintf(text, sizeof(text), "@twampd-test-notify-%d", (int)getpid());
	name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(name.sun_path + 1, text + 1, strlen(text) - 1);
	name_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text));
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&name, name_len), 0);
	setenv("NOTIFY_SOCKET", text, 1);
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_int_eq(notify_new(&notify, loop), 0);
	ck_assert(notify_is_on(notify));
	alarm(BLOCKED_S);
}

static void tear_down(void)
{
	notify_free(notify);
	ev_loop_destroy(loop);
	close(manager);
	close(filler);
	alarm(0);
}

/* Others of the system do the same: the manager's queue is full. */
static unsigned fill(void)
{
	unsigned n = 0;

	while (sendto(filler, "x", 1, 0, (struct sockaddr *)&name, name_len) == 1) {
		n++;
	}
	ck_assert_int_eq(errno, EAGAIN);
	return n;
}

/* The next text, but for those of others; "" = none. */
static const char *hear(void)
{
	static char text[1024];
	ssize_t n;

	do {
		n = recv(manager, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
	} while (!strcmp(text, "x"));
	return text;
}

static void expect(const char *text)
{
	ck_assert_str_eq(hear(), text);
}

/* Until what waits was sent; the loop goes on meanwhile. */
static void expect_soon(const char *text)
{
	const char *heard;

	while (!*(heard = hear())) {
		ev_run(loop, EVRUN_ONCE);
	}
	ck_assert_str_eq(heard, text);
}

START_TEST(says_at_once)
{
	notify_say(notify, "RELOADING=1\nMONOTONIC_USEC=%d", 7);
	notify_ready(notify, "fine", now());
	notify_alive(notify);
	expect("RELOADING=1\nMONOTONIC_USEC=7");
	expect("READY=1\nSTATUS=fine");
	expect("WATCHDOG=1");
	expect("");
}
END_TEST

/* Nothing waits for it, nothing that must arrive is lost, and the order stays. */
START_TEST(manager_that_does_not_read)
{
	ck_assert_uint_gt(fill(), 0);
	notify_say(notify, "RELOADING=1");
	notify_ready(notify, "new", now());
	notify_alive(notify);
	notify_alive(notify);
	notify_status(notify, "never seen", now());
	notify_say(notify, "STOPPING=1");
	expect("");
	expect_soon("WATCHDOG=1"); /* first, and once */
	expect_soon("RELOADING=1");
	expect_soon("READY=1\nSTATUS=new");
	expect_soon("STOPPING=1");
	ev_run(loop, EVRUN_NOWAIT);
	expect("");
}
END_TEST

/* For hours: what waits is bounded, and the last word counts. */
START_TEST(queue_is_bounded)
{
	(void)fill();
	for (int i = 0; i < 1000; i++) {
		notify_say(notify, "RELOADING=1");
		notify_ready(notify, i < 999 ? "old" : "new", now());
	}
	for (int i = 0; i < 3; i++) {
		expect_soon("RELOADING=1");
		expect_soon("READY=1\nSTATUS=old");
	}
	expect_soon("RELOADING=1");
	expect_soon("READY=1\nSTATUS=new");
	expect("");
}
END_TEST

/* When it changed, and every ten seconds at most. */
START_TEST(status_seldom)
{
	struct mono at = { now().ns - 1000 * S }; /* the past, in which all is due */

	notify_status(notify, "a", now());
	expect("STATUS=a");
	for (int i = 0; i < 9; i++) {
		notify_status(notify, i % 2 ? "b" : "c", at);
	}
	expect("");
	notify_status(notify, "d", (struct mono){ now().ns + 9 * S });
	expect("");
	notify_free(notify);

	/* the same text for hours */
	ck_assert_int_eq(notify_new(&notify, loop), 0);
	notify_status(notify, "a", now());
	expect("STATUS=a");
	for (int i = 0; i < 3600; i++) {
		notify_status(notify, "a", (struct mono){ now().ns + i * S });
	}
	expect("");
}
END_TEST

/* What a failed reload says stays for a while. */
START_TEST(status_of_ready_stays)
{
	notify_ready(notify, "reload failed", now());
	expect("READY=1\nSTATUS=reload failed");
	notify_status(notify, "1 connection", now());
	expect("");
	notify_say(notify, "RELOADING=1");
	expect("RELOADING=1");
	expect("");
}
END_TEST

/* Descriptors at the end: waited for, but not for ever. */
START_TEST(deliver_waits_a_little)
{
	int64_t begin = now().ns;

	ck_assert_int_eq(notify_deliver(notify, "FDSTORE=1", manager, (struct mono){ begin + S }),
			 0);
	(void)fill();
	ck_assert_int_eq(
		notify_deliver(notify, "FDSTORE=1", manager, (struct mono){ begin + S / 2 }),
		-EAGAIN);
	ck_assert_int_ge(now().ns - begin, S / 2);
	ck_assert_int_eq(notify_barrier(notify, (struct mono){ now().ns + S / 10 }), -EAGAIN);
	expect("FDSTORE=1");
	expect("");
	/* sent, and nobody answers */
	ck_assert_int_eq(notify_barrier(notify, (struct mono){ now().ns + S / 10 }), -ETIMEDOUT);
}
END_TEST

/* The descriptor came along, and the answer is that it is closed. */
START_TEST(barrier)
{
	pid_t child = fork();

	if (!child) {
		char octets[64], control[CMSG_SPACE(sizeof(int))];
		struct iovec v = { octets, sizeof(octets) };
		struct msghdr m = { .msg_iov = &v,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };
		struct pollfd p = { .fd = manager, .events = POLLIN };

		(void)poll(&p, 1, -1);
		_exit(recvmsg(manager, &m, MSG_CMSG_CLOEXEC) == 9 && m.msg_controllen ? 0 : 1);
	}
	ck_assert_int_eq(notify_barrier(notify, (struct mono){ now().ns + BLOCKED_S * S }), 0);
}
END_TEST

START_TEST(nobody_to_be_told)
{
	static const char *const names[] = { NULL, "", "@", "relative", "vsock:2:3" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		notify_free(notify);
		if (names[i]) {
			setenv("NOTIFY_SOCKET", names[i], 1);
		} else {
			unsetenv("NOTIFY_SOCKET");
		}
		ck_assert_int_eq(notify_new(&notify, loop), 0);
		ck_assert(!notify_is_on(notify));
		notify_say(notify, "READY=1");
		notify_ready(notify, "a", now());
		notify_status(notify, "b", now());
		notify_alive(notify);
		ck_assert_int_eq(notify_deliver(notify, "FDSTORE=1", 0, now()), -EOPNOTSUPP);
		ck_assert_int_eq(notify_barrier(notify, now()), -EOPNOTSUPP);
		expect("");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tc = tcase_create("notify");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, says_at_once);
	tcase_add_test(tc, manager_that_does_not_read);
	tcase_add_test(tc, queue_is_bounded);
	tcase_add_test(tc, status_seldom);
	tcase_add_test(tc, status_of_ready_stays);
	tcase_add_test(tc, deliver_waits_a_little);
	tcase_add_test(tc, barrier);
	tcase_add_test(tc, nobody_to_be_told);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
