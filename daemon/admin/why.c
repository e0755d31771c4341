// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/why.h"

#include "daemon/admin/tell.h"
#include "daemon/server/foresee.h"
#include "protocol/mode.h"

#include <stdio.h>
#include <string.h>

#define DSCP_MAX 63

const struct ask_arg why_args[] = {
	{ "client", ASK_TEXT, true },  { "key", ASK_TEXT, false },
	{ "mode", ASK_TEXT, false },   { "padding", ASK_NUMBER, false },
	{ "dscp", ASK_NUMBER, false }, { "receiver", ASK_TEXT, false },
	{ NULL, ASK_TEXT, false },
};

/* --- the question --------------------------------------------------------------------------- */

static bool take_address(const char *text, struct address *a)
{
	struct prefix p;

	if (prefix_parse(text, &p) || p.bits != (p.family == 4 ? 32 : 128)) {
		return false;
	}
	*a = (struct address){ .family = p.family };
	memcpy(a->ip, p.ip, sizeof a->ip);
	return true;
}

/* What is wrong with it, or NULL. */
static const char *take_question(struct task *t, struct foresee_question *q)
{
	const char *key = ask_text(&t->ask, "key"), *mode = ask_text(&t->ask, "mode");
	const char *receiver = ask_text(&t->ask, "receiver");
	uint64_t padding = ask_number(&t->ask, "padding", 0), dscp = ask_number(&t->ask, "dscp", 0);

	*q = (struct foresee_question){ .padding = (uint32_t)padding, .dscp = (uint8_t)dscp };
	if (!take_address(ask_text(&t->ask, "client"), &q->client)) {
		return "client: an IPv4 or IPv6 address is expected";
	}
	if (receiver && !take_address(receiver, &q->receiver)) {
		return "receiver: an IPv4 or IPv6 address is expected";
	}
	if (key && (!*key || strlen(key) > sizeof q->key_id)) {
		return "key: a KeyID of 1 to 80 octets is expected";
	}
	if (mode && !(mode_by_name(mode) & MODE_SECURITY_MASK)) {
		return "mode: unauthenticated, authenticated, encrypted or mixed is expected";
	}
	if (padding > UINT32_MAX || dscp > DSCP_MAX) {
		return padding > UINT32_MAX ? "padding: 0..4294967295 is expected"
					    : "dscp: 0..63 is expected";
	}
	memcpy(q->key_id, key ? key : "", key ? strlen(key) : 0);
	q->mode = mode ? mode_by_name(mode) : 0;
	return NULL;
}

/* --- the answer ----------------------------------------------------------------------------- */

static json_t *tell_place(const struct settings_place *p)
{
	char text[400];

	if (!p->file) {
		return json_string("the default");
	}
	(void)snprintf(text, sizeof text, "%s:%u", p->file, p->line);
	return tell_text(text);
}

static json_t *tell_class(const struct foresee_answer *a)
{
	const struct settings_class *c = a->class;
	json_t *o = json_object();

	tell_put(o, "name", c ? json_string(c->name) : json_null());
	tell_put(o, "by",
		 json_string(!c			  ? "no entry of clients has its address or KeyID"
			     : c != a->by_address ? "its KeyID"
			     : c->place.file	  ? "its address"
						  : "clients is not set"));
	tell_put(o, "setting", c ? tell_place(&c->place) : json_null());
	return o;
}

static json_t *tell_limits(const struct foresee_answer *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < FORESEE_LIMITS && a->limits[i].key; i++) {
		const struct foresee_limit *l = &a->limits[i];
		json_t *o = json_object();

		tell_put(o, "limit", json_string(l->key));
		tell_put(o, "of", json_string(l->of));
		tell_put(o, "used", tell_number(l->used));
		tell_put(o, "max", tell_number(l->max));
		tell_put(o, "left", tell_number(l->max > l->used ? l->max - l->used : 0));
		tell_put(o, "setting", tell_place(&l->place));
		(void)json_array_append_new(list, o);
	}
	return list;
}

static const char *name_step(enum foresee_step s)
{
	switch (s) {
	case FORESEE_GREETING:
		return "greeting";
	case FORESEE_SETUP:
		return "Server-Start";
	case FORESEE_REQUEST:
	case FORESEE_ACCEPTED:
		return "Accept-Session";
	}
	return "";
}

static json_t *tell_modes(uint32_t modes)
{
	char text[MODE_TEXT_LEN];

	return json_string(mode_text(modes, text, sizeof text));
}

static void put_verdict(json_t *o, const struct foresee_answer *a)
{
	const struct reason_info *info = reason_info(a->reason);
	bool ok = a->step == FORESEE_ACCEPTED;

	tell_put(o, "ok", json_boolean(ok));
	tell_put(o, "told_in", json_string(name_step(a->step)));
	tell_put(o, "code", a->step == FORESEE_GREETING ? json_null() : json_integer(a->code));
	tell_put(o, "accept",
		 a->step == FORESEE_GREETING
			 ? json_string("it finds no mode that it can use, and no code is sent")
			 : json_string(accept_info(a->code)->name));
	tell_put(o, "reason", json_string(info->key));
	tell_put(o, "text", json_string(info->text));
	tell_put(o, "remedy", ok ? json_null() : json_string(info->remedy));
	tell_put(o, "now", *a->reached.now ? tell_text(a->reached.now) : json_null());
	tell_put(o, "limit", *a->reached.limit ? tell_text(a->reached.limit) : json_null());
	tell_put(o, "setting", *a->setting ? tell_text(a->setting) : json_null());
}

enum task_next why_begin(struct task *t)
{
	struct foresee_question q;
	struct foresee_answer a;
	const char *wrong = take_question(t, &q);
	json_t *o;

	if (wrong) {
		reply_error(t->reply, REPLY_BAD_REQUEST, "%s", wrong);
		return TASK_DONE;
	}
	foresee(t->server, &q, &a);
	o = json_object();
	put_verdict(o, &a);
	tell_put(o, "client", tell_address(&q.client));
	tell_put(o, "local", a.local.family ? tell_address(&a.local) : json_null());
	tell_put(o, "class", tell_class(&a));
	tell_put(o, "offered", tell_modes(a.offered));
	tell_put(o, "mode", a.mode ? tell_modes(a.mode) : json_null());
	tell_put(o, "limits", tell_limits(&a));
	reply_result(t->reply, o);
	return TASK_DONE;
}
