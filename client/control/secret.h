// SPDX-License-Identifier: BSD-2-Clause
/*
 * The key that the client shares with the server: found in a file of the format of
 * twampd.keys(5), kept here for as long as connections are set up. RFC 4656 3.1.
 */
#pragma once

#include "client/measure/outcome.h"
#include "protocol/keyline.h"

struct secret {
	char key_id[KEYLINE_ID_MAX + 1]; /* terminated */
	uint8_t passphrase[KEYLINE_PASSPHRASE_MAX];
	size_t passphrase_len;
};

/**
 * Read the entry of @key_id, or the only one if that is NULL. From here on the process leaves
 * no core dump. OUTCOME_OK or OUTCOME_LOCAL; no text has a passphrase in it.
 */
NODISCARD int secret_load(struct secret *s, const char *file, const char *key_id,
			  struct outcome *out);
void secret_wipe(struct secret *s);
