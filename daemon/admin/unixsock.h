// SPDX-License-Identifier: BSD-2-Clause
/* Unix sockets that are listened on, as files that a process makes and takes away. */
#pragma once

#include "protocol/wire.h"

/**
 * Listen on @path, with mode 0660: its folder must be there. A socket that a process left which is
 * gone is replaced. Return the socket, non-blocking, or negative errno; -EADDRINUSE if somebody
 * listens there.
 */
NODISCARD int unixsock_listen(const char *path, int backlog);
