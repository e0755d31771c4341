// SPDX-License-Identifier: BSD-2-Clause
/* Rows that most conversations have. */
#pragma once

#include "tests/unit/control/talk.h"

#define S TS_NS_PER_S

/* RFC 4656 3.1: Modes 1, the Challenge and Salt given, Count 32768; zero where it must be. */
#define GREETING \
	"00*12 00000001 101112131415161718191a1b1c1d1e1f 000102030405060708090a0b0c0d0e0f" \
	" 00008000 00*12"
#define SID0 "c000020a e8fe6f801f9add37 a1b2c3d4"
#define SID1 "c000020a e8fe6f801f9add37 a1b2c3d5"
#define ACCEPT0 "0000c350 " SID0 " 00*28"
#define REQUEST \
	{ \
		TALK_SAY, 0, "$req.v4.plain_unauth", NULL, "OPENING +open" \
	}
#define HELLO \
	{ \
		TALK_OPENED, 0, NULL, GREETING, "GREETED" \
	}
#define SETUP \
	{ \
		TALK_SAY, 0, "$setup.mode1", "$serverstart.mode1", "READY established=1" \
	}
#define OPENED HELLO, SETUP
#define REFUSED_CONNECTION(accept, reason) \
	{ \
		TALK_SAY, 0, "$setup.mode1", "00*15 " accept " 00*32", \
			"CLOSING +close refused-connection=" reason "/1 closed=refused" \
	}
#define REQUEST_0 "$req.zero_addr.plain_unauth"
#define REFUSE(request, code, why) \
	{ \
		TALK_SAY, 0, request, code " 00*47", "READY refused-request=" why \
	}
#define OPEN(number, port, sid, state) \
	REQUEST, \
	{ \
		TALK_READY, 0x##port, NULL, "0000" #port " " sid " 00*28", \
			state " accepted#" #number \
	}
#define OPEN0 OPEN(0, c350, SID0, "READY")
#define OPEN1 OPEN(1, c351, SID1, "READY")
#define SESSION OPEN0
#define STARTED \
	{ TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0" }, \
	{ \
		TALK_STARTED, 0, NULL, "$startack.unauth.ok", "ACTIVE started=1" \
	}
#define ACTIVE OPENED, SESSION, STARTED
#define STOPPED \
	{ \
		TALK_SAY, 0, "$stop.unauth.n1", NULL, "READY stop#0 stopped=1/0" \
	}

#define END_ROW \
	{ \
		TALK_END, 0, NULL, NULL, NULL \
	}
#define TALK(name, ...) static const struct talk_row name[] = { __VA_ARGS__, END_ROW }

/* A conversation and what it is called. */
struct rows_talk {
	const char *name;
	const struct talk_row *rows;
};
#define T(name) \
	{ \
#name, name \
	}
