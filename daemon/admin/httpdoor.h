// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where HTTP is served: a TCP port and a Unix socket, as the settings have them. A reload opens
 * what is new first, and closes what is not wanted any more when all of it is there.
 */
#pragma once

#include "daemon/config/settings.h"

#include <ev.h>

struct httpdoor;

/** @enter  takes over somebody who has come: a non-blocking socket. Return 0 or -ENOMEM. */
NODISCARD int httpdoor_new(struct httpdoor **out, struct ev_loop *loop,
			   void (*enter)(void *context, int fd), void *context);
void httpdoor_free(struct httpdoor *d); /* NULL ok */

/**
 * Open what @next has and is not open yet; nobody is served there so far. Return 0, or negative
 * errno with @key, the setting that asked for what cannot be had: "metrics.port".
 */
NODISCARD int httpdoor_prepare(struct httpdoor *d, const struct settings_metrics *next,
			       const char **key);

/** What was prepared is served from now on, and nothing else; or it is closed again. */
void httpdoor_settle(struct httpdoor *d, bool taken);

/** Some door is open. */
bool httpdoor_is_open(const struct httpdoor *d);
