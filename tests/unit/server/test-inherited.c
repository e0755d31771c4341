// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a service manager passes, and what the process before left with it. Each case is a process of
 * its own, as the descriptors begin at 3.
 */
#include "daemon/reflector/udpsock.h"
#include "daemon/server/inherited.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIGH 100 /* sockets are made there, and passed from 3 on */
#define HOLDS(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: %s does not hold (%s)\n", __FILE__, __LINE__, \
				#what, why); \
			_exit(1); \
		} \
	} while (0)

static struct inherited p;
static char why[200];
static int next_fd;
static char names[500];

static int high(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);

	close(fd);
	return up;
}

/* Bound to loopback, or to nothing. */
static int make(int family, int type, bool bound)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = high(socket(family, type, 0));

	if (bound) {
		HOLDS(!(family == AF_INET ? bind(fd, (struct sockaddr *)&a4, sizeof(a4))
					  : bind(fd, (struct sockaddr *)&a6, sizeof(a6))));
	}
	return fd;
}

static int listening(int family)
{
	int fd = make(family, SOCK_STREAM, true);

	HOLDS(!listen(fd, 5));
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);

	HOLDS(!getsockname(fd, (struct sockaddr *)&a, &len));
	return ntohs(a.sin6_port);
}

static void pass(int fd, const char *name)
{
	HOLDS(dup2(fd, next_fd) == next_fd);
	next_fd++;
	snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", names[0] ? ":" : "",
		 name);
}

static int take(void)
{
	char text[20];

	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof(text), "%d", next_fd - 3);
	setenv("LISTEN_FDS", text, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	return inherited_take(&p, why, sizeof(why));
}

static void in_child(void (*f)(int), int i)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		next_fd = 3;
		f(i);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static int udp_of_both(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	int fd = make(AF_INET6, SOCK_DGRAM, false);

	HOLDS(!bind(fd, (struct sockaddr *)&any, sizeof(any)));
	return fd;
}

static int connected(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = make(AF_INET, SOCK_DGRAM, true);

	HOLDS(!connect(fd, (struct sockaddr *)&to, sizeof(to)));
	return fd;
}

#define FAULTS 8

/* What cannot be used is named, with what is wrong. */
static void refuse(int i)
{
	static const char *const expected[FAULTS] = {
		"its name is unknown",	     "it is not a socket of IPv4 or IPv6",
		"it is not a TCP socket",    "it does not listen",
		"it is not a UDP socket",    "it is not bound to a port",
		"it is connected to a peer", "it serves both families",
	};
	bool light = i >= 4;
	int fd = i == 0	  ? listening(AF_INET)
		 : i == 1 ? high(open("/dev/null", O_RDWR))
		 : i == 2 ? make(AF_INET, SOCK_DGRAM, true)
		 : i == 3 ? make(AF_INET, SOCK_STREAM, true)
		 : i == 4 ? listening(AF_INET)
		 : i == 5 ? make(AF_INET, SOCK_DGRAM, false)
		 : i == 6 ? connected()
			  : udp_of_both();

	pass(fd, i == 0 ? "telnet" : light ? INHERITED_LIGHT : INHERITED_CONTROL);
	HOLDS(take() < 0);
	HOLDS(strstr(why, expected[i]) && strstr(why, "descriptor 3"));
}

/* Those without a name of their own are what their type says. */
static void accept_all(int i)
{
	(void)i;
	pass(listening(AF_INET), INHERITED_CONTROL);
	pass(make(AF_INET6, SOCK_DGRAM, true), "twampd-light.socket");
	pass(listening(AF_INET6), "unknown");
	pass(make(AF_INET, SOCK_DGRAM, true), INHERITED_LIGHT);
	HOLDS(!take());
	HOLDS(p.n_control == 2 && p.control[0] == 3 && p.control[1] == 5);
	HOLDS(p.n_light == 2 && p.light[0] == 4 && p.light[1] == 6);
	HOLDS(fcntl(3, F_GETFL) & O_NONBLOCK && p.state < 0 && !p.any_left && !p.n_left);
	HOLDS(inherited_listener(&p) < 0);
	inherited_free(&p);
	inherited_free(&p);
}

static void put(int to, char kind, int fd)
{
	struct iovec octet = { &kind, 1 };
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int))];
	} control = { .octets = { 0 } };
	struct msghdr m = { .msg_iov = &octet,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	HOLDS(sendmsg(to, &m, 0) == 1);
}

/* found by cookie or address, each once, and again after a start that failed */
static void take_over(int i)
{
	int ends[2], session = make(AF_INET, SOCK_DGRAM, true),
		     shared = make(AF_INET, SOCK_DGRAM, true);
	int door = listening(AF_INET);
	uint64_t cookie = sock_cookie(session);
	struct address at = { .family = 4, .ip = { 127, 0, 0, 1 }, .port = port_of(shared) };
	struct address elsewhere = { .family = 4, .ip = { 127, 0, 0, 2 }, .port = at.port };
	int fd;

	HOLDS(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	put(ends[0], INHERITED_LOT_COOKIE, session);
	put(ends[0], INHERITED_LOT_ADDRESS, shared);
	put(ends[0], INHERITED_LOT_ADDRESS, door);
	close(ends[0]);
	ends[1] = high(ends[1]);
	if (i) { /* the manager listens on this one again */
		pass(door, INHERITED_CONTROL);
	}
	pass(ends[1], INHERITED_SOCKETS);
	pass(high(open("/dev/null", O_RDONLY)), INHERITED_STATE);
	HOLDS(!take());
	HOLDS(p.any_left && p.n_left == 3 && p.state == next_fd - 1);
	HOLDS(inherited_socket(&p, 0) < 0 && inherited_socket(&p, cookie + 1000000) < 0);
	HOLDS(inherited_socket(&p, sock_cookie(shared)) < 0); /* that is no session's */
	fd = inherited_socket(&p, cookie);
	HOLDS(fd >= 0 && sock_cookie(fd) == cookie);
	HOLDS(inherited_udp(&p, &elsewhere, 0) == -EEXIST);
	fd = inherited_udp(&p, &at, 0);
	HOLDS(fd >= 0 && sock_cookie(fd) == sock_cookie(shared));
	HOLDS(inherited_udp(&p, &at, 0) == -1);
	fd = inherited_listener(&p);
	HOLDS(i ? fd == -1 : sock_cookie(fd) == sock_cookie(door));
	HOLDS(inherited_listener(&p) == -1);
	inherited_again(&p);
	HOLDS(inherited_udp(&p, &at, 0) >= 0 && (inherited_listener(&p) >= 0) == !i);
	inherited_free(&p);
	/* what is in the store stays there, whole */
	HOLDS(recv(ends[1], why, 1, MSG_DONTWAIT) == 1 && why[0] == INHERITED_LOT_COOKIE);
}

/* Who knocks is sent away, once; nobody is nobody. */
static void turn_away(int i)
{
	int door = listening(AF_INET), caller;
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port_of(door)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)i;
	pass(door, INHERITED_CONTROL);
	HOLDS(!inherited_turn_away(1));
	caller = make(AF_INET, SOCK_STREAM, false);
	HOLDS(!connect(caller, (struct sockaddr *)&to, sizeof(to)));
	HOLDS(inherited_turn_away(1));
	HOLDS(recv(caller, why, 1, 0) == 0);
	HOLDS(!inherited_turn_away(1));
}

START_TEST(unusable)
{
	in_child(refuse, _i);
}
END_TEST

START_TEST(usable)
{
	in_child(accept_all, 0);
}
END_TEST

START_TEST(left)
{
	in_child(take_over, _i);
}
END_TEST

START_TEST(knocking)
{
	in_child(turn_away, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("passed");
	TCase *t = tcase_create("passed");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, unusable, 0, FAULTS);
	tcase_add_test(t, usable);
	tcase_add_loop_test(t, left, 0, 2);
	tcase_add_test(t, knocking);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
