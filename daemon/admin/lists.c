// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/lists.h"

#include "daemon/admin/listing.h"
#include "daemon/admin/tell_held.h"
#include "daemon/reflector/forward.h"

#define END \
	{ \
		NULL, ASK_TEXT, false \
	}

const struct ask_arg lists_connections_args[] = { FILTER_CLIENT, FILTER_CLASS, FILTER_KEY, END };
const struct ask_arg lists_sessions_args[] = { FILTER_CLIENT, FILTER_CLASS, FILTER_KEY, END };
const struct ask_arg lists_clients_args[] = { FILTER_CLIENT, FILTER_CLASS, END };
const struct ask_arg lists_refused_args[] = {
	FILTER_CLIENT, FILTER_CLASS, FILTER_KEY, { "since_s", ASK_NUMBER, false }, END
};
const struct ask_arg lists_session_args[] = { FILTER_SID, END };

static bool takes(const struct filter *f, const struct address *a, const char *class,
		  const uint8_t *key_id)
{
	return filter_takes_address(f, a) && filter_takes_class(f, class) &&
	       filter_takes_key(f, key_id);
}

static bool next_connection(struct listing *l, json_t **item)
{
	struct view_connection v;

	if (!view_connection(&l->walk, &v)) {
		return false;
	}
	if (takes(&l->filter, &v.client, v.class, v.key_id)) {
		*item = tell_connection(&v);
	}
	return true;
}

static bool next_session(struct listing *l, json_t **item)
{
	struct view_session v;

	if (!view_session(&l->walk, &v)) {
		return false;
	}
	if (takes(&l->filter, &v.client, v.class, v.key_id)) {
		*item = tell_session(&v);
	}
	return true;
}

static bool next_client(struct listing *l, json_t **item)
{
	struct view_client v;

	if (!view_client(&l->walk, &v)) {
		return false;
	}
	if (filter_takes_prefix(&l->filter, &v.client) && filter_takes_class(&l->filter, v.class)) {
		*item = tell_client(&v);
	}
	return true;
}

static bool next_refusal(struct listing *l, json_t **item)
{
	struct refusal v;

	if (!view_refusal(&l->walk, &v)) {
		return false;
	}
	if (v.last.ns >= l->since.ns && filter_takes_prefix(&l->filter, &v.client) &&
	    filter_takes_class(&l->filter, v.class) && filter_takes_key(&l->filter, v.key_id)) {
		*item = tell_refusal(&v);
	}
	return true;
}

enum task_next lists_connections(struct task *t)
{
	static const struct listing_kind kind = { .what = VIEW_CONNECTIONS,
						  .next = next_connection };

	return listing_begin(t, &kind);
}

enum task_next lists_sessions(struct task *t)
{
	static const struct listing_kind kind = { .what = VIEW_SESSIONS, .next = next_session };

	return listing_begin(t, &kind);
}

enum task_next lists_clients(struct task *t)
{
	static const struct listing_kind kind = { .what = VIEW_CLIENTS, .next = next_client };

	return listing_begin(t, &kind);
}

enum task_next lists_refused(struct task *t)
{
	static const struct listing_kind kind = { .what = VIEW_REFUSALS, .next = next_refusal };

	return listing_begin(t, &kind);
}

/* --- one session ---------------------------------------------------------------------------- */

static bool next_whole(struct listing *l, json_t **item)
{
	struct view_session v;
	struct forward f;

	if (l->shown || !view_session(&l->walk, &v)) {
		return false;
	}
	if (filter_takes_sid(&l->filter, v.sid) && view_forward(&l->walk, &f)) {
		*item = tell_session_whole(&v, &f);
	}
	return true;
}

enum task_next lists_session(struct task *t)
{
	static const struct listing_kind kind = { VIEW_SESSIONS, next_whole,
						  "no session that runs has this SID" };

	return listing_begin(t, &kind);
}
