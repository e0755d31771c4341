// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/lightconf.h"

#include "daemon/config/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DSCP_MAX 63

/* The members of one entry as the file has them; NULL = not there. */
struct members {
	config_setting_t *address, *port, *type, *stateful, *clients, *dscp, *ssids, *from_862;
	config_setting_t *device, *freebind;
	config_setting_t *packet_rate, *octet_rate, *total_packet_rate, *total_octet_rate;
};

static void wipe(struct settings_light *l)
{
	free(l->clients);
	free(l->ssids);
}

void lightconf_free(struct settings *s)
{
	for (size_t i = 0; i < s->n_light; i++) {
		wipe(&s->light[i]);
	}
	free(s->light);
	s->light = NULL;
	s->n_light = 0;
}

static int sort_out(struct apply *a, const config_setting_t *s, struct members *m)
{
	const struct {
		const char *name;
		config_setting_t **at;
	} known[] = {
		{ "address", &m->address },
		{ "port", &m->port },
		{ "type", &m->type },
		{ "stateful", &m->stateful },
		{ "clients", &m->clients },
		{ "dscp", &m->dscp },
		{ "ssids", &m->ssids },
		{ "from_862", &m->from_862 },
		{ "device", &m->device },
		{ "freebind", &m->freebind },
		{ "packet_rate", &m->packet_rate },
		{ "octet_rate", &m->octet_rate },
		{ "total_packet_rate", &m->total_packet_rate },
		{ "total_octet_rate", &m->total_octet_rate },
	};

	int r = 0;

	for (int i = 0; i < config_setting_length(s); i++) {
		config_setting_t *member = config_setting_get_elem(s, (unsigned)i);
		size_t k = 0;

		while (k < sizeof(known) / sizeof(known[0]) &&
		       strcmp(member->name, known[k].name) != 0) {
			k++;
		}
		if (k == sizeof(known) / sizeof(known[0])) {
			r = convert_unknown(a, member,
					    "light.%.60s: unknown key, expected: address, port, "
					    "type, stateful, clients, dscp, ssids, from_862, "
					    "device, freebind, packet_rate, octet_rate, "
					    "total_packet_rate, total_octet_rate",
					    member->name);
		} else {
			*known[k].at = member;
		}
	}
	return r;
}

static bool is_number(const config_setting_t *s, long long min, long long max, long long *value)
{
	if (s->type == CONFIG_TYPE_INT) {
		*value = s->value.ival;
	} else if (s->type == CONFIG_TYPE_INT64) {
		*value = s->value.llval;
	} else {
		return false;
	}
	return *value >= min && *value <= max;
}

/* What stands there instead of what is expected. */
static int refuse(struct apply *a, const config_setting_t *s, const char *key, const char *expected)
{
	long long value;

	if (is_number(s, INT64_MIN, INT64_MAX, &value)) {
		return convert_complain(a, s, "light.%s: %lld is out of range, expected: %s", key,
					value, expected);
	}
	if (s->type == CONFIG_TYPE_STRING) {
		return convert_complain(a, s, "light.%s: \"%.40s\" is unknown, expected: %s", key,
					s->value.sval, expected);
	}
	return convert_complain(a, s, "light.%s: this is %s, expected: %s", key,
				convert_describe(s), expected);
}

static int put_rate(struct apply *a, const config_setting_t *s, const char *key, uint32_t preset,
		    uint32_t *to)
{
	long long value = preset;

	if (s && !is_number(s, 0, UINT32_MAX, &value)) {
		return refuse(a, s, key, "integer 0..4294967295");
	}
	*to = (uint32_t)value;
	return 0;
}

static int put_rates(struct apply *a, const struct members *m, struct settings_light *l)
{
	const struct {
		const config_setting_t *from;
		const char *key;
		uint32_t preset, *to;
	} rates[] = {
		{ m->packet_rate, "packet_rate", LIGHTCONF_PACKET_RATE, &l->packet_rate },
		{ m->octet_rate, "octet_rate", 0, &l->octet_rate },
		{ m->total_packet_rate, "total_packet_rate", 0, &l->total_packet_rate },
		{ m->total_octet_rate, "total_octet_rate", 0, &l->total_octet_rate },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		r = apply_both(
			r, put_rate(a, rates[i].from, rates[i].key, rates[i].preset, rates[i].to));
	}
	return r;
}

static int put_type(struct apply *a, const config_setting_t *s, const config_setting_t *entry,
		    struct settings_light *l)
{
	const char *name = s && s->type == CONFIG_TYPE_STRING ? s->value.sval : NULL;

	if (!s) {
		return convert_complain(a, entry,
					"light: there is no type, expected: type = "
					"\"twamp-light\" or \"stamp\"");
	}
	if (!name || (strcmp(name, "twamp-light") != 0 && strcmp(name, "stamp") != 0)) {
		return refuse(a, s, "type", "\"twamp-light\" or \"stamp\"");
	}
	l->type = *name == 's' ? SETTINGS_LIGHT_STAMP : SETTINGS_LIGHT_TWAMP;
	return 0;
}

/* T-075 */
static int put_dscp(struct apply *a, const config_setting_t *s, struct settings_light *l)
{
	long long value;

	l->dscp = SETTINGS_DSCP_COPY;
	if (!s || (s->type == CONFIG_TYPE_STRING && !strcmp(s->value.sval, "copy"))) {
		return 0;
	}
	if (s->type == CONFIG_TYPE_STRING && !strcmp(s->value.sval, "zero")) {
		value = 0;
	} else if (!is_number(s, 0, DSCP_MAX, &value)) {
		return refuse(a, s, "dscp", "\"copy\", \"zero\" or integer 0..63");
	}
	l->dscp = (uint8_t)value;
	return 0;
}

static int compare_ssids(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int put_ssids(struct apply *a, const config_setting_t *s, struct settings_light *l)
{
	int n = s && s->type == CONFIG_TYPE_ARRAY ? config_setting_length(s) : 0, r = 0;

	if (!s) {
		return 0;
	}
	if (l->type != SETTINGS_LIGHT_STAMP) {
		return convert_complain(a, s,
					"light.ssids: only packets of STAMP have an SSID, "
					"expected: type = \"stamp\"");
	}
	if (n < 1 || n > SCHEMA_LIGHT_SSIDS_MAX) {
		return convert_complain(a, s, "light.ssids: expected: array of 1 to %d SSIDs",
					SCHEMA_LIGHT_SSIDS_MAX);
	}
	l->ssids = calloc((size_t)n, sizeof(*l->ssids));
	if (!l->ssids) {
		return -ENOMEM;
	}
	for (int i = 0; i < n; i++) {
		const config_setting_t *member = config_setting_get_elem(s, (unsigned)i);
		long long value;

		if (!is_number(member, 0, UINT16_MAX, &value)) {
			r = refuse(a, member, "ssids", "integer 0..65535");
		} else {
			l->ssids[l->n_ssids++] = (uint16_t)value;
		}
	}
	qsort(l->ssids, l->n_ssids, sizeof(*l->ssids), compare_ssids);
	return r;
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static int put_client(struct apply *a, const config_setting_t *s, struct settings_light *l)
{
	char meant[PREFIX_TEXT_LEN];
	struct prefix p;
	const char *wrong;

	if (s->type != CONFIG_TYPE_STRING) {
		return refuse(a, s, "clients", "an array of prefixes");
	}
	wrong = prefix_parse(s->value.sval, &p);
	if (wrong) {
		return convert_complain(a, s,
					"light.clients: \"%.60s\" %s, expected: like "
					"\"192.0.2.0/24\" or \"2001:db8::/32\"",
					s->value.sval, wrong);
	}
	if (prefix_mask(&p)) {
		return convert_complain(a, s,
					"light.clients: \"%.60s\" has bits behind its length, did "
					"you mean \"%s\"?",
					s->value.sval, prefix_text(&p, meant));
	}
	l->clients[l->n_clients++] = p;
	return 0;
}

/* Covered ones say nothing that the wider one does not: without them bisection is exact. */
static void drop_covered(struct settings_light *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n_clients; i++) {
		if (!kept || !prefix_covers(&l->clients[kept - 1], &l->clients[i])) {
			l->clients[kept++] = l->clients[i];
		}
	}
	l->n_clients = kept;
}

static int put_clients(struct apply *a, const config_setting_t *s, const config_setting_t *entry,
		       struct settings_light *l)
{
	int n, r = 0;

	if (!s) {
		return convert_complain(a, entry,
					"light: there are no clients, expected: clients = [ "
					"\"192.0.2.0/24\" ], those who are answered");
	}
	n = s->type == CONFIG_TYPE_ARRAY ? config_setting_length(s) : 0;
	if (n < 1 || n > SCHEMA_LIGHT_PREFIXES_MAX) {
		return convert_complain(a, s, "light.clients: expected: array of 1 to %d prefixes",
					SCHEMA_LIGHT_PREFIXES_MAX);
	}
	l->clients = calloc((size_t)n, sizeof(*l->clients));
	if (!l->clients) {
		return -ENOMEM;
	}
	for (int i = 0; r >= 0 && i < n; i++) {
		r = apply_both(r, put_client(a, config_setting_get_elem(s, (unsigned)i), l));
	}
	if (r) {
		return r;
	}
	qsort(l->clients, l->n_clients, sizeof(*l->clients), compare_prefixes);
	drop_covered(l);
	return 0;
}

/* Sockets of one port whose addresses overlap would share out the packets by chance. */
static bool overlaps(const struct settings_light *x, const struct settings_light *y)
{
	const struct address *a = &x->address, *b = &y->address;

	return a->port == b->port && a->family == b->family && !strcmp(x->device, y->device) &&
	       (address_same_host(a, b) || address_is_any(a) || address_is_any(b));
}

/* Into the settings, which own what @l points to from here on. */
static int keep(struct apply *a, const config_setting_t *s, struct settings_light *l)
{
	struct settings *to = a->settings;

	for (size_t i = 0; i < to->n_light; i++) {
		if (overlaps(&to->light[i], l)) {
			wipe(l);
			return convert_complain(a, s,
						"light: an entry above has that address and port, "
						"expected: each once (no address means 0.0.0.0 "
						"and ::, which are all of the host)");
		}
	}
	if (to->n_light == SCHEMA_LIGHT_MAX) {
		wipe(l);
		return convert_complain(a, s,
					"light: too many, expected: at most %d (without an "
					"address one counts as two)",
					SCHEMA_LIGHT_MAX);
	}
	to->light[to->n_light++] = *l;
	return 0;
}

/* Everything but the address. @l is to be wiped if it fails. */
static int read_rest(struct apply *a, const config_setting_t *s, const struct members *m,
		     struct settings_light *l)
{
	long long port = LIGHTCONF_PORT;
	int r = 0, type;

	if (m->port && !is_number(m->port, 1, UINT16_MAX, &port)) {
		r = refuse(a, m->port, "port", "integer 1..65535");
	}
	l->address.port = (uint16_t)port;
	r = apply_both(r, convert_device(a, m->device, "light.device", l->device));
	r = apply_both(r, convert_flag(a, m->freebind, "light.freebind", &l->freebind));
	type = put_type(a, m->type, s, l);
	r = apply_both(r, type);
	r = apply_both(r, convert_flag(a, m->stateful, "light.stateful", &l->stateful));
	r = apply_both(r, convert_flag(a, m->from_862, "light.from_862", &l->from_862));
	r = apply_both(r, put_dscp(a, m->dscp, l));
	r = apply_both(r, type ? 0 : put_ssids(a, m->ssids, l));
	r = apply_both(r, put_rates(a, m, l));
	return r < 0 ? r : apply_both(r, put_clients(a, m->clients, s, l));
}

/* Once for each family that the address means. */
static int put_family(struct apply *a, const config_setting_t *s, const struct members *m,
		      const struct address *address, bool implied)
{
	struct settings_light l = { .address = *address,
				    .implied = implied,
				    .place = convert_place(a, s) };
	int r = read_rest(a, s, m, &l);

	if (r) {
		wipe(&l);
		return r;
	}
	return keep(a, s, &l);
}

static int put_entry(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct address address = { .family = 4 };
	struct members m = { 0 };
	const char *text, *wrong;
	int r;

	if (s->type != CONFIG_TYPE_GROUP) {
		return convert_wrong_type(a, s, row);
	}
	r = sort_out(a, s, &m);
	if (m.address && m.address->type != CONFIG_TYPE_STRING) {
		return refuse(a, m.address, "address", "a string");
	}
	text = m.address ? m.address->value.sval : "";
	if (!*text) {
		r = apply_both(r, put_family(a, s, &m, &address, true));
		address.family = 6;
		return r ? r : put_family(a, s, &m, &address, true);
	}
	wrong = apply_address(text, &address);
	if (wrong) {
		r = convert_complain(a, m.address,
				     "light.address: \"%.60s\" %s, expected: an IPv4 or IPv6 "
				     "address of this host; \"0.0.0.0\" or \"::\" for all; "
				     "\"\" for both",
				     text, wrong);
	}
	return apply_both(r, put_family(a, s, &m, &address, false));
}

int lightconf_put(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	int r = 0;

	if (s->type != CONFIG_TYPE_LIST) {
		return convert_wrong_type(a, s, row);
	}
	lightconf_free(a->settings);
	a->settings->light = calloc(SCHEMA_LIGHT_MAX, sizeof(*a->settings->light));
	if (!a->settings->light) {
		return -ENOMEM;
	}
	for (int i = 0; r >= 0 && i < config_setting_length(s); i++) {
		r = apply_both(r, put_entry(a, config_setting_get_elem(s, (unsigned)i), row));
	}
	return r;
}

bool settings_light_allows(const struct settings_light *l, const struct address *a)
{
	struct prefix host = { .family = a->family, .bits = a->family == 6 ? 128 : 32 };
	size_t low = 0, high = l->n_clients;

	memcpy(host.ip, a->ip, host.bits / 8);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&l->clients[middle], &host) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low && prefix_covers(&l->clients[low - 1], &host);
}

bool settings_light_knows(const struct settings_light *l, uint16_t ssid)
{
	return !l->n_ssids || bsearch(&ssid, l->ssids, l->n_ssids, sizeof(ssid), compare_ssids);
}
