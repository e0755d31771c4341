// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/web.h"

#include "daemon/admin/api.h"
#include "daemon/admin/http.h"
#include "daemon/admin/httpdoor.h"
#include "daemon/admin/metrics_text.h"
#include "daemon/admin/page.h"
#include "daemon/server/asked.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_S 2. /* from one try to the next, where it could not be had at the start */
#define WHERE_LEN (SETTINGS_SOCKET_LEN + ADDRESS_TEXT_LEN + 32)

struct web {
	struct server *server;
	struct httpdoor *door;
	struct http *http;
	char policy[PAGE_POLICY_LEN]; /* of the page */
	struct settings_metrics next; /* that was prepared */
	struct settings_metrics now; /* that is served, and said so */
	struct settings_metrics late; /* that could not be had at the start */
	ev_timer again; /* it is tried */
};

/* --- answers -------------------------------------------------------------------------------- */

static bool no_memory(struct http_request *q)
{
	http_say(&q->answer, 503, "There is no memory. Try again later.\n");
	return true;
}

static bool give_metrics(struct web *w, struct http_request *q)
{
	struct metrics_text *t = q->state;
	int rc = metrics_text_go_on(&t, w->server, q->open_metrics);

	q->state = t;
	if (rc < 0) {
		return no_memory(q);
	}
	if (rc) {
		q->answer.status = 200;
		q->answer.type = q->open_metrics ? EXPOSITION_OPEN : EXPOSITION_OLD;
		q->answer.body = metrics_text_take(t, &q->answer.len);
	}
	return rc;
}

static void give_page(struct web *w, struct http_request *q)
{
	q->answer = (struct http_answer){
		.status = 200,
		.type = "text/html; charset=utf-8",
		.fixed = (const char *)page_html,
		.len = page_html_len,
		.policy = w->policy,
	};
}

static bool work(void *owner, struct http_request *q)
{
	switch (q->route.to) {
	case ROUTE_METRICS:
		return give_metrics(owner, q);
	case ROUTE_API:
		return api_work(((struct web *)owner)->server, q);
	case ROUTE_PAGE:
		give_page(owner, q);
		return true;
	case ROUTE_NOWHERE:
		break;
	}
	http_say(&q->answer, 404, "There is nothing here. See / and /metrics.\n");
	return true;
}

static void forget(void *owner, struct http_request *q)
{
	if (q->route.to == ROUTE_METRICS) {
		metrics_text_free(q->state);
		q->state = NULL;
	} else {
		api_forget(q);
	}
}

/* --- life ----------------------------------------------------------------------------------- */

static void enter(void *context, int fd)
{
	struct web *w = context;

	http_serve(w->http, fd);
}

static const char *find_way_out(int rc, bool tcp)
{
	switch (-rc) {
	case EACCES:
		return tcp ? "; a port below 1024 needs CAP_NET_BIND_SERVICE: use one from 1024 on"
			   : "; the user of the daemon may not make files there: use a path in "
			     "/run/twampd/";
	case EADDRINUSE:
		return tcp ? "; find the process that holds it: ss -ltnp"
			   : "; find the process that listens there: ss -lxp";
	case EADDRNOTAVAIL:
		return "; no interface has it: correct it, or set 127.0.0.1";
	case ENOENT:
	case ENOTDIR:
	case EROFS:
		return "; the folder is not there, or cannot be written: use a path in "
		       "/run/twampd/";
	default:
		return "";
	}
}

static const char *where(const struct settings_metrics *m, bool tcp, char buf[static WHERE_LEN])
{
	char address[ADDRESS_TEXT_LEN];

	(void)snprintf(buf, WHERE_LEN, "%s", m->socket);
	if (tcp) {
		(void)snprintf(buf, WHERE_LEN, "http://%s/",
			       address_text(&m->address, address, sizeof address));
	}
	return buf;
}

static void explain(const struct settings *next, const char *key, int rc, char *why, size_t size)
{
	bool tcp = !strcmp(key, "metrics.port");
	char at[WHERE_LEN], asked[ASKED_LEN];

	(void)snprintf(why, size, "cannot serve metrics at %s: %s%s%s",
		       where(&next->metrics, tcp, at), strerror(-rc), find_way_out(rc, tcp),
		       asked_text(next, key, NULL, asked));
}

static bool is_wanted(const struct settings_metrics *m)
{
	return m->address.port || *m->socket;
}

/* What there has to be before anything can be opened. */
static int equip(struct web *w, const struct settings_metrics *next)
{
	const struct http_config config = { .owner = w, .work = work, .forget = forget };
	int rc = 0;

	if (!w->door) {
		rc = httpdoor_new(&w->door, server_loop(w->server), enter, w);
	}
	if (!rc && !w->http && is_wanted(next)) {
		page_policy(w->policy);
		rc = http_new(&w->http, server_loop(w->server), &config);
	}
	return rc;
}

static int try(struct web *w, const struct settings_metrics *next, const char **key)
{
	int rc = equip(w, next);

	*key = NULL;
	return rc ? rc : httpdoor_prepare(w->door, next, key);
}

static int prepare(void *context, struct server *s, const struct settings *next, char *why,
		   size_t size)
{
	struct web *w = context;
	const char *key;
	int rc;

	w->server = s;
	w->next = next->metrics;
	if (!server_is_ready(s)) { /* another try of the start */
		w->late = (struct settings_metrics){ 0 };
	}
	rc = try(w, &next->metrics, &key);
	if (rc && key) {
		explain(next, key, rc, why, size);
	} else if (rc) {
		(void)snprintf(why, size, "cannot serve metrics: %s", strerror(-rc));
	}
	if (!rc || server_is_ready(s) || !key) {
		return rc;
	}
	/* Clients come first: a start does not fail for it. */
	log_say(server_log(s), LOG_EVENT_METRICS_FAILED, why);
	w->late = w->next;
	w->next = (struct settings_metrics){ 0 };
	return 0;
}

static void say(struct web *w)
{
	char at[WHERE_LEN];

	if (w->next.address.port && !address_same_port(&w->next.address, &w->now.address)) {
		log_say(server_log(w->server), LOG_EVENT_METRICS, where(&w->next, true, at));
	}
	if (*w->next.socket && strcmp(w->next.socket, w->now.socket) != 0) {
		log_say(server_log(w->server), LOG_EVENT_METRICS, where(&w->next, false, at));
	}
	w->now = w->next;
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events);

static void wait_for_it(struct web *w)
{
	if (is_wanted(&w->late)) {
		ev_timer_init(&w->again, on_again, AGAIN_S, 0.);
		w->again.data = w;
		ev_timer_start(server_loop(w->server), &w->again);
	}
}

static void settle(void *context, struct server *s, bool taken)
{
	struct web *w = context;

	httpdoor_settle(w->door, taken);
	if (taken) {
		say(w);
		ev_timer_stop(server_loop(s), &w->again);
		if (server_is_ready(s)) { /* a reload, which has all that it wants */
			w->late = (struct settings_metrics){ 0 };
		}
		wait_for_it(w);
	}
	if (!httpdoor_is_open(w->door)) {
		http_free(w->http);
		w->http = NULL;
	}
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct web *w = timer->data;
	const char *key;

	if (try(w, &w->late, &key)) {
		wait_for_it(w);
		return;
	}
	w->next = w->late;
	settle(w, w->server, true);
}

static void end(void *context, struct server *s)
{
	struct web *w = context;

	if (w->door) {
		ev_timer_stop(server_loop(s), &w->again);
	}
	httpdoor_free(w->door);
	http_free(w->http);
	*w = (struct web){ 0 };
}

struct guest web_guest(struct web *w)
{
	return (struct guest){ prepare, settle, end, w };
}

struct web *web_new(void)
{
	return calloc(1, sizeof(struct web));
}

void web_free(struct web *w)
{
	free(w);
}
