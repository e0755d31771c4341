// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/listenconf.h"

#include "daemon/config/convert.h"

#include <string.h>

static int add(struct apply *a, const config_setting_t *s, const struct settings_listen *l)
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

static int put_entry(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_listen l = { .place = convert_place(a, s) };
	int r;

	if (s->type != CONFIG_TYPE_GROUP) {
		return convert_wrong_type(a, s, row);
	}
	schema_put_presets(SCHEMA_LISTEN, &l);
	r = apply_entry(a, s, SCHEMA_LISTEN, &l);
	if (r || l.address.family) {
		return r ? r : add(a, s, &l);
	}
	l.implied = true;
	l.address.family = 4;
	r = add(a, s, &l);
	l.address.family = 6;
	return r ? r : add(a, s, &l);
}

int listenconf_put(struct apply *a, const config_setting_t *s, const struct schema_row *row)
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
		r = apply_both(r, put_entry(a, config_setting_get_elem(s, (unsigned)i), row));
	}
	return r;
}
