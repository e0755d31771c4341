// SPDX-License-Identifier: BSD-2-Clause
/* The socket of twampctl: questions, answers in pieces, and callers who mean no good. */
#include "base/clock.h"
#include "daemon/admin/desk.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MANY 100000

static struct ev_loop *loop;
static struct desk *desk;
static char folder[] = "/tmp/twampd-desk-XXXXXX";
static char path[64];
static unsigned ended, waited;
static int64_t longest_ns; /* turn of the loop */
static int64_t turn_began_ns;

/* --- commands ------------------------------------------------------------------------------- */

static enum task_next begin_hello(struct task *t)
{
	reply_result(t->reply, json_pack("{s:b}", "hello", 1));
	return TASK_DONE;
}

static enum task_next step_list(struct task *t)
{
	uintptr_t i = (uintptr_t)t->state;

	for (; i < MANY; i++) {
		if (task_is_enough(t)) {
			t->state = (void *)i;
			return TASK_MORE;
		}
		reply_item(t->reply,
			   json_pack("{s:I,s:s,s:s}", "number", (json_int_t)i, "client",
				     "192.0.2.1:40000", "state", "a session like any other"));
	}
	reply_result(t->reply, json_pack("{s:I}", "shown", (json_int_t)i));
	return TASK_DONE;
}

static void note_end(struct task *t)
{
	ended++;
}

static enum task_next begin_list(struct task *t)
{
	t->step = step_list;
	t->end = note_end;
	return TASK_MORE;
}

static enum task_next step_wait(struct task *t)
{
	if (waited < 2) {
		waited++;
		return TASK_WAIT;
	}
	reply_result(t->reply, json_object());
	return TASK_DONE;
}

static enum task_next begin_wait(struct task *t)
{
	t->step = step_wait;
	t->end = note_end;
	return TASK_WAIT;
}

static enum task_next begin_change(struct task *t)
{
	reply_result(t->reply, json_object());
	return TASK_DONE;
}

static const struct ask_arg list_args[] = { { "client", ASK_TEXT, false },
					    { "top", ASK_NUMBER, false },
					    { "all", ASK_FLAG, false },
					    { NULL, ASK_TEXT, false } };
static const struct ask_arg needs[] = { { "sid", ASK_TEXT, true }, { NULL, ASK_TEXT, false } };

static const struct task_verb verbs[] = {
	{ .name = "hello", .begin = begin_hello },
	{ .name = "list", .args = list_args, .begin = begin_list },
	{ .name = "wait", .begin = begin_wait },
	{ .name = "end", .args = needs, .changes = true, .begin = begin_change },
	{ .name = NULL },
};

/* --- the loop ------------------------------------------------------------------------------- */

/* Of this thread, so that others on the machine do not count. */
static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void on_check(struct ev_loop *l, ev_check *w, int events)
{
	turn_began_ns = cpu_ns();
}

static void turn(int flags)
{
	ev_run(loop, flags);
	if (cpu_ns() - turn_began_ns > longest_ns) {
		longest_ns = cpu_ns() - turn_began_ns;
	}
}

static ev_check check;

static void set_up(void)
{
	const struct desk_config c = { .verbs = verbs, .max_callers = 2, .idle_s = 60 };

	ck_assert_ptr_nonnull(mkdtemp(strcpy(folder, "/tmp/twampd-desk-XXXXXX")));
	snprintf(path, sizeof path, "%s/control.sock", folder);
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_int_eq(desk_new(&desk, loop, &c), 0);
	ck_assert_int_eq(desk_listen(desk, path), 0);
	ended = waited = 0;
	longest_ns = turn_began_ns = 0;
	ev_check_init(&check, on_check);
	ev_set_priority(&check, EV_MAXPRI);
	ev_check_start(loop, &check);
	ev_unref(loop);
}

static void tear_down(void)
{
	desk_free(desk);
	ev_ref(loop);
	ev_loop_destroy(loop);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(rmdir(folder), 0);
}

static int call(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(at.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* A line, which lives until the next; NULL when the connection is closed. */
static const char *hear(int fd)
{
	static char line[8192];

	for (;;) {
		ssize_t got = recv(fd, line, sizeof line, MSG_PEEK);
		char *end = got > 0 ? memchr(line, '\n', (size_t)got) : NULL;

		if (!got || (got < 0 && errno == ECONNRESET)) {
			return NULL;
		}
		if (end) {
			ck_assert_int_eq(recv(fd, line, (size_t)(end - line) + 1, 0),
					 end - line + 1);
			*end = '\0';
			return line;
		}
		ck_assert(got > 0 || errno == EAGAIN);
		turn(EVRUN_ONCE);
	}
}

static void expect(int fd, const char *part)
{
	const char *line = hear(fd);

	ck_assert_ptr_nonnull(line);
	ck_assert_msg(strstr(line, part) != NULL, "%s has no %s", line, part);
}

/* --- tests ---------------------------------------------------------------------------------- */

START_TEST(answers)
{
	struct stat st;
	int fd = call();

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	say(fd, "{\"v\":1,\"cmd\":\"hello\"}\n{\"cmd\":\"hel");
	expect(fd, "{\"v\":1,\"ok\":true,\"result\":{\"hello\":true}}");
	say(fd, "lo\",\"args\":{}}\n");
	expect(fd, "\"hello\":true");
	say(fd, "{\"cmd\":\"wait\"}\n");
	expect(fd, "\"ok\":true");
	ck_assert_uint_eq(waited, 2);
	ck_assert_uint_eq(ended, 1);
	shutdown(fd, SHUT_WR);
	ck_assert_ptr_null(hear(fd));
	ck_assert_uint_eq(desk_callers(desk), 0);
	close(fd);
}
END_TEST

START_TEST(says_what_is_wrong)
{
	static const char *const wrong[][2] = {
		{ "\n", "not JSON" },
		{ "{\"cmd\":\"hello\"\n", "not JSON" },
		{ "[]\n", "not a JSON object" },
		{ "{}\n", "cmd is missing" },
		{ "{\"cmd\":1}\n", "cmd is missing" },
		{ "{\"cmd\":\"hello\",\"cmd\":\"hello\"}\n", "not JSON" },
		{ "{\"v\":2,\"cmd\":\"hello\"}\n", "version 2 is unknown" },
		{ "{\"v\":0,\"cmd\":\"hello\"}\n", "v is not a number" },
		{ "{\"cmd\":\"hello\",\"x\\u001b\":1}\n", "found: x\\\\x1b" },
		{ "{\"cmd\":\"hello\",\"args\":[]}\n", "args is not an object" },
		{ "{\"cmd\":\"hello\",\"args\":{\"a\":1}}\n", "takes no such argument: a" },
		{ "{\"cmd\":\"list\",\"args\":{\"client\":1}}\n", "a string is expected" },
		{ "{\"cmd\":\"list\",\"args\":{\"top\":-1}}\n", "a number from 0 on" },
		{ "{\"cmd\":\"list\",\"args\":{\"all\":\"y\"}}\n", "true or false" },
		{ "{\"cmd\":\"end\"}\n", "an argument is missing: sid" },
		{ "{\"cmd\":\"nothing\"}\n", "unknown-command" },
	};
	int fd = call();

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		say(fd, wrong[i][0]);
		expect(fd, wrong[i][1]);
	}
	say(fd, "{\"cmd\":\"hello\"}\n");
	expect(fd, "\"ok\":true");
	close(fd);
}
END_TEST

/* A list of any length delays nothing else on the loop. */
START_TEST(list_in_pieces)
{
	int fd = call(), other = call();
	unsigned n = 0, hellos = 0;

	say(fd, "{\"cmd\":\"list\"}\n");
	while (strstr(hear(fd), "\"item\"")) {
		if (++n % 10000 == 0) { /* and somebody else is answered meanwhile */
			say(other, "{\"cmd\":\"hello\"}\n");
			expect(other, "\"hello\"");
			hellos++;
		}
	}
	ck_assert_uint_eq(n, MANY);
	printf("longest turn of the loop: %.2f ms\n", (double)longest_ns / 1e6);
	ck_assert_int_lt(longest_ns, 5000000);
	ck_assert_uint_eq(hellos, 10);
	ck_assert_uint_eq(ended, 1);
	close(fd);
	close(other);
}
END_TEST

/* Slow reading is the caller's own loss: what is made for it has a bound. */
START_TEST(does_not_read)
{
	int fd = call();

	say(fd, "{\"cmd\":\"list\"}\n");
	for (int i = 0; i < 2000; i++) {
		turn(EVRUN_NOWAIT);
	}
	ck_assert_uint_eq(ended, 0); /* it has not gone on */
	desk_configure(desk, 2, 1);
	close(fd);
	while (desk_callers(desk)) {
		turn(EVRUN_ONCE);
	}
	ck_assert_uint_eq(ended, 1);
}
END_TEST

START_TEST(idle_are_closed)
{
	int fd;

	desk_configure(desk, 2, 1);
	fd = call();
	say(fd, "{\"cmd\"");
	ck_assert_ptr_null(hear(fd));
	close(fd);
	fd = call();
	say(fd, "{\"cmd\":\"list\"}\n"); /* and reads nothing */
	while (!desk_callers(desk)) {
		turn(EVRUN_ONCE);
	}
	while (desk_callers(desk)) {
		turn(EVRUN_ONCE);
	}
	ck_assert_uint_eq(ended, 1);
	close(fd);
}
END_TEST

START_TEST(long_line)
{
	char text[ASK_LINE_MAX + 1];
	int fd = call();

	memset(text, ' ', sizeof text);
	ck_assert_int_gt(send(fd, text, sizeof text, MSG_NOSIGNAL), 0);
	expect(fd, "longer than 4096");
	ck_assert_ptr_null(hear(fd));
	close(fd);
	fd = call(); /* behind a question */
	say(fd, "{\"cmd\":\"wait\"}\n");
	ck_assert_int_gt(send(fd, text, sizeof text, MSG_NOSIGNAL), 0);
	expect(fd, "\"ok\":true");
	expect(fd, "longer than 4096");
	ck_assert_ptr_null(hear(fd));
	close(fd);
}
END_TEST

/* Who runs the tests has the daemon's user, and so the reserved places as well. */
START_TEST(places_are_few)
{
	int fds[2 + DESK_RESERVED], more;

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		fds[i] = call();
		say(fds[i], "{\"cmd\":\"hello\"}\n");
		expect(fds[i], "hello");
	}
	more = call();
	expect(more, "\"kind\":\"busy\"");
	ck_assert_ptr_null(hear(more));
	close(more);
	close(fds[0]);
	turn(EVRUN_ONCE);
	more = call();
	say(more, "{\"cmd\":\"hello\"}\n");
	expect(more, "hello");
	close(more);
	for (size_t i = 1; i < sizeof fds / sizeof *fds; i++) {
		close(fds[i]);
	}
}
END_TEST

/* What a killed process left is replaced; a socket that somebody listens on is not. */
START_TEST(path_in_use)
{
	const struct desk_config c = { .verbs = verbs, .max_callers = 2, .idle_s = 60 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct desk *second;
	int fd;

	ck_assert_int_eq(desk_new(&second, loop, &c), 0);
	ck_assert_int_eq(desk_listen(second, path), -EADDRINUSE);
	desk_close(desk);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(at.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	close(fd);
	ck_assert_int_eq(desk_listen(second, path), 0);
	ck_assert_int_eq(desk_listen(second, "/nowhere/at/all"), -ENOENT);
	fd = call();
	say(fd, "{\"cmd\":\"hello\"}\n");
	expect(fd, "hello");
	close(fd);
	desk_free(second);
}
END_TEST

START_TEST(passed_socket)
{
	const struct desk_config c = { .verbs = verbs, .max_callers = 2, .idle_s = 60 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct desk *second;
	int fd, listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	desk_close(desk);
	strcpy(at.sun_path, path);
	ck_assert_int_eq(bind(listening, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(listening, 4), 0);
	ck_assert_int_eq(desk_new(&second, loop, &c), 0);
	ck_assert_int_eq(desk_take(second, listening), 0);
	fd = call();
	say(fd, "{\"cmd\":\"hello\"}\n");
	expect(fd, "hello");
	desk_free(second);
	ck_assert_int_eq(access(path, F_OK), 0); /* it is not ours to remove */
	close(fd);
	close(listening);
	unlink(path);
}
END_TEST

START_TEST(only_some_may_change)
{
	struct reply r = { 0 };
	struct task t = { .reply = &r };
	const char *line = "{\"cmd\":\"end\",\"args\":{\"sid\":\"00\"}}";

	ck_assert_int_eq(task_begin(&t, verbs, false, line, strlen(line)), TASK_DONE);
	ck_assert_ptr_nonnull(memmem(r.octets, r.len, "not-allowed", 11));
	task_wipe(&t);
	reply_reset(&r);
	ck_assert_int_eq(task_begin(&t, verbs, true, line, strlen(line)), TASK_DONE);
	ck_assert_ptr_nonnull(memmem(r.octets, r.len, "\"ok\":true", 9));
	task_wipe(&t);
	reply_wipe(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("desk");
	TCase *c = tcase_create("socket"), *many = tcase_create("many");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, answers);
	tcase_add_test(c, says_what_is_wrong);
	tcase_add_test(c, does_not_read);
	tcase_add_test(c, idle_are_closed);
	tcase_add_test(c, long_line);
	tcase_add_test(c, places_are_few);
	tcase_add_test(c, path_in_use);
	tcase_add_test(c, passed_socket);
	tcase_add_test(c, only_some_may_change);
	suite_add_tcase(s, c);
	tcase_set_tags(many, "many");
	tcase_add_checked_fixture(many, set_up, tear_down);
	tcase_set_timeout(many, 60);
	tcase_add_test(many, list_in_pieces);
	suite_add_tcase(s, many);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
