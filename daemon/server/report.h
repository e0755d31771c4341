// SPDX-License-Identifier: BSD-2-Clause
/*
 * From facts of the control protocol and of the reflector to log events. R-251
 */
#pragma once

#include "daemon/control/control.h"
#include "daemon/log/log.h"
#include "daemon/reflector/reflector.h"
#include "daemon/server/reached.h"

/** Everything that one control_feed() reported. */
void report_control(struct log *l, const struct control *c, const struct reached_rules *rules,
		    const struct control_out *out);

/** A Token was not right; only the log may tell whether the KeyID is @known. R-017 */
void report_auth_failed(struct log *l, const struct control *c, bool known);

/** A connection was closed before its greeting. */
void report_crowded(struct log *l, const struct address *peer);
