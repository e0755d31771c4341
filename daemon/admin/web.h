// SPDX-License-Identifier: BSD-2-Clause
/*
 * Metrics and the status page: a guest of the server, which opens a port or a socket if the
 * settings have one.
 */
#pragma once

#include "daemon/server/guests.h"

struct web;

struct web *web_new(void); /* NULL = no memory */
void web_free(struct web *w); /* after the server; NULL ok */

/** For server_options. */
struct guest web_guest(struct web *w);
