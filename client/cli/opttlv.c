// SPDX-License-Identifier: BSD-2-Clause
#include "client/cli/opttlv.h"

#include "base/value.h"
#include "client/show/dscp.h"
#include "protocol/mode.h"
#include "protocol/prefix.h"
#include "protocol/stamp.h"

/* --- values of --tlv ---------------------------------------------------------------------- */

static bool set_padding(struct tlvsend *s, const char *text)
{
	uint64_t octets = 0;

	if (s->paddings == TLVSEND_PADDINGS ||
	    (text && !value_number(text, 0, PKT_MAX_PAYLOAD_V4, &octets))) {
		return false;
	}
	s->padding[s->paddings++] = (uint16_t)octets;
	return true;
}

/* "1:2": ID and Return Code of RFC 8972 4.6. */
static bool set_report(struct tlvsend *s, const char *text)
{
	const char *colon = text ? strchr(text, ':') : NULL;
	uint64_t code;

	if (!text) {
		return true;
	}
	if (!colon || colon != text + 1 || (*text != '1' && *text != '2') ||
	    !value_number(colon + 1, 0, UINT8_MAX, &code)) {
		return false;
	}
	s->access_id = (uint8_t)(*text - '0');
	s->access_code = (uint8_t)code;
	return true;
}

static bool set_address(struct address *a, const char *text)
{
	struct prefix p;

	if (prefix_parse(text, &p) != NULL || p.bits != (p.family == 4 ? 32 : 128)) {
		return false;
	}
	a->family = p.family;
	memcpy(a->ip, p.ip, sizeof(a->ip));
	return true;
}

static bool set_path(struct tlvsend *s, const char *text)
{
	if (!text || strcmp(text, "same-link") == 0) {
		s->path = TLVSEND_SAME_LINK;
		return true;
	}
	if (strcmp(text, "no-reply") == 0) {
		s->path = TLVSEND_NO_REPLY;
		return true;
	}
	s->path = TLVSEND_ADDRESS;
	return set_address(&s->return_to, text);
}

static bool set_micro(struct tlvsend *s, const char *text)
{
	uint64_t id = 1;

	if (text && !value_number(text, 1, UINT16_MAX, &id)) {
		return false;
	}
	s->micro_sender = (uint16_t)id;
	return true;
}

/* False: no value for this type, or a wrong one. */
static bool set_value(struct options *o, uint8_t type, const char *text)
{
	struct tlvsend *s = &o->plan.more.tlvs;

	switch (type) {
	case TLV_EXTRA_PADDING:
		return set_padding(s, text);
	case TLV_CLASS_OF_SERVICE:
		o->tlv_dscp_given = text != NULL;
		return !text || dscp_parse(text, &s->dscp);
	case TLV_ACCESS_REPORT:
		return set_report(s, text);
	case TLV_DESTINATION_NODE_ADDRESS:
		return !text || set_address(&s->node, text);
	case TLV_RETURN_PATH:
		return set_path(s, text);
	case TLV_MICRO_SESSION_ID:
		return set_micro(s, text);
	default:
		return text == NULL;
	}
}

bool opttlv_add(struct options *o, const char *text)
{
	size_t n = strcspn(text, "=");
	char name[64];
	uint8_t type;

	if (n >= sizeof(name)) {
		return false;
	}
	memcpy(name, text, n);
	name[n] = '\0';
	type = strcmp(name, "cos") == 0 ? TLV_CLASS_OF_SERVICE : tlv_by_key(name);
	if (!type || !set_value(o, type, text[n] ? text + n + 1 : NULL)) {
		return false;
	}
	if (type != TLV_EXTRA_PADDING) {
		o->plan.more.tlvs.types |= TLV_BIT(type);
	}
	return true;
}

bool opttlv_all(struct options *o, const char *text)
{
	o->tlvs_all = true;
	return strcmp(text, "all") == 0;
}

bool opttlv_no_ssid(struct options *o, const char *text)
{
	static const char *const words[] = { "go-on", "without", "stop" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			o->plan.more.no_ssid = (enum plan_no_ssid)i;
			return true;
		}
	}
	return false;
}

bool opttlv_key_format(struct options *o, const char *text)
{
	o->key_hex = strcmp(text, "hex") == 0;
	return o->key_hex || strcmp(text, "text") == 0;
}

/* --- together ----------------------------------------------------------------------------- */

/* Those that only ask; HMAC needs a key, Destination Node Address an SSID (RFC 9503 3). */
static void add_all(struct options *o)
{
	uint32_t without = TLV_BIT(TLV_EXTRA_PADDING);

	without |= o->access.key_file ? 0 : TLV_BIT(TLV_HMAC);
	without |= o->plan.ssid ? 0 : TLV_BIT(TLV_DESTINATION_NODE_ADDRESS);
	o->plan.more.tlvs.types |= TLV_ALL_TYPES & ~without;
}

/* --padding is one more TLV, behind all others. */
static const char *add_padding(struct options *o)
{
	struct tlvsend *s = &o->plan.more.tlvs;

	if (!o->plan.padding_given || !o->plan.padding) {
		return NULL;
	}
	if (o->plan.padding < TLV_HEADER_LEN) {
		return "--padding of --stamp is a TLV: 0, or 4 octets and more";
	}
	if (o->plan.padding > PKT_MAX_PAYLOAD_V4 - STAMP_BASE_LEN) {
		return "--padding of --stamp: at most 65463 octets";
	}
	if (s->paddings == TLVSEND_PADDINGS) {
		return "--padding of --stamp: there are 8 Extra Padding TLVs already";
	}
	s->padding[s->paddings++] = (uint16_t)(o->plan.padding - TLV_HEADER_LEN);
	return NULL;
}
_Static_assert(PKT_MAX_PAYLOAD_V4 - STAMP_BASE_LEN == 65463, "named in the text");
_Static_assert(TLVSEND_PADDINGS == 8, "named in the text");

/* Options that say nothing without --stamp. */
static const char *find_stray(const struct options *o)
{
	if (o->ssid_given) {
		return "--ssid goes with --stamp";
	}
	if (o->tlvs_all || o->plan.more.tlvs.types || o->plan.more.tlvs.paddings) {
		return "--tlv and --tlvs go with --stamp";
	}
	if (o->access.key_file || o->access.mode) {
		return "--key-file and --mode are for STAMP: TWAMP Light has no keys";
	}
	return o->plan.features & MODE_PTP ? "--ptp goes with --stamp" : NULL;
}

static const char *check_sizes(const struct options *o)
{
	size_t base = o->plan.more.authenticated ? STAMP_AUTH_LEN : STAMP_BASE_LEN;

	if (base + tlvsend_octets(&o->plan.more.tlvs) > PKT_MAX_PAYLOAD_V4) {
		return "the TLVs make packets that do not fit into UDP";
	}
	if (o->plan.ssid && o->plan.ssid + o->plan.sessions - 1 > UINT16_MAX) {
		return "--ssid: each session has an SSID of its own, and they end at 65535";
	}
	return NULL;
}

/* S-245: whatever must be signed is; S-253. */
static const char *settle_tlvs(struct options *o)
{
	struct tlvsend *s = &o->plan.more.tlvs;
	const char *fault = add_padding(o);

	if (fault) {
		return fault;
	}
	s->dscp = o->tlv_dscp_given ? s->dscp : o->plan.dscp;
	if (o->plan.more.authenticated && (s->types || s->paddings > 1)) {
		s->types |= TLV_BIT(TLV_HMAC);
	}
	if (s->types & TLV_BIT(TLV_HMAC) && !o->access.key_file) {
		return "--tlv hmac needs --key-file";
	}
	if (s->types & TLV_BIT(TLV_DESTINATION_NODE_ADDRESS) && !o->plan.ssid) {
		return "--tlv destination-node-address needs --ssid";
	}
	return check_sizes(o);
}

const char *opttlv_settle(struct options *o)
{
	if (!o->plan.stamp) {
		return find_stray(o);
	}
	if (o->access.mode & ~(uint32_t)(MODE_UNAUTHENTICATED | MODE_AUTHENTICATED)) {
		return "--mode of --stamp is unauthenticated or authenticated";
	}
	o->plan.more.authenticated = o->access.mode ? o->access.mode & MODE_AUTHENTICATED
						    : o->access.key_file != NULL;
	if (o->plan.more.authenticated && !o->access.key_file) {
		return "--mode authenticated needs --key-file";
	}
	if (o->tlvs_all) {
		add_all(o);
	}
	return settle_tlvs(o);
}

int opttlv_load_key(struct options *o, struct mac_key *key, char key_id[static KEYLINE_ID_MAX + 1],
		    struct outcome *out)
{
	struct secret secret;
	const char *fault;
	int r;

	if (!o->access.key_file) {
		return OUTCOME_OK;
	}
	r = secret_load(&secret, o->access.key_file, o->access.key_id, out);
	if (r != OUTCOME_OK) {
		return r;
	}
	fault = mac_key_read(key, secret.passphrase, secret.passphrase_len, o->key_hex);
	memcpy(key_id, secret.key_id, sizeof(secret.key_id));
	secret_wipe(&secret);
	if (fault) {
		outcome_set(out, OUTCOME_LOCAL, 0, "%s: the passphrase of %s %s",
			    o->access.key_file, key_id, fault);
		outcome_hint(out, "a STAMP key is random, and not derived from a passphrase: make "
				  "one with openssl rand -hex 32, and say --key-format hex");
		return OUTCOME_LOCAL;
	}
	o->plan.more.key = key;
	return OUTCOME_OK;
}
