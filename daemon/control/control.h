// SPDX-License-Identifier: BSD-2-Clause
/*
 * The server's side of one TWAMP-Control connection: events in, octets and orders out. No
 * socket, no clock, no allocation. RFC 4656 3, RFC 5357 3.
 *
 * state     | legal input                  | answer, next state
 * ----------+------------------------------+---------------------------------------------
 * GREETED   | Set-Up-Response              | Server-Start 0 -> READY; != 0 -> CLOSING;
 *           |                              | Mode 0 -> CLOSING without answer   4656 3.1
 *           |                              | keyed mode: order DERIVE -> DERIVING
 * DERIVING  | KEY_READY, KEY_REFUSED       | Server-Start 0 -> READY; != 0 -> CLOSING
 * READY     | Request-TW-Session           | refused: Accept-Session; else order OPEN,
 *           |                              | -> OPENING                         5357 3.5
 *           | Start-Sessions               | Start-Ack 1, or orders START,
 *           |                              | -> STARTING                        5357 3.7
 *           | Stop-Sessions, right count   | nothing                            R-166
 * OPENING   | PORT_READY, PORT_REFUSED     | Accept-Session -> READY            5357 3.5
 * STARTING  | STARTED                      | Start-Ack -> ACTIVE or READY       5357 3.7
 * ACTIVE    | Stop-Sessions                | orders STOP -> READY; wrong count
 *           |                              | -> CLOSING                         5357 3.8
 *           | anything else of known size  | refused with 3, tests go on
 * any of READY, ACTIVE: a command of unknown length is answered with Accept-Session 3 and
 *           | discarded until it is quiet (skipping); keyed modes: the same
 *           | answer, -> CLOSING                                 5357 3.5, R-073
 * with individual session control (RFC 5938) READY and ACTIVE are alike but for SERVWAIT:
 *           | Request-TW-Session           | as above
 *           | Start-N-Sessions             | orders START -> STARTING; Start-N-Ack 5938 3.3
 *           | Stop-N-Sessions              | orders STOP; Stop-N-Ack              5938 3.5
 *           | Start-Sessions, Stop-Sessions| refused with 3                       5938 3.1
 * barred (the class or the key is gone): requests and starts are refused; what runs may finish,
 *           | for CONTROL_BARRED_S; SERVWAIT is not put off by what the client sends
 * CLOSING   | -                            | what is to be sent is flushed, -> DEAD
 * DEAD      | nothing
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

/** One lower-case phrase: "the client closed the connection". */
const char *control_why_text(enum control_why why);

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

/** Zero, with addresses and counters to use; the first event is CONTROL_OPENED. */
void control_init(struct control *c, const struct address *local, const struct address *remote,
		  struct admit_total *total, struct admit_client *client);

/** Wipe what is secret. */
void control_wipe(struct control *c);

/** Octets that the next CONTROL_OCTETS must carry; 0 = none can be taken now. */
size_t control_want(const struct control *c);

/* Enough for every answer but those of individual control to many sessions at once. */
#define CONTROL_ROOM_USUAL (MSG_GREETING_LEN + (1 + ACCEPT_COUNT) * MSG_N_LEN(0))

/**
 * Octets that control_out must have room for at an event of @kind. 0 for what has no answer: such
 * an event can be fed however short memory is, as it must be. More than CONTROL_ROOM_USUAL only for
 * CONTROL_OCTETS, and for what its orders lead to.
 */
size_t control_room(const struct control *c, enum control_kind kind);

/**
 * One event. @now never goes back. @policy is what holds now (a reload changes it between events).
 * Orders are carried out after it returns, in this order: todo list, octets, open or start
 * (each answered by an event), close. Sessions stay linked until CONTROL_SESSION_ENDED; who
 * frees the control walks `first` and forgets them.
 */
void control_feed(struct control *c, const struct policy *policy, const struct control_in *in,
		  struct mono now, struct control_out *out);

/** What order OPEN is about. */
const struct session_spec *control_spec(const struct control *c);

/** Take the next session off the todo list; NULL = none. Its todo says what to do. */
struct session *control_next_todo(struct control *c, enum session_todo *todo);
