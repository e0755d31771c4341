// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/tell_yang.h"

#include "daemon/config/keys.h"
#include "protocol/mode.h"
#include "protocol/quote.h"

#include <stdio.h>
#include <string.h>

#define MODES_LEN 200
#define DYNAMIC_FIRST 49152 /* dynamic-port-number */
#define WELL_KNOWN_PORT 862
#define COUNT_EXPONENT_MAX 31 /* of auth.count */
#define BASE64_LEN 25 /* of 16 octets */

/* Type bits: names in the order of their positions. Those of RFC 7750 and 8186 are not in the model. */
static json_t *tell_modes(uint32_t modes)
{
	static const char *const names[] = { "unauthenticated",
					     "authenticated",
					     "encrypted",
					     "unauth-test-encrypt-control",
					     "individual-session-control",
					     "reflect-octets",
					     "symmetrical-size" };
	char text[MODES_LEN] = "";
	size_t len = 0;

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (modes >> i & 1) {
			len += (size_t)snprintf(text + len, sizeof text - len, "%s%s",
						len ? " " : "", names[i]);
		}
	}
	return json_string_nocheck(text);
}

static json_t *tell_host(const struct address *a)
{
	char text[ADDRESS_TEXT_LEN];

	return json_string_nocheck(address_host_text(a, text, sizeof text));
}

/* Type binary. */
static json_t *tell_octets(const uint8_t in[static 16])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t padded[18] = { 0 };
	char text[BASE64_LEN];
	size_t len = 0;

	memcpy(padded, in, 16);
	for (unsigned i = 0; i < sizeof padded; i += 3) {
		uint32_t three = (uint32_t)padded[i] << 16 | (uint32_t)padded[i + 1] << 8 |
				 padded[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6) {
			text[len++] = digits[three >> shift & 63];
		}
	}
	text[22] = text[23] = '=';
	text[24] = '\0';
	return json_string_nocheck(text);
}

static unsigned exponent(uint32_t count)
{
	return count ? 31u - (unsigned)__builtin_clz(count) : 0;
}

static json_t *tell_key_id(const uint8_t *id, size_t len)
{
	char text[4 * MSG_KEY_ID_LEN + 1];

	while (len && !id[len - 1]) {
		len--;
	}
	(void)quote_text(text, sizeof text, id, len);
	return json_string(text);
}

/* No secret: who is known, not by what. */
static json_t *tell_keys(const struct keys *keys)
{
	json_t *list = json_array();
	const struct key *key;

	for (size_t i = 0; (key = keys_at(keys, i)); i++) {
		json_t *o = json_object();

		tell_put(o, "key-id", tell_key_id(key->key_id, key->key_id_len));
		(void)json_array_append_new(list, o);
	}
	return list;
}

/* What any of the classes offers. */
static uint32_t modes_of(const struct settings *now)
{
	uint32_t modes = 0;

	for (size_t i = 0; i < now->n_classes; i++) {
		modes |= now->classes[i].policy.modes | now->classes[i].policy.features;
	}
	return now->n_classes ? modes : now->policy.modes | now->policy.features;
}

static uint16_t port_of(const struct server *s, const struct settings *now, bool state)
{
	struct view_listener l;

	if (state && view_listener(s, 0, &l)) {
		return l.address.port;
	}
	return now->n_listen ? now->listen[0].address.port : WELL_KNOWN_PORT;
}

json_t *tell_yang(const struct server *s, bool state)
{
	const struct settings *now = view_settings(s);
	json_t *root = json_object(), *twamp = json_object(), *server = json_object(),
	       *reflector = json_object();
	struct view_status v;
	uint16_t port = port_of(s, now, state);

	view_status(s, &v);
	tell_put(server, "admin-state", json_boolean(!state || !v.draining));
	if (port) {
		tell_put(server, "server-tcp-port", tell_number(port));
	}
	tell_put(server, "servwait", tell_number(now->policy.servwait_s));
	tell_put(server, "count", tell_number(exponent(now->policy.kdf_count)));
	tell_put(server, "max-count-exponent", tell_number(COUNT_EXPONENT_MAX));
	tell_put(server, "modes", tell_modes(modes_of(now)));
	tell_put(server, "key-chain", tell_keys(now->keys));
	tell_put(reflector, "admin-state", json_true());
	tell_put(reflector, "refwait", tell_number(now->policy.refwait_s));
	tell_put(twamp, "server", server);
	tell_put(twamp, "session-reflector", reflector);
	tell_put(root, "ietf-twamp:twamp", twamp);
	return root;
}

json_t *tell_yang_connection(const struct view_connection *c, const struct view_greeting *g)
{
	static const uint8_t nothing[16];
	json_t *o = json_object();

	tell_put(o, "client-ip", tell_host(&c->client));
	tell_put(o, "client-tcp-port", tell_number(c->client.port));
	tell_put(o, "server-ip", tell_host(&c->local));
	tell_put(o, "server-tcp-port", tell_number(c->local.port));
	tell_put(o, "state", json_string(c->state == CONTROL_READY ? "servwait" : "active"));
	tell_put(o, "control-packet-dscp", tell_number(g->dscp));
	if (c->modes) {
		tell_put(o, "selected-mode", tell_modes(c->modes));
	}
	if (c->key_id[0]) {
		tell_put(o, "key-id", tell_key_id(c->key_id, sizeof c->key_id));
	}
	if (g->count) {
		tell_put(o, "count", tell_number(exponent(g->count)));
		tell_put(o, "max-count-exponent", tell_number(COUNT_EXPONENT_MAX));
	}
	if (memcmp(g->salt, nothing, sizeof nothing) != 0) {
		tell_put(o, "salt", tell_octets(g->salt));
		tell_put(o, "challenge", tell_octets(g->challenge));
	}
	return o;
}

static void put_parent(json_t *o, const struct view_session *v)
{
	if (!v->connected) {
		return;
	}
	tell_put(o, "parent-connection-client-ip", tell_host(&v->client));
	tell_put(o, "parent-connection-client-tcp-port", tell_number(v->client.port));
	tell_put(o, "parent-connection-server-ip", tell_host(&v->server));
	tell_put(o, "parent-connection-server-tcp-port", tell_number(v->server.port));
}

/* The model has 32 bits. */
static void put_counter(json_t *o, const char *name, uint64_t n)
{
	tell_put(o, name, tell_number((uint32_t)n));
}

bool tell_yang_fits(const struct view_session *v)
{
	return v->remote.port >= DYNAMIC_FIRST &&
	       (v->local.port >= DYNAMIC_FIRST || v->local.port == WELL_KNOWN_PORT);
}

json_t *tell_yang_session(const struct view_session *v)
{
	json_t *o = json_object();
	char sid[SESSION_SID_TEXT_LEN];
	/* T-045: each reply takes a number, also one that the kernel did not send */
	uint64_t numbers = v->n.n[COUNTER_REFLECTED] + v->n.n[COUNTER_DROP_TX];

	tell_put(o, "sid", json_string_nocheck(session_sid_text(v->sid, sid)));
	tell_put(o, "sender-ip", tell_host(&v->remote));
	tell_put(o, "sender-udp-port", tell_number(v->remote.port));
	tell_put(o, "reflector-ip", tell_host(&v->local));
	tell_put(o, "reflector-udp-port", tell_number(v->local.port));
	put_parent(o, v);
	tell_put(o, "test-packet-dscp", tell_number(v->dscp));
	put_counter(o, "sent-packets", v->n.n[COUNTER_REFLECTED]);
	put_counter(o, "rcv-packets", v->n.n[COUNTER_RECEIVED]);
	if (numbers) {
		put_counter(o, "last-sent-seq", numbers - 1);
		put_counter(o, "last-rcv-seq", v->n.n[COUNTER_LAST_SEQ]);
	}
	return o;
}
