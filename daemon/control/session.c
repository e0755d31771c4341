// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/session.h"

void session_sid(uint8_t out[static MSG_SID_LEN], const uint8_t ipv4[static 4], ts_wire now,
		 const uint8_t random[static 4])
{
	struct wire_out w = wire_out(out, MSG_SID_LEN);

	wire_put(&w, ipv4, 4);
	wire_put64(&w, now);
	wire_put(&w, random, 4);
}
