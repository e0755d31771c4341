// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/classes.h"

#include "daemon/config/conf_error.h"
#include "daemon/config/values.h"
#include "protocol/mode.h"

#include <stdlib.h>
#include <string.h>

/* --- policies --- */

/* Modes that need keys, without keys, are not offered. Return whether any is left. */
static bool make_policy(const struct settings *s, const struct policy *configured,
			struct policy *policy)
{
	*policy = *configured;
	if (!keys_count(s->keys)) {
		policy->modes &= ~MODE_KEYED_MASK;
	}
	return policy->modes != 0;
}

#define WITHOUT_KEYS \
	"need keys, and there are none in %s%s, expected: keys there (keys_file), or " \
	"\"unauthenticated\" among the modes"
#define PATH_SHOWN 80

/* @class: its name, or NULL for the settings of all. */
static int need_keys(struct apply *a, const struct settings_place *at, const char *class)
{
	const char *path = a->settings->keys_path, *cut = "";
	size_t len = strlen(path);

	if (len > PATH_SHOWN) {
		cut = "...";
		path += len - PATH_SHOWN;
	}
	return conf_error_at(a->err, at, class, "%smodes: all " WITHOUT_KEYS,
			     class ? "clients." : "", cut, path);
}

/* What the class does not set it has from the settings: those of the last file, so not before. */
static void inherit(const struct settings *s, struct settings_class *c)
{
	struct settings_class own = *c;

	c->configured = s->configured;
	for (size_t i = 0; i < schema_n_rows; i++) {
		const struct schema_row *row = &schema_rows[i];

		if ((row->scope & SCHEMA_CLASS) && schema_is_value(row) &&
		    values_is_set(&own, row)) {
			schema_put(row, SCHEMA_CLASS, c, schema_get(row, SCHEMA_CLASS, &own));
		}
	}
}

static int check_ports(struct apply *a, const struct settings_class *c)
{
	const struct policy *p = &c->configured;

	if (p->port_first <= p->port_last) {
		return 0;
	}
	return conf_error_at(
		a->err, &c->place, c->name,
		"clients.ports.first: %u is above ports.last (%u), expected: ports.first "
		"<= ports.last",
		p->port_first, p->port_last);
}

static int make_class(struct apply *a, struct settings_class *c)
{
	int r;

	inherit(a->settings, c);
	if (c->bad || a->bad) {
		return 0; /* what it says, or inherits, is not what is meant */
	}
	r = check_ports(a, c);
	if (c->n_key_ids && !(c->configured.modes & MODE_KEYED_MASK)) {
		r = conf_error_at(
			a->err, &c->place, c->name,
			"clients.key_ids: no mode uses keys, expected: one that does among "
			"the modes, or no key_ids");
	} else if (!make_policy(a->settings, &c->configured, &c->policy) && !a->keys_unknown) {
		r = need_keys(a, &c->place, c->name);
	}
	return r;
}

static int make_policies(struct apply *a, const struct settings_place *modes)
{
	struct settings *s = a->settings;
	bool some = make_policy(s, &s->configured, &s->policy);
	int r = 0;

	strcpy(s->fallback.name, "default");
	s->fallback.policy = s->policy;
	s->fallback.configured = s->configured;
	if (!s->n_classes) {
		return some || a->bad || a->keys_unknown ? 0 : need_keys(a, modes, NULL);
	}
	for (size_t i = 0; i < s->n_classes; i++) {
		r = apply_both(r, make_class(a, &s->classes[i]));
	}
	return r;
}

/* --- addresses --- */

static int compare_prefixes(const void *a, const void *b)
{
	const struct settings_prefix *x = *(const struct settings_prefix *const *)a;
	const struct settings_prefix *y = *(const struct settings_prefix *const *)b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	return order ? order : (x > y) - (x < y); /* as in the file */
}

static int index_prefixes(struct apply *a, const struct settings_place *clients)
{
	struct settings *s = a->settings;
	const struct settings_prefix *outer = NULL;
	char text[PREFIX_TEXT_LEN];
	int r = 0;

	for (size_t i = 0; i < s->n_prefixes; i++) {
		s->by_address[i] = &s->prefixes[i];
	}
	if (s->n_prefixes) {
		qsort(s->by_address, s->n_prefixes, sizeof(void *), compare_prefixes);
	}
	/* A prefix follows those that cover it; of these, the last one is the longest. */
	for (size_t i = 0; i < s->n_prefixes; i++) {
		struct settings_prefix *p = &s->prefixes[s->by_address[i] - s->prefixes];

		while (outer && !prefix_covers(&outer->prefix, &p->prefix)) {
			outer = outer->wider;
		}
		if (outer && !prefix_compare(&outer->prefix, &p->prefix)) {
			struct settings_place at = { clients->file, p->line, p->column };

			r = conf_error_at(
				a->err, &at, s->classes[p->class].name,
				"clients.prefixes: \"%s\" is there already, in class \"%s\" (line "
				"%u), expected: once",
				prefix_text(&p->prefix, text), s->classes[outer->class].name,
				outer->line);
		}
		p->wider = outer;
		outer = p;
	}
	return r;
}

/* --- KeyIDs --- */

static int compare_key_ids(const void *a, const void *b)
{
	const struct settings_key_id *x = *(const struct settings_key_id *const *)a;
	const struct settings_key_id *y = *(const struct settings_key_id *const *)b;
	int order = keys_compare_ids(x->id, x->len, y->id, y->len);

	return order ? order : (x > y) - (x < y);
}

static int index_key_ids(struct apply *a, const struct settings_place *clients)
{
	struct settings *s = a->settings;
	int r = 0;

	for (size_t i = 0; i < s->n_key_ids; i++) {
		s->by_key_id[i] = &s->key_ids[i];
	}
	if (s->n_key_ids) {
		qsort(s->by_key_id, s->n_key_ids, sizeof(void *), compare_key_ids);
	}
	for (size_t i = 1; i < s->n_key_ids; i++) {
		const struct settings_key_id *x = s->by_key_id[i - 1], *y = s->by_key_id[i];

		if (!keys_compare_ids(x->id, x->len, y->id, y->len)) {
			struct settings_place at = { clients->file, y->line, y->column };

			r = conf_error_at(
				a->err, &at, s->classes[y->class].name,
				"clients.key_ids: \"%.*s\" is there already, in class \"%s\" (line "
				"%u), expected: once",
				y->len, (const char *)y->id, s->classes[x->class].name, x->line);
		}
	}
	return r;
}

/* Without any keys all are unknown, which the modes have shown already. */
static int check_key_ids(struct apply *a, const struct settings_place *clients)
{
	const struct settings *s = a->settings;
	int r = 0;

	for (size_t i = 0; keys_count(s->keys) && i < s->n_key_ids; i++) {
		const struct settings_key_id *id = &s->key_ids[i];

		if (!keys_find(s->keys, id->id, id->len)) {
			struct settings_place at = { clients->file, id->line, id->column };

			r = conf_error_at(
				a->err, &at, s->classes[id->class].name,
				"clients.key_ids: \"%.*s\" is not in the keys file, expected: a "
				"KeyID of %.100s",
				id->len, (const char *)id->id, s->keys_path);
		}
	}
	return r;
}

int classes_finish(struct apply *a, const struct settings_place *clients,
		   const struct settings_place *modes)
{
	int r = index_prefixes(a, clients);

	r = apply_both(r, index_key_ids(a, clients));
	r = apply_both(r, check_key_ids(a, clients));
	return apply_both(r, make_policies(a, modes));
}
