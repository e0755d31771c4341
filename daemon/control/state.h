// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a control connection is, what goes into it and what comes out of it. The files of each
 * step include this; control.h has the table of states, and is for those who have a connection.
 */
#pragma once

#include "daemon/control/admit.h"
#include "daemon/control/policy.h"
#include "daemon/control/session.h"
#include "protocol/accept.h"
#include "protocol/crypt.h"
#include "protocol/msg.h"

/* The numbers are in the state that one process leaves to the next (resume.h): they never change,
 * and none is used again. */
enum control_state {
	CONTROL_GREETED = 1,
	CONTROL_DERIVING = 2,
	CONTROL_READY = 3,
	CONTROL_OPENING = 4,
	CONTROL_STARTING = 5,
	CONTROL_ACTIVE = 6,
	CONTROL_CLOSING = 7,
	CONTROL_DEAD = 8,
};

enum control_kind {
	CONTROL_OPENED = 1, /* connection accepted; first event, once */
	CONTROL_OCTETS, /* exactly control_want() octets */
	CONTROL_ARRIVED, /* octets came, but fewer than control_want() */
	CONTROL_KEY_READY, /* answer to order DERIVE: the Token is right */
	CONTROL_KEY_REFUSED, /* the other answer: reason */
	CONTROL_PORT_READY, /* answer to order OPEN */
	CONTROL_PORT_REFUSED, /* the other answer */
	CONTROL_STARTED, /* all SESSION_TODO_START are carried out; octets as in the OCTETS before */
	CONTROL_SESSION_ENDED, /* a session has ended, for whatever reason; it is unlinked */
	CONTROL_BLOCKED, /* the TCP send buffer is full */
	CONTROL_FLUSHED, /* and is empty again */
	CONTROL_DEADLINE, /* the deadline of the last control_out has come */
	CONTROL_PEER_GONE, /* FIN, RST or a socket error */
	CONTROL_POLICY, /* a reload changed the policy, and maybe class and barred: timers may run out
			 * earlier or later, no more sessions may be asked for */
	CONTROL_RESUMED, /* taken over from the process before: who is barred goes now */
	CONTROL_SHUTDOWN, /* this server ends */
};

struct control_in {
	enum control_kind kind;
	uint8_t *octets; /* OCTETS: may be changed in place */
	size_t len;
	struct session *session; /* PORT_READY, SESSION_ENDED */
	int error; /* PORT_REFUSED: negative errno, or 0 with reason set */
	enum reason reason; /* KEY_REFUSED; PORT_REFUSED, when not an errno */
	const struct crypt_keys *keys; /* KEY_READY */
	struct wall wall; /* OCTETS: arrival; PORT_READY: now, for the SID */
	uint8_t random
		[32]; /* fresh for OPENED (Challenge, Salt), KEY_READY (IV), PORT_READY (SID) */
};

/* What the server logs and counts. Values beyond the kind's own are 0. */
enum control_fact {
	CONTROL_FACT_ESTABLISHED = 1, /* Server-Start 0; modes are set */
	CONTROL_FACT_REFUSED_CONNECTION, /* Server-Start != 0: reason */
	/* Accept-Session != 0: reason, value (what was asked) or other (errno of the system) */
	CONTROL_FACT_REFUSED_REQUEST,
	CONTROL_FACT_REFUSED_START, /* Start-Ack, Start-N-Ack != 0: reason, value = sessions */
	CONTROL_FACT_REFUSED_STOP, /* Stop-N-Ack != 0: reason, value = sessions */
	CONTROL_FACT_ACCEPTED, /* session */
	CONTROL_FACT_STARTED, /* value = sessions started */
	CONTROL_FACT_STOPPED, /* value = sessions stopped, other = Accept of the client */
	CONTROL_FACT_STOP_WRONG, /* value = count given, other = count in progress */
	CONTROL_FACT_PACKETS_IGNORED, /* Number of Packets != 0: value */
	CONTROL_FACT_BARRED, /* reason: no more sessions */
	CONTROL_FACT_CLOSED, /* why */
};

enum control_why {
	CONTROL_WHY_PEER = 1, /* the client closed */
	CONTROL_WHY_DENIED, /* no class: greeting with Modes 0 */
	CONTROL_WHY_MODE_ZERO,
	CONTROL_WHY_REFUSED, /* after Server-Start != 0 */
	CONTROL_WHY_HANDSHAKE, /* timers */
	CONTROL_WHY_MESSAGE,
	CONTROL_WHY_SEND_STALL,
	CONTROL_WHY_SERVWAIT,
	CONTROL_WHY_STOP_WRONG,
	CONTROL_WHY_HMAC, /* a message that is not the client's */
	CONTROL_WHY_UNKNOWN, /* keyed mode: a command of unknown length */
	CONTROL_WHY_SID_COUNT, /* Start-N, Stop-N with none or too many */
	CONTROL_WHY_GARBAGE, /* more to discard than R-073 allows */
	CONTROL_WHY_BARRED,
	CONTROL_WHY_SHUTDOWN,
};

struct control_report {
	enum control_fact fact;
	enum reason reason;
	enum accept_code code; /* sent, for refusals */
	enum control_why why;
	uint64_t value, other;
	struct session *session;
};

#define CONTROL_OFF INT64_C(-1)
#define CONTROL_NEVER INT64_MAX
#define CONTROL_QUIET_NS (TS_NS_PER_S / 4) /* */
#define CONTROL_SKIP_MAX 4096u
#define CONTROL_BARRED_S 3600u /* what runs may finish in this time */
#define CONTROL_SID_BUCKETS 64
#define CONTROL_KEPT_NS (3600 * TS_NS_PER_S) /* a SID is forgotten so long after its session */

#define CONTROL_REPORTS 8

struct control_out {
	uint8_t *octets; /* the caller's; as many as control_room() says */
	size_t size, len; /* of it; octets to send */
	bool derive; /* order DERIVE: control_auth() says what */
	bool open; /* order OPEN: control_spec() says what */
	bool start; /* sessions with SESSION_TODO_START are on the list */
	bool close; /* send, then close */
	bool abort; /* close now, nothing can be delivered */
	struct mono deadline; /* feed CONTROL_DEADLINE then; INT64_MAX = none */
	struct control_report reports[CONTROL_REPORTS];
	unsigned n_reports;
};

/* The secrets of a connection in a keyed mode. */
struct control_keyed {
	struct crypt_keys keys;
	struct crypt_stream from_client, to_client;
	uint8_t mark[CRYPT_MARK_LEN]; /* of the passphrase that the Token was right for */
};

struct control {
	enum control_state state;
	uint32_t modes; /* selected; 0 before */
	struct address local, remote;
	uint8_t sid_ipv4[4];
	uint8_t challenge[16], salt[16]; /* of the greeting */
	uint32_t count;
	struct msg_setup setup; /* of the client; the Token is wiped when it is done with */
	struct control_keyed *keyed; /* the server's, zero; there when a key is derived */
	ts_wire start_time; /* of this server instance */
	struct admit_total *total;
	struct admit_client *client;
	struct admit_class *class; /* set by the server; NULL = none: then there are no sessions */
	enum reason
		barred; /* set by the server: why there are no more sessions; REASON_OK = there are */
	struct admit_class *charged; /* that this connection is counted in */
	bool within_rate; /* limits.connection_rate */

	uint8_t head[MSG_BLOCK]; /* first block of the message that is being read */
	bool have_head;
	bool counted; /* admit_connection succeeded */
	bool blocked;
	bool skipping; /* */
	uint32_t skipped;
	uint32_t modes_offered;
	size_t rest; /* octets of the message after its head */
	enum reason refused; /* of the command that is being read: answer 3 when it is complete */
	uint32_t in_progress; /* started and not covered by a Stop */
	uint32_t running; /* of these, not ended by REFWAIT */
	uint32_t sessions; /* linked: accepted, active, stopping, or kept */
	struct session *first, *last; /* linked sessions, oldest first */
	uint32_t kept; /* of these, ended: only the SID is kept. R-205 */
	struct session *oldest_kept, *newest_kept;
	struct session *by_sid[CONTROL_SID_BUCKETS];
	struct session *todo, *todo_last;
	struct session_spec spec; /* of the request in OPENING */
	uint16_t reflect_octets; /* of the last request; RFC 6038 4.2 */

	/* When each timer began; CONTROL_OFF = it does not run. */
	struct mono opened, heard, message, quiet, stalled, barred_since;
};
