// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/http.h"

#include "base/endpoint.h"
#include "base/sockopt.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_S 10u /* of a peer that neither sends nor reads */
#define MEMORY 16384u /* for the head of a request, and what is sent at once */
#define SPARE 32u /* connections that are about to be closed */

/* A connection. */
struct visitor {
	struct visitor *older, *newer;
	int fd;
	bool local; /* it came to a loopback address */
	bool leaving;
};

struct request {
	struct http_request public;
	struct http *http;
	struct MHD_Connection *connection;
	struct request *next; /* in the queue */
	bool queued, done;
	char why[ROUTE_WHY_LEN];
	bool bad;
};

struct http {
	struct ev_loop *loop;
	struct http_config config;
	struct MHD_Daemon *daemon;
	ev_io io; /* its epoll instance */
	ev_timer again; /* it wants to be run without an event */
	ev_timer turn; /* a piece of work */
	struct visitor *oldest, *newest;
	unsigned visitors;
	struct request *first, *last; /* the queue */
	size_t waiting; /* octets of answers */
	bool closing;
};

/* What is sent for the time that it takes. */
struct body {
	struct http *http;
	char *octets;
	size_t len;
};

void http_say(struct http_answer *a, unsigned status, const char *text)
{
	*a = (struct http_answer){
		.status = status,
		.type = "text/plain; charset=utf-8",
		.fixed = text,
		.len = strlen(text),
	};
}

/* --- connections ---------------------------------------------------------------------------- */

static bool is_local(int fd)
{
	struct address a;
	int domain = AF_UNIX;

	(void)sockopt_get(fd, SOL_SOCKET, SO_DOMAIN, &domain);
	return domain != AF_UNIX && !endpoint_bound(fd, &a) && address_is_loopback(&a);
}

static void greet(struct http *h, struct MHD_Connection *c, void **context)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(
		c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct visitor *v = calloc(1, sizeof(*v));

	*context = v;
	if (!v || !i) {
		return; /* it is answered with 503 */
	}
	v->fd = i->connect_fd;
	v->local = is_local(v->fd);
	v->older = h->newest;
	*(h->newest ? &h->newest->newer : &h->oldest) = v;
	h->newest = v;
	h->visitors++;
}

static void see_off(struct http *h, struct visitor *v)
{
	if (!v) {
		return;
	}
	if (v->fd >= 0 && (v->older || v->newer || h->oldest == v)) {
		*(v->older ? &v->older->newer : &h->oldest) = v->newer;
		*(v->newer ? &v->newer->older : &h->newest) = v->older;
		h->visitors--;
	}
	free(v);
}

static void on_visitor(void *cls, struct MHD_Connection *c, void **context,
		       enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		greet(cls, c, context);
	} else {
		see_off(cls, *context);
		*context = NULL;
	}
}

static const struct visitor *visitor_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(
		c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

/* The library sees that nothing more comes, and closes it. */
static void make_room(struct http *h)
{
	struct visitor *v = h->oldest;

	if (h->visitors < HTTP_CONNECTIONS) {
		return;
	}
	while (v && v->leaving) {
		v = v->newer;
	}
	if (v) {
		v->leaving = true;
		(void)shutdown(v->fd, SHUT_RDWR);
	}
}

/* --- answers -------------------------------------------------------------------------------- */

static void forget_body(void *cls)
{
	struct body *b = cls;

	b->http->waiting -= b->len;
	free(b->octets);
	free(b);
}

static struct MHD_Response *wrap(struct http *h, struct http_answer *a)
{
	struct MHD_Response *r;
	struct body *b;

	if (!a->body) {
		return MHD_create_response_from_buffer(a->len, (void *)(uintptr_t)a->fixed,
						       MHD_RESPMEM_PERSISTENT);
	}
	b = malloc(sizeof(*b));
	r = b ? MHD_create_response_from_buffer_with_free_callback_cls(a->len, a->body, forget_body,
								       b)
	      : NULL;
	if (!r) {
		free(b);
		return NULL;
	}
	*b = (struct body){ h, a->body, a->len };
	h->waiting += a->len;
	a->body = NULL;
	return r;
}

static bool add_headers(struct MHD_Response *r, const struct http_answer *a)
{
	const char *policy = a->policy ? a->policy : "default-src 'none'; frame-ancestors 'none'";

	return MHD_add_response_header(r, "Content-Type", a->type) &&
	       MHD_add_response_header(r, "Content-Security-Policy", policy) &&
	       MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") &&
	       MHD_add_response_header(r, "Referrer-Policy", "no-referrer") &&
	       MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin") &&
	       MHD_add_response_header(r, "Cache-Control", "no-store") &&
	       (a->status != MHD_HTTP_METHOD_NOT_ALLOWED ||
		MHD_add_response_header(r, "Allow", "GET, HEAD"));
}

static enum MHD_Result give(struct http *h, struct MHD_Connection *c, struct http_answer *a)
{
	struct MHD_Response *r;
	enum MHD_Result rc = MHD_NO;

	if (a->body && h->waiting + a->len > HTTP_WAITING_OCTETS) {
		free(a->body);
		http_say(a, MHD_HTTP_SERVICE_UNAVAILABLE,
			 "Too many answers wait to be read. Try again later.\n");
	}
	r = wrap(h, a);
	if (r && add_headers(r, a)) {
		rc = MHD_queue_response(c, a->status, r);
	}
	if (r) {
		MHD_destroy_response(r);
	}
	return rc; /* MHD_NO closes it */
}

static enum MHD_Result give_text(struct http *h, struct MHD_Connection *c, unsigned status,
				 const char *text)
{
	struct http_answer a;

	http_say(&a, status, text);
	return give(h, c, &a);
}

/* --- work ----------------------------------------------------------------------------------- */

static void set_turn(struct http *h)
{
	if (h->first && !ev_is_active(&h->turn)) {
		ev_timer_set(&h->turn, 0., 0.);
		ev_timer_start(h->loop, &h->turn);
	}
}

static void enqueue(struct http *h, struct request *q)
{
	q->next = NULL;
	q->queued = true;
	*(h->last ? &h->last->next : &h->first) = q;
	h->last = q;
}

static struct request *dequeue(struct http *h)
{
	struct request *q = h->first;

	h->first = q->next;
	h->last = h->first ? h->last : NULL;
	q->queued = false;
	return q;
}

static void run(struct http *h);

static void on_turn(struct ev_loop *loop, ev_timer *w, int events)
{
	struct http *h = w->data;
	struct request *q;

	if (!h->first) {
		return;
	}
	q = dequeue(h);
	if (h->config.work(h->config.owner, &q->public)) {
		q->done = true;
		MHD_resume_connection(q->connection);
		run(h); /* it does not ask to be run for that */
	} else {
		enqueue(h, q);
	}
	set_turn(h);
}

/* --- requests ------------------------------------------------------------------------------- */

static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct request *q = cls;

	q->bad = !route_argument(&q->public.route, name, value, q->why);
	return q->bad ? MHD_NO : MHD_YES;
}

static struct request *request_new(struct http *h, struct MHD_Connection *c, const char *path)
{
	struct request *q = calloc(1, sizeof(*q));

	if (q) {
		q->http = h;
		q->connection = c;
		route_init(&q->public.route, path);
	}
	return q;
}

/* All of it is there. */
static enum MHD_Result begin(struct http *h, struct request *q)
{
	struct MHD_Connection *c = q->connection;
	const struct visitor *v = visitor_of(c);

	if (!v) {
		return give_text(h, c, MHD_HTTP_SERVICE_UNAVAILABLE, "There is no memory.\n");
	}
	if (v->local && !route_is_local(MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host"))) {
		return give_text(h, c, MHD_HTTP_MISDIRECTED_REQUEST,
				 "On a loopback address only the names localhost, 127.0.0.1 and "
				 "[::1] are served.\n");
	}
	if (q->public.route.to == ROUTE_NOWHERE) {
		return give_text(h, c, MHD_HTTP_NOT_FOUND,
				 "There is nothing here. See / and /metrics.\n");
	}
	(void)MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, on_argument, q);
	if (q->bad) {
		http_say(&q->public.answer, MHD_HTTP_BAD_REQUEST, q->why);
		return give(h, c, &q->public.answer);
	}
	q->public.open_metrics = route_wants_open(
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept"));
	MHD_suspend_connection(c);
	enqueue(h, q);
	set_turn(h);
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *path,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **context)
{
	struct http *h = cls;
	struct request *q = *context;

	if (!q) { /* the head */
		if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
		    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
			return give_text(h, c, MHD_HTTP_METHOD_NOT_ALLOWED,
					 "Nothing can be changed here: only GET and HEAD.\n");
		}
		*context = request_new(h, c, path);
		return *context ? MHD_YES : MHD_NO;
	}
	if (*upload_len) {
		return MHD_NO; /* a body: nobody has a reason to send one */
	}
	if (q->done) {
		return give(h, c, &q->public.answer);
	}
	return begin(h, q);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **context,
			 enum MHD_RequestTerminationCode how)
{
	struct http *h = cls;
	struct request *q = *context;

	if (!q) {
		return;
	}
	h->config.forget(h->config.owner, &q->public);
	free(q->public.answer.body);
	free(q);
	*context = NULL;
}

/* --- the loop ------------------------------------------------------------------------------- */

/* It may have more to do without any event of a socket. */
static void look_again(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	ev_timer_stop(h->loop, &h->again);
	if (MHD_get_timeout(h->daemon, &ms) == MHD_YES) {
		ev_timer_set(&h->again, (double)ms / 1e3, 0.);
		ev_timer_start(h->loop, &h->again);
	}
}

static void run(struct http *h)
{
	(void)MHD_run(h->daemon);
	look_again(h);
}

static void on_event(struct ev_loop *loop, ev_io *w, int events)
{
	run(w->data);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	run(w->data);
}

static void say_nothing(void *cls, const char *format, va_list arguments)
{
}

void http_serve(struct http *h, int fd)
{
	const struct sockaddr nobody = { .sa_family = AF_UNIX }; /* who comes is of no interest */

	make_room(h);
	(void)MHD_add_connection(h->daemon, fd, &nobody, sizeof(nobody)); /* else closed */
	run(h);
}

unsigned http_connections(const struct http *h)
{
	return h->visitors;
}

static struct MHD_Daemon *start(struct http *h)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
					MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
				0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER,
				say_nothing, NULL, MHD_OPTION_CONNECTION_LIMIT,
				HTTP_CONNECTIONS + SPARE, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
				MHD_OPTION_NOTIFY_CONNECTION, on_visitor, h,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
				MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

int http_new(struct http **out, struct ev_loop *loop, const struct http_config *c)
{
	const union MHD_DaemonInfo *i;
	struct http *h = calloc(1, sizeof(*h));

	if (!h) {
		return -ENOMEM;
	}
	h->loop = loop;
	h->config = *c;
	h->daemon = start(h);
	i = h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!i || i->epoll_fd < 0) {
		int error = errno ? -errno : -ENOMEM;

		if (h->daemon) {
			MHD_stop_daemon(h->daemon);
		}
		free(h);
		return error;
	}
	ev_io_init(&h->io, on_event, i->epoll_fd, EV_READ);
	ev_init(&h->again, on_again);
	ev_init(&h->turn, on_turn);
	h->io.data = h->again.data = h->turn.data = h;
	ev_io_start(loop, &h->io);
	*out = h;
	return 0;
}

/* The library wants none to be suspended at its end. */
void http_free(struct http *h)
{
	if (!h) {
		return;
	}
	ev_io_stop(h->loop, &h->io);
	ev_timer_stop(h->loop, &h->again);
	ev_timer_stop(h->loop, &h->turn);
	while (h->first) {
		struct request *q = dequeue(h);

		q->done = true;
		http_say(&q->public.answer, MHD_HTTP_SERVICE_UNAVAILABLE, "The server stops.\n");
		MHD_resume_connection(q->connection);
	}
	(void)MHD_run(h->daemon);
	MHD_stop_daemon(h->daemon);
	free(h);
}
