// SPDX-License-Identifier: BSD-2-Clause
/* Values of entries of "light" and of their rows of senders. */
#include "daemon/config/values.h"

#include <string.h>

static const struct settings_light *light_of(const struct schema_at *at)
{
	return at->in;
}

/* What the entry says itself is its only row. */
static const struct settings_row *row_of(const struct schema_at *at)
{
	const struct settings_light *l = at->in;

	if (at->where == SCHEMA_ROW) {
		return at->in;
	}
	return l->n_rows && !*l->rows[0].name ? &l->rows[0] : &l->own;
}

static void print_prefixes(const struct prefix *p, size_t n, FILE *to)
{
	char text[PREFIX_TEXT_LEN];

	fputs("[", to);
	for (size_t i = 0; i < n; i++) {
		fprintf(to, "%s \"%s\"", i ? "," : "", prefix_text(&p[i], text));
	}
	fputs(" ]", to);
}

void values_print_senders(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	print_prefixes(row_of(at)->clients, row_of(at)->n_clients, to);
}

bool values_no_senders(const struct schema_row *row, const struct schema_at *at)
{
	return !row_of(at)->n_clients;
}

void values_print_ssids(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	values_print_numbers(row_of(at)->ssids, row_of(at)->n_ssids, to);
}

bool values_no_ssids(const struct schema_row *row, const struct schema_at *at)
{
	return !row_of(at)->n_ssids;
}

void values_print_row_keys(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const struct settings_row *r = row_of(at);

	fputs("[", to);
	for (unsigned i = 0; i < r->n_keys; i++) {
		fputs(i ? ", " : " ", to);
		values_print_text(r->key_ids[i], strlen(r->key_ids[i]), to);
	}
	fputs(" ]", to);
}

bool values_no_row_keys(const struct schema_row *row, const struct schema_at *at)
{
	return !row_of(at)->n_keys;
}

void values_print_light_rows(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const struct settings_light *l = light_of(at);

	for (size_t i = 0; i < l->n_rows; i++) {
		fputs(i ? ",\n\t\t\t{\n" : "(\n\t\t\t{\n", to);
		values_print_rows(&(struct schema_at){ at->settings, SCHEMA_ROW, &l->rows[i] }, to);
		fputs("\t\t\t}", to);
	}
	fputs("\n\t\t)", to);
}

bool values_no_light_rows(const struct schema_row *row, const struct schema_at *at)
{
	return !light_of(at)->n_rows || !*light_of(at)->rows[0].name;
}

void values_print_returns(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	print_prefixes(light_of(at)->return_addresses, light_of(at)->tlv.n_addresses, to);
}

bool values_no_returns(const struct schema_row *row, const struct schema_at *at)
{
	return !light_of(at)->tlv.n_addresses;
}

void values_print_links(const struct schema_row *row, const struct schema_at *at, FILE *to)
{
	const struct settings_light *l = light_of(at);

	fputs("(", to);
	for (size_t i = 0; i < l->n_links; i++) {
		fputs(i ? ", { device = " : " { device = ", to);
		values_print_text(l->links[i].device, strlen(l->links[i].device), to);
		fprintf(to, "; id = %u; }", l->links[i].id);
	}
	fputs(" )", to);
}

bool values_no_links(const struct schema_row *row, const struct schema_at *at)
{
	return !light_of(at)->n_links;
}
