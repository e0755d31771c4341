// SPDX-License-Identifier: BSD-2-Clause
/* Files of the settings that were changed since they were read: what only who is at their disk can tell. */
#pragma once

#include <jansson.h>

/** Put them into settings.changed_files of a status. */
void ctl_stale(json_t *status);
