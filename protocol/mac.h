// SPDX-License-Identifier: BSD-2-Clause
/*
 * HMAC-SHA-256, cut to 16 octets: what protects the packets and TLVs of STAMP. The key is the
 * octets as they are, without derivation; a key of more than 64 octets is hashed first.
 * RFC 2104, RFC 8762 4.4, RFC 8972 4.8.
 */
#pragma once

#include "protocol/wire.h"

#include <nettle/hmac.h>

#define MAC_LEN 16

/* Prepared once, then only read: threads may share it. As secret as the key itself. */
struct mac_key {
	struct hmac_sha256_ctx ready;
};

#define MAC_KEY_MIN 16 /* octets: one HMAC is one guess */
#define MAC_KEY_MAX 1024

/**
 * The key of a passphrase: its octets as they are, or with @hex what its digits mean. Return NULL,
 * or what is wrong with it, to follow "the passphrase": "is shorter than ...".   S-025, S-225
 */
NODISCARD const char *mac_key_read(struct mac_key *k, const uint8_t *passphrase, size_t n,
				   bool hex);

void mac_key_init(struct mac_key *k, const void *octets, size_t n);
void mac_key_wipe(struct mac_key *k);

/* A text in two parts, as if they were one. */
struct mac_text {
	const void *head;
	size_t head_len;
	const void *tail;
	size_t tail_len;
};

void mac_sum(const struct mac_key *k, const struct mac_text *text, uint8_t out[static MAC_LEN]);

/** True if @mac is that of the text. All octets are compared, in constant time.  S-023, S-227 */
NODISCARD bool mac_fits(const struct mac_key *k, const struct mac_text *text,
			const uint8_t mac[static MAC_LEN]);
