// SPDX-License-Identifier: BSD-2-Clause
#include "client/control/setup.h"

#include "client/control/choice.h"
#include "protocol/accept.h"
#include "protocol/msg.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static int take_greeting(struct channel *c, struct msg_greeting *greeting, struct outcome *out)
{
	uint8_t octets[MSG_GREETING_LEN];
	int r = channel_read(c, octets, sizeof(octets), "Server-Greeting", out);

	if (r != OUTCOME_OK) {
		return r;
	}
	if (msg_get_greeting(octets, greeting) != 0) {
		return channel_fault(c, out,
				     "what the server sent is not a Server-Greeting: Count is no "
				     "power of two from 1024 on");
	}
	if (greeting->modes == 0) { /* */
		outcome_set(out, OUTCOME_NO_ACCEPT, 1,
			    "the server refuses to talk to this client (Modes 0 in its greeting)");
		outcome_hint(out,
			     "the server allows only certain clients: check its clients setting "
			     "and from which address this client comes (--source)");
		return OUTCOME_NO_ACCEPT;
	}
	return OUTCOME_OK;
}

/* S-4, S-5: the client ends it, with a category of its own, which is in @out. */
static void give_up(struct channel *c)
{
	uint8_t octets[MSG_SETUP_LEN];
	struct msg_setup setup = { .mode = 0 };
	struct outcome ignored;

	msg_put_setup(octets, &setup);
	(void)!channel_write(c, octets, sizeof(octets), "Set-Up-Response", &ignored);
}

/* R-302 R-244: before any work goes into it. */
static int check_count(const struct access *a, uint32_t count, struct outcome *out)
{
	if (count <= a->max_count) {
		return OUTCOME_OK;
	}
	outcome_set(out, OUTCOME_NO_ACCEPT, 1,
		    "the server asks for %u rounds of key derivation (Count); this client does at "
		    "most %u",
		    count, a->max_count);
	outcome_hint(out, "lower the count of the server, or raise --max-count");
	return OUTCOME_NO_ACCEPT;
}

/* Fresh keys of the connection and the fields that prove the knowledge of the secret. R-303 */
static int prove(struct handshake *h, const struct secret *secret,
		 const struct msg_greeting *greeting, struct msg_setup *setup, struct outcome *out)
{
	uint8_t dk[CRYPT_AES_KEY_LEN];

	if (getrandom(&h->keys, sizeof(h->keys), 0) != (ssize_t)sizeof(h->keys) ||
	    getrandom(setup->client_iv, sizeof(setup->client_iv), 0) !=
		    (ssize_t)sizeof(setup->client_iv)) {
		return outcome_set(out, OUTCOME_LOCAL, 0, "no random octets: %s", strerror(errno));
	}
	memcpy(setup->key_id, secret->key_id, strnlen(secret->key_id, sizeof(setup->key_id)));
	crypt_derive(dk, secret->passphrase, secret->passphrase_len, greeting->salt,
		     greeting->count);
	crypt_token_seal(setup->token, dk, greeting->challenge, &h->keys);
	explicit_bzero(dk, sizeof(dk));
	return OUTCOME_OK;
}
_Static_assert(sizeof(struct crypt_keys) == CRYPT_AES_KEY_LEN + CRYPT_HMAC_KEY_LEN,
	       "nothing but random octets");

static int take_start(const struct handshake *h, struct channel *c, const uint8_t *client_iv,
		      struct outcome *out)
{
	uint8_t octets[MSG_SERVER_START_LEN];
	struct msg_server_start start;
	int r = channel_read(c, octets, sizeof(octets), "Server-Start", out);

	if (r != OUTCOME_OK) {
		return r;
	}
	msg_get_server_start(octets, &start);
	if (start.accept != ACCEPT_OK) { /* all in the clear: R-304 */
		r = outcome_refused(out, "Server-Start", start.accept);
		if (h->modes & MODE_KEYED_MASK && outcome_code(out) == ACCEPT_FAILURE) {
			outcome_hint(out, "compare KeyID and passphrase with the server's");
		}
		return r;
	}
	if (!(h->modes & MODE_KEYED_MASK)) {
		return OUTCOME_OK;
	}
	return channel_cipher(c, &h->keys, client_iv, start.server_iv, octets + 32, out);
}

static int set_up(struct handshake *h, struct channel *c, const struct access *a,
		  const struct secret *secret, const struct msg_greeting *greeting,
		  struct outcome *out)
{
	struct msg_setup setup = { .mode = h->modes };
	uint8_t octets[MSG_SETUP_LEN];
	int r = OUTCOME_OK;

	if (h->modes & MODE_KEYED_MASK) {
		r = check_count(a, greeting->count, out);
		if (r == OUTCOME_OK) {
			r = prove(h, secret, greeting, &setup, out);
		}
	}
	if (r != OUTCOME_OK) {
		return r;
	}
	msg_put_setup(octets, &setup);
	r = channel_write(c, octets, sizeof(octets), "Set-Up-Response", out);
	return r == OUTCOME_OK ? take_start(h, c, setup.client_iv, out) : r;
}

int setup_run(struct handshake *h, struct channel *c, const struct access *a, uint32_t features,
	      const struct secret *secret, struct outcome *out)
{
	struct msg_greeting greeting = { 0 };
	int r;

	*h = (struct handshake){ 0 };
	r = take_greeting(c, &greeting, out);
	h->offered = greeting.modes;
	if (r != OUTCOME_OK) {
		return r;
	}
	r = choice_make(a, features, h->offered, &h->modes, out);
	if (r != OUTCOME_OK) {
		give_up(c);
		return r;
	}
	return set_up(h, c, a, secret, &greeting, out);
}
