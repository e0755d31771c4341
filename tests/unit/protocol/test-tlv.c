// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/stamp.h"
#include "tests/unit/protocol/tlvcase.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct vectors *tlv;

/* --- a reflector of the parts that are tested ------------------------------------------- */

static bool refuses(const struct tlvcase *c)
{
	const uint8_t *in = c->request->octets;
	size_t n = c->request->n;

	if (c->auth) {
		return !c->facts.keys[0] || !stamp_opens(c->facts.keys[0], in, n) ||
		       stamp_auth_is_reply(in, n);
	}
	return n < stamp_layout()->send_min || stamp_is_reply(in, n);
}

/* The reply in @out, or 0. */
static size_t reflect(const struct tlvcase *c, uint8_t *out, struct tlvreply *r)
{
	const struct pkt_layout *l = c->auth ? stamp_auth_layout() : stamp_layout();
	size_t n = c->request->n, len = pkt_reply_len(l, n);
	struct pkt_reply p = { .seq = c->facts.own_seq,
			       .rx_ts = TLVCASE_T2,
			       .error_estimate = c->error_estimate,
			       .ttl = c->ttl };

	if (refuses(c)) {
		return 0;
	}
	ck_assert_int_eq(
		(c->auth ? stamp_auth_put_reply : stamp_put_reply)(c->request->octets, n, out, &p),
		0);
	tlvreply(&c->policy, &c->facts, out + l->reply_min, len - l->reply_min, r);
	if (r->verdict != TLVREPLY_SEND) {
		return 0;
	}
	pkt_put_reply_ts(l, out, TLVCASE_T3);
	if (c->auth) {
		stamp_seal(c->facts.keys[0], out);
	}
	return len;
}

static void leaves_as(const struct tlvcase *c, const struct tlvreply *r)
{
	uint8_t tos = r->dscp_set ? (uint8_t)(r->dscp << 2) : c->facts.tos & 0xfc;

	ck_assert_msg(tos == c->sent_tos, "%s: TOS %u", c->name, tos);
	ck_assert_msg(r->same_link == c->sent_same_link, "%s: same link", c->name);
	ck_assert_msg(c->sent_from ? r->from_set
				   : !r->from_set || !memcmp(r->from.ip, c->facts.to.ip, 16),
		      "%s: source", c->name);
	ck_assert_msg(r->to_set == (c->sent_to != NULL), "%s: destination", c->name);
	if (c->sent_from) {
		ck_assert_mem_eq(r->from.ip, c->sent_from->octets, c->sent_from->n);
	}
	if (c->sent_to) {
		ck_assert_mem_eq(r->to.ip, c->sent_to->octets, c->sent_to->n);
	}
}

static const char *octets_text(const uint8_t *octets, size_t n)
{
	static char text[2][4096];
	static int which;
	char *to = text[which ^= 1];

	to[0] = '\0';
	for (size_t i = 0; i < n && i < sizeof(text[0]) / 2 - 1; i++) {
		(void)snprintf(to + 2 * i, 3, "%02x", octets[i]);
	}
	return to;
}

/* S-003 S-010..S-018 S-020..S-024 S-030 S-031 S-041 S-042 S-050..S-069 S-070..S-082 S-101
 * S-110..S-116 S-120..S-124 S-130..S-134 S-140..S-142 S-150 S-151 S-155..S-158 S-160..S-162
 * S-165..S-173 S-180..S-183 S-190 S-223: byte for byte. */
START_TEST(answers)
{
	struct tlvreply r = { 0 };
	uint8_t out[512];
	struct tlvcase c;
	size_t n;

	tlvcase_read(tlv, (size_t)_i, &c);
	memset(out, 0xee, sizeof(out));
	n = reflect(&c, out, &r);
	if (!c.reply) {
		ck_assert_msg(n == 0, "%s is answered", c.name);
		return;
	}
	ck_assert_msg(n == c.reply->n && !memcmp(out, c.reply->octets, n), "%s:\n%s, not\n%s",
		      c.name, octets_text(out, n), octets_text(c.reply->octets, c.reply->n));
	leaves_as(&c, &r);
	mac_key_wipe(&c.key);
}
END_TEST

/* A type that was added, and has no vector, is one that nobody has tried. */
START_TEST(each_type_has_vectors)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < tlvcase_count(tlv); i++) {
		struct tlv_cursor cursor;
		struct tlvcase c;
		struct tlv t;
		size_t base;

		tlvcase_read(tlv, i, &c);
		base = c.auth ? STAMP_AUTH_LEN : STAMP_BASE_LEN;
		if (c.reply && c.reply->n > base) {
			cursor = tlv_cursor(c.reply->octets + base, c.reply->n - base);
			while (tlv_next(&cursor, &t)) {
				bool known = t.type <= TLV_TYPE_MAX && !(t.flags & TLV_U);

				seen |= known ? TLV_BIT(t.type) : 0;
			}
		}
		mac_key_wipe(&c.key);
	}
	for (uint8_t type = 0; type <= TLV_TYPE_MAX; type++) {
		ck_assert_msg(!tlv_info(type) || seen & TLV_BIT(type),
			      "%s: no reply of vectors/tlv.hex has one", tlv_info(type)->key);
	}
}
END_TEST

/* S-014: nothing at all, which a file of vectors cannot say. */
START_TEST(an_empty_packet)
{
	uint8_t out[64], nothing[1] = { 0 };
	struct pkt_reply p = { 0 };

	ck_assert_int_eq(stamp_put_reply(nothing, 0, out, &p), PKT_SHORT);
	ck_assert_int_eq(stamp_auth_put_reply(nothing, 0, out, &p), PKT_SHORT);
}
END_TEST

/* S-051, and the mistakes that a memcpy would make: octets in front and behind stay. */
START_TEST(stays_inside)
{
	for (size_t i = 0; i < tlvcase_count(tlv); i++) {
		struct tlvreply r;
		struct tlvcase c;
		size_t base, n;

		tlvcase_read(tlv, i, &c);
		base = c.auth ? STAMP_AUTH_LEN : STAMP_BASE_LEN;
		for (n = 0; base + n <= c.request->n; n++) {
			uint8_t *own = malloc(n + 2);

			ck_assert_ptr_nonnull(own);
			memcpy(own + 1, c.request->octets + base, n);
			own[0] = own[n + 1] = 0xee;
			tlvreply(&c.policy, &c.facts, own + 1, n, &r);
			ck_assert_uint_eq(own[0], 0xee);
			ck_assert_uint_eq(own[n + 1], 0xee);
			free(own);
		}
	}
}
END_TEST

/* S-068: 64 TLVs are answered, the rest comes back as it was. */
START_TEST(many)
{
	static uint8_t octets[65000], want[sizeof(octets)];
	struct tlvreply_policy policy = { .types = TLV_ALL_TYPES };
	struct tlvreply_facts facts = { .sender_seq = 1 };
	struct tlvreply r;

	for (size_t i = 0; i < sizeof(octets); i += 4) {
		octets[i] = 0x80; /* unknown: type 0 */
		octets[i + 1] = 1;
	}
	memcpy(want, octets, sizeof(want));
	for (size_t i = 0; i < 64; i++) {
		want[4 * i] = 0;
	}
	tlvreply(&policy, &facts, octets, sizeof(octets), &r);
	ck_assert_mem_eq(octets, want, sizeof(want));
	ck_assert(!r.unrecognized && !r.malformed && !r.integrity);
}
END_TEST

/* S-027 S-226: a change of keys. Either verifies, and signs; in the authenticated mode it is the
 * one of the base packet. */
START_TEST(two_keys)
{
	struct mac_key old, new;
	struct tlvreply_policy policy = { .types = TLV_ALL_TYPES };
	struct tlvreply_facts facts = { .keys = { &new, &old }, .sender_seq = 5, .own_seq = 9 };
	uint8_t octets[20] = { 0x80, TLV_HMAC, 0, 16 }, signed_by_old[20];
	struct tlv_hmac h = tlv_find_hmac(octets, sizeof(octets));
	struct tlvreply r;

	mac_key_init(&old, "old key of sixteen", 18);
	mac_key_init(&new, "new key of sixteen", 18);
	tlv_sign(&old, 5, octets, &h.tlv);
	memcpy(signed_by_old, octets, sizeof(octets));
	tlvreply(&policy, &facts, octets, sizeof(octets), &r);
	ck_assert_ptr_eq(r.key, &old);
	ck_assert(!r.integrity);
	h = tlv_find_hmac(octets, sizeof(octets));
	ck_assert(tlv_verify(&old, 9, octets, &h));
	ck_assert(!tlv_verify(&old, 5, octets, &h));
	facts.authenticated = true;
	memcpy(octets, signed_by_old, sizeof(octets));
	tlvreply(&policy, &facts, octets, sizeof(octets), &r);
	ck_assert(r.integrity && !r.key);
}
END_TEST

static bool always(const void *host, const struct address *a)
{
	(void)host, (void)a;
	return true;
}

/* S-161 S-162: loopback addresses only for what came over loopback; groups never. */
START_TEST(node_addresses)
{
	static const uint8_t addresses[][4] = {
		{ 127, 0, 0, 1 }, { 224, 0, 0, 1 }, { 255, 255, 255, 255 }, { 0, 0, 0, 0 }
	};
	struct tlvreply_policy policy = { .types = TLV_ALL_TYPES };
	struct tlvreply_facts facts = { .to = { .family = 4 }, .is_ours = always };
	struct tlvreply r;

	for (size_t i = 0; i < 8; i++) {
		uint8_t octets[8] = { 0x80, TLV_DESTINATION_NODE_ADDRESS, 0, 4 };

		memcpy(octets + 4, addresses[i / 2], 4);
		facts.loopback = i % 2;
		tlvreply(&policy, &facts, octets, sizeof(octets), &r);
		ck_assert(r.from_set == (i == 1));
		ck_assert(r.unrecognized == (i != 1));
	}
}
END_TEST

/* RFC 4231, cases 1, 2 and 6 (a key of 131 octets), as far as 16 octets go. */
START_TEST(known_macs)
{
	static const struct {
		const char *key, *text;
		size_t key_len;
		uint8_t mac[MAC_LEN];
	} rows[] = {
		{ "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
		  "Hi There",
		  20,
		  { 0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf,
		    0x0b, 0xf1, 0x2b } },
		{ "Jefe",
		  "what do ya want for nothing?",
		  4,
		  { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08,
		    0x95, 0x75, 0xc7 } },
		{ NULL,
		  "Test Using Larger Than Block-Size Key - Hash Key First",
		  131,
		  { 0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26, 0xaa, 0xcb,
		    0xf5, 0xb7, 0x7f } },
	};
	uint8_t long_key[131], out[MAC_LEN];

	memset(long_key, 0xaa, sizeof(long_key));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *t = rows[i].text;
		size_t half = strlen(t) / 2;
		struct mac_text text = { t, half, t + half, strlen(t) - half };
		struct mac_key key;

		mac_key_init(&key, rows[i].key ? rows[i].key : (const char *)long_key,
			     rows[i].key_len);
		for (int again = 0; again < 2; again++) {
			mac_sum(&key, &text, out);
			ck_assert_mem_eq(out, rows[i].mac, MAC_LEN);
		}
		ck_assert(mac_fits(&key, &text, out));
		for (size_t bit = 0; bit < 8 * MAC_LEN; bit++) {
			out[bit / 8] ^= (uint8_t)(1u << bit % 8);
			ck_assert(!mac_fits(&key, &text, out));
			out[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		mac_key_wipe(&key);
	}
}
END_TEST

/* The names that settings and options have for types. */
START_TEST(keys_of_types)
{
	ck_assert_uint_eq(tlv_by_key("extra-padding"), 1);
	ck_assert_uint_eq(tlv_by_key("micro-session-id"), 11);
	ck_assert_uint_eq(tlv_by_key("nothing"), 0);
	for (unsigned type = 0; type < 256; type++) {
		const struct tlv_info *info = tlv_info((uint8_t)type);
		bool known = type <= TLV_TYPE_MAX && (TLV_ALL_TYPES & TLV_BIT(type));

		ck_assert(known == (info != NULL));
		ck_assert(!info || tlv_by_key(info->key) == type);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tlv");
	TCase *tc = tcase_create("tlv");
	SRunner *runner;
	int failed;

	tlv = vectors_load("tlv.hex");
	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, answers, 0, (int)tlvcase_count(tlv));
	tcase_add_test(tc, each_type_has_vectors);
	tcase_add_test(tc, an_empty_packet);
	tcase_add_test(tc, stays_inside);
	tcase_add_test(tc, many);
	tcase_add_test(tc, two_keys);
	tcase_add_test(tc, node_addresses);
	tcase_add_test(tc, known_macs);
	tcase_add_test(tc, keys_of_types);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	vectors_free(tlv);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
