// SPDX-License-Identifier: BSD-2-Clause
/*
 * The octets of one TCP connection on their way in and out, in bounded buffers.
 */
#pragma once

#include "protocol/carry.h"

#define STREAM_IN_OCTETS 1024 /* what one callback can bring */
#define STREAM_OUT_OCTETS 2048 /* the answers to that, coalesced */

struct stream {
	int fd;
	uint8_t *in; /* in_small, or allocated for one long message */
	uint8_t *out; /* out_small, or allocated for long answers */
	size_t in_len, in_size, out_len, out_size;
	uint8_t in_small[STREAM_IN_OCTETS];
	uint8_t out_small[STREAM_OUT_OCTETS];
};

/** Takes over a non-blocking socket. */
void stream_init(struct stream *s, int fd);
void stream_close(struct stream *s);

/** One read behind what is there; false when the peer is gone. */
bool stream_read(struct stream *s);

/** Forget the first @n octets that were read. */
void stream_consume(struct stream *s, size_t n);

/** Have room for a message of @want octets; false = no memory. */
bool stream_fit(struct stream *s, size_t want);

/** Queue octets; false = no memory. */
bool stream_push(struct stream *s, const uint8_t *octets, size_t n);

/** Send what there is. True if nothing is left; octets for a peer that is gone vanish. */
bool stream_flush(struct stream *s);

/** What was read and not yet used, and what is still to be sent. */
void stream_carry(struct carry *c, struct stream *s);
