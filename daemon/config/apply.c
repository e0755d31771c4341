// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/apply.h"

#include "daemon/config/classes.h"
#include "daemon/config/convert.h"
#include "daemon/config/fault.h"
#include "daemon/config/keys.h"
#include "daemon/config/lightconf.h"
#include "daemon/config/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libconfig.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

static int add_listen(struct apply *a, const config_setting_t *s, const struct settings_listen *l)
{
	struct settings *to = a->settings;

	for (size_t i = 0; i < to->n_listen; i++) {
		const struct settings_listen *other = &to->listen[i];

		/* Two of port 0 are two different ports. */
		if (l->address.port && other->address.port == l->address.port &&
		    address_same_host(&other->address, &l->address) &&
		    !strcmp(other->device, l->device)) {
			return convert_complain(
				a, s,
				"listen: the same address and port are there twice, "
				"expected: once (no address means 0.0.0.0 and ::)");
		}
	}
	if (to->n_listen == SCHEMA_LISTEN_MAX) {
		return convert_complain(
			a, s,
			"listen: too many, expected: at most %d (without an address one "
			"counts as two)",
			SCHEMA_LISTEN_MAX);
	}
	to->listen[to->n_listen++] = *l;
	return 0;
}

/* The part behind "%": a name or a number. 0 = there is no such interface. */
static uint32_t parse_scope(const char *text)
{
	unsigned long index;
	char *end;

	errno = 0;
	index = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && index <= UINT32_MAX) {
		return (uint32_t)index;
	}
	return if_nametoindex(text);
}

const char *apply_address(const char *text, struct address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char host[INET6_ADDRSTRLEN];
	const char *percent = strchrnul(text, '%');
	size_t len = (size_t)(percent - text);

	if (len >= sizeof(host)) {
		return "is no address";
	}
	memcpy(host, text, len);
	host[len] = '\0';
	address->scope = 0;
	memset(address->ip, 0, sizeof(address->ip));
	address->family = strchr(host, ':') ? 6 : 4;
	if (inet_pton(address->family == 6 ? AF_INET6 : AF_INET, host, address->ip) != 1) {
		return "is no address";
	}
	if (address->family == 6 && !memcmp(address->ip, mapped, sizeof(mapped))) {
		return "is an IPv4-mapped address";
	}
	if (address_is_unusable(address) && !address_is_any(address)) {
		return "is no address of a host";
	}
	if (address_is_link_local(address)) {
		address->scope = *percent ? parse_scope(percent + 1) : 0;
		if (!address->scope) {
			return "is link-local and needs an interface of this host behind \"%\"";
		}
	} else if (*percent) {
		return "is not link-local and needs no \"%\"";
	}
	return NULL;
}

static int check_address(struct apply *a, const config_setting_t *s, struct settings_listen *l)
{
	const char *text = config_setting_get_string(s);
	const char *wrong;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_complain(a, s, "listen.address: this is %s, expected: a string",
					convert_describe(s));
	}
	wrong = *text ? apply_address(text, &l->address) : NULL;
	if (wrong) {
		return convert_complain(
			a, s,
			"listen.address: \"%.60s\" %s, expected: an IPv4 or IPv6 address "
			"of this host; \"0.0.0.0\" or \"::\" for all; \"\" for both",
			text, wrong);
	}
	return 0;
}

static int put_both_families(struct apply *a, const config_setting_t *s, struct settings_listen *l)
{
	int r;

	l->implied = true;
	l->address.family = 4;
	r = add_listen(a, s, l);
	l->address.family = 6;
	return r ? r : add_listen(a, s, l);
}

static int put_port(struct apply *a, const config_setting_t *s, uint16_t *port)
{
	long long number = SCHEMA_LISTEN_PORT;

	if (s && s->type != CONFIG_TYPE_INT && s->type != CONFIG_TYPE_INT64) {
		return convert_complain(a, s, "listen.port: this is %s, expected: integer 0..65535",
					convert_describe(s));
	}
	if (s) {
		number = s->type == CONFIG_TYPE_INT ? s->value.ival : s->value.llval;
	}
	if (number < 0 || number > UINT16_MAX) {
		return convert_complain(
			a, s, "listen.port: %lld is out of range, expected: integer 0..65535",
			number);
	}
	*port = (uint16_t)number;
	return 0;
}

static int put_entry(struct apply *a, const config_setting_t *s)
{
	config_setting_t *address = NULL, *port = NULL, *device = NULL, *freebind = NULL;
	struct settings_listen l = { .place = convert_place(a, s) };
	int r = 0;

	if (s->type != CONFIG_TYPE_GROUP) {
		return convert_wrong_type(a, s, schema_find("listen", SCHEMA_SERVER));
	}
	for (int i = 0; i < config_setting_length(s); i++) {
		config_setting_t *member = config_setting_get_elem(s, (unsigned)i);

		if (!strcmp(member->name, "address")) {
			address = member;
		} else if (!strcmp(member->name, "port")) {
			port = member;
		} else if (!strcmp(member->name, "device")) {
			device = member;
		} else if (!strcmp(member->name, "freebind")) {
			freebind = member;
		} else {
			r = convert_unknown(
				a, member,
				"listen.%.60s: unknown key, expected: address, port, device, freebind",
				member->name);
		}
	}
	r = apply_both(r, put_port(a, port, &l.address.port));
	r = apply_both(r, convert_device(a, device, "listen.device", l.device));
	r = apply_both(r, convert_flag(a, freebind, "listen.freebind", &l.freebind));
	if (r) {
		return address ? apply_both(r, check_address(a, address, &l)) : r;
	}
	if (!address || (address->type == CONFIG_TYPE_STRING && !*address->value.sval)) {
		return put_both_families(a, s, &l);
	}
	r = check_address(a, address, &l);
	return r ? r : add_listen(a, s, &l);
}

static int put_listen(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];
	int r = 0;

	if (s->type != CONFIG_TYPE_LIST) {
		return convert_wrong_type(a, s, row);
	}
	if (!config_setting_length(s)) {
		return convert_complain(a, s, "%s: this is empty, expected: %s", row->key,
					schema_accepts(row, SCHEMA_SERVER, accepts));
	}
	a->settings->n_listen = 0; /* there is room for all */
	for (int i = 0; r >= 0 && i < config_setting_length(s); i++) {
		r = apply_both(r, put_entry(a, config_setting_get_elem(s, (unsigned)i)));
	}
	return r;
}

static int put_value(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	switch (row->type) {
	case SCHEMA_LISTEN:
		return put_listen(a, s, row);
	case SCHEMA_LIGHT:
		return lightconf_put(a, s, row);
	case SCHEMA_CLASSES:
		return classes_put(a, s, row);
	case SCHEMA_NAME:
		return classes_put_name(a, s, row);
	case SCHEMA_PREFIXES:
		return classes_put_prefixes(a, s, row);
	case SCHEMA_KEY_IDS:
		return classes_put_key_ids(a, s, row);
	case SCHEMA_INTEGER:
	case SCHEMA_POWER:
	case SCHEMA_BOOLEAN:
	case SCHEMA_CHOICE:
	case SCHEMA_DSCP:
	case SCHEMA_MODES:
	case SCHEMA_FILE:
	case SCHEMA_CPUS:
	case SCHEMA_PORTS:
		break;
	}
	return convert_put(a, s, row);
}

static int put(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	size_t index = (size_t)(row - schema_rows);
	int r;

	if (a->class) {
		a->class->places[index] = convert_place(a, s);
	} else {
		a->settings->places[index] = convert_place(a, s);
		a->order[index] = ++a->n_set;
	}
	r = put_value(a, s, row);
	if (r && a->class) {
		a->class->bad = true;
	} else if (r) {
		a->bad |= UINT64_C(1) << index;
	}
	return r;
}

static int unknown(struct apply *a, const config_setting_t *s, const char *key)
{
	const char *meant = schema_suggest(key, apply_scope(a));

	if (meant) {
		return convert_unknown(a, s, "%s: unknown key, did you mean %s%s?", a->key,
				       a->class ? "clients." : "", meant);
	}
	return convert_unknown(a, s, "%s: unknown key, expected: one of those in twampd.conf(5)",
			       a->key);
}

static int walk(struct apply *a, const config_setting_t *parent, const char *group);

static int take(struct apply *a, const config_setting_t *s, const char *group)
{
	enum schema_scope where = apply_scope(a);
	const struct schema_row *row;
	char key[160];

	(void)snprintf(key, sizeof(key), "%s%s%.100s", group ? group : "", group ? "." : "",
		       s->name);
	(void)snprintf(a->key, sizeof(a->key), "%s%s", a->class ? "clients." : "", key);
	row = schema_find(key, where);
	if (row) {
		return put(a, s, row);
	}
	if (group || !schema_is_group(key, where)) {
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

int apply_class(struct apply *a, const config_setting_t *s)
{
	return walk(a, s, NULL);
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
		s->listen[i].address.family = i ? 6 : 4;
		s->listen[i].address.port = SCHEMA_LISTEN_PORT;
		s->listen[i].implied = true;
	}
	s->n_also = 2;
	s->also[0] = 862; /* RFC 8545 */
	s->also[1] = 20001; /* what twampy takes for granted */
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		if (schema_is_value(&schema_rows[i])) {
			schema_put(&schema_rows[i], s, schema_rows[i].preset);
		}
	}
	return 0;
}

int apply_file(struct apply *a, const char *path)
{
	struct parse p;
	int r;

	a->file = path;
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
	return fault_at(a->err, later, NULL,
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
	return apply_both(
		r, classes_finish(a, &places[index_of("clients")], &places[index_of("modes")]));
}
