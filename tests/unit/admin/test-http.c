// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/http.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX (8u << 20)

static struct ev_loop *loop;
static struct http *http;
static unsigned pieces, worked, forgotten; /* each answer takes so many pieces */
static size_t large; /* octets of an answer */

static bool work(void *owner, struct http_request *q)
{
	char text[200];

	ck_assert_ptr_eq(owner, &pieces);
	worked++;
	if (!q->state) {
		q->state = calloc(1, sizeof(unsigned));
		ck_assert_ptr_nonnull(q->state);
	}
	if (++*(unsigned *)q->state < pieces) {
		return false;
	}
	if (large) {
		q->answer = (struct http_answer){
			.status = 200, .type = "text/plain", .body = malloc(large), .len = large
		};
		ck_assert_ptr_nonnull(q->answer.body);
		memset(q->answer.body, 'x', large);
		return true;
	}
	(void)snprintf(text, sizeof(text), "%d %s %s %u %d\n", (int)q->route.to,
		       q->route.command ? q->route.command : "-", q->route.client, q->route.limit,
		       q->open_metrics);
	q->answer = (struct http_answer){
		.status = 200, .type = "text/plain", .body = strdup(text), .len = strlen(text)
	};
	return true;
}

static void forget(void *owner, struct http_request *q)
{
	ck_assert_ptr_eq(owner, &pieces);
	free(q->state);
	q->state = NULL;
	forgotten++;
}

static void set_up(void)
{
	static const struct http_config config = { &pieces, work, forget };

	pieces = 1;
	worked = forgotten = 0;
	large = 0;
	loop = ev_loop_new(0);
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(http_new(&http, loop, &config), 0);
}

static void tear_down(void)
{
	http_free(http);
	ev_loop_destroy(loop);
}

/* Our end of a connection to it. */
static int dial(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	http_serve(http, ends[1]);
	return ends[0];
}

static void on_timer(struct ev_loop *l, ev_timer *w, int events)
{
	ck_abort_msg("nothing happens");
}

/* Turn the loop until there is something to read; the number of octets, 0 = closed. */
static ssize_t await(int fd, char *to, size_t size)
{
	ev_timer timer;
	ssize_t n;

	ev_timer_init(&timer, on_timer, 10., 0.);
	ev_timer_start(loop, &timer);
	while ((n = recv(fd, to, size, MSG_DONTWAIT)) < 0 && errno == EAGAIN) {
		ev_run(loop, EVRUN_ONCE);
	}
	ev_timer_stop(loop, &timer);
	return n < 0 ? 0 : n;
}

/* All until it is closed. */
static size_t read_all(int fd, char *to, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = await(fd, to + len, size - 1 - len)) > 0) {
		len += (size_t)n;
	}
	to[len] = '\0';
	return len;
}

static void ask(const char *request, char *to, size_t size)
{
	int fd = dial();

	ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL),
			 (ssize_t)strlen(request));
	(void)read_all(fd, to, size);
	close(fd);
}

#define CLOSE "Host: x\r\nConnection: close\r\n\r\n"
#define REQUEST "GET / HTTP/1.1\r\n" CLOSE

START_TEST(answers)
{
	static const struct {
		const char *request, *status, *body;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n" CLOSE, "200", "\r\n\r\n1 -  50 0\n" },
		{ "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n" CLOSE, "200",
		  "\r\n\r\n2 -  50 1\n" },
		{ "GET /api/v1/sessions?client=192.0.2.0%2F24&limit=7 HTTP/1.1\r\n" CLOSE, "200",
		  "\r\n\r\n3 sessions 192.0.2.0/24 7 0\n" },
		{ "GET /api/v1/sessions?limit=x HTTP/1.1\r\n" CLOSE, "400",
		  "limit: a number 1..200 expected" },
		{ "GET /etc/passwd HTTP/1.1\r\n" CLOSE, "404", "There is nothing here." },
		{ "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n" CLOSE, "405",
		  "only GET and HEAD" },
		{ "DELETE / HTTP/1.1\r\n" CLOSE, "405", "Allow: GET, HEAD" },
		{ "HEAD / HTTP/1.1\r\n" CLOSE, "200", "Content-Length: 10\r\n" },
	};
	char text[4096];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(rows[i].request, text, sizeof(text));
		ck_assert_msg(!strncmp(text, "HTTP/1.1 ", 9) &&
				      !strncmp(text + 9, rows[i].status, 3),
			      "%s: %s", rows[i].request, text);
		ck_assert_msg(strstr(text, rows[i].body), "%s: %s", rows[i].request, text);
		ck_assert_ptr_nonnull(strstr(text, "Content-Security-Policy: default-src 'none'"));
		ck_assert_ptr_nonnull(strstr(text, "X-Content-Type-Options: nosniff"));
	}
	ck_assert_uint_eq(http_connections(http), 0);
}
END_TEST

/* A long one is made in pieces, and others come in between. */
START_TEST(in_pieces)
{
	char text[4096];
	int first, second;

	pieces = 100;
	first = dial();
	second = dial();
	ck_assert_int_gt(send(first, REQUEST, sizeof(REQUEST) - 1, 0), 0);
	ck_assert_int_gt(send(second, REQUEST, sizeof(REQUEST) - 1, 0), 0);
	(void)read_all(first, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "1 -  50 0"));
	ck_assert_uint_ge(worked, 190);
	(void)read_all(second, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "1 -  50 0"));
	ck_assert_uint_eq(worked, 200);
	close(first);
	close(second);
	ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(forgotten, 2);
}
END_TEST

/* Two on one connection, and one whose peer goes while it is worked at. */
START_TEST(keeps_and_loses)
{
	char text[4096];
	int fd = dial();

	for (int i = 0; i < 2; i++) {
		ck_assert_int_gt(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0), 0);
		ck_assert_int_gt(await(fd, text, sizeof(text)), 0);
	}
	ck_assert_uint_eq(http_connections(http), 1);
	pieces = 50;
	ck_assert_int_gt(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0), 0);
	while (worked < 10) {
		ev_run(loop, EVRUN_ONCE);
	}
	close(fd);
	while (http_connections(http)) {
		ev_run(loop, EVRUN_ONCE);
	}
	ck_assert_uint_eq(forgotten, 3);
}
END_TEST

/* With one too many, the oldest goes, and so there is always room for who comes. */
START_TEST(crowd)
{
	enum { MANY = 1000 };
	char text[4096];
	int fds[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = dial();
		ev_run(loop, EVRUN_NOWAIT);
		ck_assert_uint_le(http_connections(http), HTTP_CONNECTIONS);
	}
	ask("GET / HTTP/1.1\r\n" CLOSE, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "200 OK"));
	ck_assert_int_eq(await(fds[0], text, 1), 0);
	for (int i = 0; i < MANY; i++) {
		close(fds[i]);
	}
	while (http_connections(http)) {
		ev_run(loop, EVRUN_ONCE);
	}
}
END_TEST

/* Who does not read holds no more than all may together. */
START_TEST(slow_readers)
{
	enum { MANY = 12 };
	char *text = malloc(BODY_MAX);
	int fds[MANY], refused = 0;

	ck_assert_ptr_nonnull(text);
	large = 4u << 20;
	for (int i = 0; i < MANY; i++) {
		fds[i] = dial();
		ck_assert_int_gt(send(fds[i], REQUEST, sizeof(REQUEST) - 1, 0), 0);
		while (worked <= (unsigned)i) {
			ev_run(loop, EVRUN_ONCE);
		}
	}
	for (int i = 0; i < MANY; i++) {
		size_t len = read_all(fds[i], text, BODY_MAX);

		ck_assert_uint_gt(len, 100);
		refused += !strncmp(text, "HTTP/1.1 503", 12);
		ck_assert(len > large || !strncmp(text, "HTTP/1.1 503", 12));
		close(fds[i]);
	}
	ck_assert_int_eq(refused, MANY - (int)(HTTP_WAITING_OCTETS / large));
	free(text);
}
END_TEST

/* What is no request, or a head without an end, is answered by nothing but the end. */
START_TEST(garbage)
{
	char *text = malloc(1 << 20);
	int fd;

	ck_assert_ptr_nonnull(text);
	ask("\r\n\x16\x03\x01\x02 \x01\r\n\r\n", text, 4096);
	memset(text, 'a', 1 << 16);
	memcpy(text, "GET /", 5);
	fd = dial();
	for (int i = 0; i < 16; i++) {
		(void)send(fd, text, 1 << 12, MSG_NOSIGNAL | MSG_DONTWAIT);
		ev_run(loop, EVRUN_NOWAIT);
	}
	(void)read_all(fd, text, 1 << 20);
	ck_assert(!*text || !strncmp(text, "HTTP/1.1 4", 10));
	close(fd);
	fd = dial();
	ck_assert_int_gt(
		send(fd, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 52, 0), 0);
	(void)read_all(fd, text, 1 << 20);
	ck_assert_str_eq(text, "");
	close(fd);
	ck_assert_uint_eq(worked, 0);
	free(text);
}
END_TEST

/* The end, while requests wait and connections are open. */
START_TEST(ends_with_all)
{
	int fds[5];

	pieces = 1000;
	for (int i = 0; i < 5; i++) {
		fds[i] = dial();
		ck_assert_int_gt(send(fds[i], REQUEST, i ? sizeof(REQUEST) - 1 : 10, 0), 0);
	}
	while (worked < 20) {
		ev_run(loop, EVRUN_ONCE);
	}
	http_free(http);
	http = NULL;
	for (int i = 0; i < 5; i++) {
		close(fds[i]);
	}
	ck_assert_uint_eq(forgotten, 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http");
	TCase *tc = tcase_create("http");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, answers);
	tcase_add_test(tc, in_pieces);
	tcase_add_test(tc, keeps_and_loses);
	tcase_add_test(tc, crowd);
	tcase_add_test(tc, slow_readers);
	tcase_add_test(tc, garbage);
	tcase_add_test(tc, ends_with_all);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
