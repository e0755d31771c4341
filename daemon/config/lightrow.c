// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/lightrow.h"

#include "daemon/config/convert.h"
#include "protocol/keyline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void wipe_row(struct settings *s, struct settings_row *r)
{
	free(r->clients);
	free(r->ssids);
	for (unsigned i = 0; i < SETTINGS_ROW_KEYS; i++) {
		free(r->key_ids[i]);
		vault_give(&s->vault, r->keys[i]);
	}
	memset(r, 0, sizeof(*r));
}

void lightrow_wipe(struct settings *s, struct settings_light *l)
{
	for (size_t i = 0; i < l->n_rows; i++) {
		wipe_row(s, &l->rows[i]);
	}
	free(l->rows);
	wipe_row(s, &l->own);
	free(l->sources);
	l->rows = NULL;
	l->sources = NULL;
	l->n_rows = l->n_sources = 0;
}

/* --- what a row says ---------------------------------------------------------------------- */

static struct settings_row *row_of(struct apply *a)
{
	return a->where == SCHEMA_LIGHT ? &((struct settings_light *)a->in)->own : a->in;
}

/* For each member, and one, so that NULL means no memory. */
static void *room_for(const config_setting_t *s, size_t size)
{
	return calloc(1 + (s->type == CONFIG_TYPE_ARRAY ? (size_t)config_setting_length(s) : 0),
		      size);
}

static int compare_ssids(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int add_ssid(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		    void *to)
{
	struct settings_row *r = to;
	long long value;

	if (convert_number(a, s, row, 0, UINT16_MAX, &value)) {
		return SETTINGS_BAD;
	}
	r->ssids[r->n_ssids++] = (uint16_t)value;
	return 0;
}

int lightrow_put_ssids(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_row *to = row_of(a);
	int r;

	to->ssids = room_for(s, sizeof(*to->ssids));
	if (!to->ssids) {
		return -ENOMEM;
	}
	r = convert_each(a, s, row, add_ssid, to);
	qsort(to->ssids, to->n_ssids, sizeof(*to->ssids), compare_ssids);
	return r;
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static int add_client(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		      void *to)
{
	struct settings_row *r = to;

	if (convert_prefix(a, s, row, &r->clients[r->n_clients])) {
		return SETTINGS_BAD;
	}
	r->n_clients++;
	return 0;
}

/* Covered ones say nothing that the wider one does not. */
static void drop_covered(struct settings_row *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_clients; i++) {
		if (!kept || !prefix_covers(&r->clients[kept - 1], &r->clients[i])) {
			r->clients[kept++] = r->clients[i];
		}
	}
	r->n_clients = kept;
}

int lightrow_put_clients(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_row *to = row_of(a);
	int r;

	to->clients = room_for(s, sizeof(*to->clients));
	if (!to->clients) {
		return -ENOMEM;
	}
	r = convert_each(a, s, row, add_client, to);
	qsort(to->clients, to->n_clients, sizeof(*to->clients), compare_prefixes);
	drop_covered(to);
	return r;
}

static int add_key(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		   void *to)
{
	struct settings_row *r = to;
	const char *wrong;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	wrong = keyline_id_fault(s->value.sval, strlen(s->value.sval));
	if (wrong) {
		return convert_complain(a, s,
					"%s: \"%.80s\" %s, expected: a KeyID of the keys file",
					a->key, s->value.sval, wrong);
	}
	if (r->n_keys && !strcmp(r->key_ids[0], s->value.sval)) {
		return convert_complain(a, s, "%s: \"%.80s\" is there twice, expected: once",
					a->key, s->value.sval);
	}
	r->key_ids[r->n_keys] = strdup(s->value.sval);
	if (!r->key_ids[r->n_keys]) {
		return -ENOMEM;
	}
	r->n_keys++;
	return 0;
}

int lightrow_put_keys(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_row *to = row_of(a);

	to->key_place = convert_place(a, s);
	return convert_each(a, s, row, add_key, to);
}

/* --- the list ----------------------------------------------------------------------------- */

int lightrow_put_name(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_row *to = row_of(a);
	const char *name = config_setting_get_string(s);
	size_t len;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
	if (!len || name[len] || len >= sizeof(to->name)) {
		return convert_complain(a, s, "%s: \"%.60s\" is no name, expected: %s", a->key,
					name, schema_types[row->type].accepts);
	}
	memcpy(to->name, name, len + 1);
	return 0;
}

static int put_row(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		   struct settings_light *l)
{
	struct settings_row *to = &l->rows[l->n_rows];

	if (s->type != CONFIG_TYPE_GROUP) {
		return convert_wrong_type(a, s, row);
	}
	l->n_rows++;
	to->place = convert_place(a, s);
	schema_put_presets(SCHEMA_ROW, to);
	return apply_entry(a, s, SCHEMA_ROW, to);
}

int lightrow_put(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_light *l = a->in;
	int n, r = 0;

	if (s->type != CONFIG_TYPE_LIST) {
		return convert_wrong_type(a, s, row);
	}
	n = config_setting_length(s);
	if (n < 1 || n > SCHEMA_LIGHT_ROWS_MAX) {
		return convert_complain(a, s, "%s: there are %d, expected: 1 to %d", a->key, n,
					SCHEMA_LIGHT_ROWS_MAX);
	}
	l->rows = calloc((size_t)n, sizeof(*l->rows));
	if (!l->rows) {
		return -ENOMEM;
	}
	for (int i = 0; r >= 0 && i < n; i++) {
		r = apply_both(r, put_row(a, config_setting_get_elem(s, (unsigned)i), row, l));
	}
	return r;
}

/* --- whose a packet is ------------------------------------------------------------------------ */

static int compare_sources(const void *a, const void *b)
{
	const struct settings_source *x = a, *y = b;
	int r = prefix_compare(&x->prefix, &y->prefix);

	return r ? r : (x->row > y->row) - (x->row < y->row);
}

static bool is_same(const struct prefix *a, const struct prefix *b)
{
	return prefix_compare(a, b) == 0;
}

/* All that cover it are before it, each among the wider ones of the next. */
static uint32_t find_wider(const struct settings_light *l, size_t i)
{
	uint32_t at = i ? (uint32_t)(i - 1) : UINT32_MAX;

	if (i && is_same(&l->sources[at].prefix, &l->sources[i].prefix)) {
		return l->sources[at].wider;
	}
	while (at != UINT32_MAX && !prefix_covers(&l->sources[at].prefix, &l->sources[i].prefix)) {
		at = l->sources[at].wider;
	}
	return at;
}

static int make_sources(struct settings_light *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_rows; i++) {
		n += l->rows[i].n_clients;
	}
	l->sources = calloc(n + 1, sizeof(*l->sources));
	if (!l->sources) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < l->n_rows; i++) {
		for (size_t k = 0; k < l->rows[i].n_clients; k++) {
			l->sources[l->n_sources++] = (struct settings_source){
				.prefix = l->rows[i].clients[k], .row = (uint32_t)i
			};
		}
	}
	qsort(l->sources, l->n_sources, sizeof(*l->sources), compare_sources);
	for (size_t i = 0; i < l->n_sources; i++) {
		l->sources[i].wider = find_wider(l, i);
	}
	return 0;
}

static bool shares_ssid(const struct settings_row *x, const struct settings_row *y)
{
	if (!x->n_ssids || !y->n_ssids) {
		return x->n_ssids == y->n_ssids;
	}
	for (size_t i = 0; i < x->n_ssids; i++) {
		if (bsearch(&x->ssids[i], y->ssids, y->n_ssids, sizeof(*y->ssids), compare_ssids)) {
			return true;
		}
	}
	return false;
}

/* The same prefix twice only with SSIDs that differ: else whose would a packet be? */
static int check_twice(struct apply *a, const config_setting_t *s, const struct settings_light *l)
{
	char text[PREFIX_TEXT_LEN];

	for (size_t i = 1; i < l->n_sources; i++) {
		for (size_t k = i;
		     k-- > 0 && is_same(&l->sources[k].prefix, &l->sources[i].prefix);) {
			const struct settings_row *x = &l->rows[l->sources[k].row];
			const struct settings_row *y = &l->rows[l->sources[i].row];

			if (x != y && shares_ssid(x, y)) {
				return convert_complain(
					a, s,
					"light.senders: \"%s\" is of \"%s\" and of \"%s\", "
					"expected: once, or with ssids that differ",
					prefix_text(&l->sources[i].prefix, text), x->name, y->name);
			}
		}
	}
	return 0;
}

static int check_names(struct apply *a, const config_setting_t *s, const struct settings_light *l)
{
	for (size_t i = 1; i < l->n_rows; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(l->rows[i].name, l->rows[k].name)) {
				return convert_complain(
					a, s,
					"light.senders.name: \"%s\" is there twice, expected: once",
					l->rows[i].name);
			}
		}
	}
	return 0;
}

/* Who is not named gets no reply (T-074). */
static int check_own(struct apply *a, const config_setting_t *s, struct settings_light *l)
{
	if (l->rows) {
		static const char *const keys[] = { "clients", "ssids", "keys" };

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			const config_setting_t *both = config_setting_get_member(s, keys[i]);

			if (both) {
				return convert_complain(a, both,
							"light.%s: there are senders as well, "
							"expected: in each entry of senders",
							keys[i]);
			}
		}
		return 0;
	}
	if (!config_setting_get_member(s, "clients")) {
		return convert_complain(a, s,
					"light: clients is missing, expected: clients = array of 1 "
					"to 4096 prefixes");
	}
	l->rows = calloc(1, sizeof(*l->rows));
	if (!l->rows) {
		return -ENOMEM;
	}
	l->rows[0] = l->own; /* which gives what it points to away */
	l->rows[0].packet_rate = SETTINGS_ROW_RATE;
	memset(&l->own, 0, sizeof(l->own));
	l->n_rows = 1;
	return 0;
}

int lightrow_settle(struct apply *a, const config_setting_t *s, struct settings_light *l)
{
	int r = check_own(a, s, l);

	r = r ? r : make_sources(l);
	r = r ? r : check_names(a, s, l);
	return r ? r : check_twice(a, s, l);
}

/* --- looking up --------------------------------------------------------------------------- */

/* The last source with the longest prefix that covers the address, or UINT32_MAX. */
static uint32_t find_source(const struct settings_light *l, const struct address *a)
{
	struct prefix host = { .family = a->family, .bits = a->family == 6 ? 128 : 32 };
	size_t low = 0, high = l->n_sources;
	uint32_t at;

	memcpy(host.ip, a->ip, host.bits / 8);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&l->sources[middle].prefix, &host) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	at = low ? (uint32_t)(low - 1) : UINT32_MAX;
	while (at != UINT32_MAX && !prefix_covers(&l->sources[at].prefix, &host)) {
		at = l->sources[at].wider;
	}
	return at;
}

bool settings_light_allows(const struct settings_light *l, const struct address *a)
{
	return find_source(l, a) != UINT32_MAX;
}

const struct settings_row *settings_light_row(const struct settings_light *l,
					      const struct address *a, uint16_t ssid, bool *allowed)
{
	uint32_t at = find_source(l, a), first = at;
	const struct settings_row *any = NULL;

	*allowed = at != UINT32_MAX;
	while (*allowed) {
		const struct settings_row *r = &l->rows[l->sources[at].row];

		if (!r->n_ssids) {
			any = r;
		} else if (bsearch(&ssid, r->ssids, r->n_ssids, sizeof(ssid), compare_ssids)) {
			return r;
		}
		if (!at || !is_same(&l->sources[at - 1].prefix, &l->sources[first].prefix)) {
			break;
		}
		at--;
	}
	return any;
}
