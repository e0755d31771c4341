// SPDX-License-Identifier: BSD-2-Clause
/*
 * The lines of a keys file, as daemon and client read them: KeyID, white space, passphrase; or
 * a comment that begins with "#". RFC 4656 3.1, RFC 5357 3.1. No text made here quotes a line:
 * who forgot the KeyID has a passphrase in its place.
 */
#pragma once

#include "protocol/wire.h"

#define KEYLINE_MAX 2048 /* octets of a line */
#define KEYLINE_ID_MAX 80 /* octets: the field of Set-Up-Response */
#define KEYLINE_PASSPHRASE_MAX 1024 /* octets */

/* An entry points into the text, without a terminator. */
struct key {
	const uint8_t *key_id;
	size_t key_id_len;
	const uint8_t *passphrase;
	size_t passphrase_len;
	unsigned line; /* from 1 */
};

/* What is left of a file. */
struct keyline_text {
	const uint8_t *at, *end;
	unsigned line; /* that was read last */
};

/** A whole file; a byte order mark at its start, as some editors put it there, is left out. */
struct keyline_text keyline_begin(const void *text, size_t len);

enum keyline_result {
	KEYLINE_END,
	KEYLINE_ENTRY,
	KEYLINE_FAULT, /* in the line @out->line; the next one can be read */
};

#define KEYLINE_FAULT_LEN 120

/** The next entry or fault; lines that are empty or a comment are passed over. C-051 */
enum keyline_result keyline_next(struct keyline_text *t, struct key *out,
				 char fault[static KEYLINE_FAULT_LEN]);

/** What is wrong with a KeyID, to follow "the KeyID": "is not UTF-8"; or NULL. */
const char *keyline_id_fault(const void *key_id, size_t len);
