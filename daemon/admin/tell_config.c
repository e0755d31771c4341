// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/tell_config.h"

#include "daemon/admin/steer.h"
#include "daemon/admin/tell.h"
#include "daemon/server/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 200
#define VALUE_MAX 4000 /* octets of a value that are told; a class may have 65536 prefixes */

const struct ask_arg tell_config_args[] = { { "key", ASK_TEXT, false }, { NULL, ASK_TEXT, false } };

struct lines {
	struct settings *settings;
	char *text; /* of settings_flat() */
	const char *at;
};

/* "clients.lab.limits.max_sessions" of the class lab; of none if it is another key. */
static const struct settings_class *find_class(const struct settings *s, const char *key,
					       const char **rest)
{
	*rest = key;
	if (strncmp(key, "clients.", 8) != 0) {
		return NULL;
	}
	for (size_t i = 0; i < s->n_classes; i++) {
		size_t len = strlen(s->classes[i].name);

		if (!strncmp(key + 8, s->classes[i].name, len) && key[8 + len] == '.') {
			*rest = key + 8 + len + 1;
			return &s->classes[i];
		}
	}
	return NULL;
}

static json_t *tell_origin(const struct settings *s, const char *key)
{
	const char *rest;
	const struct settings_class *class = find_class(s, key, &rest);
	char name[KEY_MAX + 10], text[400];
	struct settings_place at;

	(void)snprintf(name, sizeof name, "%s%s", class ? "clients." : "", rest);
	at = settings_origin(s, name, class);
	if (!at.file) {
		return json_null();
	}
	(void)snprintf(text, sizeof text, "%s:%u", at.file, at.line);
	return tell_text(text);
}

/* A line "KEY = VALUE". False at the end. */
static bool next_line(struct lines *l, char key[static KEY_MAX], const char **value, size_t *len)
{
	size_t line = strcspn(l->at, "\n");
	const char *sign = strstr(l->at, " = ");

	if (!*l->at || !sign || sign > l->at + line) {
		return false;
	}
	(void)snprintf(key, KEY_MAX, "%.*s", (int)(sign - l->at), l->at);
	*value = sign + 3;
	*len = (size_t)(l->at + line - *value);
	l->at += line + (l->at[line] == '\n');
	return true;
}

static bool is_asked(const char *wanted, const char *key)
{
	size_t len = wanted ? strlen(wanted) : 0;

	return !wanted || (!strncmp(key, wanted, len) && (!key[len] || key[len] == '.'));
}

static enum task_next step(struct task *t)
{
	struct lines *l = t->state;
	char key[KEY_MAX], text[VALUE_MAX + 4];
	const char *value, *wanted = ask_text(&t->ask, "key");
	size_t len;

	while (!task_is_enough(t)) {
		json_t *o;

		if (!next_line(l, key, &value, &len)) {
			reply_result(t->reply, json_object());
			return TASK_DONE;
		}
		if (!is_asked(wanted, key)) {
			continue;
		}
		(void)snprintf(text, sizeof text, "%.*s%s",
			       (int)(len > VALUE_MAX ? VALUE_MAX : len), value,
			       len > VALUE_MAX ? "..." : "");
		o = json_object();
		tell_put(o, "key", tell_text(key));
		tell_put(o, "value", json_string(text));
		tell_put(o, "origin", tell_origin(l->settings, key));
		reply_item(t->reply, o);
	}
	return TASK_MORE;
}

static void end(struct task *t)
{
	struct lines *l = t->state;

	settings_unref(l->settings);
	free(l->text);
	free(l);
}

enum task_next tell_config_begin(struct task *t)
{
	struct lines *l = calloc(1, sizeof *l);

	if (l) {
		l->settings = settings_ref(view_settings(t->server));
		l->at = l->text = steer_flat(t->owner);
		t->state = l;
		t->step = step;
		t->end = end;
	}
	if (!l || !l->text) {
		reply_error(t->reply, REPLY_NO_MEMORY, "out of memory");
		return TASK_DONE;
	}
	return TASK_MORE;
}
