// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/convert.h"

#include "daemon/config/conf_error.h"
#include "daemon/config/cpus.h"
#include "daemon/config/parse.h"
#include "protocol/mode.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DSCP_MAX 63

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
	return conf_error_at(a->err, at, a->class_name, "%s%s", what,
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
				schema_accepts(row, a->where, accepts));
}

static void keep(struct apply *a, const struct schema_row *row, uint64_t value)
{
	if (a->class) {
		a->class->overrides |= UINT64_C(1) << (row - schema_rows);
	}
	schema_put(row, a->where, a->in, value);
}
_Static_assert(SETTINGS_KEYS_MAX <= 64, "a bit for each");

static void warn_of_zeros(struct apply *a, const config_setting_t *s, long long value)
{
	const struct syntax_place *known = parse_place(s);
	struct settings_place at = convert_place(a, s);

	if (known && known->zeros) {
		conf_error_warn(
			a->err, &at, a->class_name,
			"%s: this is %lld, a decimal number in spite of the zero before it: leave "
			"the zero out",
			a->key, value);
	}
}

int convert_number(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		   long long min, long long max, long long *out)
{
	char accepts[SCHEMA_TEXT_LEN];

	if (s->type != CONFIG_TYPE_INT && s->type != CONFIG_TYPE_INT64) {
		(void)convert_wrong_type(a, s, row);
		return SETTINGS_BAD;
	}
	*out = s->type == CONFIG_TYPE_INT ? s->value.ival : s->value.llval;
	if (*out < min || *out > max) {
		(void)convert_complain(a, s, "%s: %lld%s is out of range, expected: %s", a->key,
				       *out, *out == LLONG_MAX ? " or more" : "",
				       schema_accepts(row, a->where, accepts));
		return SETTINGS_BAD;
	}
	warn_of_zeros(a, s, *out);
	return 0;
}

int convert_integer(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	long long value;

	if (convert_number(a, s, row, schema_min(row, a->where), row->max, &value)) {
		return SETTINGS_BAD;
	}
	if (row->type == SCHEMA_POWER && (value & (value - 1))) {
		return convert_complain(a, s, "%s: %lld is no power of two, expected: %s", a->key,
					value, schema_accepts(row, a->where, accepts));
	}
	keep(a, row, (uint64_t)value);
	return 0;
}

int convert_percent(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	double thousandths;

	if (s->type == CONFIG_TYPE_INT || s->type == CONFIG_TYPE_INT64) {
		thousandths = 1000. * (double)config_setting_get_int64(s);
	} else if (s->type == CONFIG_TYPE_FLOAT) {
		thousandths = 1000. * s->value.fval;
	} else {
		return convert_wrong_type(a, s, row);
	}
	if (!(thousandths >= 0 && thousandths <= 100000)) {
		return convert_complain(a, s, "%s: %g is out of range, expected: %s", a->key,
					thousandths / 1000, schema_accepts(row, a->where, accepts));
	}
	keep(a, row, (uint64_t)(thousandths + .5));
	return 0;
}

int convert_boolean(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	if (s->type != CONFIG_TYPE_BOOL) {
		return convert_wrong_type(a, s, row);
	}
	keep(a, row, s->value.ival != 0);
	return 0;
}

int convert_each(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		 int (*one)(struct apply *a, const config_setting_t *member,
			    const struct schema_row *row, void *to),
		 void *to)
{
	char accepts[SCHEMA_TEXT_LEN];
	int n, r = 0;

	if (s->type != CONFIG_TYPE_ARRAY) {
		return convert_wrong_type(a, s, row);
	}
	n = config_setting_length(s);
	if ((uint32_t)n < row->min) {
		return convert_complain(a, s, "%s: this is empty, expected: %s", a->key,
					schema_accepts(row, a->where, accepts));
	}
	if ((uint32_t)n > row->max) {
		return convert_complain(a, s, "%s: there are %d, expected: %s", a->key, n,
					schema_accepts(row, a->where, accepts));
	}
	for (int i = 0; r >= 0 && i < n; i++) {
		r = apply_both(r, one(a, config_setting_get_elem(s, (unsigned)i), row, to));
	}
	return r;
}

static int add_dscp(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		    void *to)
{
	uint64_t *mask = to;
	long long n;

	if (convert_number(a, s, row, 0, DSCP_MAX, &n)) {
		return SETTINGS_BAD;
	}
	if (*mask >> n & 1) {
		return convert_complain(a, s, "%s: %lld is there twice, expected: once", a->key, n);
	}
	*mask |= UINT64_C(1) << n;
	return 0;
}

static bool says(const config_setting_t *s, const char *word)
{
	return s->type == CONFIG_TYPE_STRING && !strcmp(s->value.sval, word);
}

int convert_dscp(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	uint64_t mask = 0;
	int r;

	if (says(s, "all")) {
		keep(a, row, SCHEMA_DSCP_ALL);
		return 0;
	}
	r = convert_each(a, s, row, add_dscp, &mask);
	if (!r) {
		keep(a, row, mask);
	}
	return r;
}

static int unknown_name(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];

	return convert_complain(a, s, "%s: \"%.40s\" is unknown, expected: %s", a->key,
				s->value.sval, schema_accepts(row, a->where, accepts));
}

/* T-075 */
int convert_reply_dscp(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	long long value = says(s, "copy") ? SETTINGS_DSCP_COPY : 0;

	if (!says(s, "copy") && !says(s, "zero")) {
		if (s->type == CONFIG_TYPE_STRING) {
			return unknown_name(a, s, row);
		}
		if (convert_number(a, s, row, 0, DSCP_MAX, &value)) {
			return SETTINGS_BAD;
		}
	}
	keep(a, row, (uint64_t)value);
	return 0;
}

int convert_choice(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	for (const struct schema_choice *c = row->choices; c->name; c++) {
		if (says(s, c->name)) {
			keep(a, row, c->value);
			return 0;
		}
	}
	return unknown_name(a, s, row);
}

static int add_mode(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		    void *to)
{
	uint32_t *modes = to, bit;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	bit = mode_by_name(s->value.sval);
	if (!(bit & row->accepted)) {
		return unknown_name(a, s, row);
	}
	if (*modes & bit) {
		return convert_complain(a, s, "%s: \"%s\" is there twice, expected: once", a->key,
					s->value.sval);
	}
	*modes |= bit;
	return 0;
}

int convert_modes(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	uint32_t modes = 0;
	int r = convert_each(a, s, row, add_mode, &modes);

	if (!r) {
		keep(a, row, modes);
	}
	return r;
}

static int add_choice(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		      void *to)
{
	uint32_t *set = to;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	for (const struct schema_choice *c = row->choices; c->name; c++) {
		if (says(s, c->name) && *set & c->value) {
			return convert_complain(a, s, "%s: \"%s\" is there twice, expected: once",
						a->key, c->name);
		}
		if (says(s, c->name)) {
			*set |= c->value;
			return 0;
		}
	}
	return unknown_name(a, s, row);
}

int convert_set(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	uint32_t set = 0;
	int r = convert_each(a, s, row, add_choice, &set);

	if (!r) {
		keep(a, row, set);
	}
	return r;
}

int convert_file(struct apply *a, const config_setting_t *s, const struct schema_row *row)
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

int convert_cpus(struct apply *a, const config_setting_t *s, const struct schema_row *row)
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

static int add_port(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		    void *unused)
{
	struct settings *to = a->settings;
	long long port;

	if (convert_number(a, s, row, 1, UINT16_MAX, &port)) {
		return SETTINGS_BAD;
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

int convert_ports(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	a->settings->n_also = 0;
	return convert_each(a, s, row, add_port, NULL);
}

int convert_prefix(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		   struct prefix *out)
{
	char meant[PREFIX_TEXT_LEN];
	const char *wrong;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	wrong = prefix_parse(s->value.sval, out);
	if (wrong) {
		return convert_complain(a, s,
					"%s: \"%.60s\" %s, expected: like \"192.0.2.0/24\" or "
					"\"2001:db8::/32\"",
					a->key, s->value.sval, wrong);
	}
	if (prefix_mask(out)) {
		return convert_complain(
			a, s, "%s: \"%.60s\" has bits behind its length, did you mean \"%s\"?",
			a->key, s->value.sval, prefix_text(out, meant));
	}
	return 0;
}
