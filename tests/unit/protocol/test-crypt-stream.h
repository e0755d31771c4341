// SPDX-License-Identifier: BSD-2-Clause
/* Streams of the known answers. */
#pragma once

#include "tests/unit/protocol/test-crypt.h"

#define GUARD 0xee
#define BLOCK_AT 32 /* of what Server-Start adds to the stream of the server */
#define START_LEN 48
#define DIRECTIONS 4

extern struct vectors *inputs, *cipher, *handshake;

/* The known answers: the messages of each direction of two connections. */
struct direction {
	bool server;
	size_t count;
	const char *messages[5];
};
extern const struct direction directions[DIRECTIONS];

struct message {
	uint8_t plain[112]; /* with its HMAC */
	uint8_t wire[112];
	size_t n;
	const uint8_t *iv;
};

struct message message(const struct direction *d, size_t i);
const uint8_t *iv(const struct direction *d);

/** What Server-Start adds to the stream of the server; @kind names the vector. */
const uint8_t *start_block(const char *kind);

/** A stream that is ready for message number @skip of its direction. */
struct crypt_stream sender(const struct direction *d, size_t skip);
struct crypt_stream receiver(const struct direction *d, size_t skip);
struct crypt_stream receiver_of(const struct direction *d, size_t skip,
				const struct crypt_keys *keys, const uint8_t *from_iv);

/** The message was denied, the stream is wiped, and the genuine one comes too late. */
void assert_dead(struct crypt_stream *s, const struct message *genuine);

/** Messages that are not as they were sealed. */
TCase *forgeries(void);
