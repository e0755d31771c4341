// SPDX-License-Identifier: BSD-2-Clause
/*
 * All sockets of this process in one, for the service manager's store.
 */
#pragma once

#include "daemon/config/kept.h"
#include "protocol/wire.h"

struct server;

/** With the settings in force, too. Return a Unix stream in which they wait to be received (inherited.h), or negative errno. */
NODISCARD int parcel_pack(const struct server *s, const struct kept *kept);
