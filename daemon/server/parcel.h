// SPDX-License-Identifier: BSD-2-Clause
/*
 * All sockets of this process in one, for the service manager's store.
 */
#pragma once

#include "daemon/config/kept.h"
#include "protocol/wire.h"

struct conns;
struct listeners;

/** With the settings in force, too. Return a Unix stream in which they wait to be received (inherited.h), or negative errno. */
NODISCARD int parcel_pack(const struct conns *cs, const struct listeners *ls,
			  const struct kept *kept);
