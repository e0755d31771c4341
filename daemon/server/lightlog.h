// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the log and systemd are told about reflectors without control.
 */
#pragma once

#include "daemon/log/log.h"
#include "daemon/reflector/light.h"

/** The ports that nobody has heard of yet. */
void lightlog_opened(struct log *l, struct reflector *r);

/** The sockets that were passed for a port and that no entry means. */
void lightlog_unused(struct log *l, struct reflector *r);

/** The counters of all ports, so far; of such that nobody has heard of yet, that they are there. */
void lightlog_counters(struct log *l, struct reflector *r);

/** Final counters of a port. */
void lightlog_ended(struct log *l, const struct light_info *info);

#define LIGHTLOG_STATUS_LEN 100
/** ", Light: 5 reflected, 1 dropped"; empty if there is no port. Returns @buf. */
char *lightlog_status(struct reflector *r, char buf[static LIGHTLOG_STATUS_LEN]);
