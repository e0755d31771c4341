// SPDX-License-Identifier: BSD-2-Clause
/*
 * Options of tests without control: STAMP for the sender, and all of the responder. The first
 * ones are called by rows of optrow.c: false if the text is not what they take.
 */
#pragma once

#include "client/cli/options.h"

bool optlight_ssid(struct options *o, const char *text);
bool optlight_type(struct options *o, const char *text);
bool optlight_allow(struct options *o, const char *text);

/** "[ADDR]:PORT" of the responder; ":PORT" is every address of the host. */
bool optlight_endpoint(struct options *o, const char *text);
