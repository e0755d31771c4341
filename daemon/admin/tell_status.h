// SPDX-License-Identifier: BSD-2-Clause
/* The one page of "status", and parts of it. */
#pragma once

#include "daemon/admin/tell.h"

struct server;

json_t *tell_status(const struct server *s);

/** Each measure with its value and limit. */
json_t *tell_overload(const struct server *s);

/** What was refused in the last 1, 5 and 60 minutes, by reason: those that there were. */
json_t *tell_recent(const struct server *s);
