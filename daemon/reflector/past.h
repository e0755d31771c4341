// SPDX-License-Identifier: BSD-2-Clause
/* Sums of the process before, so that totals go on over a restart. Private to the reflector. */
#pragma once

#include "protocol/carry.h"

struct reflector;

/** While halted. A Light port that is there still goes on with its own, and its
 * senders with their numbers. */
void past_carry(struct carry *c, struct reflector *r);
