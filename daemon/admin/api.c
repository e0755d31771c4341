// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/api.h"

#include "daemon/admin/shelf.h"
#include "daemon/admin/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9))
#define TYPE "application/json"

struct api {
	struct task task;
	struct reply reply;
	struct reply_sink sink;
	struct shelf shelf;
	json_t *result;
	enum reply_error kind;
	char *error; /* what went wrong; NULL = nothing */
	bool began;
};

/* --- what the command says ------------------------------------------------------------------ */

static void take_item(void *context, json_t *item)
{
	struct api *a = context;

	shelf_take(&a->shelf, item);
}

static void take_result(void *context, json_t *result)
{
	struct api *a = context;

	json_decref(a->result);
	a->result = result;
}

static void take_error(void *context, enum reply_error kind, const char *text)
{
	struct api *a = context;

	free(a->error);
	a->kind = kind;
	a->error = strdup(text);
}

/* --- the question --------------------------------------------------------------------------- */

/* What the command does not take it does not get: then it is refused in words. */
static json_t *make_args(const struct route *r)
{
	json_t *args = json_object();

#define X(name) \
	if (*r->name) { \
		(void)json_object_set_new(args, #name, json_string(r->name)); \
	}
	ROUTE_TEXTS(X)
#undef X
	if (r->since_s) {
		(void)json_object_set_new(args, "since_s", json_integer(r->since_s));
	}
	return args;
}

static enum task_next begin(struct server *s, struct api *a, const struct route *r)
{
	json_t *ask = json_pack("{s:s,s:o}", "cmd", r->command, "args", make_args(r));
	char *line = ask ? json_dumps(ask, FLAGS) : NULL;
	enum task_next next = TASK_DONE;

	a->sink = (struct reply_sink){ take_item, take_result, take_error, a };
	a->reply.sink = &a->sink;
	a->task.server = s;
	a->task.reply = &a->reply;
	a->shelf.offset = r->offset;
	a->shelf.limit = r->limit;
	a->shelf.sort = r->sort;
	a->shelf.rising = r->rising;
	a->began = true;
	if (line) {
		next = task_begin(&a->task, verbs_table, false, line, strlen(line));
	} else {
		take_error(a, REPLY_NO_MEMORY, "out of memory");
	}
	free(line);
	json_decref(ask);
	return next;
}

/* --- the answer ----------------------------------------------------------------------------- */

static unsigned status_of(enum reply_error kind)
{
	switch (kind) {
	case REPLY_BAD_REQUEST:
	case REPLY_REFUSED:
		return 400;
	case REPLY_NOT_ALLOWED:
		return 403;
	case REPLY_NOT_FOUND:
	case REPLY_UNKNOWN_COMMAND:
		return 404;
	case REPLY_BUSY:
	case REPLY_NO_MEMORY:
		return 503;
	}
	return 500;
}

static void put(struct http_answer *to, unsigned status, json_t *what)
{
	char *text = what ? json_dumps(what, FLAGS) : NULL;

	json_decref(what);
	if (!text) {
		http_say(to, 503, "There is no memory. Try again later.\n");
		return;
	}
	*to = (struct http_answer){
		.status = status, .type = TYPE, .body = text, .len = strlen(text)
	};
}

static void finish(struct api *a, struct http_answer *to)
{
	uint64_t total;
	json_t *page;

	if (!a->error && a->shelf.unknown) {
		take_error(a, REPLY_BAD_REQUEST, "sort: there is no such column");
	}
	if (a->error || a->shelf.failed) {
		put(to, status_of(a->error ? a->kind : REPLY_NO_MEMORY),
		    json_pack("{s:i,s:b,s:{s:s,s:s}}", "v", REPLY_VERSION, "ok", false, "error",
			      "kind", reply_error_name(a->error ? a->kind : REPLY_NO_MEMORY),
			      "text", a->error ? a->error : "out of memory"));
		return;
	}
	total = a->shelf.passed;
	page = shelf_page(&a->shelf);
	put(to, 200,
	    json_pack("{s:i,s:b,s:O?,s:I,s:o}", "v", REPLY_VERSION, "ok", true, "result", a->result,
		      "total", (json_int_t)total, "items", page));
}

bool api_work(struct server *s, struct http_request *q)
{
	struct api *a = q->state;
	enum task_next next;

	if (!a) {
		a = q->state = calloc(1, sizeof *a);
	}
	if (!a) {
		http_say(&q->answer, 503, "There is no memory. Try again later.\n");
		return true;
	}
	next = a->began ? task_go_on(&a->task) : begin(s, a, &q->route);
	if (next != TASK_DONE) {
		return false;
	}
	finish(a, &q->answer);
	return true;
}

void api_forget(struct http_request *q)
{
	struct api *a = q->state;

	if (!a) {
		return;
	}
	task_wipe(&a->task);
	reply_wipe(&a->reply);
	shelf_wipe(&a->shelf);
	json_decref(a->result);
	free(a->error);
	free(a);
	q->state = NULL;
}
