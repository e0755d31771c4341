// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/lightconf.h"

#include "daemon/config/convert.h"
#include "daemon/config/lightrow.h"
#include "daemon/config/lighttlv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void wipe(struct settings *s, struct settings_light *l)
{
	if (!l->shared) {
		lightrow_wipe(s, l);
		lighttlv_wipe(l);
	}
}

void lightconf_free(struct settings *s)
{
	for (size_t i = 0; i < s->n_light; i++) {
		wipe(s, &s->light[i]);
	}
	free(s->light);
	s->light = NULL;
	s->n_light = 0;
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
			wipe(to, l);
			return convert_complain(a, s,
						"light: an entry above has that address and port, "
						"expected: each once (no address means 0.0.0.0 "
						"and ::, which are all of the host)");
		}
	}
	if (to->n_light == SCHEMA_LIGHT_MAX) {
		wipe(to, l);
		return convert_complain(a, s,
					"light: too many, expected: at most %d (without an "
					"address one counts as two)",
					SCHEMA_LIGHT_MAX);
	}
	to->light[to->n_light++] = *l;
	return 0;
}

/* The other family of an entry without address, which has what the first one has. */
static int keep_second(struct apply *a, const config_setting_t *s, const struct settings_light *l)
{
	struct settings_light second = *l;

	second.address.family = 6;
	second.shared = true;
	return keep(a, s, &second);
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
	r = r ? r : lightrow_settle(a, s, &l);
	r = r ? r : lighttlv_settle(a, s, &l);
	if (r) {
		wipe(a->settings, &l);
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
