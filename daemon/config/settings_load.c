// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/settings.h"

#include "daemon/config/apply.h"
#include "daemon/config/classes.h"
#include "daemon/config/conf_error.h"
#include "daemon/config/lightconf.h"
#include "daemon/config/schema.h"
#include "daemon/config/source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_NAME "the settings of the process before"

static int load_files(struct apply *a)
{
	struct source_list list = { 0 };
	int r = 0;

	if (a->kept) {
		r = apply_file(a, a->as);
	} else if (a->config) {
		r = source_list(a->config, a->as, &list, a->err);
	}

	a->settings->files = list.path;
	a->settings->n_files = list.n;
	for (size_t i = 0; r >= 0 && i < list.n; i++) {
		r = apply_both(r, apply_file(a, list.path[i]));
	}
	return r < 0 ? r : apply_both(r, apply_finish(a));
}

/* Return 0, -ENOMEM or SETTINGS_BAD. */
static int try(struct apply *a, struct settings **out)
{
	struct settings *s = calloc(1, sizeof(*s));
	int r;

	*out = NULL;
	if (!s) {
		return -ENOMEM;
	}
	s->refs = 1;
	a->settings = s;
	r = apply_defaults(s);
	r = r ? r : load_files(a);
	if (r) {
		settings_unref(s);
	} else {
		*out = s;
	}
	return r;
}

/* The first text says how many more there are. */
static void count_faults(struct settings_error *err)
{
	size_t len = strlen(err->text);

	if (err->n > 1) {
		(void)snprintf(err->text + len, sizeof(err->text) - len, " (and %u more)",
			       err->n - 1);
	}
}

int settings_check(const char *path, const char *as, const char *candidate, struct settings **out,
		   struct settings_error *err)
{
	struct apply a = {
		.config = path, .err = err, .exact = true, .as = as, .candidate = candidate
	};
	int r;

	if (err) {
		err->n = 0;
		err->n_warnings = 0;
	}
	r = try(&a, out);
	if (!r && as && !a.as_used) {
		settings_unref(*out);
		*out = NULL;
		r = conf_error(err, as, 0, "this is none of the files that %.200s reads", path);
	}
	if (r == SETTINGS_BAD && err) {
		count_faults(err);
	}
	return r;
}

/* A good file costs nothing more than it must; columns are looked for when there is a fault. */
int settings_load(const char *path, struct settings **out, struct settings_error *err)
{
	struct apply a = { .config = path };
	int r = try(&a, out);

	return r == SETTINGS_BAD ? settings_check(path, NULL, NULL, out, err) : r;
}

int settings_load_kept(const char *path, const char *settings, const char *keys,
		       struct settings **out, struct settings_error *err)
{
	struct apply a = {
		.config = path,
		.err = err,
		.as = KEPT_NAME,
		.candidate = settings,
		.kept = true,
		.kept_keys = keys,
	};

	int r;

	if (err) {
		*err = (struct settings_error){ .text = "out of memory" };
	}
	r = try(&a, out);
	if (!r) { /* what has no place in the files was not asked for there */
		memset((*out)->places, 0, sizeof((*out)->places));
		(*out)->kept = true;
	}
	return r;
}

struct settings *settings_scalars(const struct settings *s)
{
	struct settings *copy = calloc(1, sizeof(*copy));
	const struct schema_row *row = schema_rows;

	if (!copy) {
		return NULL;
	}
	for (; row < schema_rows + schema_n_rows; row++) {
		if ((row->scope & SCHEMA_SERVER) && schema_is_value(row)) {
			schema_put(row, SCHEMA_SERVER, copy, schema_get(row, SCHEMA_SERVER, s));
		}
	}
	copy->reflector_cpus = s->reflector_cpus;
	copy->policy = s->policy;
	copy->refs = 1;
	return copy;
}

struct settings *settings_ref(struct settings *s)
{
	s->refs++;
	return s;
}

void settings_unref(struct settings *s)
{
	if (!s) {
		return;
	}
	assert(s->refs > 0);
	if (--s->refs) {
		return;
	}
	lightconf_free(s);
	classes_free(s);
	keys_free(s->keys);
	source_list_free(&(struct source_list){ s->files, s->n_files });
	free(s->keys_path);
	free(s->keys_file);
	free(s->listen);
	free(s);
}

struct settings_place settings_origin(const struct settings *s, const char *key,
				      const struct settings_class *class)
{
	enum schema_scope where = class ? SCHEMA_CLASS : SCHEMA_SERVER;
	size_t prefix = class && !strncmp(key, "clients.", 8) ? 8 : 0;
	const struct schema_row *row = schema_find(key + prefix, where);
	struct settings_place place = { 0 };

	if (!row) {
		return place;
	}
	place = s->places[row - schema_rows];
	return class && class->places[row - schema_rows].file ? class->places[row - schema_rows]
							      : place;
}
