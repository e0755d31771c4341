// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/settings_dump.h"
#include "daemon/config/classes.h"
#include "daemon/config/cpus.h"
#include "daemon/config/lightconf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void print_listen(const struct settings *s, FILE *to)
{
	fputs("(", to);
	for (size_t i = 0; i < s->n_listen; i++) {
		const struct settings_listen *l = &s->listen[i];

		if (!lightconf_is_second(l->implied, &l->address)) {
			fputs(i ? ",\n\t{ " : "\n\t{ ", to);
			lightconf_dump_address(&l->address, l->implied, l->device, l->freebind, to);
			fputs(" }", to);
		}
	}
	fputs("\n)", to);
}

static void print_string(const char *text, size_t len, FILE *to)
{
	fputc('"', to);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\') {
			fputc('\\', to);
		}
		fputc(text[i], to);
	}
	fputc('"', to);
}

static void print_prefixes(const struct settings *s, const struct settings_class *c, FILE *to)
{
	char text[PREFIX_TEXT_LEN];

	fputs("[", to);
	for (size_t i = 0; i < c->n_prefixes; i++) {
		fprintf(to, "%s \"%s\"", i ? "," : "",
			prefix_text(&s->prefixes[c->first_prefix + i].prefix, text));
	}
	fputs(" ]", to);
}

static void print_key_ids(const struct settings *s, const struct settings_class *c, FILE *to)
{
	fputs("[", to);
	for (size_t i = 0; i < c->n_key_ids; i++) {
		const struct settings_key_id *id = &s->key_ids[c->first_key_id + i];

		fputs(i ? ", " : " ", to);
		print_string((const char *)id->id, id->len, to);
	}
	fputs(" ]", to);
}

static void print_ports(const struct settings *s, FILE *to)
{
	fputs("[", to);
	for (unsigned i = 0; i < s->n_also; i++) {
		fprintf(to, "%s%u", i ? ", " : " ", s->also[i]);
	}
	fputs(" ]", to);
}

static void print_classes(const struct settings *s, FILE *to);

void settings_dump_value(const struct settings *s, const struct settings_class *c,
			 enum schema_scope where, const struct schema_row *row, FILE *to)
{
	char text[SCHEMA_TEXT_LEN];

	switch (row->type) {
	case SCHEMA_INTEGER:
	case SCHEMA_POWER:
	case SCHEMA_BOOLEAN:
	case SCHEMA_CHOICE:
	case SCHEMA_DSCP:
	case SCHEMA_MODES:
		fputs(schema_text(row,
				  where == SCHEMA_CLASS ? schema_class_get(row, &c->configured)
							: schema_get(row, s),
				  text),
		      to);
		break;
	case SCHEMA_LISTEN:
		print_listen(s, to);
		break;
	case SCHEMA_LIGHT:
		lightconf_dump(s, to);
		break;
	case SCHEMA_FILE:
		print_string(s->keys_file, strlen(s->keys_file), to);
		break;
	case SCHEMA_CPUS:
		fputc('"', to);
		cpus_print(&s->reflector_cpus, to);
		fputc('"', to);
		break;
	case SCHEMA_PORTS:
		print_ports(s, to);
		break;
	case SCHEMA_CLASSES:
		print_classes(s, to);
		break;
	case SCHEMA_NAME:
		print_string(c->name, strlen(c->name), to);
		break;
	case SCHEMA_PREFIXES:
		print_prefixes(s, c, to);
		break;
	case SCHEMA_KEY_IDS:
		print_key_ids(s, c, to);
		break;
	}
}

bool settings_dump_is_set(const struct settings_class *c, const struct schema_row *row)
{
	return !schema_is_value(row) || (c->overrides & UINT64_C(1) << (row - schema_rows));
}

/* Of the server (@c does not matter), or of a class, where comments tell what it has from the
 * server. Rows of a group follow each other. */
static void print_rows(const struct settings *s, const struct settings_class *c,
		       enum schema_scope where, FILE *to)
{
	const char *group = "", *indent = where == SCHEMA_CLASS ? "\t\t" : "";
	int group_len = 0;

	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		const struct schema_row *row = &schema_rows[i];
		const char *point = strchr(row->key, '.');
		int len = point ? (int)(point - row->key) : 0;
		bool inherited = where == SCHEMA_CLASS && !settings_dump_is_set(c, row);

		if (!(row->scope & where)) {
			continue;
		}
		if (len != group_len || strncmp(group, row->key, (size_t)len) != 0) {
			if (group_len) {
				fprintf(to, "%s};\n", indent);
			}
			if (len) {
				fprintf(to, "%s%.*s = {\n", indent, len, row->key);
			}
			group = row->key;
			group_len = len;
		}
		fprintf(to, "%s%s%s%s = ", indent, len ? "\t" : "", inherited ? "#" : "",
			point ? point + 1 : row->key);
		settings_dump_value(s, c, where, row, to);
		fputs(inherited ? "; # inherited\n" : ";\n", to);
	}
	if (group_len) {
		fprintf(to, "%s};\n", indent);
	}
}

static void print_classes(const struct settings *s, FILE *to)
{
	fputs("(", to);
	for (size_t i = 0; i < s->n_classes; i++) {
		fprintf(to, "%s\n\t{\n", i ? "," : "");
		print_rows(s, &s->classes[i], SCHEMA_CLASS, to);
		fputs("\t}", to);
	}
	fputs(s->n_classes ? "\n)" : " )", to);
}

void settings_dump(const struct settings *s, FILE *to)
{
	print_rows(s, &s->fallback, SCHEMA_SERVER, to);
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

static int flat_row(const struct settings *s, const struct settings_class *c,
		    const struct schema_row *row, FILE *to)
{
	enum schema_scope where = c ? SCHEMA_CLASS : SCHEMA_SERVER;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f) {
		return -ENOMEM;
	}
	settings_dump_value(s, c, where, row, f);
	if (fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	fprintf(to, "%s%s%s%s = ", c ? "clients." : "", c ? c->name : "", c ? "." : "", row->key);
	print_flat(text, to);
	fputc('\n', to);
	free(text);
	return 0;
}

/* Worth a line: the name is part of each, and an empty list says nothing. */
static bool is_told(const struct settings_class *c, const struct schema_row *row)
{
	if (!(row->scope & SCHEMA_CLASS) || row->type == SCHEMA_NAME) {
		return false;
	}
	return row->type == SCHEMA_PREFIXES  ? c->n_prefixes != 0
	       : row->type == SCHEMA_KEY_IDS ? c->n_key_ids != 0
					     : settings_dump_is_set(c, row);
}

int settings_flat(const struct settings *s, unsigned applies, FILE *to)
{
	int r = 0;

	for (size_t i = 0; !r && i < SCHEMA_ROWS; i++) {
		const struct schema_row *row = &schema_rows[i];

		if ((row->scope & SCHEMA_SERVER) && row->type != SCHEMA_CLASSES &&
		    (applies >> row->apply & 1)) {
			r = flat_row(s, NULL, row, to);
		}
	}
	for (size_t i = 0; !r && i < s->n_classes * SCHEMA_ROWS; i++) {
		const struct settings_class *c = &s->classes[i / SCHEMA_ROWS];
		const struct schema_row *row = &schema_rows[i % SCHEMA_ROWS];

		if (is_told(c, row) && (applies >> row->apply & 1)) {
			r = flat_row(s, c, row, to);
		}
	}
	return r;
}

/* --- what there is --- */

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

static const char *preset(const struct schema_row *row, char buf[static SCHEMA_TEXT_LEN])
{
	switch (row->type) {
	case SCHEMA_INTEGER:
	case SCHEMA_POWER:
	case SCHEMA_BOOLEAN:
	case SCHEMA_CHOICE:
	case SCHEMA_DSCP:
	case SCHEMA_MODES:
		return schema_text(row, row->preset, buf);
	case SCHEMA_LISTEN:
		return "( { port = 862; } )";
	case SCHEMA_LIGHT:
		return "( )";
	case SCHEMA_FILE:
	case SCHEMA_CPUS:
		return "\"\"";
	case SCHEMA_PORTS:
		return "[ 862, 20001 ]";
	case SCHEMA_CLASSES:
		return "( )";
	case SCHEMA_NAME:
		return "none";
	case SCHEMA_PREFIXES:
	case SCHEMA_KEY_IDS:
		return "[ ]";
	}
	return "";
}
_Static_assert(SCHEMA_LISTEN_PORT == 862, "named in the text above");

static void print_schema(const struct schema_row *row, enum schema_scope where, FILE *to)
{
	bool inherited = where == SCHEMA_CLASS && (row->scope & SCHEMA_SERVER);
	char accepts[SCHEMA_TEXT_LEN], text[SCHEMA_TEXT_LEN];

	fprintf(to, "%s%s  %s  default %s%s  %s  %s\n", where == SCHEMA_CLASS ? "clients." : "",
		row->key, schema_accepts(row, where, accepts), inherited ? "as " : "",
		inherited ? row->key : preset(row, text), when(row->apply), row->help);
}

void settings_schema(FILE *to)
{
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		if (schema_rows[i].scope & SCHEMA_SERVER) {
			print_schema(&schema_rows[i], SCHEMA_SERVER, to);
		}
	}
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		if (schema_rows[i].scope & SCHEMA_CLASS) {
			print_schema(&schema_rows[i], SCHEMA_CLASS, to);
		}
	}
}
