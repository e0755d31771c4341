// SPDX-License-Identifier: BSD-2-Clause
/*
 * The octets of a control connection: whole messages with a deadline for each, in the clear
 * or sealed. All functions return OUTCOME_OK, or say in @out why the conversation is over;
 * @message names the message for that text. RFC 4656 3.2, 3.4, 6.10.
 */
#pragma once

#include "base/endpoint.h"
#include "client/measure/notes.h"
#include "client/measure/outcome.h"
#include "client/measure/plan.h"
#include "protocol/crypt.h"

struct channel {
	int fd; /* -1 = closed */
	int64_t timeout_ns; /* for each message */
	union endpoint peer, local;
	bool broken; /* nothing sensible can come from it any more */
	bool ciphered; /* to_server and from_server are in use */
	struct crypt_stream to_server, from_server;
};

/** Connect to the host of @plan; @timeout_ns for this and each message. channel_close is right after any result. */
NODISCARD int channel_open(struct channel *c, const struct plan *plan, int64_t timeout_ns,
			   struct notes *notes, struct outcome *out);
void channel_close(struct channel *c);

/** Octets that are never sealed: the handshake. */
NODISCARD int channel_write(struct channel *c, const uint8_t *from, size_t n, const char *message,
			    struct outcome *out);
NODISCARD int channel_read(struct channel *c, uint8_t *to, size_t n, const char *message,
			   struct outcome *out);

/** From here on messages are sealed. @block: the last one of Server-Start, opened in place. */
NODISCARD int channel_cipher(struct channel *c, const struct crypt_keys *keys,
			     const uint8_t client_iv[static CRYPT_BLOCK],
			     const uint8_t server_iv[static CRYPT_BLOCK],
			     uint8_t block[static CRYPT_BLOCK], struct outcome *out);

/** Send a message; sealed in place if messages are. */
NODISCARD int channel_put(struct channel *c, uint8_t *message_octets, size_t n, const char *message,
			  struct outcome *out);

/** Receive a message of @n octets; with an HMAC that is right, if messages are sealed. */
NODISCARD int channel_get(struct channel *c, uint8_t *to, size_t n, const char *message,
			  struct outcome *out);

/** The start of a message, not proved yet; what follows is got with channel_get. */
NODISCARD int channel_get_head(struct channel *c, uint8_t *to, size_t n, const char *message,
			       struct outcome *out);

/** The peer broke the protocol. Returns OUTCOME_NO_ACCEPT; the channel is broken. */
__attribute__((format(printf, 3, 4))) int channel_fault(struct channel *c, struct outcome *out,
							const char *format, ...);
