// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/lighttlv.h"

#include "daemon/config/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void lighttlv_wipe(struct settings_light *l)
{
	free(l->return_addresses);
	free(l->links);
	l->return_addresses = NULL;
	l->links = NULL;
	l->tlv.addresses = NULL;
	l->tlv.n_addresses = l->n_links = 0;
}

static int add_return(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		      void *to)
{
	struct settings_light *l = to;

	if (convert_prefix(a, s, row, &l->return_addresses[l->tlv.n_addresses])) {
		return SETTINGS_BAD;
	}
	l->tlv.n_addresses++;
	return 0;
}

int lighttlv_put_returns(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_light *l = a->in;

	l->return_addresses = calloc(row->max + 1, sizeof(*l->return_addresses));
	if (!l->return_addresses) {
		return -ENOMEM;
	}
	l->tlv.addresses = l->return_addresses;
	return convert_each(a, s, row, add_return, l);
}

static int put_link(struct apply *a, const config_setting_t *s, struct settings_light *l)
{
	const config_setting_t *device = NULL, *id = NULL;
	struct settings_link *to = &l->links[l->n_links];

	if (s->type == CONFIG_TYPE_GROUP && config_setting_length(s) == 2) {
		device = config_setting_get_member(s, "device");
		id = config_setting_get_member(s, "id");
	}
	if (!device || !id || device->type != CONFIG_TYPE_STRING || id->type != CONFIG_TYPE_INT ||
	    id->value.ival < 1 || id->value.ival > UINT16_MAX || !*device->value.sval ||
	    strlen(device->value.sval) >= sizeof(to->device)) {
		return convert_complain(
			a, s,
			"%s: expected: { device = \"eth1\"; id = 1..65535; } with a device of "
			"at most 15 octets",
			a->key);
	}
	for (size_t i = 0; i < l->n_links; i++) {
		if (l->links[i].id == id->value.ival ||
		    !strcmp(l->links[i].device, device->value.sval)) {
			return convert_complain(
				a, s, "%s: device or id is there twice, expected: once", a->key);
		}
	}
	to->id = (uint16_t)id->value.ival;
	memcpy(to->device, device->value.sval, strlen(device->value.sval) + 1);
	l->n_links++;
	return 0;
}

int lighttlv_put_links(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	struct settings_light *l = a->in;
	int n, r = 0;

	if (s->type != CONFIG_TYPE_LIST) {
		return convert_wrong_type(a, s, row);
	}
	n = config_setting_length(s);
	if (n > SCHEMA_LIGHT_LINKS_MAX) {
		return convert_complain(a, s, "%s: there are %d, expected: at most %d", a->key, n,
					SCHEMA_LIGHT_LINKS_MAX);
	}
	l->links = calloc((size_t)n + 1, sizeof(*l->links));
	if (!l->links) {
		return -ENOMEM;
	}
	for (int i = 0; i < n; i++) {
		r = apply_both(r, put_link(a, config_setting_get_elem(s, (unsigned)i), l));
	}
	return r;
}

/* --- together ------------------------------------------------------------------------------- */

/* Keys that say something of STAMP only. */
static int check_type(struct apply *a, const config_setting_t *s)
{
	static const char *const keys[] = { "mode",	  "keys",  "key_format",
					    "senders",	  "tlvs",  "tlv",
					    "timestamps", "ssids", "unverified_rate" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const config_setting_t *one = config_setting_get_member(s, keys[i]);

		if (one && !strcmp(keys[i], "ssids")) {
			return convert_complain(a, one,
						"light.ssids: only packets of STAMP have an SSID, "
						"expected: type = \"stamp\"");
		}
		if (one) {
			return convert_complain(
				a, one, "light.%s: only STAMP has it, expected: type = \"stamp\"",
				keys[i]);
		}
	}
	return 0;
}

static bool has_keys(const struct settings_light *l)
{
	for (size_t i = 0; i < l->n_rows; i++) {
		if (!l->rows[i].n_keys) {
			return false;
		}
	}
	return true;
}

static int check_hmac(struct apply *a, const config_setting_t *s, const struct settings_light *l)
{
	const config_setting_t *at = config_setting_lookup((config_setting_t *)s, "tlv.types");
	bool hmac = l->tlv.types & TLV_BIT(TLV_HMAC);

	at = at ? at : s;
	if (l->tlv.required && !has_keys(l)) {
		return convert_complain(
			a, s, "light.tlv.integrity: this is \"required\", expected: keys as well");
	}
	if (!hmac && (l->tlv.required || l->mode == SETTINGS_LIGHT_AUTHENTICATED)) {
		return convert_complain(
			a, at,
			"light.tlv.types: \"hmac\" is not in it, expected: \"hmac\", "
			"as TLVs are to be signed");
	}
	return 0;
}

static int check_returns(struct apply *a, const config_setting_t *s, struct settings_light *l)
{
	if (l->tlv.n_addresses && (!has_keys(l) || !l->stateful)) {
		return convert_complain(
			a, s,
			"light.tlv.return_addresses: replies to other addresses are "
			"only for signed packets that are no replays, expected: "
			"keys and stateful = true");
	}
	if (l->tlv.return_path & TLVREPLY_ADDRESS && !l->tlv.n_addresses) {
		return convert_complain(a, s,
					"light.tlv.return_path: there is \"address\", expected: "
					"return_addresses as well");
	}
	return 0;
}

int lighttlv_settle(struct apply *a, const config_setting_t *s, struct settings_light *l)
{
	const config_setting_t *tlv = config_setting_get_member(s, "tlv");
	int r;

	if (l->type != SETTINGS_LIGHT_STAMP) {
		l->tlv.off = true;
		return check_type(a, s);
	}
	l->tlv.off = !l->tlvs;
	l->tlv_given = config_setting_lookup((config_setting_t *)s, "tlv.dscp") != NULL;
	if (!l->tlvs && tlv) {
		return convert_complain(a, tlv,
					"light.tlv: TLVs are only copied, expected: tlvs = true");
	}
	r = check_hmac(a, s, l);
	return r ? r : check_returns(a, s, l);
}
