// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the service manager is told: sd_notify(3), over a socket that keeps nobody waiting. A
 * manager that does not read costs nothing but that it is not told: what must arrive waits in a
 * short queue and is tried again; of the status only the newest text waits; a sign of life that
 * cannot be sent is followed by the next.
 */
#pragma once

#include "protocol/ts.h"
#include "protocol/wire.h"

#include <ev.h>
#include <stdbool.h>

struct notify;

/** Without NOTIFY_SOCKET in the environment all of this does nothing. Return 0 or negative errno. */
NODISCARD int notify_new(struct notify **out, struct ev_loop *loop);

/** Waits a moment for what must arrive. NULL ok. */
void notify_free(struct notify *n);

/** Is there somebody to be told? */
bool notify_is_on(const struct notify *n);

/** "READY=1", "RELOADING=1\nMONOTONIC_USEC=...": in order, now or as soon as it is read. */
void notify_say(struct notify *n, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** STATUS=: sent when it is another text, and ten seconds after the last one at the earliest. */
void notify_status(struct notify *n, const char *text, struct mono now);

/** READY=1 with a status, which stays for ten seconds. */
void notify_ready(struct notify *n, const char *status, struct mono now);

/** WATCHDOG=1 */
void notify_alive(struct notify *n);

/* --- the main loop stands still: these wait, until @until at most ----------------------------- */

/**
 * After all that waits. @fd goes along, -1 = none. Return 0 or negative errno; -EAGAIN when the
 * time is over.
 */
int notify_deliver(struct notify *n, const char *text, int fd, struct mono until);

/** Everything before was taken note of. Return as notify_deliver. */
NODISCARD int notify_barrier(struct notify *n, struct mono until);
