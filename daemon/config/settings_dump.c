// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void settings_dump(const struct settings *s, FILE *to)
{
	values_print_rows(&(struct schema_at){ s, SCHEMA_SERVER, s }, to);
}

/* --- a line for each key --- */

/* White space of several lines as one space. */
static void print_flat(const char *text, FILE *to)
{
	for (; *text; text++) {
		if (*text != '\n' && *text != '\t' && *text != ' ') {
			fputc(*text, to);
		} else if (text[1] != '\n' && text[1] != '\t' && text[1] != ' ') {
			fputc(' ', to);
		}
	}
}

static int flat_row(const struct schema_row *row, const struct schema_at *at, const char *class,
		    FILE *to)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f) {
		return -ENOMEM;
	}
	values_print(row, at, f);
	if (fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	fprintf(to, "%s%s%s%s = ", schema_prefix(at->where), class, *class ? "." : "", row->key);
	print_flat(text, to);
	fputc('\n', to);
	free(text);
	return 0;
}

/* Of the class itself, and worth a line: the name is part of each, and an empty list says nothing. */
static bool is_told(const struct schema_row *row, const struct schema_at *at)
{
	bool (*empty)(const struct schema_row *,
		      const struct schema_at *) = schema_types[row->type].empty;

	return (row->scope & SCHEMA_CLASS) && row->type != SCHEMA_NAME &&
	       values_is_set(at->in, row) && !(empty && empty(row, at));
}

static int flat_class(const struct settings *s, const struct settings_class *c, FILE *to)
{
	struct schema_at at = { s, SCHEMA_CLASS, c };
	int r = 0;

	for (size_t i = 0; !r && i < schema_n_rows; i++) {
		if (is_told(&schema_rows[i], &at)) {
			r = flat_row(&schema_rows[i], &at, c->name, to);
		}
	}
	return r;
}

int settings_flat(const struct settings *s, const struct settings *started, FILE *to)
{
	int r = 0;

	for (size_t i = 0; !r && i < schema_n_rows; i++) {
		const struct schema_row *row = &schema_rows[i];
		const struct settings *from = started && schema_is_fixed(row, started) ? started
										       : s;

		if ((row->scope & SCHEMA_SERVER) && row->type != SCHEMA_CLASS_LIST) {
			r = flat_row(row, &(struct schema_at){ from, SCHEMA_SERVER, from }, "", to);
		}
	}
	for (size_t i = 0; !r && i < s->n_classes; i++) {
		r = flat_class(s, &s->classes[i], to);
	}
	return r;
}

/* --- what there is --- */

const char *settings_apply_name(enum settings_apply a)
{
	switch (a) {
	case SETTINGS_NOW:
		return "now";
	case SETTINGS_NEXT:
		return "next";
	case SETTINGS_RESTART:
		return "restart";
	}
	return "";
}

static const char *preset(const struct schema_row *row, char buf[static SCHEMA_TEXT_LEN])
{
	if (row->required) {
		return "none";
	}
	if (row->type == SCHEMA_INTEGER && row->preset > row->max) {
		return "as in the entry";
	}
	return schema_is_value(row) ? schema_text(row, row->preset, buf)
				    : schema_types[row->type].preset;
}

static void print_schema(const struct schema_row *row, enum schema_scope where, FILE *to)
{
	bool inherited = where == SCHEMA_CLASS && (row->scope & SCHEMA_SERVER);
	char accepts[SCHEMA_TEXT_LEN], text[SCHEMA_TEXT_LEN];

	fprintf(to, "%s%s  %s  default %s%s  %s  %s\n", schema_prefix(where), row->key,
		schema_accepts(row, where, accepts), inherited ? "as " : "",
		inherited ? row->key : preset(row, text), settings_apply_name(row->apply),
		row->help);
}

void settings_schema(FILE *to)
{
	static const enum schema_scope all[] = { SCHEMA_SERVER, SCHEMA_CLASS, SCHEMA_LISTEN,
						 SCHEMA_LIGHT, SCHEMA_ROW };

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
		for (size_t i = 0; i < schema_n_rows; i++) {
			if (schema_rows[i].scope & all[k]) {
				print_schema(&schema_rows[i], all[k], to);
			}
		}
	}
}
