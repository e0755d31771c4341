// SPDX-License-Identifier: BSD-2-Clause
/* Sums: counters of all, and Light ports one by one. */
#pragma once

#include "daemon/admin/tell.h"

struct light_info;
struct server;

/** {"sessions", "light", "requests" by code, "refused" by reason, ...}: since the start. */
json_t *tell_counted(const struct server *s);

/** A list of who sends to a Light port and is none of its clients: most packets first. */
json_t *tell_denied(const struct server *s);

/** A port, with its counters. */
json_t *tell_light(const struct light_info *l);
