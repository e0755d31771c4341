// SPDX-License-Identifier: BSD-2-Clause
/* twamp controller: Control-Client and Session-Sender, with retries on Accept 5. RFC 5357 2. */
#pragma once

#include "client/control/access.h"
#include "client/measure/measure.h"

/** The result is in m->outcome. The watcher is told of retries. */
void controller_run(struct measure *m, const struct access *access);
