// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/control.h"

#include "daemon/control/answer.h"
#include "daemon/control/command.h"
#include "daemon/control/handshake.h"

#include <assert.h>

void control_init(struct control *c, const struct address *local, const struct address *remote,
		  struct admit_total *total, struct admit_client *client)
{
	struct mono off = { CONTROL_OFF };

	*c = (struct control){
		.state = CONTROL_GREETED,
		.local = *local,
		.remote = *remote,
		.total = total,
		.client = client,
		.opened = off,
		.heard = off,
		.message = off,
		.quiet = off,
		.stalled = off,
		.barred_since = off,
	};
}

const char *control_why_text(enum control_why why)
{
	switch (why) {
	case CONTROL_WHY_PEER:
		return "the client closed the connection";
	case CONTROL_WHY_DENIED:
		return "no class of the setting clients matches this address";
	case CONTROL_WHY_MODE_ZERO:
		return "the client found no mode that it can use";
	case CONTROL_WHY_REFUSED:
		return "the connection was refused";
	case CONTROL_WHY_HANDSHAKE:
		return "no Set-Up-Response within timers.handshake";
	case CONTROL_WHY_MESSAGE:
		return "a message was not completed within timers.message";
	case CONTROL_WHY_SEND_STALL:
		return "the client took no answers for timers.send_stall";
	case CONTROL_WHY_SERVWAIT:
		return "nothing was heard for timers.servwait";
	case CONTROL_WHY_STOP_WRONG:
		return "Stop-Sessions with a wrong Number of Sessions";
	case CONTROL_WHY_HMAC:
		return "a message with a wrong HMAC: damaged, forged, or sealed with another key";
	case CONTROL_WHY_UNKNOWN:
		return "an unknown command in a keyed mode, of unknown length";
	case CONTROL_WHY_SID_COUNT:
		return "Start-N-Sessions or Stop-N-Sessions with no SID or too many";
	case CONTROL_WHY_GARBAGE:
		return "too much of an unknown command";
	case CONTROL_WHY_BARRED:
		return "this client may not have sessions any more";
	case CONTROL_WHY_SHUTDOWN:
		return "this server stops, or an operator ended the connection";
	}
	return "unknown";
}

struct session *control_next_todo(struct control *c, enum session_todo *todo)
{
	struct session *s = c->todo;

	if (!s) {
		return NULL;
	}
	c->todo = s->next_todo;
	if (!c->todo) {
		c->todo_last = NULL;
	}
	*todo = s->todo;
	s->todo = SESSION_TODO_NONE;
	if (*todo == SESSION_TODO_FREE) {
		command_unlink(c, s);
	}
	return s;
}

void control_wipe(struct control *c)
{
	explicit_bzero(c->setup.token, sizeof c->setup.token);
	if (c->keyed) {
		crypt_keys_wipe(&c->keyed->keys);
		crypt_stream_wipe(&c->keyed->from_client);
		crypt_stream_wipe(&c->keyed->to_client);
		explicit_bzero(c->keyed->mark, sizeof c->keyed->mark);
	}
}

/* Acknowledgements of individual control: one message per Accept value, all SIDs of the
 * command, and a reason for each. */
static size_t most(const struct control *c)
{
	size_t n = c->rest / MSG_SID_LEN;

	if (!(c->modes & MODE_INDIVIDUAL_CONTROL)) {
		return MSG_GREETING_LEN;
	}
	return MSG_N_LEN(n) + ACCEPT_COUNT * MSG_N_LEN(0) + n + MSG_GREETING_LEN;
}

size_t control_room(const struct control *c, enum control_kind kind)
{
	switch (kind) {
	case CONTROL_OPENED:
	case CONTROL_OCTETS:
	case CONTROL_KEY_READY:
	case CONTROL_KEY_REFUSED:
	case CONTROL_PORT_READY:
	case CONTROL_PORT_REFUSED:
	case CONTROL_STARTED:
		return most(c);
	case CONTROL_ARRIVED:
	case CONTROL_SESSION_ENDED:
	case CONTROL_BLOCKED:
	case CONTROL_FLUSHED:
	case CONTROL_DEADLINE:
	case CONTROL_PEER_GONE:
	case CONTROL_POLICY:
	case CONTROL_RESUMED:
	case CONTROL_SHUTDOWN:
		return 0;
	}
	return 0;
}

size_t control_want(const struct control *c)
{
	if (c->blocked) {
		return 0;
	}
	switch (c->state) {
	case CONTROL_GREETED:
		return MSG_SETUP_LEN;
	case CONTROL_READY:
	case CONTROL_ACTIVE:
		if (c->skipping) {
			return 1;
		}
		return c->have_head ? c->rest : MSG_BLOCK;
	case CONTROL_DERIVING:
	case CONTROL_OPENING:
	case CONTROL_STARTING:
	case CONTROL_CLOSING:
	case CONTROL_DEAD:
		return 0;
	}
	return 0;
}

static void take_octets(struct control *c, const struct policy *p, const struct control_in *in,
			struct mono now, struct control_out *out)
{
	assert(in->len && in->len == control_want(c));
	answer_heard(c, now);
	switch (c->state) {
	case CONTROL_GREETED:
		handshake_setup(c, p, in->octets, now, out);
		return;
	case CONTROL_READY:
	case CONTROL_ACTIVE:
		if (c->skipping) {
			command_skip(c, in->len, now, out);
		} else if (c->have_head) {
			command_body(c, p, in->octets, now, out);
		} else {
			command_head(c, in->octets, now, out);
		}
		return;
	case CONTROL_DERIVING:
	case CONTROL_OPENING:
	case CONTROL_STARTING:
	case CONTROL_CLOSING:
	case CONTROL_DEAD:
		return;
	}
}

/* --- time ----------------------------------------------------------------------------- */

static int64_t after(struct mono start, int64_t ns)
{
	return start.ns == CONTROL_OFF ? CONTROL_NEVER : start.ns + ns;
}

static int64_t after_s(struct mono start, uint32_t s)
{
	return after(start, (int64_t)s * TS_NS_PER_S);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* SERVWAIT runs while nothing is being tested. RFC 5357 3.1 */
static int64_t servwait(const struct control *c, const struct policy *p)
{
	return c->state == CONTROL_READY ? after_s(c->heard, p->servwait_s) : CONTROL_NEVER;
}

static void take_deadline(struct control *c, const struct policy *p, struct mono now,
			  struct control_out *out)
{
	if (c->state == CONTROL_DEAD) {
		return;
	}
	if (c->skipping && now.ns >= after(c->quiet, CONTROL_QUIET_NS)) {
		c->skipping = false;
		c->quiet.ns = CONTROL_OFF;
	}
	if (now.ns >= after_s(c->stalled, p->send_stall_s)) {
		if (c->state != CONTROL_CLOSING) {
			answer_leave(c, CONTROL_WHY_SEND_STALL, out);
		}
		c->state = CONTROL_DEAD;
		out->abort = true;
		return;
	}
	if (c->state == CONTROL_CLOSING) {
		return;
	}
	command_age(c, p, now);
	if (now.ns >= after_s(c->opened, p->handshake_s)) {
		answer_leave(c, CONTROL_WHY_HANDSHAKE, out);
	} else if (now.ns >= after_s(c->message, p->message_s)) {
		answer_leave(c, CONTROL_WHY_MESSAGE, out);
	} else if (now.ns >= servwait(c, p)) {
		answer_leave(c, CONTROL_WHY_SERVWAIT, out);
	} else if (now.ns >= after_s(c->barred_since, CONTROL_BARRED_S)) {
		command_retire(c, CONTROL_WHY_BARRED, out);
	}
}

static struct mono next_deadline(const struct control *c, const struct policy *p)
{
	int64_t at = after_s(c->stalled, p->send_stall_s);

	if (c->state == CONTROL_DEAD) {
		return (struct mono){ CONTROL_NEVER };
	}
	if (c->state != CONTROL_CLOSING) {
		at = earlier(at, after_s(c->opened, p->handshake_s));
		at = earlier(at, after_s(c->message, p->message_s));
		at = earlier(at, after(c->quiet, CONTROL_QUIET_NS));
		at = earlier(at, servwait(c, p));
		at = earlier(at, c->oldest_kept ? after(c->oldest_kept->ended, CONTROL_KEPT_NS)
						: CONTROL_NEVER);
		at = earlier(at, after_s(c->barred_since, CONTROL_BARRED_S));
	}
	return (struct mono){ at };
}

/* Octets that do not complete anything yet. */
static void take_arrival(struct control *c, struct mono now)
{
	answer_heard(c, now);
	if (c->state != CONTROL_GREETED && c->message.ns == CONTROL_OFF && !c->skipping) {
		c->message = now;
	}
}

/* What the server has found out about class and key, told once. */
static void take_policy(struct control *c, struct mono now, struct control_out *out)
{
	if (c->barred == REASON_OK) {
		c->barred_since.ns = CONTROL_OFF;
	} else if (c->barred_since.ns == CONTROL_OFF) {
		c->barred_since = now;
		answer_report(out, CONTROL_FACT_BARRED)->reason = c->barred;
	}
}

const struct session_spec *control_spec(const struct control *c)
{
	return &c->spec;
}

static void feed_live(struct control *c, const struct policy *p, const struct control_in *in,
		      struct mono now, struct control_out *out)
{
	switch (in->kind) {
	case CONTROL_OPENED:
		handshake_open(c, p, in, now, out);
		return;
	case CONTROL_OCTETS:
		take_octets(c, p, in, now, out);
		return;
	case CONTROL_ARRIVED:
		take_arrival(c, now);
		return;
	case CONTROL_PEER_GONE:
		if (c->state == CONTROL_DERIVING) { /* the work was done for nothing: R-022 */
			admit_abandoned(c->client, p, now);
		}
		answer_leave(c, CONTROL_WHY_PEER, out);
		return;
	case CONTROL_SHUTDOWN:
		answer_leave(c, CONTROL_WHY_SHUTDOWN, out);
		return;
	case CONTROL_STARTED:
		command_started(c, in->octets, now, out);
		return;
	case CONTROL_KEY_READY:
		handshake_key_ready(c, p, in, now, out);
		return;
	case CONTROL_POLICY: /* the deadline is found anew after each event */
		command_age(c, p, now);
		take_policy(c, now, out);
		return;
	case CONTROL_RESUMED:
		command_age(c, p, now);
		take_policy(c, now, out);
		if (c->barred != REASON_OK) {
			command_retire(c, CONTROL_WHY_BARRED, out);
		}
		return;
	case CONTROL_KEY_REFUSED:
	case CONTROL_PORT_READY:
	case CONTROL_PORT_REFUSED:
	case CONTROL_SESSION_ENDED:
	case CONTROL_BLOCKED:
	case CONTROL_FLUSHED:
	case CONTROL_DEADLINE:
		return;
	}
}

void control_feed(struct control *c, const struct policy *policy, const struct control_in *in,
		  struct mono now, struct control_out *out)
{
	out->len = 0;
	out->n_reports = 0;
	out->derive = out->open = out->start = out->close = out->abort = false;
	if (in->kind == CONTROL_PORT_READY) {
		command_port_ready(c, in, now, out);
	} else if (in->kind == CONTROL_PORT_REFUSED) {
		command_port_refused(c, in, now, out);
	} else if (in->kind == CONTROL_KEY_REFUSED) {
		handshake_key_refused(c, policy, in->reason, now, out);
	} else if (in->kind == CONTROL_SESSION_ENDED) {
		command_session_ended(c, policy, in->session, now);
	} else if (in->kind == CONTROL_DEADLINE) {
		take_deadline(c, policy, now, out);
	} else if (in->kind == CONTROL_BLOCKED) {
		c->blocked = true;
		c->quiet.ns = CONTROL_OFF; /* nothing is read, so it is not quiet */
		if (c->stalled.ns == CONTROL_OFF) {
			c->stalled = now;
		}
	} else if (in->kind == CONTROL_FLUSHED) {
		c->blocked = false;
		c->stalled.ns = CONTROL_OFF;
		if (c->skipping) {
			c->quiet = now;
		}
	} else if (c->state != CONTROL_CLOSING && c->state != CONTROL_DEAD) {
		feed_live(c, policy, in, now, out);
	}
	out->deadline = next_deadline(c, policy);
}
