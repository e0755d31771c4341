// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/crypt.h"

#include "protocol/traces.h"

#include <assert.h>
#include <nettle/cbc.h>
#include <nettle/memops.h>
#include <nettle/memxor.h>

#define AUTH_COVERED 16 /* octets of a test packet in the authenticated mode */

_Static_assert(sizeof(struct crypt_stream) <= 600, "two of these belong to every connection");
_Static_assert(CRYPT_CHALLENGE_LEN + CRYPT_AES_KEY_LEN + CRYPT_HMAC_KEY_LEN == CRYPT_TOKEN_LEN,
	       "what a Token carries");
_Static_assert(CRYPT_AES_KEY_LEN == AES128_KEY_SIZE && CRYPT_BLOCK == AES_BLOCK_SIZE,
	       "AES-128 throughout");
_Static_assert(CRYPT_SEND_HMAC_AT + CRYPT_HMAC_LEN == CRYPT_SEND_MIN, "of a sender packet");
_Static_assert(CRYPT_REPLY_HMAC_AT + CRYPT_HMAC_LEN == CRYPT_REPLY_MIN, "of a reply");

void crypt_keys_wipe(struct crypt_keys *k)
{
	explicit_bzero(k, sizeof(*k));
}

/*
 * Nettle has a PBKDF2, but it leaves its keyed state and the key itself on the stack. The key
 * is shorter than a digest, so that the first block of the RFC's construction is all of it.
 */
void crypt_kdf_init(struct crypt_kdf *k, const void *passphrase, size_t len,
		    const uint8_t salt[static CRYPT_SALT_LEN], uint32_t count)
{
	static const uint8_t first_block[4] = { 0, 0, 0, 1 };

	hmac_sha1_set_key(&k->hmac, len, passphrase);
	traces_clear();
	hmac_sha1_update(&k->hmac, CRYPT_SALT_LEN, salt);
	hmac_sha1_update(&k->hmac, sizeof(first_block), first_block);
	hmac_sha1_digest(&k->hmac, sizeof(k->u), k->u);
	memcpy(k->key, k->u, sizeof(k->key));
	k->left = count - 1;
}

bool crypt_kdf_run(struct crypt_kdf *k, uint32_t rounds)
{
	uint32_t n = rounds < k->left ? rounds : k->left;

	k->left -= n;
	while (n--) {
		hmac_sha1_update(&k->hmac, sizeof(k->u), k->u);
		hmac_sha1_digest(&k->hmac, sizeof(k->u), k->u);
		memxor(k->key, k->u, sizeof(k->key));
	}
	return !k->left;
}

void crypt_kdf_wipe(struct crypt_kdf *k)
{
	explicit_bzero(k, sizeof(*k));
}

void crypt_derive(uint8_t out[static CRYPT_AES_KEY_LEN], const void *passphrase, size_t len,
		  const uint8_t salt[static CRYPT_SALT_LEN], uint32_t count)
{
	struct crypt_kdf k;

	crypt_kdf_init(&k, passphrase, len, salt, count);
	(void)crypt_kdf_run(&k, count);
	memcpy(out, k.key, CRYPT_AES_KEY_LEN);
	crypt_kdf_wipe(&k);
}

void crypt_mark(uint8_t out[static CRYPT_MARK_LEN], const void *passphrase, size_t len,
		const uint8_t salt[static CRYPT_SALT_LEN])
{
	struct hmac_sha1_ctx hmac;

	_Static_assert(CRYPT_MARK_LEN == SHA1_DIGEST_SIZE, "all of the digest");
	hmac_sha1_set_key(&hmac, len, passphrase);
	traces_clear();
	hmac_sha1_update(&hmac, CRYPT_SALT_LEN, salt);
	hmac_sha1_digest(&hmac, CRYPT_MARK_LEN, out);
	explicit_bzero(&hmac, sizeof(hmac));
	traces_clear();
}

/* Has the type that cbc_decrypt calls. */
static void decrypt_blocks(const void *aes, size_t n, uint8_t *to, const uint8_t *from)
{
	aes128_decrypt(aes, n, to, from);
}

void crypt_token_seal(uint8_t out[static CRYPT_TOKEN_LEN],
		      const uint8_t dk[static CRYPT_AES_KEY_LEN],
		      const uint8_t challenge[static CRYPT_CHALLENGE_LEN],
		      const struct crypt_keys *keys)
{
	uint8_t plain[CRYPT_TOKEN_LEN];
	uint8_t iv[CRYPT_BLOCK] = { 0 };
	struct wire_out w = wire_out(plain, sizeof(plain));
	struct aes128_ctx aes;

	wire_put(&w, challenge, CRYPT_CHALLENGE_LEN);
	wire_put(&w, keys->aes, sizeof(keys->aes));
	wire_put(&w, keys->hmac, sizeof(keys->hmac));
	assert(wire_out_ok(&w));
	aes128_set_encrypt_key(&aes, dk);
	cbc_aes128_encrypt(&aes, iv, sizeof(plain), out, plain);
	explicit_bzero(&aes, sizeof(aes));
	explicit_bzero(plain, sizeof(plain));
	traces_clear();
}

int crypt_token_open(const uint8_t in[static CRYPT_TOKEN_LEN],
		     const uint8_t dk[static CRYPT_AES_KEY_LEN],
		     const uint8_t challenge[static CRYPT_CHALLENGE_LEN], struct crypt_keys *keys)
{
	uint8_t plain[CRYPT_TOKEN_LEN] = { 0 };
	uint8_t iv[CRYPT_BLOCK] = { 0 };
	struct wire_in w = wire_in(plain, sizeof(plain));
	struct aes128_ctx aes;
	bool same;

	aes128_set_decrypt_key(&aes, dk);
	/* Not in place: then nettle would work in a buffer that it does not wipe. */
	cbc_decrypt(&aes, decrypt_blocks, CRYPT_BLOCK, iv, sizeof(plain), plain, in);
	same = memeql_sec(plain, challenge, CRYPT_CHALLENGE_LEN);
	wire_skip(&w, CRYPT_CHALLENGE_LEN);
	wire_get(&w, keys->aes, sizeof(keys->aes));
	wire_get(&w, keys->hmac, sizeof(keys->hmac));
	assert(wire_in_ok(&w));
	explicit_bzero(&aes, sizeof(aes));
	explicit_bzero(plain, sizeof(plain));
	traces_clear();
	if (!same) {
		crypt_keys_wipe(keys);
		return CRYPT_DENIED;
	}
	return 0;
}

/* What the first octet of a UTF-8 sequence demands of the others. RFC 3629 4 */
struct utf8_lead {
	uint8_t first, last; /* of the lead octets */
	uint8_t more; /* octets that follow, */
	uint8_t low, high; /* the first of which is in this range, the others in 80..bf */
};

static const struct utf8_lead utf8_leads[] = {
	{ 0x01, 0x7f, 0, 0x00, 0x00 }, /* zeros are filling only */
	{ 0xc2, 0xdf, 1, 0x80, 0xbf }, /* c0, c1: longer than need be */
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf }, /* the same */
	{ 0xe1, 0xec, 2, 0x80, 0xbf }, /* U+1000.. */
	{ 0xed, 0xed, 2, 0x80, 0x9f }, /* no surrogates */
	{ 0xee, 0xef, 2, 0x80, 0xbf }, /* U+E000.. */
	{ 0xf0, 0xf0, 3, 0x90, 0xbf }, /* U+10000.., not longer than need be */
	{ 0xf1, 0xf3, 3, 0x80, 0xbf }, /* U+40000.. */
	{ 0xf4, 0xf4, 3, 0x80, 0x8f }, /* nothing above U+10FFFF */
};

/* Octets of the valid sequence that @text starts with, or 0. */
static size_t measure_sequence(const uint8_t *text, size_t n)
{
	const struct utf8_lead *lead = utf8_leads;
	const struct utf8_lead *end = utf8_leads + sizeof(utf8_leads) / sizeof(*utf8_leads);

	while (lead < end && (text[0] < lead->first || text[0] > lead->last)) {
		lead++;
	}
	if (lead == end || n <= lead->more) {
		return 0;
	}
	for (size_t i = 1; i <= lead->more; i++) {
		if (text[i] < (i == 1 ? lead->low : 0x80) ||
		    text[i] > (i == 1 ? lead->high : 0xbf)) {
			return 0;
		}
	}
	return 1 + (size_t)lead->more;
}

int crypt_key_id_len(const uint8_t field[static CRYPT_KEY_ID_LEN], size_t *len)
{
	size_t n = CRYPT_KEY_ID_LEN;
	size_t step;

	*len = 0;
	while (n > 0 && field[n - 1] == 0) {
		n--;
	}
	if (n == 0) {
		return CRYPT_DENIED;
	}
	for (size_t at = 0; at < n; at += step) {
		step = measure_sequence(field + at, n - at);
		if (step == 0) {
			return CRYPT_DENIED;
		}
	}
	*len = n;
	return 0;
}

static void start_stream(struct crypt_stream *s, const struct crypt_keys *keys, const uint8_t *iv,
			 enum crypt_state state)
{
	memset(s, 0, sizeof(*s));
	hmac_sha1_set_key(&s->hmac, sizeof(keys->hmac), keys->hmac);
	memcpy(s->iv, iv, sizeof(s->iv));
	s->state = state;
}

void crypt_stream_init_send(struct crypt_stream *s, const struct crypt_keys *keys,
			    const uint8_t iv[static CRYPT_BLOCK])
{
	start_stream(s, keys, iv, CRYPT_SENDING);
	aes128_set_encrypt_key(&s->aes, keys->aes);
	traces_clear();
}

void crypt_stream_init_receive(struct crypt_stream *s, const struct crypt_keys *keys,
			       const uint8_t iv[static CRYPT_BLOCK])
{
	start_stream(s, keys, iv, CRYPT_RECEIVING);
	aes128_set_decrypt_key(&s->aes, keys->aes);
	traces_clear();
}

void crypt_stream_wipe(struct crypt_stream *s)
{
	explicit_bzero(s, sizeof(*s));
}

/* Of the HMAC only what it has taken in: the rest of the context comes from the key. */
void crypt_stream_carry(struct carry *c, struct crypt_stream *s, const struct crypt_keys *keys)
{
	enum crypt_state state = carry_small(c, s->state, CRYPT_RECEIVING);
	uint8_t iv[CRYPT_BLOCK];
	struct sha1_ctx *taken = &s->hmac.state;

	memcpy(iv, s->iv, sizeof(iv));
	CARRY(c, iv);
	if (c->way == CARRY_LOAD && state == CRYPT_SENDING) {
		crypt_stream_init_send(s, keys, iv);
	} else if (c->way == CARRY_LOAD && state == CRYPT_RECEIVING) {
		crypt_stream_init_receive(s, keys, iv);
	}
	CARRY(c, taken->state);
	CARRY(c, taken->count);
	CARRY(c, taken->index);
	CARRY(c, taken->block);
	c->bad |= taken->index >= sizeof(taken->block);
	if (c->way == CARRY_LOAD && (c->bad || state == CRYPT_UNUSABLE)) {
		crypt_stream_wipe(s);
	}
}

void crypt_seal_block(struct crypt_stream *s, uint8_t *blocks, size_t n)
{
	assert(s->state == CRYPT_SENDING && n % CRYPT_BLOCK == 0);
	hmac_sha1_update(&s->hmac, n, blocks);
	cbc_aes128_encrypt(&s->aes, s->iv, n, blocks, blocks);
	traces_clear_registers();
}

void crypt_seal(struct crypt_stream *s, uint8_t *message, size_t n)
{
	assert(s->state == CRYPT_SENDING && n % CRYPT_BLOCK == 0 && n >= CRYPT_HMAC_LEN);
	hmac_sha1_update(&s->hmac, n - CRYPT_HMAC_LEN, message);
	/* The digest also makes the context ready for the next message, as keyed. */
	hmac_sha1_digest(&s->hmac, CRYPT_HMAC_LEN, message + n - CRYPT_HMAC_LEN);
	cbc_aes128_encrypt(&s->aes, s->iv, n, message, message);
	traces_clear_registers();
}

/* A stream that went wrong once is of no use any more: there is nothing to synchronise on. */
static int deny(struct crypt_stream *s)
{
	crypt_stream_wipe(s);
	return CRYPT_DENIED;
}

int crypt_open_part(struct crypt_stream *s, uint8_t *blocks, size_t n)
{
	if (s->state != CRYPT_RECEIVING || n % CRYPT_BLOCK != 0) {
		return deny(s);
	}
	cbc_decrypt(&s->aes, decrypt_blocks, CRYPT_BLOCK, s->iv, n, blocks, blocks);
	traces_clear_registers();
	hmac_sha1_update(&s->hmac, n, blocks);
	return 0;
}

int crypt_open(struct crypt_stream *s, uint8_t *rest, size_t n)
{
	uint8_t hmac[CRYPT_HMAC_LEN];

	if (s->state != CRYPT_RECEIVING || n % CRYPT_BLOCK != 0 || n < CRYPT_HMAC_LEN) {
		return deny(s);
	}
	cbc_decrypt(&s->aes, decrypt_blocks, CRYPT_BLOCK, s->iv, n, rest, rest);
	traces_clear_registers();
	hmac_sha1_update(&s->hmac, n - CRYPT_HMAC_LEN, rest);
	hmac_sha1_digest(&s->hmac, sizeof(hmac), hmac);
	return memeql_sec(hmac, rest + n - CRYPT_HMAC_LEN, sizeof(hmac)) ? 0 : deny(s);
}

/* The SID is the key here, and the session keys are what it encrypts. RFC 4656 4.1.2 */
void crypt_test_init(struct crypt_test *t, const struct crypt_keys *keys,
		     const uint8_t sid[static CRYPT_SID_LEN])
{
	uint8_t iv[CRYPT_BLOCK] = { 0 };
	struct crypt_keys own;
	struct aes128_ctx aes;

	aes128_set_encrypt_key(&aes, sid);
	aes128_encrypt(&aes, sizeof(own.aes), own.aes, keys->aes);
	cbc_aes128_encrypt(&aes, iv, sizeof(own.hmac), own.hmac, keys->hmac);
	crypt_test_resume(t, &own);
	explicit_bzero(&aes, sizeof(aes));
	explicit_bzero(iv, sizeof(iv)); /* cbc_aes128_encrypt left the end of the key in it */
	crypt_keys_wipe(&own);
	traces_clear();
}

void crypt_test_resume(struct crypt_test *t, const struct crypt_keys *own)
{
	memset(t, 0, sizeof(*t));
	t->keys = *own;
	aes128_set_encrypt_key(&t->encrypt, own->aes);
	aes128_invert_key(&t->decrypt, &t->encrypt);
	hmac_sha1_set_key(&t->hmac, sizeof(own->hmac), own->hmac);
	traces_clear();
}

void crypt_test_wipe(struct crypt_test *t)
{
	explicit_bzero(t, sizeof(*t));
}

/* A single block is the same in ECB and in CBC with an IV of zero: one chain does both modes. */
static void seal(struct crypt_test *t, uint8_t *pkt, size_t covered, size_t hmac_at)
{
	uint8_t iv[CRYPT_BLOCK] = { 0 };

	hmac_sha1_update(&t->hmac, covered, pkt);
	/* The digest also makes the context ready for the next packet, as keyed. */
	hmac_sha1_digest(&t->hmac, CRYPT_HMAC_LEN, pkt + hmac_at);
	cbc_aes128_encrypt(&t->encrypt, iv, covered, pkt, pkt);
	traces_clear_registers();
}

/* What cbc_decrypt does in place, by way of a larger buffer. */
static int verify(struct crypt_test *t, uint8_t *pkt, size_t covered, size_t hmac_at)
{
	uint8_t cipher[CRYPT_REPLY_HMAC_AT];
	uint8_t hmac[CRYPT_HMAC_LEN];

	memcpy(cipher, pkt, covered);
	aes128_decrypt(&t->decrypt, covered, pkt, cipher);
	traces_clear_registers();
	memxor(pkt + CRYPT_BLOCK, cipher, covered - CRYPT_BLOCK);
	hmac_sha1_update(&t->hmac, covered, pkt);
	hmac_sha1_digest(&t->hmac, sizeof(hmac), hmac);
	return memeql_sec(hmac, pkt + hmac_at, sizeof(hmac)) ? 0 : CRYPT_DENIED;
}

void crypt_pkt_seal_send(struct crypt_test *t, bool encrypted, uint8_t pkt[static CRYPT_SEND_MIN])
{
	seal(t, pkt, encrypted ? CRYPT_SEND_HMAC_AT : AUTH_COVERED, CRYPT_SEND_HMAC_AT);
}

int crypt_pkt_open_send(struct crypt_test *t, bool encrypted, uint8_t *pkt, size_t n)
{
	if (n < CRYPT_SEND_MIN) {
		return CRYPT_DENIED;
	}
	return verify(t, pkt, encrypted ? CRYPT_SEND_HMAC_AT : AUTH_COVERED, CRYPT_SEND_HMAC_AT);
}

void crypt_pkt_seal_reply(struct crypt_test *t, bool encrypted, uint8_t pkt[static CRYPT_REPLY_MIN])
{
	seal(t, pkt, encrypted ? CRYPT_REPLY_HMAC_AT : AUTH_COVERED, CRYPT_REPLY_HMAC_AT);
}

int crypt_pkt_open_reply(struct crypt_test *t, bool encrypted, uint8_t *pkt, size_t n)
{
	if (n < CRYPT_REPLY_MIN) {
		return CRYPT_DENIED;
	}
	return verify(t, pkt, encrypted ? CRYPT_REPLY_HMAC_AT : AUTH_COVERED, CRYPT_REPLY_HMAC_AT);
}
