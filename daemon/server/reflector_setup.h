// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Session-Reflector of the server: what the settings want of it, and what to say when it
 * cannot be had.
 */
#pragma once

#include "protocol/wire.h"

struct conns;
struct inherited;

struct reflector_setup {
	struct conns *conns; /* whose reflector it is */
	struct inherited *inherited;
};

/** Sockets and all, but no thread runs yet. Return 0, or negative errno with @why. */
NODISCARD int reflector_setup_start(struct reflector_setup *setup, char *why, size_t size);

/** As the settings are now: the ports of ports.also, but those of Light reflectors; segmentation. */
void reflector_setup_apply(struct reflector_setup *setup);

/** From here on packets are answered. Return 0 or negative errno. */
NODISCARD int reflector_setup_go_on(struct reflector_setup *setup);
