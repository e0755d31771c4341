// SPDX-License-Identifier: BSD-2-Clause
/*
 * Fuzz target: whatever comes on a connection of the HTTP server, from the octets to the answer:
 * nothing but a request as it should be reaches those who answer, and what goes back is HTTP, or
 * nothing. A first octet says how the input is cut, and how long an answer takes.
 */
#include "tests/fuzz/fuzz.h"

#include "daemon/admin/http.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS 10000

static struct ev_loop *loop;
static struct http *http;
static bool answered; /* something came back */
static unsigned pieces, known; /* requests that were begun and not forgotten */

static void check_text(const char *text)
{
	MUST(strlen(text) <= ROUTE_TEXT_MAX);
	for (; *text; text++) {
		MUST(*text >= ' ' && *text <= '~');
	}
}

static bool work(void *owner, struct http_request *q)
{
	const struct route *r = &q->route;

	MUST(r->to == ROUTE_PAGE || r->to == ROUTE_METRICS || (r->to == ROUTE_API && r->command));
	MUST(r->limit >= 1 && r->limit <= ROUTE_LIMIT_MAX && r->offset <= ROUTE_OFFSET_MAX);
	check_text(r->sort);
#define X(name) check_text(r->name);
	ROUTE_TEXTS(X)
#undef X
	if (!q->state) {
		q->state = calloc(1, sizeof(unsigned));
		MUST(q->state);
		known++;
	}
	if (++*(unsigned *)q->state < pieces) {
		return false;
	}
	http_say(&q->answer, 200, "fine\n");
	return true;
}

static void forget(void *owner, struct http_request *q)
{
	known -= q->state != NULL;
	free(q->state);
	q->state = NULL;
}

static void set_up(void)
{
	static const struct http_config config = { NULL, work, forget };

	(void)signal(SIGPIPE, SIG_IGN); // NOLINT(cert-err33-c)
	loop = ev_loop_new(0);
	MUST(loop && !http_new(&http, loop, &config));
}

static void turn(int fd)
{
	char answer[4096];
	ssize_t n;

	ev_run(loop, EVRUN_NOWAIT);
	while ((n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT)) > 0) {
		MUST(answered || !strncmp(answer, "HTTP/1.", n < 7 ? (size_t)n : 7));
		answered = true;
	}
}

static void push(int fd, const uint8_t *data, size_t size)
{
	ssize_t n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	MUST(n >= 0 || errno == EAGAIN || errno == EPIPE);
	turn(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t how = input_octet(&in);
	size_t cut = how & 0x0f ? in.left / (how & 0x0f) + 1 : in.left + 1;
	int ends[2];

	if (!loop) {
		set_up();
	}
	pieces = how >> 4;
	answered = false;
	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
	http_serve(http, ends[1]);
	while (in.left) {
		size_t n = in.left < cut ? in.left : cut;

		push(ends[0], in.at, n);
		in.at += n;
		in.left -= n;
	}
	(void)shutdown(ends[0], SHUT_WR);
	for (int i = 0; http_connections(http); i++) {
		MUST(i < TURNS);
		turn(ends[0]);
	}
	close(ends[0]);
	MUST(!known);
	return 0;
}
