// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the daemon has, as JSON objects: the same for twampctl and for the status page. Names and
 * units are those of docs/admin.md; they are never changed, only added to. No secret is in any of
 * them, and what somebody else wrote is quoted. Each function returns a new reference, or NULL
 * where memory is short.
 */
#pragma once

#include "protocol/address.h"
#include "protocol/msg.h"
#include "protocol/prefix.h"
#include "protocol/ts.h"

#include <jansson.h>

/* --- values --- */

/** "2026-11-28T11:33:25.123Z"; null for 0. */
json_t *tell_time(struct wall at);

/** "192.0.2.1:862", "[2001:db8::1]:862"; without a port if that is 0. */
json_t *tell_address(const struct address *a);

/** "192.0.2.1" for a single address, "2001:db8::/56". */
json_t *tell_prefix(const struct prefix *p);

/** A KeyID; "" for zeros. */
json_t *tell_key(const uint8_t key_id[static MSG_KEY_ID_LEN]);

json_t *tell_number(uint64_t n);

/** The name of a network device; "" for 0. */
json_t *tell_device(uint32_t index);

/** Text of others, of any octets, as it may be shown. */
json_t *tell_text(const char *text);

/** Seconds, from nanoseconds, with their fraction. */
json_t *tell_seconds(int64_t ns);

/** {"used":N,"max":N}; @max 0 = null: without a limit. */
json_t *tell_room(uint64_t used, uint64_t max);

/** Put @value, which is taken over. Where memory is short, "incomplete": true says so. */
void tell_put(json_t *to, const char *key, json_t *value);
