// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/values.h"

#include "daemon/config/classes.h"
#include "daemon/config/cpus.h"

#include <arpa/inet.h>
#include <string.h>

void values_print_text(const char *text, size_t len, FILE *to)
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

void values_print_file(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	values_print_text(at->settings->keys_file, strlen(at->settings->keys_file), to);
}

void values_print_cpus(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	fputc('"', to);
	cpus_print(&at->settings->reflector_cpus, to);
	fputc('"', to);
}

void values_print_numbers(const uint16_t *number, size_t n, FILE *to)
{
	fputs("[", to);
	for (size_t i = 0; i < n; i++) {
		fprintf(to, "%s %u", i ? "," : "", number[i]);
	}
	fputs(" ]", to);
}

void values_print_ports(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	values_print_numbers(at->settings->also, at->settings->n_also, to);
}

/* Text that is kept where the row says. */
void values_print_string(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const char *text = schema_value(row, at->where, at->in);

	values_print_text(text, strlen(text), to);
}

bool values_no_string(const struct schema_row *row, const struct schema_at *at)
{
	return !*(const char *)schema_value(row, at->where, at->in);
}

/* --- of a class --- */

void values_print_name(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const struct settings_class *c = at->in;

	values_print_text(c->name, strlen(c->name), to);
}

void values_print_prefixes(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const struct settings_class *c = at->in;
	char text[PREFIX_TEXT_LEN];

	fputs("[", to);
	for (size_t i = 0; i < c->n_prefixes; i++) {
		fprintf(to, "%s \"%s\"", i ? "," : "",
			prefix_text(&at->settings->prefixes[c->first_prefix + i].prefix, text));
	}
	fputs(" ]", to);
}

bool values_no_prefixes(const struct schema_row *row, const struct schema_at *at)
{
	return !((const struct settings_class *)at->in)->n_prefixes;
}

void values_print_key_ids(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const struct settings_class *c = at->in;

	fputs("[", to);
	for (size_t i = 0; i < c->n_key_ids; i++) {
		const struct settings_key_id *id = &at->settings->key_ids[c->first_key_id + i];

		fputs(i ? ", " : " ", to);
		values_print_text((const char *)id->id, id->len, to);
	}
	fputs(" ]", to);
}

bool values_no_key_ids(const struct schema_row *row, const struct schema_at *at)
{
	return !((const struct settings_class *)at->in)->n_key_ids;
}

/* --- of an entry of "listen" or "light" --- */

/* Family 0: none. */
static void print_address(const struct address *a, FILE *to)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (a->family) {
		(void)inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->ip, text, sizeof(text));
	}
	fprintf(to, "\"%s", text);
	if (a->scope) {
		fprintf(to, "%%%u", a->scope);
	}
	fputc('"', to);
}

/* An address that was not named was made into one of each family. */
void values_print_address(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	bool implied = at->where == SCHEMA_LIGHT
			       ? ((const struct settings_light *)at->in)->implied
			       : ((const struct settings_listen *)at->in)->implied;

	static const struct address none;

	print_address(implied ? &none : schema_value(row, at->where, at->in), to);
}

void values_print_host(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	print_address(schema_value(row, at->where, at->in), to);
}

/* --- whatever it is --- */

void values_print(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	char text[SCHEMA_TEXT_LEN];

	if (schema_is_value(row)) {
		fputs(schema_text(row, schema_get(row, at->where, at->in), text), to);
	} else {
		schema_types[row->type].print(row, at, to);
	}
}

bool values_is_set(const struct settings_class *c, const struct schema_row *row)
{
	return !schema_is_value(row) || (c->overrides & UINT64_C(1) << (row - schema_rows));
}

static bool says_nothing(const struct schema_row *row, const struct schema_at *at)
{
	if (!row->terse) {
		return false;
	}
	return schema_is_value(row) ? schema_get(row, at->where, at->in) == row->preset
				    : schema_types[row->type].empty(row, at);
}

/* Rows of a group follow each other. */
void values_print_rows(const struct schema_at *at, FILE *to)
{
	const char *group = "", *indent = at->where == SCHEMA_SERVER ? ""
					  : at->where == SCHEMA_ROW  ? "\t\t\t\t"
								     : "\t\t";
	int group_len = 0;

	for (size_t i = 0; i < schema_n_rows; i++) {
		const struct schema_row *row = &schema_rows[i];
		const char *point = strchr(row->key, '.');
		int len = point ? (int)(point - row->key) : 0;
		bool inherited;

		if (!(row->scope & at->where) || says_nothing(row, at)) {
			continue;
		}
		inherited = at->where == SCHEMA_CLASS && !values_is_set(at->in, row);
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
		values_print(row, at, to);
		fputs(inherited ? "; # inherited\n" : ";\n", to);
	}
	if (group_len) {
		fprintf(to, "%s};\n", indent);
	}
}

/* --- lists --- */

static void print_entry(const struct settings *s, enum schema_scope where, const void *in,
			const char **before, FILE *to)
{
	fprintf(to, "%s\n\t{\n", *before);
	values_print_rows(&(struct schema_at){ s, where, in }, to);
	fputs("\t}", to);
	*before = ",";
}

/* An entry without address was read as one of each family, and is written once. */
static bool is_second(bool implied, const struct address *a)
{
	return implied && a->family == 6;
}

void values_print_listen(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const char *before = "(";

	for (size_t i = 0; i < at->settings->n_listen; i++) {
		const struct settings_listen *l = &at->settings->listen[i];

		if (!is_second(l->implied, &l->address)) {
			print_entry(at->settings, SCHEMA_LISTEN, l, &before, to);
		}
	}
	fputs("\n)", to);
}

void values_print_light(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const char *before = "(";

	for (size_t i = 0; i < at->settings->n_light; i++) {
		const struct settings_light *l = &at->settings->light[i];

		if (!is_second(l->implied, &l->address)) {
			print_entry(at->settings, SCHEMA_LIGHT, l, &before, to);
		}
	}
	fputs(at->settings->n_light ? "\n)" : "( )", to);
}

void values_print_classes(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const char *before = "(";

	for (size_t i = 0; i < at->settings->n_classes; i++) {
		print_entry(at->settings, SCHEMA_CLASS, &at->settings->classes[i], &before, to);
	}
	fputs(at->settings->n_classes ? "\n)" : "( )", to);
}
