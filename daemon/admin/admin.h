// SPDX-License-Identifier: BSD-2-Clause
/*
 * What operators ask on the socket of twampctl: a guest on the server's loop, which reads views
 * (view.h) and steers the server. The root of its state.
 */
#pragma once

#include "daemon/server/guests.h"

struct admin;

struct admin *admin_new(void); /* NULL = no memory */
void admin_free(struct admin *a); /* after the server; NULL ok */

/** For struct server_options. */
struct guest admin_guest(struct admin *a);
