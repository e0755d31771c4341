// SPDX-License-Identifier: BSD-2-Clause
/*
 * A test session as the control side sees it: what was asked for, and where it stands.
 * The server allocates it (embedded in its own struct), the control connection links it.
 * RFC 5357 3.5-3.8.
 */
#pragma once

#include "protocol/address.h"
#include "protocol/msg.h"
#include "protocol/ts.h"

/* The numbers are in the state that one process leaves to the next (resume.h): they never change,
 * and none is used again. */
enum session_state {
	SESSION_ACCEPTED = 1, /* port bound, SID issued */
	SESSION_ACTIVE = 2, /* started */
	SESSION_STOPPING = 3, /* stopped, reflects until its Timeout is over */
	SESSION_ENDED = 4, /* nothing is left but the memory */
};

/* What a request asks for, checked and completed (addresses and ports never zero but
 * local.port, where 0 means any). Everything that the reflector needs to open it. */
struct session_spec {
	struct address local; /* Receiver Address and Port as wanted */
	struct address remote; /* Sender Address and Port */
	uint32_t modes; /* selected on this connection: layout and protection of packets */
	uint8_t dscp; /* Type-P, for replies */
	uint32_t padding; /* octets announced */
	int64_t timeout_ns; /* reflect for so long after Stop */
	int64_t refwait_ns; /* end after so long without a packet */
	uint32_t packet_rate, octet_rate; /* per second; 0 = unlimited */
	uint32_t device; /* the server's: what the control connection is bound to (VRF); 0 = none */
};

/* What the server shall do with a session next; see control_next_todo. */
enum session_todo {
	SESSION_TODO_NONE = 0,
	SESSION_TODO_START, /* reflect; report the outcome in start_error, then CONTROL_STARTED */
	SESSION_TODO_STOP, /* reflect for spec.timeout_ns more, then end */
	SESSION_TODO_END, /* end now */
	SESSION_TODO_FREE, /* it has ended and was kept: free it */
};

struct session {
	struct session_spec spec;
	enum session_state state;
	enum session_todo todo;
	uint16_t port; /* bound */
	uint8_t sid[MSG_SID_LEN];
	int start_error; /* 0 or negative errno, set by the server on SESSION_TODO_START */
	struct session *next, *prev; /* sessions of the connection */
	struct session *next_todo;
	struct session *next_sid;
	bool named; /* by the Start-N-Sessions that is being carried out */
	bool kept; /* has ended, but its SID may still be named by a Stop-N-Sessions */
	struct mono ended; /* kept: since then */
	struct session *older, *newer; /* kept ones of the connection, by this time */
};

#define SESSION_SID_TEXT_LEN (2 * MSG_SID_LEN + 1)

/** 32 hexadecimal digits. Returns @buf. */
char *session_sid_text(const uint8_t sid[static MSG_SID_LEN],
		       char buf[static SESSION_SID_TEXT_LEN]);

/** SID of IPv4 address, NTP time and randomness. RFC 4656 3.5 */
void session_sid(uint8_t out[static MSG_SID_LEN], const uint8_t ipv4[static 4], ts_wire now,
		 const uint8_t random[static 4]);
