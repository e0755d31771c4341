// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/lightfinish.h"

#include "daemon/config/conf_error.h"
#include "daemon/config/keys.h"

#include <errno.h>
#include <string.h>

/* Memory first, then faults. */
static int worse(int r, int next)
{
	return r < 0 || !next ? r : next;
}

static int load_key(struct settings *s, struct settings_error *err, const struct settings_light *l,
		    struct settings_row *r, unsigned i)
{
	const char *id = r->key_ids[i], *fault;
	const struct key *key = keys_find(s->keys, (const uint8_t *)id, strlen(id));

	if (!key) {
		return conf_error_at(err, &r->key_place, NULL,
				     "light.keys: the keys file has no KeyID \"%s\", expected: one "
				     "of its KeyIDs",
				     id);
	}
	r->keys[i] = vault_take(&s->vault);
	if (!r->keys[i]) {
		return -ENOMEM;
	}
	fault = mac_key_read(r->keys[i], key->passphrase, key->passphrase_len,
			     l->key_format == SETTINGS_KEY_HEX);
	if (fault) {
		return conf_error_at(err, &r->key_place, NULL,
				     "light.keys: the passphrase of \"%s\" %s, expected: a random "
				     "key, as openssl rand -hex 32 makes it, with key_format = "
				     "\"hex\"",
				     id, fault);
	}
	if (settings_class_by_key(s, (const uint8_t *)id, strlen(id))) {
		conf_error_warn(
			err, &r->key_place, NULL,
			"light.keys: \"%s\" is a key of a class of clients, too: STAMP uses "
			"it as it is, TWAMP-Control derives one from it; use two",
			id);
	}
	return 0;
}

static int finish_row(struct settings *s, struct settings_error *err,
		      const struct settings_light *l, struct settings_row *row)
{
	int r = 0;

	if (!row->n_keys && l->mode == SETTINGS_LIGHT_AUTHENTICATED) {
		return conf_error_at(err, row->place.file ? &row->place : &l->place, NULL,
				     "light: keys is missing, expected: keys = array of 1 or 2 "
				     "KeyIDs, as mode is \"authenticated\"");
	}
	for (unsigned i = 0; r >= 0 && i < row->n_keys; i++) {
		r = worse(r, load_key(s, err, l, row, i));
	}
	return r;
}

int lightfinish(struct settings *s, bool keys, struct settings_error *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->n_light; i++) {
		struct settings_light *l = &s->light[i];

		if (!l->tlv_given) {
			l->tlv.dscp = s->configured.dscp_allowed;
		}
		for (size_t k = 0; r >= 0 && keys && !l->shared && k < l->n_rows; k++) {
			r = worse(r, finish_row(s, err, l, &l->rows[k]));
		}
	}
	return r;
}
