// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sockets of Light ports that the service manager opened for us. They are the caller's for as long
 * as the daemon runs, so that an entry may come and go with a reload: it does not close them. The
 * main thread's.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/reflector/inside.h"

/**
 * The passed socket that an entry of @s means: it has its address and port, and is bound to its
 * @device. An entry without one takes a socket of any device that no other entry names. -1 = none.
 */
int lightsock_find(const struct reflector *r, const struct settings *s,
		   const struct settings_light *l, uint32_t device);

/**
 * Make it ready to be served. @stale: what waits in it came when nobody was to be answered, and is
 * thrown away; so is what came before it was stamped, as its true T2 is not known.
 * Return @passed or negative errno.
 */
NODISCARD int lightsock_take(const struct reflector *r, int passed, bool stale);
