// SPDX-License-Identifier: BSD-2-Clause
/*
 * What an operator wants to know when the daemon is ready or has other settings: from which
 * files, what changed, where it listens and who opened that, where the times come from.
 */
#pragma once

#include <stdbool.h>

struct server;
struct settings;

void announce_ready(struct server *s);

/** @now hold from now on instead of @old. */
void announce_reloaded(struct server *s, const struct settings *old, const struct settings *now);

/** Of sockets that were passed: that they are there, once, and whenever listen is set for nothing. */
void announce_passed(struct server *s, bool first);
