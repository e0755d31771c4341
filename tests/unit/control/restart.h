// SPDX-License-Identifier: BSD-2-Clause
/* A restart in the midst of a conversation: the connection as the next process has it. */
#pragma once

#include "daemon/control/control.h"

/** If TWAMPD_TEST_RESTART is set, and it is in a state that can be: carry it over. Nothing of it
 * may differ then. */
void restart_control(struct control *c);
