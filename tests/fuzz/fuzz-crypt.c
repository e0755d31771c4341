// SPDX-License-Identifier: BSD-2-Clause
/*
 * KeyIDs, Tokens, the ciphered control connection and ciphered test packets. The first octet
 * says which. RFC 4656 3.1-3.4, 4.1.2
 */
#include "protocol/crypt.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGE_MAX 512

static const struct crypt_keys keys = { .aes = "sixteen octets..",
					.hmac = "thirty-two octets of a client..." };
static const uint8_t iv[CRYPT_BLOCK] = "initial vector..";

static bool is_wiped(const void *p, size_t n)
{
	const uint8_t *octets = p;

	while (n && !*octets) {
		octets++;
		n--;
	}
	return !n;
}

/* By the value of the code point, where crypt.c goes by the ranges of octets. RFC 3629 3 */
static bool is_utf8(const uint8_t *s, size_t n)
{
	for (size_t i = 0, more; i < n; i += 1 + more) {
		uint32_t c = s[i];

		more = c < 0x80 ? 0 : c < 0xc0 ? n : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : n;
		if (!c || more >= n - i) {
			return false;
		}
		c &= more ? 0x3fu >> more : 0x7f;
		for (size_t j = 1; j <= more; j++) {
			if ((s[i + j] & 0xc0) != 0x80) {
				return false;
			}
			c = c << 6 | (s[i + j] & 0x3fu);
		}
		if ((more == 1 && c < 0x80) || (more == 2 && c < 0x800) ||
		    (more == 3 && c < 0x10000) || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
			return false;
		}
	}
	return true;
}

static void try_key_id(struct input *input)
{
	uint8_t *field = input_take(input, CRYPT_KEY_ID_LEN);
	size_t len = 12345, n = CRYPT_KEY_ID_LEN;

	while (n && !field[n - 1]) {
		n--;
	}
	if (crypt_key_id_len(field, &len)) {
		MUST(len == 0);
		MUST(!n || !is_utf8(field, n));
	} else {
		MUST(len == n && n);
		MUST(is_utf8(field, n));
	}
	free(field);
}

/* Any octets are denied unless they are the Challenge when decrypted; what was sealed opens. */
static void try_token(struct input *input)
{
	uint8_t dk[CRYPT_AES_KEY_LEN], challenge[CRYPT_CHALLENGE_LEN], token[CRYPT_TOKEN_LEN];
	uint8_t *forged = input_take(input, CRYPT_TOKEN_LEN);
	struct crypt_keys got;

	input_fill(input, dk, sizeof(dk));
	input_fill(input, challenge, sizeof(challenge));
	memset(&got, 0xa5, sizeof(got));
	if (crypt_token_open(forged, dk, challenge, &got)) {
		MUST(is_wiped(&got, sizeof(got)));
	}
	crypt_token_seal(token, dk, challenge, &keys);
	MUST(!crypt_token_open(token, dk, challenge, &got));
	MUST(!memcmp(&got, &keys, sizeof(keys)));
	token[input_octet(input) % CRYPT_BLOCK] ^= (uint8_t)(1 + input_octet(input) % 255);
	MUST(crypt_token_open(token, dk, challenge, &got));
	MUST(is_wiped(&got, sizeof(got)));
	free(forged);
}

/* Octets that nobody sealed. */
static void receive_forged(struct crypt_stream *s, struct input *input)
{
	size_t n = input_octet(input);
	uint8_t *octets = input_take(input, n);

	if (n % CRYPT_BLOCK == 0 && input_octet(input) % 2) {
		if (crypt_open_part(s, octets, n)) {
			MUST(s->state == CRYPT_UNUSABLE);
		}
	} else {
		MUST(crypt_open(s, octets, n));
		MUST(is_wiped(s, sizeof(*s)));
	}
	free(octets);
}

/* A message of the client, read as the server does: a block, and the rest; maybe damaged. */
static void receive_sealed(struct crypt_stream *from, struct crypt_stream *to, struct input *input)
{
	size_t n = CRYPT_BLOCK * (2 + (size_t)input_octet(input) % (MESSAGE_MAX / CRYPT_BLOCK - 1));
	uint8_t *plain = input_take(input, n), *wire = malloc(n);
	uint8_t damage = input_octet(input);
	size_t at = input_16(input) % n;
	bool usable = to->state == CRYPT_RECEIVING, good;

	MUST(wire);
	memcpy(wire, plain, n);
	crypt_seal(from, wire, n);
	wire[at] ^= damage;
	good = !crypt_open_part(to, wire, CRYPT_BLOCK) &&
	       !crypt_open(to, wire + CRYPT_BLOCK, n - CRYPT_BLOCK);
	MUST(good == (usable && !damage));
	if (good) {
		MUST(!memcmp(wire, plain, n - CRYPT_HMAC_LEN));
	} else {
		MUST(is_wiped(to, sizeof(*to)));
	}
	free(plain);
	free(wire);
}

static void try_stream(struct input *input)
{
	struct crypt_stream from, to;
	bool forged = false;

	crypt_stream_init_send(&from, &keys, iv);
	crypt_stream_init_receive(&to, &keys, iv);
	while (input->left) {
		/* what was taken in unsealed is missing at the sender: no HMAC is right then */
		if (input_octet(input) % 8 == 0) {
			forged = true;
			receive_forged(&to, input);
		} else if (!forged) {
			receive_sealed(&from, &to, input);
		}
	}
	crypt_stream_wipe(&to);
	crypt_stream_wipe(&to);
	MUST(is_wiped(&to, sizeof(to)));
}

/* T-042: a forgery is denied, what was sealed opens, the rest of the packet stays as it was */
static void try_packet(struct input *input)
{
	bool encrypted = input_octet(input) % 2, reply = input_octet(input) % 2;
	size_t at = input_octet(input), least = reply ? CRYPT_REPLY_MIN : CRYPT_SEND_MIN;
	size_t covered = !encrypted ? 16 : reply ? CRYPT_REPLY_HMAC_AT : CRYPT_SEND_HMAC_AT;
	size_t hmac_at = reply ? CRYPT_REPLY_HMAC_AT : CRYPT_SEND_HMAC_AT;
	uint8_t damage = input_octet(input), sid[CRYPT_SID_LEN], sealed[CRYPT_REPLY_MIN];
	int (*open)(struct crypt_test *, bool, uint8_t *, size_t) = reply ? crypt_pkt_open_reply
									  : crypt_pkt_open_send;
	struct crypt_test t;
	uint8_t *pkt;
	size_t n;

	input_fill(input, sid, sizeof(sid));
	crypt_test_init(&t, &keys, sid);
	n = input->left;
	pkt = input_take(input, n);
	MUST(open(&t, encrypted, pkt, n) == CRYPT_DENIED);
	if (n >= least) {
		memcpy(sealed, pkt, least);
		if (reply) {
			crypt_pkt_seal_reply(&t, encrypted, sealed);
		} else {
			crypt_pkt_seal_send(&t, encrypted, sealed);
		}
		at %= least;
		sealed[at] ^= damage;
		MUST(!open(&t, encrypted, sealed, least) ==
		     (!damage || (at >= covered && at < hmac_at)));
		if (!damage) {
			MUST(!memcmp(sealed, pkt, hmac_at));
		}
	}
	crypt_test_wipe(&t);
	MUST(is_wiped(&t, sizeof(t)));
	free(pkt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct input *) = { try_key_id, try_token, try_stream,
							 try_packet };
	struct input input = { data, size };

	tries[input_octet(&input) % (sizeof(tries) / sizeof(*tries))](&input);
	return 0;
}
