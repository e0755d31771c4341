// SPDX-License-Identifier: BSD-2-Clause
/*
 * The memory file with the state of one process for the next one: sealed against any change, with
 * a version and a checksum. memfd_create(2).
 */
#pragma once

#include "protocol/wire.h"

struct carry;

/** Write what @what carries. Return the descriptor, named @name, or negative errno. */
NODISCARD int sealed_write(const char *name, void (*what)(struct carry *k, void *context),
			   void *context);

/** Have @what read it, which is false if it ends too soon. Return what is wrong, or NULL. */
const char *sealed_read(int fd, bool (*what)(struct carry *k, void *context), void *context);
