// SPDX-License-Identifier: BSD-2-Clause
/* What the packets of a sender tell about the way to here, and about its clock. */
#pragma once

#include "daemon/admin/tell.h"

struct forward;

/** @copy: of forward_read(). Of what is not known, null. */
json_t *tell_forward(const struct forward *copy);
