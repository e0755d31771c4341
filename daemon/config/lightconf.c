// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/lightconf.h"

#include "daemon/config/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int compare_ssids(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* For each member, and one, so that NULL means no memory. */
static void *room_for(const config_setting_t *s, size_t size)
{
	return calloc(1 + (s->type == CONFIG_TYPE_ARRAY ? (size_t)config_setting_length(s) : 0),
		      size);
}

static int add_ssid(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		    void *to)
{
	struct settings_light *l = to;
	long long value;

	if (convert_number(a, s, row, 0, UINT16_MAX, &value)) {
		return SETTINGS_BAD;
	}
	l->ssids[l->n_ssids++] = (uint16_t)value;
	return 0;
}

int lightconf_put_ssids(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_light *l = a->in;
	int r;

	l->ssids = room_for(s, sizeof(*l->ssids));
	if (!l->ssids) {
		return -ENOMEM;
	}
	r = convert_each(a, s, row, add_ssid, l);
	qsort(l->ssids, l->n_ssids, sizeof(*l->ssids), compare_ssids);
	return r;
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static int add_client(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		      void *to)
{
	struct settings_light *l = to;

	if (convert_prefix(a, s, row, &l->clients[l->n_clients])) {
		return SETTINGS_BAD;
	}
	l->n_clients++;
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

int lightconf_put_clients(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_light *l = a->in;
	int r;

	l->clients = room_for(s, sizeof(*l->clients));
	if (!l->clients) {
		return -ENOMEM;
	}
	r = convert_each(a, s, row, add_client, l);
	qsort(l->clients, l->n_clients, sizeof(*l->clients), compare_prefixes);
	drop_covered(l);
	return r;
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

/* NULL without memory, or without any. */
static void *copy(const void *from, size_t n, size_t size)
{
	void *to = n ? malloc(n * size) : NULL;

	return to ? memcpy(to, from, n * size) : NULL;
}

/* The other family of an entry without address. */
static int keep_second(struct apply *a, const config_setting_t *s, const struct settings_light *l)
{
	struct settings_light second = *l;

	second.address.family = 6;
	second.clients = copy(l->clients, l->n_clients, sizeof(*l->clients));
	second.ssids = copy(l->ssids, l->n_ssids, sizeof(*l->ssids));
	if (!second.clients || (l->n_ssids && !second.ssids)) {
		wipe(&second);
		return -ENOMEM;
	}
	return keep(a, s, &second);
}

static int check_ssids(struct apply *a, const config_setting_t *s, const struct settings_light *l)
{
	if (!l->n_ssids || l->type == SETTINGS_LIGHT_STAMP) {
		return 0;
	}
	return convert_complain(a, config_setting_get_member(s, "ssids"),
				"light.ssids: only packets of STAMP have an SSID, expected: type = "
				"\"stamp\"");
}

static int put_entry(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_light l = { .place = convert_place(a, s) };
	int r;

	if (s->type != CONFIG_TYPE_GROUP) {
		return convert_wrong_type(a, s, row);
	}
	schema_put_presets(SCHEMA_LIGHT, &l);
	r = apply_entry(a, s, SCHEMA_LIGHT, &l);
	r = r ? r : check_ssids(a, s, &l);
	if (r) {
		wipe(&l);
		return r;
	}
	l.implied = !l.address.family;
	l.address.family = l.implied ? 4 : l.address.family;
	r = keep(a, s, &l);
	return r || !l.implied ? r : keep_second(a, s, &l);
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
