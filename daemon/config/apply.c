// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/apply.h"

#include "daemon/config/classes.h"
#include "daemon/config/conf_error.h"
#include "daemon/config/convert.h"
#include "daemon/config/keys.h"
#include "daemon/config/lightfinish.h"
#include "daemon/config/parse.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

static int put(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	size_t index = (size_t)(row - schema_rows);
	int r;

	if (a->class) {
		a->class->places[index] = convert_place(a, s);
	} else if (a->where == SCHEMA_SERVER) {
		a->settings->places[index] = convert_place(a, s);
		a->order[index] = ++a->n_set;
	}
	r = schema_types[row->type].parse(a, s, row);
	if (r && a->class) {
		a->class->bad = true;
	} else if (r && a->where == SCHEMA_SERVER) {
		a->bad |= UINT64_C(1) << index;
	}
	return r;
}

static int unknown(struct apply *a, const config_setting_t *s, const char *key)
{
	char names[SCHEMA_TEXT_LEN];

	if (*schema_suggest(key, a->where, names)) {
		return convert_unknown(a, s, "%s: unknown key, did you mean %s%s?", a->key,
				       schema_prefix(a->where), names);
	}
	if (a->where != SCHEMA_SERVER && a->where != SCHEMA_CLASS) {
		return convert_unknown(a, s, "%s: unknown key, expected: %s", a->key,
				       schema_names(a->where, names));
	}
	return convert_unknown(a, s, "%s: unknown key, expected: one of those in twampd.conf(5)",
			       a->key);
}

static int walk(struct apply *a, const config_setting_t *parent, const char *group);

static int take(struct apply *a, const config_setting_t *s, const char *group)
{
	const struct schema_row *row;
	char key[160];

	(void)snprintf(key, sizeof(key), "%s%s%.100s", group ? group : "", group ? "." : "",
		       s->name);
	(void)snprintf(a->key, sizeof(a->key), "%s%s", schema_prefix(a->where), key);
	row = schema_find(key, a->where);
	if (row) {
		return put(a, s, row);
	}
	if (group || !schema_is_group(key, a->where)) {
		return unknown(a, s, key);
	}
	if (s->type == CONFIG_TYPE_GROUP) {
		return walk(a, s, key);
	}
	return convert_complain(a, s, "%s: this is %s, expected: a group { }", a->key,
				convert_describe(s));
}

/* The top of a file or a class (no @group), or one group below it: there are no deeper keys. */
static int walk(struct apply *a, const config_setting_t *parent, const char *group)
{
	int r = 0;

	for (int i = 0; r >= 0 && i < config_setting_length(parent); i++) {
		r = apply_both(r, take(a, config_setting_get_elem(parent, (unsigned)i), group));
	}
	return r;
}

/* Without a name, a type or whatever has no default there is nothing to go on with. */
static int check_required(struct apply *a, const config_setting_t *s, enum schema_scope where)
{
	char accepts[SCHEMA_TEXT_LEN];
	int r = 0;

	for (size_t i = 0; i < schema_n_rows; i++) {
		const struct schema_row *row = &schema_rows[i];

		if (row->required && (row->scope & where) &&
		    !config_setting_get_member(s, row->key)) {
			r = convert_complain(a, s, "%s: %s is missing, expected: %s = %s", a->key,
					     row->key, row->key,
					     schema_accepts(row, where, accepts));
		}
	}
	return r;
}

int apply_entry(struct apply *a, const config_setting_t *s, enum schema_scope where, void *in)
{
	enum schema_scope around = a->where;
	void *outer = a->in;
	int r;

	a->where = where;
	a->in = in;
	a->class = where == SCHEMA_CLASS ? in : NULL;
	r = walk(a, s, NULL);
	a->where = around;
	a->in = outer;
	a->class = NULL;
	(void)snprintf(a->key, sizeof(a->key), "%.*s", (int)strlen(schema_prefix(where)) - 1,
		       schema_prefix(where));
	return r < 0 ? r : apply_both(r, check_required(a, s, where));
}

int apply_defaults(struct settings *s)
{
	s->listen = calloc(SCHEMA_LISTEN_MAX, sizeof(*s->listen));
	s->keys_file = strdup("");
	if (!s->listen || !s->keys_file) {
		return -ENOMEM;
	}
	s->n_listen = 2;
	for (size_t i = 0; i < s->n_listen; i++) {
		schema_put_presets(SCHEMA_LISTEN, &s->listen[i]);
		s->listen[i].address.family = i ? 6 : 4;
		s->listen[i].implied = true;
	}
	s->metrics.address = (struct address){ .family = 4, .ip = { 127, 0, 0, 1 } };
	s->vault = vault_of(sizeof(struct mac_key));
	s->n_also = 2;
	s->also[0] = 862; /* RFC 8545 */
	s->also[1] = 20001; /* what twampy takes for granted */
	schema_put_presets(SCHEMA_SERVER, s);
	return 0;
}

int apply_file(struct apply *a, const char *path)
{
	struct parse p;
	int r;

	a->file = path;
	a->where = SCHEMA_SERVER;
	a->in = a->settings;
	r = parse_file(a, path, &p);
	if (r >= 0 && p.parsed) {
		r = apply_both(r, walk(a, config_root_setting(&p.config), NULL));
	}
	parse_free(&p);
	return r;
}

static size_t index_of(const char *key)
{
	return (size_t)(schema_find(key, SCHEMA_SERVER) - schema_rows);
}

static int check_ports(struct apply *a)
{
	const struct policy *p = &a->settings->configured;
	size_t first = index_of("ports.first"), last = index_of("ports.last");
	const struct settings_place *later;

	if (p->port_first <= p->port_last || (a->bad >> first & 1) || (a->bad >> last & 1)) {
		return 0;
	}
	/* The one that was set later is the one to look at. */
	later = &a->settings->places[a->order[first] > a->order[last] ? first : last];
	return conf_error_at(a->err, later, NULL,
			     "ports.first: %u is above ports.last (%u), expected: ports.first <= "
			     "ports.last",
			     p->port_first, p->port_last);
}

static int load_keys(struct apply *a)
{
	struct settings *s = a->settings;
	bool explicit;
	int r;

	if (!a->config) {
		return 0;
	}
	r = keys_place(a->config, s->keys_file, &s->keys_path, &explicit);
	if (r || (a->bad >> index_of("keys_file") & 1)) {
		return r;
	}
	if (a->kept) {
		return a->kept_keys ? keys_load(a->kept_keys, true, &s->keys, a->err) : 0;
	}
	if (a->as && !strcmp(s->keys_path, a->as)) {
		a->as_used = true;
		return keys_load(a->candidate, true, &s->keys, a->err);
	}
	return keys_load(s->keys_path, explicit, &s->keys, a->err);
}

int apply_finish(struct apply *a)
{
	const struct settings_place *places = a->settings->places;
	int r = check_ports(a), keys = load_keys(a);

	a->keys_unknown = keys != 0;
	r = apply_both(r, keys);
	if (r < 0) {
		return r;
	}
	r = apply_both(r,
		       classes_finish(a, &places[index_of("clients")], &places[index_of("modes")]));
	return r < 0 ? r : apply_both(r, lightfinish(a->settings, !a->keys_unknown, a->err));
}
