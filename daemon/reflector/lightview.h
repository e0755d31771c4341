// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Light ports of a reflector thread: it serves those of the newest view that the main thread
 * has published, and closes those that are not in it any more.
 */
#pragma once

#include "daemon/reflector/lightpath.h"

/** Count what the queue had no room for. Thread, or main thread when that is gone. */
void lightview_drops(struct light_port *p);

/** Thread: for all its ports. */
void lightview_look(struct worker *w);

/** Before the thread starts. Return 0 or negative errno; lightview_detach either way. */
NODISCARD int lightview_attach(struct worker *w);
void lightview_detach(struct worker *w);
