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

char *session_sid_text(const uint8_t sid[static MSG_SID_LEN], char buf[static SESSION_SID_TEXT_LEN])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < MSG_SID_LEN; i++) {
		buf[2 * i] = digits[sid[i] >> 4];
		buf[2 * i + 1] = digits[sid[i] & 15];
	}
	buf[2 * MSG_SID_LEN] = '\0';
	return buf;
}
