// SPDX-License-Identifier: BSD-2-Clause
/*
 * Individual Session Control: start and stop sessions by SID, and collect who of them was
 * acknowledged with what. RFC 5938 3.2-3.5, R-315.
 */
#pragma once

#include "client/control/dialog.h"

struct individual {
	uint8_t sid[MSG_SID_LEN];
	int accept; /* of the acknowledgement that names it, -1 = none did */
};

/**
 * Send a command for @n sessions and wait for the acknowledgements.
 * @command  MSG_CMD_START_N_SESSIONS or MSG_CMD_STOP_N_SESSIONS
 * OUTCOME_OK: each one of @sessions was acknowledged, with whatever Accept. Else the reason in
 * @out; without one that breaks the connection, what is missing by then has failed.
 */
NODISCARD int bysid_run(struct dialog *d, enum msg_command command, struct individual *sessions,
			uint32_t n, struct outcome *out);
