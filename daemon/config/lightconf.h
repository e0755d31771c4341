// SPDX-License-Identifier: BSD-2-Clause
/*
 * The entries of "light":
 *   { address = "..."; port = 862; type = "twamp-light" | "stamp"; stateful = false;
 *     clients = [ "192.0.2.0/24" ]; dscp = "copy" | "zero" | 0..63; ssids = [ 1, 2 ];
 *     from_862 = false; device = "vrf-red"; packet_rate = 1000; octet_rate = 0;
 *     total_packet_rate = 0; total_octet_rate = 0; }
 * Only type and clients must be there: nobody is answered who is not named (T-074).
 */
#pragma once

#include "daemon/config/apply.h"
#include "protocol/prefix.h"

#define LIGHTCONF_PORT 862 /* RFC 8545, RFC 8762 4.1 */
#define LIGHTCONF_PACKET_RATE 1000 /* of a sender, per second: its address can be forged */

/** Return 0, -ENOMEM or SETTINGS_BAD. */
NODISCARD int lightconf_put(struct apply *a, const config_setting_t *s,
			    const struct schema_row *row);

/** The value of the key, for settings_dump. */
void lightconf_dump(const struct settings *s, FILE *to);

/** An entry without address was read as one of each family, and is written once. */
static inline bool lightconf_is_second(bool implied, const struct address *a)
{
	return implied && a->family == 6;
}

/** The members that entries of "listen" and "light" have in common, for settings_dump. */
void lightconf_dump_address(const struct address *a, bool implied, const char *device,
			    bool freebind, FILE *to);

/** Free what @s has of it. */
void lightconf_free(struct settings *s);
