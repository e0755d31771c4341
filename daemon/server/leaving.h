// SPDX-License-Identifier: BSD-2-Clause
/*
 * Listeners that the settings do not want any more. Who waits in them, shaking hands or in the
 * backlog, is taken before the socket is closed.
 */
#pragma once

#include <stdbool.h>

struct listener;
struct listeners;

/**
 * Takes over @l, which is in no list and has no watcher. It is closed by the loop: soon, or, if
 * another listener has its port (@replaced), a second later, so that handshakes can end. Who
 * begins one meanwhile is not answered, tries again as TCP does, and finds the other.
 */
void leaving_add(struct listeners *ls, struct listener *l, bool replaced);

/** A socket that another process may have sent away, and which did not come to close it, is open to
 * all again. */
void leaving_stay(int fd);

/** Close all now; with @take who waits in them is taken. */
void leaving_end(struct listeners *ls, bool take);
