// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/shelf.h"

#include <stdlib.h>
#include <string.h>

/* --- order ---------------------------------------------------------------------------------- */

/* {"used":N,"max":M} stands for N. */
static const json_t *value_of(const json_t *object, const char *member)
{
	const json_t *v = json_object_get(object, member);

	return json_is_object(v) ? json_object_get(v, "used") : v;
}

static double number_of(const json_t *v)
{
	return json_is_number(v)    ? json_number_value(v)
	       : json_is_boolean(v) ? json_is_true(v)
				    : -1e300; /* null comes last */
}

/* Below 0: @a stands before @b on the page. */
static int compare(const struct shelf *s, const struct shelf_item *a, const struct shelf_item *b)
{
	const json_t *va = *s->sort ? value_of(a->object, s->sort) : NULL;
	const json_t *vb = *s->sort ? value_of(b->object, s->sort) : NULL;
	int order = 0;

	if (json_is_string(va) && json_is_string(vb)) {
		order = strcmp(json_string_value(vb), json_string_value(va));
	} else if (va || vb) {
		double da = number_of(va), db = number_of(vb);

		order = (db > da) - (db < da);
	}
	order = s->rising ? -order : order;
	return order ? order : (a->number > b->number) - (a->number < b->number);
}

/* --- the heap: who would be last on the page is first --------------------------------------- */

static void swap(struct shelf *s, size_t a, size_t b)
{
	struct shelf_item kept = s->items[a];

	s->items[a] = s->items[b];
	s->items[b] = kept;
}

static void rise(struct shelf *s, size_t at)
{
	while (at && compare(s, &s->items[at], &s->items[(at - 1) / 2]) > 0) {
		swap(s, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

static void sink(struct shelf *s, size_t n)
{
	size_t at = 0, last;

	for (;;) {
		last = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++) {
			if (compare(s, &s->items[child], &s->items[last]) > 0) {
				last = child;
			}
		}
		if (last == at) {
			return;
		}
		swap(s, at, last);
		at = last;
	}
}

static bool grow(struct shelf *s)
{
	size_t size = s->size ? 2 * s->size : 64;
	struct shelf_item *more = realloc(s->items, size * sizeof *more);

	s->failed |= !more;
	if (more) {
		s->items = more;
		s->size = size;
	}
	return more;
}

void shelf_take(struct shelf *s, json_t *object)
{
	struct shelf_item item = { object, s->passed++ };

	if (*s->sort && !json_object_get(object, s->sort)) {
		s->unknown = true;
	}
	if (s->n == (size_t)s->offset + s->limit) {
		if (compare(s, &item, &s->items[0]) > 0) {
			json_decref(object);
			return;
		}
		json_decref(s->items[0].object);
		s->items[0] = item;
		sink(s, s->n);
		return;
	}
	if (s->n == s->size && !grow(s)) {
		json_decref(object);
		return;
	}
	s->items[s->n] = item;
	rise(s, s->n++);
}

json_t *shelf_page(struct shelf *s)
{
	json_t *page = json_array();

	/* From the last one to the first. */
	for (size_t left = s->n; left; left--) {
		swap(s, 0, left - 1);
		sink(s, left - 1);
	}
	for (size_t i = s->offset; page && i < s->n; i++) {
		if (json_array_append(page, s->items[i].object)) {
			json_decref(page);
			page = NULL;
		}
	}
	shelf_wipe(s);
	return page;
}

void shelf_wipe(struct shelf *s)
{
	for (size_t i = 0; i < s->n; i++) {
		json_decref(s->items[i].object);
	}
	free(s->items);
	s->items = NULL;
	s->n = s->size = 0;
}
