// SPDX-License-Identifier: BSD-2-Clause
/* Sessions with a port of their own: see port_ops.h. */
#pragma once

#include "daemon/reflector/port_ops.h"

/** Answer what waits in the socket of the session, up to REFLECT_BURST packets. */
enum reflect_result ownport_burst(struct worker *w, struct udp_session *u);
