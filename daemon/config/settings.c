// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/settings.h"

#include "daemon/config/apply.h"
#include "daemon/config/schema.h"
#include "daemon/config/source.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int load_files(struct settings *s, const char *path, struct settings_error *err)
{
	struct apply a = { .settings = s, .err = err };
	struct source_list list;
	int r = source_list(path, &list, err);

	for (size_t i = 0; !r && i < list.n; i++)
		r = apply_file(&a, list.path[i]);
	if (!r)
		r = apply_finish(&a);
	source_list_free(&list);
	return r;
}

int settings_load(const char *path, struct settings **out, struct settings_error *err)
{
	struct settings *s = calloc(1, sizeof(*s));
	int r;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->refs = 1;
	r = apply_defaults(s);
	if (!r && path)
		r = load_files(s, path, err);
	if (r)
		settings_unref(s);
	else
		*out = s;
	return r;
}

struct settings *settings_ref(struct settings *s)
{
	s->refs++;
	return s;
}

void settings_unref(struct settings *s)
{
	if (!s)
		return;
	assert(s->refs > 0);
	if (--s->refs)
		return;
	free(s->listen);
	free(s);
}

static void print_listen(const struct settings *s, FILE *to)
{
	fputs("listen = (", to);
	for (size_t i = 0; i < s->n_listen; i++) {
		const struct address *a = &s->listen[i].address;
		char text[INET6_ADDRSTRLEN] = "";

		(void)inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->ip, text, sizeof(text));
		fprintf(to, "%s\n\t{ address = \"%s", i ? "," : "", text);
		if (a->scope)
			fprintf(to, "%%%u", a->scope);
		fprintf(to, "\"; port = %u; }", a->port);
	}
	fputs("\n);\n", to);
}

/* Rows of a group follow each other. */
void settings_dump(const struct settings *s, FILE *to)
{
	const char *group = "";
	int group_len = 0;

	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		const struct schema_row *row = &schema_rows[i];
		const char *point = strchr(row->key, '.');
		int len = point ? (int)(point - row->key) : 0;
		char text[SCHEMA_TEXT_LEN];

		if (len != group_len || strncmp(group, row->key, (size_t)len) != 0) {
			fputs(group_len ? "};\n" : "", to);
			if (len)
				fprintf(to, "%.*s = {\n", len, row->key);
			group = row->key;
			group_len = len;
		}
		if (row->type == SCHEMA_LISTEN) {
			print_listen(s, to);
			continue;
		}
		fprintf(to, "%s%s = %s;\n", len ? "\t" : "", point ? point + 1 : row->key,
			schema_text(row, schema_get(row, s), text));
	}
	fputs(group_len ? "};\n" : "", to);
}

unsigned settings_restart_needed(const struct settings *old, const struct settings *now, char *buf,
				 size_t size)
{
	unsigned n = 0;
	size_t len = 0;

	if (size)
		buf[0] = '\0';
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		const struct schema_row *row = &schema_rows[i];

		if (row->apply != SETTINGS_RESTART || row->type == SCHEMA_LISTEN ||
		    schema_get(row, old) == schema_get(row, now))
			continue;
		if (len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", n ? ", " : "",
						row->key);
		n++;
	}
	return n;
}

static const char *when(enum settings_apply apply)
{
	switch (apply) {
	case SETTINGS_NOW:
		return "now";
	case SETTINGS_NEXT:
		return "next";
	case SETTINGS_RESTART:
		return "restart";
	}
	return "";
}

void settings_schema(FILE *to)
{
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		const struct schema_row *row = &schema_rows[i];
		char accepts[SCHEMA_TEXT_LEN], preset[SCHEMA_TEXT_LEN] = "( { port = 862; } )";

		if (row->type != SCHEMA_LISTEN)
			schema_text(row, row->preset, preset);
		fprintf(to, "%s  %s  default %s  %s  %s\n", row->key, schema_accepts(row, accepts),
			preset, when(row->apply), row->help);
	}
}
_Static_assert(SCHEMA_LISTEN_PORT == 862, "named in the text above");
