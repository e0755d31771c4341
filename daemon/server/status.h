// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the service manager is told of the server: READY=1, and STATUS= with live figures.
 */
#pragma once

#include <stdbool.h>

struct server;

void status_tell(struct server *s);
void status_tell_ready(struct server *s);

/** Take nothing new, or go on as before: said, if it is news. */
void status_drain(struct server *s, bool on, bool light);
