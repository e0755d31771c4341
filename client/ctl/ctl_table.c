// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 40
#define GAP 2

struct layout {
	const struct ctl_column *columns;
	size_t n;
	unsigned width[COLUMNS_MAX];
	bool left[COLUMNS_MAX]; /* texts: to the left */
	bool out[COLUMNS_MAX];
};

static char *cell(const json_t *row, const struct ctl_column *c, char buf[static CTL_VALUE_LEN])
{
	const json_t *of = c->of ? ctl_value_at(row, c->of) : NULL;
	char second[CTL_VALUE_LEN];
	size_t len;

	ctl_value_text(ctl_value_at(row, c->path), c->format, buf);
	if (of && !json_is_null(of)) {
		len = strlen(buf);
		(void)snprintf(buf + len, CTL_VALUE_LEN - len, "/%s",
			       ctl_value_text(of, c->format, second));
	}
	return buf;
}

/* Characters, of UTF-8. */
static unsigned width_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++) {
		n += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return n;
}

static void measure(struct layout *l, const json_t *rows)
{
	char text[CTL_VALUE_LEN];
	const json_t *row;
	size_t i;

	for (size_t k = 0; k < l->n; k++) {
		l->width[k] = width_of(l->columns[k].name);
	}
	json_array_foreach(rows, i, row)
	{
		for (size_t k = 0; k < l->n; k++) {
			unsigned w = width_of(cell(row, &l->columns[k], text));

			l->width[k] = w > l->width[k] ? w : l->width[k];
			l->left[k] |= json_is_string(ctl_value_at(row, l->columns[k].path));
		}
	}
}

static unsigned total(const struct layout *l)
{
	unsigned sum = 0;

	for (size_t k = 0; k < l->n; k++) {
		sum += l->out[k] ? 0 : l->width[k] + GAP;
	}
	return sum ? sum - GAP : 0;
}

static void fit(struct layout *l, unsigned width)
{
	while (width && total(l) > width) {
		size_t worst = l->n;

		for (size_t k = 0; k < l->n; k++) {
			if (!l->out[k] && l->columns[k].rank > 1 &&
			    (worst == l->n || l->columns[k].rank >= l->columns[worst].rank)) {
				worst = k;
			}
		}
		if (worst == l->n) {
			return;
		}
		l->out[worst] = true;
	}
}

static void put_row(const struct layout *l, const json_t *row, FILE *to)
{
	char text[CTL_VALUE_LEN];
	unsigned owed = 0; /* spaces, so that no line ends with one */

	for (size_t k = 0; k < l->n; k++) {
		const char *what = row ? cell(row, &l->columns[k], text) : l->columns[k].name;
		unsigned pad = l->width[k] - width_of(what);

		if (l->out[k]) {
			continue;
		}
		fprintf(to, "%*s%s", (int)(owed + (l->left[k] ? 0 : pad)), "", what);
		owed = GAP + (l->left[k] ? pad : 0);
	}
	fputc('\n', to);
}

void ctl_table_print(const json_t *rows, const struct ctl_column *columns, unsigned width, FILE *to)
{
	struct layout l = { .columns = columns };
	const json_t *row;
	size_t i;

	while (l.n < COLUMNS_MAX && columns[l.n].name) {
		l.n++;
	}
	measure(&l, rows);
	fit(&l, width);
	put_row(&l, NULL, to);
	json_array_foreach(rows, i, row)
	{
		put_row(&l, row, to);
	}
}

const struct ctl_column *ctl_table_column(const struct ctl_column *columns, const char *name)
{
	for (; columns && columns->name; columns++) {
		if (!strcasecmp(columns->name, name) || !strcmp(columns->path, name)) {
			return columns;
		}
	}
	return NULL;
}

struct order {
	const json_t *key;
	json_t *row;
	size_t before; /* those that are alike stay as they are */
};

static int compare(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	int c = ctl_value_compare(x->key, y->key);

	return c ? c : x->before < y->before ? -1 : 1;
}

void ctl_table_sort(json_t *rows, const struct ctl_column *by)
{
	size_t n = json_array_size(rows), i;
	struct order *all = n ? calloc(n, sizeof *all) : NULL;
	json_t *row;

	if (!all) {
		return;
	}
	json_array_foreach(rows, i, row)
	{
		all[i] = (struct order){ ctl_value_at(row, by->path), json_incref(row), i };
	}
	qsort(all, n, sizeof *all, compare);
	for (i = 0; i < n; i++) {
		(void)json_array_set_new(rows, i, all[i].row);
	}
	free(all);
}
