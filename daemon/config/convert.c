// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/convert.h"

#include "daemon/config/cpus.h"
#include "daemon/config/fault.h"
#include "daemon/config/parse.h"
#include "protocol/mode.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct settings_place convert_place(const struct apply *a, const config_setting_t *s)
{
	const struct syntax_place *at = parse_place(s);

	return (struct settings_place){ .file = a->file,
					.line = at ? at->line : config_setting_source_line(s),
					.column = at ? at->column : 0 };
}

__attribute__((format(printf, 4, 0))) static int complain(struct apply *a,
							  const config_setting_t *s,
							  const struct settings_place *at,
							  const char *format, va_list args)
{
	const struct syntax_place *known = parse_place(s);
	char what[sizeof(a->err->text)];

	if (!a->err || (known && known->told)) {
		return SETTINGS_BAD;
	}
	(void)vsnprintf(what, sizeof(what), format, args);
	return fault_at(a->err, at, a->class_name, "%s%s", what,
			known && known->joined
				? "; strings without a comma between them are one string"
				: "");
}

int convert_complain(struct apply *a, const config_setting_t *s, const char *format, ...)
{
	struct settings_place at = convert_place(a, s);
	va_list args;
	int r;

	va_start(args, format);
	r = complain(a, s, &at, format, args);
	va_end(args);
	return r;
}

int convert_unknown(struct apply *a, const config_setting_t *s, const char *format, ...)
{
	struct settings_place at = convert_place(a, s);
	const struct syntax_place *known = parse_place(s);
	va_list args;
	int r;

	if (known) {
		at.line = known->name_line;
		at.column = known->name_column;
	}
	va_start(args, format);
	r = complain(a, s, &at, format, args);
	va_end(args);
	return r;
}

const char *convert_describe(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "an integer";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "a boolean";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	case CONFIG_TYPE_LIST:
		return "a list ( )";
	default: /* not an enum: libconfig's types are macros */
		return "nothing";
	}
}

int convert_wrong_type(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];

	return convert_complain(a, s, "%s: this is %s, expected: %s", a->key, convert_describe(s),
				schema_accepts(row, apply_scope(a), accepts));
}

/* Into the class that is being read, or into the settings. */
static void keep(struct apply *a, const struct schema_row *row, uint64_t value)
{
	if (!a->class) {
		schema_put(row, a->settings, value);
		return;
	}
	a->class->overrides |= UINT64_C(1) << (row - schema_rows);
	schema_class_put(row, &a->class->configured, value);
}
_Static_assert(SETTINGS_KEYS_MAX <= 64, "a bit for each");

static void warn_of_zeros(struct apply *a, const config_setting_t *s, long long value)
{
	const struct syntax_place *known = parse_place(s);
	struct settings_place at = convert_place(a, s);

	if (known && known->zeros) {
		fault_warn(
			a->err, &at, a->class_name,
			"%s: this is %lld, a decimal number in spite of the zero before it: leave "
			"the zero out",
			a->key, value);
	}
}

static int put_integer(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	long long value;

	if (s->type != CONFIG_TYPE_INT && s->type != CONFIG_TYPE_INT64) {
		return convert_wrong_type(a, s, row);
	}
	value = s->type == CONFIG_TYPE_INT ? s->value.ival : s->value.llval;
	if (value < schema_min(row, apply_scope(a)) || value > row->max) {
		return convert_complain(a, s, "%s: %lld%s is out of range, expected: %s", a->key,
					value, value == LLONG_MAX ? " or more" : "",
					schema_accepts(row, apply_scope(a), accepts));
	}
	if (row->type == SCHEMA_POWER && (value & (value - 1))) {
		return convert_complain(a, s, "%s: %lld is no power of two, expected: %s", a->key,
					value, schema_accepts(row, apply_scope(a), accepts));
	}
	warn_of_zeros(a, s, value);
	keep(a, row, (uint64_t)value);
	return 0;
}

static int put_boolean(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	if (s->type != CONFIG_TYPE_BOOL) {
		return convert_wrong_type(a, s, row);
	}
	keep(a, row, s->value.ival != 0);
	return 0;
}

/* One code point of an array; its bit is added to @mask. */
static int add_dscp(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		    uint64_t *mask)
{
	char accepts[SCHEMA_TEXT_LEN];
	long long n;

	if (s->type != CONFIG_TYPE_INT && s->type != CONFIG_TYPE_INT64) {
		return convert_wrong_type(a, s, row);
	}
	n = s->type == CONFIG_TYPE_INT ? s->value.ival : s->value.llval;
	if (n < 0 || n > 63) {
		return convert_complain(a, s, "%s: %lld is out of range, expected: %s", a->key, n,
					schema_accepts(row, apply_scope(a), accepts));
	}
	if (*mask >> n & 1) {
		return convert_complain(a, s, "%s: %lld is there twice, expected: once", a->key, n);
	}
	*mask |= UINT64_C(1) << n;
	return 0;
}

static int put_dscp(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	uint64_t mask = 0;
	int r = 0;

	if (s->type == CONFIG_TYPE_STRING && !strcmp(config_setting_get_string(s), "all")) {
		keep(a, row, SCHEMA_DSCP_ALL);
		return 0;
	}
	if (s->type != CONFIG_TYPE_ARRAY) {
		return convert_wrong_type(a, s, row);
	}
	for (int i = 0; i < config_setting_length(s); i++) {
		r = apply_both(r, add_dscp(a, config_setting_get_elem(s, (unsigned)i), row, &mask));
	}
	if (r) {
		return r;
	}
	if (!mask) {
		return convert_complain(a, s, "%s: this is empty, expected: %s", a->key,
					schema_accepts(row, apply_scope(a), accepts));
	}
	keep(a, row, mask);
	return 0;
}

static int put_choice(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	const char *name = config_setting_get_string(s);

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	for (const struct schema_choice *c = row->choices; c->name; c++) {
		if (!strcmp(c->name, name)) {
			keep(a, row, c->value);
			return 0;
		}
	}
	return convert_complain(a, s, "%s: \"%.40s\" is unknown, expected: %s", a->key, name,
				schema_accepts(row, apply_scope(a), accepts));
}

/* One name of an array; its bit is added to @modes. */
static int add_mode(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		    uint32_t *modes)
{
	const char *name = config_setting_get_string(s);
	char accepts[SCHEMA_TEXT_LEN];
	uint32_t bit;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	bit = mode_by_name(name);
	schema_accepts(row, apply_scope(a), accepts);
	if (!(bit & row->accepted)) {
		return convert_complain(a, s, "%s: \"%.40s\" is unknown, expected: %s", a->key,
					name, accepts);
	}
	if (*modes & bit) {
		return convert_complain(a, s, "%s: \"%s\" is there twice, expected: once", a->key,
					name);
	}
	*modes |= bit;
	return 0;
}

static int put_modes(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	uint32_t modes = 0;
	int n, r = 0;

	if (s->type != CONFIG_TYPE_ARRAY) {
		return convert_wrong_type(a, s, row);
	}
	n = config_setting_length(s);
	if ((uint32_t)n < row->min) {
		return convert_complain(a, s, "%s: this is empty, expected: %s", a->key,
					schema_accepts(row, apply_scope(a), accepts));
	}
	for (int i = 0; i < n; i++) {
		r = apply_both(r,
			       add_mode(a, config_setting_get_elem(s, (unsigned)i), row, &modes));
	}
	if (!r) {
		keep(a, row, modes);
	}
	return r;
}

static int put_file(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	const char *text = config_setting_get_string(s);
	char *copy;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			return convert_complain(a, s, "%s: there is a control character in it",
						a->key);
		}
	}
	if (strlen(text) >= PATH_MAX) {
		return convert_complain(a, s, "%s: too long, at most %d octets expected", a->key,
					PATH_MAX - 1);
	}
	copy = strdup(text);
	if (!copy) {
		return -ENOMEM;
	}
	free(a->settings->keys_file);
	a->settings->keys_file = copy;
	return 0;
}

static int put_cpus(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	const char *text = config_setting_get_string(s);
	char accepts[SCHEMA_TEXT_LEN];

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	if (!cpus_parse(text, &a->settings->reflector_cpus)) {
		return convert_complain(a, s, "%s: \"%.40s\" is no list of CPUs, expected: %s",
					a->key, text, schema_accepts(row, SCHEMA_SERVER, accepts));
	}
	return 0;
}

static int add_port(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings *to = a->settings;
	char accepts[SCHEMA_TEXT_LEN];
	long long port;

	if (s->type != CONFIG_TYPE_INT && s->type != CONFIG_TYPE_INT64) {
		return convert_wrong_type(a, s, row);
	}
	port = s->type == CONFIG_TYPE_INT ? s->value.ival : s->value.llval;
	if (port < 1 || port > UINT16_MAX) {
		return convert_complain(a, s, "%s: %lld is out of range, expected: %s", a->key,
					port, schema_accepts(row, SCHEMA_SERVER, accepts));
	}
	for (unsigned i = 0; i < to->n_also; i++) {
		if (to->also[i] == port) {
			return convert_complain(a, s, "%s: %lld is there twice, expected: once",
						a->key, port);
		}
	}
	to->also[to->n_also++] = (uint16_t)port;
	return 0;
}

static int put_ports(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	int r = 0;

	if (s->type != CONFIG_TYPE_ARRAY) {
		return convert_wrong_type(a, s, row);
	}
	if (config_setting_length(s) > SETTINGS_ALSO_MAX) {
		return convert_complain(a, s, "%s: there are %d, expected: %s", a->key,
					config_setting_length(s),
					schema_accepts(row, SCHEMA_SERVER, accepts));
	}
	a->settings->n_also = 0;
	for (int i = 0; !r && i < config_setting_length(s); i++) {
		r = add_port(a, config_setting_get_elem(s, (unsigned)i), row);
	}
	return r;
}

/* What the kernel takes, without what would have to be escaped. */
static bool is_device_name(const char *text)
{
	if (strlen(text) >= SETTINGS_DEVICE_LEN || !strcmp(text, ".") || !strcmp(text, "..")) {
		return false;
	}
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~' || strchr("/:\"\\", *text)) {
			return false;
		}
	}
	return true;
}

int convert_device(struct apply *a, const config_setting_t *s, const char *key,
		   char out[static SETTINGS_DEVICE_LEN])
{
	if (!s) {
		return 0;
	}
	if (s->type != CONFIG_TYPE_STRING) {
		return convert_complain(a, s, "%s: this is %s, expected: a string", key,
					convert_describe(s));
	}
	if (!is_device_name(s->value.sval)) {
		return convert_complain(a, s,
					"%s: \"%.40s\" is no name of a network device, expected: "
					"like \"vrf-red\"",
					key, s->value.sval);
	}
	(void)snprintf(out, SETTINGS_DEVICE_LEN, "%s", s->value.sval);
	return 0;
}

int convert_flag(struct apply *a, const config_setting_t *s, const char *key, bool *out)
{
	if (!s) {
		return 0;
	}
	if (s->type != CONFIG_TYPE_BOOL) {
		return convert_complain(a, s, "%s: this is %s, expected: true or false", key,
					convert_describe(s));
	}
	*out = s->value.ival != 0;
	return 0;
}

int convert_put(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	switch (row->type) {
	case SCHEMA_INTEGER:
	case SCHEMA_POWER:
		return put_integer(a, s, row);
	case SCHEMA_BOOLEAN:
		return put_boolean(a, s, row);
	case SCHEMA_CHOICE:
		return put_choice(a, s, row);
	case SCHEMA_DSCP:
		return put_dscp(a, s, row);
	case SCHEMA_MODES:
		return put_modes(a, s, row);
	case SCHEMA_FILE:
		return put_file(a, s, row);
	case SCHEMA_CPUS:
		return put_cpus(a, s, row);
	case SCHEMA_PORTS:
		return put_ports(a, s, row);
	case SCHEMA_LISTEN:
	case SCHEMA_LIGHT:
	case SCHEMA_CLASSES:
	case SCHEMA_NAME:
	case SCHEMA_PREFIXES:
	case SCHEMA_KEY_IDS:
		break;
	}
	return -EINVAL;
}
