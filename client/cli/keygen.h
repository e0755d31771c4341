// SPDX-License-Identifier: BSD-2-Clause
/* twamp keygen: an entry for a file of keys, with a passphrase that nobody can guess. */
#pragma once

#include "protocol/keyline.h"

#define KEYGEN_RANDOM_OCTETS 20 /* 160 bits */
#define KEYGEN_PASSPHRASE_LEN (KEYGEN_RANDOM_OCTETS * 8 / 5)
#define KEYGEN_LINE_LEN (KEYLINE_ID_MAX + 1 + KEYGEN_PASSPHRASE_LEN + 2)

/** "KEYID passphrase\n" of a KeyID that keyline_id_fault lets pass; terminated. */
void keygen_line(char line[static KEYGEN_LINE_LEN], const char *key_id,
		 const uint8_t random[static KEYGEN_RANDOM_OCTETS]);

/** Write a new entry to @fd. 0 or a negative errno. */
NODISCARD int keygen_write(int fd, const char *key_id);
