// SPDX-License-Identifier: BSD-2-Clause
/* How to come to terms with a server: its control connection, modes, keys, patience. */
#pragma once

#include <stdint.h>

struct access {
	uint16_t receiver_port; /* 0 = the same number as the local port */
	int64_t control_timeout_ns;
	uint32_t retries;
	int64_t retry_wait_ns;
	uint32_t mode; /* a security bit; 0 = the strongest offered */
	const char *key_file, *key_id; /* NULL = no key; NULL = the only one of the file */
	uint32_t max_count; /* PBKDF2 rounds */
};
