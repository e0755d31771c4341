// SPDX-License-Identifier: BSD-2-Clause
/*
 * The cryptography of TWAMP: the key of a passphrase, the Token, the two ciphered directions of
 * a control connection, and the protection of test packets. AES-128 and HMAC-SHA1 truncated to
 * 16 octets throughout; equal in the authenticated, encrypted and mixed modes, but for the test
 * packets. Nothing here allocates or can fail for reasons of ours. Random octets come from the
 * caller. Structs are embedded by the caller; each *_wipe may run twice, and leaves zeros.
 * RFC 4656 3.1-3.4, 4.1.2, RFC 5357 3.2, 4.1.2, 4.2.1, RFC 2898 5.2.
 */
#pragma once

#include "protocol/carry.h"
#include "protocol/wire.h"

#include <nettle/aes.h>
#include <nettle/hmac.h>

#define CRYPT_BLOCK 16
#define CRYPT_HMAC_LEN 16
#define CRYPT_AES_KEY_LEN 16
#define CRYPT_HMAC_KEY_LEN 32
#define CRYPT_SALT_LEN 16
#define CRYPT_CHALLENGE_LEN 16
#define CRYPT_SID_LEN 16
#define CRYPT_TOKEN_LEN 64
#define CRYPT_KEY_ID_LEN 80
#define CRYPT_MARK_LEN 20

/* Offset of the HMAC field in ciphered test packets, and how long these are at least. */
#define CRYPT_SEND_HMAC_AT 32
#define CRYPT_SEND_MIN 48
#define CRYPT_REPLY_HMAC_AT 96
#define CRYPT_REPLY_MIN 112

enum crypt_error {
	CRYPT_DENIED = 1, /* a forgery, a wrong key or damage: they cannot be told apart */
};

/* Session keys of a control connection: random octets of the client. */
struct crypt_keys {
	uint8_t aes[CRYPT_AES_KEY_LEN];
	uint8_t hmac[CRYPT_HMAC_KEY_LEN];
};

void crypt_keys_wipe(struct crypt_keys *k);

/**
 * The key of a passphrase: PBKDF2 with HMAC-SHA1.                RFC 4656 3.1, RFC 2898 5.2
 * @passphrase  octets as they are, no terminator
 * @count       rounds, at least 1. 2^15 take some ms, 2^31 minutes: bound what comes from a
 *              server before
 * The caller wipes @out.
 */
void crypt_derive(uint8_t out[static CRYPT_AES_KEY_LEN], const void *passphrase, size_t len,
		  const uint8_t salt[static CRYPT_SALT_LEN], uint32_t count);

/**
 * A mark of a passphrase: to tell later, without keeping the passphrase, whether it is still the
 * same. It is as secret as that, for it can be tried out quickly.
 */
void crypt_mark(uint8_t out[static CRYPT_MARK_LEN], const void *passphrase, size_t len,
		const uint8_t salt[static CRYPT_SALT_LEN]);

/*
 * The same in parts, for who must be able to stop in between. key holds the result when
 * crypt_kdf_run has returned true. Wipe it in any case.
 */
struct crypt_kdf {
	struct hmac_sha1_ctx hmac;
	uint8_t u[SHA1_DIGEST_SIZE];
	uint8_t key[CRYPT_AES_KEY_LEN];
	uint32_t left; /* rounds */
};

void crypt_kdf_init(struct crypt_kdf *k, const void *passphrase, size_t len,
		    const uint8_t salt[static CRYPT_SALT_LEN], uint32_t count);

/** Up to @rounds more. True when all are done. */
bool crypt_kdf_run(struct crypt_kdf *k, uint32_t rounds);
void crypt_kdf_wipe(struct crypt_kdf *k);

/** Make the Token of a Set-Up-Response. @dk comes from crypt_derive.         RFC 4656 3.1 */
void crypt_token_seal(uint8_t out[static CRYPT_TOKEN_LEN],
		      const uint8_t dk[static CRYPT_AES_KEY_LEN],
		      const uint8_t challenge[static CRYPT_CHALLENGE_LEN],
		      const struct crypt_keys *keys);

/**
 * Open a Token and take the session keys out of it.                          RFC 4656 3.1
 * @challenge  what the greeting of this very connection carried
 * Return 0 or CRYPT_DENIED, with @keys wiped. Only the first of its four blocks proves the
 * Token; who changes the others gets keys nobody knows, and the first message is denied.
 */
NODISCARD int crypt_token_open(const uint8_t in[static CRYPT_TOKEN_LEN],
			       const uint8_t dk[static CRYPT_AES_KEY_LEN],
			       const uint8_t challenge[static CRYPT_CHALLENGE_LEN],
			       struct crypt_keys *keys);

/**
 * Length of a KeyID without the zeros that fill its field.
 * Return 0, or CRYPT_DENIED with *len = 0 if it cannot name a key: it is empty, has a zero inside
 * or is not UTF-8 (RFC 3629). Control characters are let through: mind them in logs.
 */
NODISCARD int crypt_key_id_len(const uint8_t field[static CRYPT_KEY_ID_LEN], size_t *len);

/* The numbers are in the state that one process leaves to the next (carry.h): they never change. */
enum crypt_state {
	CRYPT_UNUSABLE = 0, /* wiped, or something was denied: so is all that follows */
	CRYPT_SENDING = 1,
	CRYPT_RECEIVING = 2,
};

/*
 * One direction of a control connection. The CBC chain runs through all its messages. An HMAC
 * covers the plaintext since the HMAC before it, and is encrypted like the rest. The chain
 * of the server starts with the last block of Server-Start, which no HMAC field follows: the
 * HMAC of the server's next message covers that block too. The client's Set-Up-Response is not
 * covered by any. RFC 4656 3.2, 3.4, RFC 5357 3.2
 */
struct crypt_stream {
	struct aes128_ctx aes; /* prepared for this direction */
	struct hmac_sha1_ctx hmac; /* has taken in what the next HMAC covers so far */
	uint8_t iv[CRYPT_BLOCK]; /* the last ciphertext block */
	enum crypt_state state;
};

/** @iv: the Client-IV or Server-IV, of the side that sends in this direction. */
void crypt_stream_init_send(struct crypt_stream *s, const struct crypt_keys *keys,
			    const uint8_t iv[static CRYPT_BLOCK]);
void crypt_stream_init_receive(struct crypt_stream *s, const struct crypt_keys *keys,
			       const uint8_t iv[static CRYPT_BLOCK]);
void crypt_stream_wipe(struct crypt_stream *s);

/**
 * A stream between two messages, or after the head of one, for another process. @keys are those
 * that it was begun with. What is loaded is unusable if it is not whole.
 */
void crypt_stream_carry(struct carry *c, struct crypt_stream *s, const struct crypt_keys *keys);

/*
 * All of the following work in place on @n octets, a multiple of CRYPT_BLOCK. Sealing with a
 * stream that is not for sending is an error of ours (assert); opening with one that is not for
 * receiving is denied.
 */

/** Encrypt octets that no HMAC field ends: the last block of Server-Start. */
void crypt_seal_block(struct crypt_stream *s, uint8_t *blocks, size_t n);

/** Fill in the HMAC field, the last block of a message, and encrypt all of it. */
void crypt_seal(struct crypt_stream *s, uint8_t *message, size_t n);

/**
 * Decrypt octets that more of the same message follow, or the last block of Server-Start. What
 * they say is not proved until crypt_open: use it only to learn how long the message is.
 * Return 0 or CRYPT_DENIED (n is no multiple of CRYPT_BLOCK, or the stream is unusable).
 */
NODISCARD int crypt_open_part(struct crypt_stream *s, uint8_t *blocks, size_t n);

/**
 * Decrypt the rest of a message, which ends with the HMAC field, and verify it.
 * Return 0 or CRYPT_DENIED: the octets are then to be thrown away, the stream is wiped
 * and denies all that follows; the connection is to be dropped without an answer.
 *                                                                 RFC 4656 6.10
 */
NODISCARD int crypt_open(struct crypt_stream *s, uint8_t *rest, size_t n);

/*
 * The keys of a test session, ready for use in both directions. Not to be used by two threads
 * at once: the HMAC runs in it.
 */
struct crypt_test {
	struct aes128_ctx encrypt;
	struct aes128_ctx decrypt;
	struct hmac_sha1_ctx hmac;
	struct crypt_keys keys; /* its own, for crypt_test_resume of another process */
};

/** @keys: of the control connection. RFC 4656 4.1.2, RFC 5357 4.2.1 */
void crypt_test_init(struct crypt_test *t, const struct crypt_keys *keys,
		     const uint8_t sid[static CRYPT_SID_LEN]);

/** With the keys that crypt_test_init made of these. */
void crypt_test_resume(struct crypt_test *t, const struct crypt_keys *own);
void crypt_test_wipe(struct crypt_test *t);

/*
 * Test packets, in place. @encrypted tells the encrypted from the authenticated mode; mixed mode
 * leaves them in the clear. The HMAC is over plaintext, and it is not encrypted itself; padding
 * is neither encrypted nor covered.
 *
 *               sender packet                  reply
 *               encrypted, covered   HMAC      encrypted, covered   HMAC
 * authenticated octets 0..15         32..47    octets 0..15         96..111
 * encrypted     octets 0..31         32..47    octets 0..95         96..111
 *
 * In the authenticated mode nothing but octets 0..15 and the HMAC field is read or written, so
 * sealing may come first and the timestamp at octet 16 after it; in the encrypted mode all
 * fields have to be there before.                             RFC 5357 4.1.2, 4.2.1
 */

/** Session-Sender: seal a packet. */
void crypt_pkt_seal_send(struct crypt_test *t, bool encrypted, uint8_t pkt[static CRYPT_SEND_MIN]);

/**
 * Session-Reflector: decrypt and verify a packet of @n octets. Return 0 or CRYPT_DENIED (also
 * if n < CRYPT_SEND_MIN): throw the packet away, without an answer.
 */
NODISCARD int crypt_pkt_open_send(struct crypt_test *t, bool encrypted, uint8_t *pkt, size_t n);

/** Session-Reflector: seal a reply. */
void crypt_pkt_seal_reply(struct crypt_test *t, bool encrypted,
			  uint8_t pkt[static CRYPT_REPLY_MIN]);

/** Session-Sender: decrypt and verify a reply of @n octets, as crypt_pkt_open_send does. */
NODISCARD int crypt_pkt_open_reply(struct crypt_test *t, bool encrypted, uint8_t *pkt, size_t n);
