// SPDX-License-Identifier: BSD-2-Clause
/*
 * The standard streams of a program: they are there, and who reads what was printed learns when
 * it is not all.
 */
#pragma once

#include "protocol/wire.h"

/**
 * The first thing in main: descriptors 0 to 2 that are closed are opened on /dev/null, so that no
 * socket or file becomes one of them. What is then printed to an output that was closed fails.
 * Return 0 or negative errno.
 */
NODISCARD int output_hold(void);

/** Write what stdout holds back. Return 0, or negative errno when something did not get out. */
NODISCARD int output_flush(void);
