// SPDX-License-Identifier: BSD-2-Clause
/*
 * The key that the client shares with the server: found in a file of the format of
 * twampd.keys(5), kept here for as long as connections are set up. RFC 4656 3.1.
 */
#pragma once

#include "client/measure/outcome.h"
#include "protocol/wire.h"

#define SECRET_ID_LEN 80 /* octets: the field of Set-Up-Response */
#define SECRET_PASSPHRASE_LEN 1024

struct secret {
	char key_id[SECRET_ID_LEN + 1]; /* terminated */
	uint8_t passphrase[SECRET_PASSPHRASE_LEN];
	size_t passphrase_len;
};

/** What is wrong with a KeyID, to follow "the KeyID"; or NULL. */
const char *secret_id_fault(const char *id, size_t len);

/**
 * Read the entry of @key_id, or the only one if that is NULL. From here on the process leaves
 * no core dump. OUTCOME_OK or OUTCOME_LOCAL; no text has a passphrase in it.
 */
NODISCARD int secret_load(struct secret *s, const char *file, const char *key_id,
			  struct outcome *out);
void secret_wipe(struct secret *s);
