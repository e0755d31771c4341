// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/tell_change.h"

#include <stdio.h>
#include <stdlib.h>

#define VALUE_MAX 1000 /* octets of a value that are told */

char *tell_flat(const struct settings *s, const struct settings *started)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int rc;

	if (!f) {
		return NULL;
	}
	rc = settings_flat(s, started, f);
	if (fclose(f) || rc) {
		free(text);
		return NULL;
	}
	return text;
}

static json_t *tell_value(const char *text, size_t len)
{
	char value[VALUE_MAX + 1];

	if (!text) {
		return json_null();
	}
	(void)snprintf(value, sizeof value, "%.*s", (int)len, text);
	return tell_text(value);
}

static void add(void *to, const struct settings_change *c)
{
	json_t *o = json_object();

	tell_put(o, "key", tell_text(c->key));
	tell_put(o, "from", tell_value(c->from, c->from_len));
	tell_put(o, "to", tell_value(c->to, c->to_len));
	tell_put(o, "applies", json_string(settings_apply_name(c->apply)));
	(void)json_array_append_new(to, o);
}

json_t *tell_changes(const struct settings *old, const struct settings *now)
{
	char *from = tell_flat(old, NULL), *to = tell_flat(now, NULL);
	json_t *list = json_array();

	if (!from || !to || settings_changes(from, to, add, list) < 0) {
		json_decref(list);
		list = NULL;
	}
	free(from);
	free(to);
	return list;
}
