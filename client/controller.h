// SPDX-License-Identifier: BSD-2-Clause
/* twamp controller: Control-Client and Session-Sender, with retries on Accept 5. RFC 5357 2. */
#pragma once

#include "client/measure.h"

/** The result is in m->outcome. Notices of retries go to stderr. */
void controller_run(struct measure *m);
