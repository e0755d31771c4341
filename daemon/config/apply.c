// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/apply.h"

#include "daemon/config/fault.h"
#include "daemon/config/source.h"
#include "protocol/mode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libconfig.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int complain(struct apply *a, const config_setting_t *s, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int complain(struct apply *a, const config_setting_t *s, const char *format, ...)
{
	char what[sizeof(a->err->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return fault(a->err, a->file, config_setting_source_line(s), "%s", what);
}

static const char *describe(const config_setting_t *s)
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

static int wrong_type(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];

	return complain(a, s, "%s: this is %s, expected: %s", row->key, describe(s),
			schema_accepts(row, accepts));
}

static int put_integer(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	long long value;

	if (s->type != CONFIG_TYPE_INT && s->type != CONFIG_TYPE_INT64)
		return wrong_type(a, s, row);
	value = s->type == CONFIG_TYPE_INT ? s->value.ival : s->value.llval;
	if (value < row->min || value > row->max) {
		return complain(a, s, "%s: %lld is out of range, expected: %s", row->key, value,
				schema_accepts(row, accepts));
	}
	schema_put(row, a->settings, (uint32_t)value);
	return 0;
}

static int put_choice(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	const char *name = config_setting_get_string(s);

	if (s->type != CONFIG_TYPE_STRING)
		return wrong_type(a, s, row);
	for (const struct schema_choice *c = row->choices; c->name; c++) {
		if (!strcmp(c->name, name)) {
			schema_put(row, a->settings, c->value);
			return 0;
		}
	}
	return complain(a, s, "%s: \"%.40s\" is unknown, expected: %s", row->key, name,
			schema_accepts(row, accepts));
}

/* One name of an array; its bit is added to @modes. */
static int add_mode(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		    uint32_t *modes)
{
	const char *name = config_setting_get_string(s);
	char accepts[SCHEMA_TEXT_LEN];
	uint32_t bit, kind;

	if (s->type != CONFIG_TYPE_STRING)
		return wrong_type(a, s, row);
	kind = row->min ? MODE_SECURITY_MASK : MODE_FEATURE_MASK;
	bit = mode_by_name(name);
	schema_accepts(row, accepts);
	if (!(bit & kind)) {
		return complain(a, s, "%s: \"%.40s\" is unknown, expected: %s", row->key, name,
				accepts);
	}
	if (!(bit & row->accepted)) {
		return complain(a, s, "%s: this version does not offer \"%s\", expected: %s",
				row->key, name, accepts);
	}
	if (*modes & bit)
		return complain(a, s, "%s: \"%s\" is there twice, expected: once", row->key, name);
	*modes |= bit;
	return 0;
}

static int put_modes(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	uint32_t modes = 0;
	int n, r;

	if (s->type != CONFIG_TYPE_ARRAY)
		return wrong_type(a, s, row);
	n = config_setting_length(s);
	if ((uint32_t)n < row->min) {
		return complain(a, s, "%s: this is empty, expected: %s", row->key,
				schema_accepts(row, accepts));
	}
	for (int i = 0; i < n; i++) {
		r = add_mode(a, config_setting_get_elem(s, (unsigned)i), row, &modes);
		if (r)
			return r;
	}
	schema_put(row, a->settings, modes);
	return 0;
}

static int add_listen(struct apply *a, const config_setting_t *s, const struct address *address)
{
	struct settings *to = a->settings;

	for (size_t i = 0; i < to->n_listen; i++) {
		const struct address *other = &to->listen[i].address;

		/* Two of port 0 are two different ports. */
		if (address->port && other->port == address->port &&
		    address_same_host(other, address))
			return complain(a, s,
					"listen: the same address and port are there twice, "
					"expected: once (no address means 0.0.0.0 and ::)");
	}
	if (to->n_listen == SCHEMA_LISTEN_MAX) {
		return complain(a, s,
				"listen: too many, expected: at most %d (without an address one "
				"counts as two)",
				SCHEMA_LISTEN_MAX);
	}
	to->listen[to->n_listen++].address = *address;
	return 0;
}

/* The part behind "%": a name or a number. 0 = there is no such interface. */
static uint32_t parse_scope(const char *text)
{
	unsigned long index;
	char *end;

	errno = 0;
	index = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && index <= UINT32_MAX)
		return (uint32_t)index;
	return if_nametoindex(text);
}

/* Return what is wrong, or NULL. */
static const char *parse_address(const char *text, struct address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char host[INET6_ADDRSTRLEN];
	const char *percent = strchrnul(text, '%');
	size_t len = (size_t)(percent - text);

	if (len >= sizeof(host))
		return "is no address";
	memcpy(host, text, len);
	host[len] = '\0';
	address->scope = 0;
	memset(address->ip, 0, sizeof(address->ip));
	address->family = strchr(host, ':') ? 6 : 4;
	if (inet_pton(address->family == 6 ? AF_INET6 : AF_INET, host, address->ip) != 1)
		return "is no address";
	if (address->family == 6 && !memcmp(address->ip, mapped, sizeof(mapped)))
		return "is an IPv4-mapped address";
	if (address_is_unusable(address) && !address_is_any(address))
		return "is no address of a host";
	if (address_is_link_local(address)) {
		address->scope = *percent ? parse_scope(percent + 1) : 0;
		if (!address->scope)
			return "is link-local and needs an interface of this host behind \"%\"";
	} else if (*percent) {
		return "is not link-local and needs no \"%\"";
	}
	return NULL;
}

static int put_address(struct apply *a, const config_setting_t *s, uint16_t port)
{
	struct address address = { .port = port };
	const char *text = config_setting_get_string(s);
	const char *wrong;

	if (s->type != CONFIG_TYPE_STRING)
		return complain(a, s, "listen.address: this is %s, expected: a string",
				describe(s));
	wrong = parse_address(text, &address);
	if (wrong) {
		return complain(a, s,
				"listen.address: \"%.60s\" %s, expected: an IPv4 or IPv6 address "
				"of this host; \"0.0.0.0\" or \"::\" for all; \"\" for both",
				text, wrong);
	}
	return add_listen(a, s, &address);
}

static int put_both_families(struct apply *a, const config_setting_t *s, uint16_t port)
{
	struct address address = { .family = 4, .port = port };
	int r = add_listen(a, s, &address);

	address.family = 6;
	return r ? r : add_listen(a, s, &address);
}

static int put_entry(struct apply *a, const config_setting_t *s)
{
	config_setting_t *address = NULL, *port = NULL;
	long long number = SCHEMA_LISTEN_PORT;

	if (s->type != CONFIG_TYPE_GROUP)
		return wrong_type(a, s, schema_find("listen"));
	for (int i = 0; i < config_setting_length(s); i++) {
		config_setting_t *member = config_setting_get_elem(s, (unsigned)i);

		if (!strcmp(member->name, "address"))
			address = member;
		else if (!strcmp(member->name, "port"))
			port = member;
		else
			return complain(a, member,
					"listen.%.60s: unknown key, expected: address, port",
					member->name);
	}
	if (port && port->type != CONFIG_TYPE_INT && port->type != CONFIG_TYPE_INT64) {
		return complain(a, port, "listen.port: this is %s, expected: integer 0..65535",
				describe(port));
	}
	if (port)
		number = port->type == CONFIG_TYPE_INT ? port->value.ival : port->value.llval;
	if (number < 0 || number > UINT16_MAX) {
		return complain(a, port,
				"listen.port: %lld is out of range, expected: integer 0..65535",
				number);
	}
	if (!address || (address->type == CONFIG_TYPE_STRING && !*address->value.sval))
		return put_both_families(a, s, (uint16_t)number);
	return put_address(a, address, (uint16_t)number);
}

static int put_listen(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	int r = 0;

	if (s->type != CONFIG_TYPE_LIST)
		return wrong_type(a, s, row);
	if (!config_setting_length(s)) {
		return complain(a, s, "%s: this is empty, expected: %s", row->key,
				schema_accepts(row, accepts));
	}
	a->settings->n_listen = 0; /* there is room for all */
	for (int i = 0; !r && i < config_setting_length(s); i++)
		r = put_entry(a, config_setting_get_elem(s, (unsigned)i));
	return r;
}

static int put(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	a->place[row - schema_rows] = (struct apply_place){
		.file = a->file,
		.line = config_setting_source_line(s),
		.order = ++a->order,
	};
	switch (row->type) {
	case SCHEMA_INTEGER:
		return put_integer(a, s, row);
	case SCHEMA_CHOICE:
		return put_choice(a, s, row);
	case SCHEMA_MODES:
		return put_modes(a, s, row);
	case SCHEMA_LISTEN:
		return put_listen(a, s, row);
	}
	return -EINVAL;
}

/* Root (no @group) or one group below it: the schema has no deeper keys. */
static int walk(struct apply *a, const config_setting_t *parent, const char *group)
{
	char key[160];
	int r = 0;

	for (int i = 0; !r && i < config_setting_length(parent); i++) {
		config_setting_t *s = config_setting_get_elem(parent, (unsigned)i);
		const struct schema_row *row;
		const char *meant;

		(void)snprintf(key, sizeof(key), "%s%s%.100s", group ? group : "", group ? "." : "",
			       s->name);
		row = schema_find(key);
		if (row) {
			r = put(a, s, row);
			continue;
		}
		if (!group && schema_is_group(key)) {
			r = s->type == CONFIG_TYPE_GROUP
				    ? walk(a, s, key)
				    : complain(a, s, "%s: this is %s, expected: a group { }", key,
					       describe(s));
			continue;
		}
		meant = schema_suggest(key);
		return complain(
			a, s,
			meant ? "%s: unknown key, did you mean %s?"
			      : "%s: unknown key, expected: one of those in twampd.conf(5)%s",
			key, meant ? meant : "");
	}
	return r;
}

int apply_defaults(struct settings *s)
{
	s->listen = calloc(SCHEMA_LISTEN_MAX, sizeof(*s->listen));
	if (!s->listen)
		return -ENOMEM;
	s->n_listen = 2;
	for (size_t i = 0; i < s->n_listen; i++) {
		s->listen[i].address.family = i ? 6 : 4;
		s->listen[i].address.port = SCHEMA_LISTEN_PORT;
	}
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		if (schema_rows[i].type != SCHEMA_LISTEN)
			schema_put(&schema_rows[i], s, schema_rows[i].preset);
	}
	return 0;
}

int apply_file(struct apply *a, const char *path)
{
	config_t config;
	char *text;
	int r = source_read(path, &text, a->err);

	if (r)
		return r;
	a->file = path;
	config_init(&config);
	if (config_read_string(&config, text)) {
		r = walk(a, config_root_setting(&config), NULL);
	} else {
		r = fault(a->err, path, (unsigned)config_error_line(&config), "%s",
			  config_error_text(&config));
	}
	config_destroy(&config);
	free(text);
	return r;
}

int apply_finish(struct apply *a)
{
	const struct policy *p = &a->settings->policy;
	const struct apply_place *first = &a->place[schema_find("ports.first") - schema_rows];
	const struct apply_place *last = &a->place[schema_find("ports.last") - schema_rows];

	if (p->port_first <= p->port_last)
		return 0;
	/* The one that was set later is the one to look at. */
	if (first->order > last->order)
		last = first;
	return fault(
		a->err, last->file, last->line,
		"ports.first (%u) is above ports.last (%u), expected: ports.first <= ports.last",
		p->port_first, p->port_last);
}
