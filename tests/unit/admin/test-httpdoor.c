// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/httpdoor.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct ev_loop *loop;
static struct httpdoor *door;
static unsigned entered;
static char folder[] = "/tmp/test-httpdoor-XXXXXX";
static char path[SETTINGS_SOCKET_LEN];

static void enter(void *context, int fd)
{
	ck_assert_ptr_eq(context, &entered);
	close(fd);
	entered++;
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/http", folder);
	entered = 0;
	loop = ev_loop_new(0);
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(httpdoor_new(&door, loop, enter, &entered), 0);
}

static void tear_down(void)
{
	httpdoor_free(door);
	ev_loop_destroy(loop);
	ck_assert_int_eq(rmdir(folder), 0); /* nothing is left */
}

/* A port of the loopback that is held. */
static int hold(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static uint16_t free_port(void)
{
	uint16_t port;

	close(hold(&port));
	return port;
}

static struct settings_metrics at(const char *ip, uint16_t port, const char *socket)
{
	struct settings_metrics m = { .address = { .family = 4, .port = port } };

	ck_assert_int_eq(inet_pton(AF_INET, ip, m.address.ip), 1);
	strcpy(m.socket, socket);
	return m;
}

static int take(const struct settings_metrics *m)
{
	const char *key;
	int rc = httpdoor_prepare(door, m, &key);

	if (!rc) {
		httpdoor_settle(door, true);
	}
	return rc;
}

/* Return whether somebody answers there. */
static bool knock(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	unsigned before = entered;
	bool open = !connect(fd, (struct sockaddr *)&a, sizeof(a));

	while (open && entered == before) {
		ev_run(loop, EVRUN_ONCE);
	}
	close(fd);
	return open;
}

static bool knock_local(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	unsigned before = entered;
	bool open;

	strcpy(a.sun_path, path);
	open = !connect(fd, (struct sockaddr *)&a, sizeof(a));
	while (open && entered == before) {
		ev_run(loop, EVRUN_ONCE);
	}
	close(fd);
	return open;
}

START_TEST(off_and_on)
{
	uint16_t port = free_port();
	struct settings_metrics off = at("127.0.0.1", 0, ""), tcp = at("127.0.0.1", port, ""),
				both = at("127.0.0.1", port, path),
				local = at("127.0.0.1", 0, path);
	struct stat st;

	ck_assert_int_eq(take(&off), 0);
	ck_assert(!httpdoor_is_open(door));
	ck_assert_int_eq(take(&tcp), 0);
	ck_assert(httpdoor_is_open(door) && knock(port) && !knock_local());
	ck_assert_int_eq(take(&both), 0);
	ck_assert(knock(port) && knock_local());
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	ck_assert_int_eq(take(&both), 0); /* nothing changes */
	ck_assert(knock(port) && knock_local());
	ck_assert_int_eq(take(&local), 0);
	ck_assert(!knock(port) && knock_local());
	ck_assert_int_eq(take(&off), 0);
	ck_assert(!knock_local() && !httpdoor_is_open(door));
	ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

/* To all addresses of the same port, and back: somebody is always there. */
START_TEST(wider_and_back)
{
	uint16_t port = free_port();
	struct settings_metrics one = at("127.0.0.1", port, ""), all = at("0.0.0.0", port, "");

	ck_assert_int_eq(take(&one), 0);
	ck_assert_int_eq(take(&all), 0);
	ck_assert(knock(port));
	ck_assert_int_eq(take(&one), 0);
	ck_assert(knock(port));
}
END_TEST

/* What cannot be had leaves all as it was. */
START_TEST(refused)
{
	uint16_t port = free_port(), held;
	int fd = hold(&held);
	struct settings_metrics good = at("127.0.0.1", port, path), next;
	const char *key;

	ck_assert_int_eq(take(&good), 0);
	next = at("127.0.0.1", held, "");
	ck_assert_int_eq(httpdoor_prepare(door, &next, &key), -EADDRINUSE);
	ck_assert_str_eq(key, "metrics.port");
	next = at("192.0.2.1", port, "");
	ck_assert_int_eq(httpdoor_prepare(door, &next, &key), -EADDRNOTAVAIL);
	next = at("127.0.0.1", port, "/nonexistent/http");
	ck_assert_int_eq(httpdoor_prepare(door, &next, &key), -ENOENT);
	ck_assert_str_eq(key, "metrics.socket");
	ck_assert(knock(port) && knock_local());
	/* all could be had, but something else failed */
	next = at("127.0.0.1", free_port(), "");
	ck_assert_int_eq(httpdoor_prepare(door, &next, &key), 0);
	httpdoor_settle(door, false);
	ck_assert(knock(port) && knock_local() && !knock(next.address.port));
	close(fd);
}
END_TEST

/* The socket of a process that is gone is replaced, that of one which is there is not. */
START_TEST(stale)
{
	struct settings_metrics m = at("127.0.0.1", 0, path);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(take(&m), -EADDRINUSE);
	close(fd);
	ck_assert_int_eq(take(&m), 0);
	ck_assert(knock_local());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("httpdoor");
	TCase *tc = tcase_create("httpdoor");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, off_and_on);
	tcase_add_test(tc, wider_and_back);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, stale);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
