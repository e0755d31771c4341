// SPDX-License-Identifier: BSD-2-Clause
/* Rows of individual session control, RFC 5938 3.2-3.5; sessions have these SIDs in order. */
#pragma once

#include "tests/unit/control/rows.h"

#define SID2 "c000020a e8fe6f801f9add37 a1b2c3d6"
#define SID_NONE "c000020a e8fe6f801f9add37 a1b2c355"
#define LIST(command, accept, n, sids) command " " accept " 00*10 " n " " sids " 00*16 "
#define ONE "00000001"
#define TWO "00000002"
#define THREE "00000003"

#define START_N(n, sids, todo) \
	{ \
		TALK_SAY, 0, LIST("07", "00", n, sids), NULL, "STARTING +start" todo \
	}
#define STARTED_N(n, sids) \
	{ \
		TALK_STARTED, 0, NULL, LIST("08", "00", n, sids), "ACTIVE started=1" \
	}
#define START0 START_N(ONE, SID0, " start#0"), STARTED_N(ONE, SID0)
#define START1 START_N(ONE, SID1, " start#1"), STARTED_N(ONE, SID1)
#define STOP_N(n, sids, out, words) \
	{ \
		TALK_SAY, 0, LIST("09", "00", n, sids), out, words \
	}
#define STOP_OK(sid, words) STOP_N(ONE, sid, LIST("0a", "00", ONE, sid), words)
