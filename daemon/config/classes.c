// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/classes.h"

#include "daemon/config/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void classes_free(struct settings *s)
{
	free(s->classes);
	free(s->prefixes);
	free(s->by_address);
	free(s->key_ids);
	free(s->by_key_id);
	s->classes = NULL;
	s->prefixes = NULL;
	s->by_address = NULL;
	s->key_ids = NULL;
	s->by_key_id = NULL;
	s->n_classes = s->n_prefixes = s->n_key_ids = 0;
}

/* Members of all arrays of a name; what has another type is refused later. */
static size_t count(const config_setting_t *list, const char *name)
{
	size_t n = 0;

	for (int i = 0; i < config_setting_length(list); i++) {
		config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		config_setting_t *array = NULL;

		if (group->type == CONFIG_TYPE_GROUP) {
			array = config_setting_get_member(group, name);
		}
		if (array && array->type == CONFIG_TYPE_ARRAY) {
			n += (size_t)config_setting_length(array);
		}
	}
	return n;
}

/* Room for all that the list has. */
static int make_room(struct apply *a, const config_setting_t *list)
{
	size_t prefixes = count(list, "prefixes"), key_ids = count(list, "key_ids");
	struct settings *s = a->settings;

	if (prefixes > SCHEMA_PREFIXES_MAX) {
		return convert_complain(a, list,
					"clients.prefixes: %zu in all, expected: at most %d",
					prefixes, SCHEMA_PREFIXES_MAX);
	}
	if (key_ids > SCHEMA_KEY_IDS_MAX) {
		return convert_complain(a, list,
					"clients.key_ids: %zu in all, expected: at most %d",
					key_ids, SCHEMA_KEY_IDS_MAX);
	}
	s->classes = calloc((size_t)config_setting_length(list), sizeof(*s->classes));
	s->prefixes = calloc(prefixes + 1, sizeof(*s->prefixes));
	s->by_address = calloc(prefixes + 1, sizeof(void *));
	s->key_ids = calloc(key_ids + 1, sizeof(*s->key_ids));
	s->by_key_id = calloc(key_ids + 1, sizeof(void *));
	if (!s->classes || !s->prefixes || !s->by_address || !s->key_ids || !s->by_key_id) {
		return -ENOMEM;
	}
	return 0;
}

static bool is_name(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789_.-");

	return len && len <= SETTINGS_CLASS_NAME_MAX && !text[len];
}

/* The name that it will have, for what is told about it. */
static const char *name_of(const config_setting_t *group)
{
	const config_setting_t *name = config_setting_get_member(group, "name");

	return name && name->type == CONFIG_TYPE_STRING && is_name(name->value.sval)
		       ? name->value.sval
		       : NULL;
}

static bool is_somebody(const config_setting_t *s)
{
	return s && (s->type != CONFIG_TYPE_ARRAY || config_setting_length(s));
}

/* A class that was read has somebody in it. */
static int check_class(struct apply *a, const config_setting_t *s)
{
	if (is_somebody(config_setting_get_member(s, "prefixes")) ||
	    is_somebody(config_setting_get_member(s, "key_ids")) || !a->class_name) {
		return 0;
	}
	return convert_complain(
		a, s, "clients: class \"%s\" has no clients, expected: prefixes or key_ids",
		a->class_name);
}

static int put_class(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings *to = a->settings;
	struct settings_class *c = &to->classes[to->n_classes];
	int r;

	(void)snprintf(a->key, sizeof(a->key), "%s", row->key);
	if (s->type != CONFIG_TYPE_GROUP) {
		return convert_wrong_type(a, s, row);
	}
	to->n_classes++;
	c->place = convert_place(a, s);
	c->first_prefix = to->n_prefixes;
	c->first_key_id = to->n_key_ids;
	a->class_name = name_of(s);
	r = apply_entry(a, s, SCHEMA_CLASS, c);
	r = r < 0 ? r : apply_both(r, check_class(a, s));
	a->class_name = NULL;
	c->bad = r != 0;
	c->n_prefixes = to->n_prefixes - c->first_prefix;
	c->n_key_ids = to->n_key_ids - c->first_key_id;
	return r;
}

int classes_put(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	int r, n;

	if (s->type != CONFIG_TYPE_LIST) {
		return convert_wrong_type(a, s, row);
	}
	n = config_setting_length(s);
	if (n > SCHEMA_CLASSES_MAX) {
		return convert_complain(a, s, "clients: %d classes, expected: at most %d", n,
					SCHEMA_CLASSES_MAX);
	}
	classes_free(a->settings);
	if (!n) {
		return 0;
	}
	r = make_room(a, s);
	if (r) {
		return r;
	}
	for (int i = 0; r >= 0 && i < n; i++) {
		r = apply_both(r, put_class(a, config_setting_get_elem(s, (unsigned)i), row));
	}
	return r;
}

int classes_put_name(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	const char *name = config_setting_get_string(s);
	const struct settings *all = a->settings;
	char accepts[SCHEMA_TEXT_LEN];

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	if (!is_name(name)) {
		return convert_complain(a, s, "%s: \"%.60s\" is no name, expected: %s", a->key,
					name, schema_accepts(row, SCHEMA_CLASS, accepts));
	}
	for (size_t i = 0; i < all->n_classes; i++) {
		if (!strcmp(all->classes[i].name, name)) {
			return convert_complain(
				a, s, "%s: \"%s\" is the class of line %u too, expected: once",
				a->key, name, all->classes[i].place.line);
		}
	}
	memcpy(a->class->name, name, strlen(name) + 1);
	return 0;
}

static int put_prefix(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		      void *unused)
{
	struct settings_place at = convert_place(a, s);
	struct settings *to = a->settings;
	struct prefix p;

	if (convert_prefix(a, s, row, &p)) {
		return SETTINGS_BAD;
	}
	to->prefixes[to->n_prefixes++] = (struct settings_prefix){
		.prefix = p,
		.class = (uint32_t)(a->class - to->classes),
		.line = at.line,
		.column = at.column,
	};
	return 0;
}

int classes_put_prefixes(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	return convert_each(a, s, row, put_prefix, NULL);
}

static int put_key_id(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		      void *unused)
{
	const char *text = config_setting_get_string(s), *wrong;
	struct settings_place at = convert_place(a, s);
	struct settings *to = a->settings;
	struct settings_key_id *id;
	size_t len;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	len = strlen(text);
	wrong = keyline_id_fault(text, len);
	if (wrong) {
		return convert_complain(a, s,
					"%s: \"%.80s\" %s, expected: a KeyID of the keys file",
					a->key, text, wrong);
	}
	id = &to->key_ids[to->n_key_ids++];
	memcpy(id->id, text, len);
	id->len = (uint8_t)len;
	id->class = (uint32_t)(a->class - to->classes);
	id->line = at.line;
	id->column = at.column;
	return 0;
}

int classes_put_key_ids(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	return convert_each(a, s, row, put_key_id, NULL);
}
