// SPDX-License-Identifier: BSD-2-Clause
/*
 * Between the settings in "ports" and the reflector, and what to say when it does not start.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/reflector/reflector.h"

struct reflector_shared ports_shared(const struct settings *settings);

/** @error of reflector_new. Before there is a log. */
void ports_say_refused(const struct reflector_shared *shared, int error);
