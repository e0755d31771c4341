// SPDX-License-Identifier: BSD-2-Clause
/* twamp explain: the Accept-code table of protocol/accept.h for people. */
#pragma once

#include "protocol/wire.h"

#include <stdio.h>

/** @topic: a number from 0 to 255, a reason key, or NULL for all codes. -ENOENT if unknown. */
NODISCARD int explain_print(const char *topic, FILE *to);
