// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/log/event_id.h"

#include <inttypes.h>
#include <stdio.h>

/* FNV-1a. The two top bits are where RFC 4122 has the variant of a UUID. */
void event_id_reason(char out[static EVENT_ID_HALF + 1], const char *reason)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *reason; reason++) {
		hash = (hash ^ (unsigned char)*reason) * 0x100000001b3;
	}
	hash = (hash & 0x3fffffffffffffff) | 0x8000000000000000;
	snprintf(out, EVENT_ID_HALF + 1, "%016" PRIx64, hash);
}

void event_id(char out[static EVENT_ID_LEN], const char *event, const char *reason)
{
	snprintf(out, EVENT_ID_LEN, "%s", event);
	if (reason && *reason) {
		event_id_reason(out + EVENT_ID_HALF, reason);
	}
}
