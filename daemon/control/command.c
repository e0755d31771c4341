// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/command.h"

#include "daemon/control/request.h"

#include <assert.h>

static struct control_report *report(struct control_out *out, enum control_fact fact)
{
	struct control_report *r = &out->reports[out->n_reports++];

	assert(out->n_reports <= CONTROL_REPORTS);
	*r = (struct control_report){ .fact = fact };
	return r;
}

static uint8_t *answer(struct control_out *out, size_t len)
{
	uint8_t *at = out->octets + out->len;

	assert(len <= sizeof out->octets - out->len);
	out->len += len;
	return at;
}

static void add_todo(struct control *c, struct session *s, enum session_todo todo)
{
	if (s->todo != SESSION_TODO_NONE) { /* still on the list */
		s->todo = todo;
		return;
	}
	s->todo = todo;
	s->next_todo = NULL;
	if (c->todo_last) {
		c->todo_last->next_todo = s;
	} else {
		c->todo = s;
	}
	c->todo_last = s;
}

/* RFC 5357 3.5: reflect for the Timeout after Stop. */
static void stop_active(struct control *c)
{
	for (struct session *s = c->first; s; s = s->next) {
		if (s->state != SESSION_ACTIVE) {
			continue;
		}
		s->state = SESSION_STOPPING;
		add_todo(c, s, SESSION_TODO_STOP);
	}
	c->running = 0;
	c->in_progress = 0;
}

/* The connection ends: what is accepted or active ends with it, what is stopping drains. R-190 */
void command_leave(struct control *c, enum control_why why, struct control_out *out)
{
	for (struct session *s = c->first; s; s = s->next) {
		if (s->state == SESSION_ACCEPTED || s->state == SESSION_ACTIVE) {
			s->state = SESSION_ENDED;
			add_todo(c, s, SESSION_TODO_END);
		}
	}
	c->running = 0;
	c->in_progress = 0;
	if (c->counted) {
		admit_connection_end(c->total, c->client);
	}
	c->counted = false;
	report(out, CONTROL_FACT_CLOSED)->why = why;
	c->state = CONTROL_CLOSING;
	out->close = true;
}

void command_open(struct control *c, const struct policy *p, const struct control_in *in,
		  struct mono now, struct control_out *out)
{
	struct msg_greeting g = { .modes = p->modes | p->features, .count = CONTROL_COUNT };

	_Static_assert(sizeof in->random >= sizeof g.challenge + sizeof g.salt, "randomness");
	memcpy(g.challenge, in->random, sizeof g.challenge);
	memcpy(g.salt, in->random + sizeof g.challenge, sizeof g.salt);
	c->modes_offered = g.modes;
	c->opened = now;
	/* Held from now on; a refusal is told in Server-Start, where it is tried again. */
	c->counted = admit_connection(c->total, c->client, p) == REASON_OK;
	msg_put_greeting(answer(out, MSG_GREETING_LEN), &g);
}

/* R-040..R-045 */
static enum reason check_mode(const struct control *c, uint32_t mode)
{
	uint32_t security = mode & MODE_SECURITY_MASK;

	if (!security || (security & (security - 1))) {
		return REASON_MODE_MULTIPLE;
	}
	if (security & ~c->modes_offered) {
		return REASON_MODE_NOT_OFFERED;
	}
	if (mode & MODE_KNOWN_MASK & ~c->modes_offered) {
		return REASON_FEATURE_NOT_OFFERED;
	}
	return REASON_OK;
}

void command_setup(struct control *c, const struct policy *p, const uint8_t *octets,
		   struct mono now, struct control_out *out)
{
	struct msg_server_start start = { .start_time = c->start_time };
	struct control_report *r;
	struct msg_setup m;
	enum reason why;

	msg_get_setup(octets, &m);
	if (!m.mode) {
		command_leave(c, CONTROL_WHY_MODE_ZERO, out);
		return;
	}
	why = check_mode(c, m.mode);
	if (why == REASON_OK && !c->counted) {
		why = admit_connection(c->total, c->client, p);
	}
	start.accept = (uint8_t)reason_info(why)->code;
	msg_put_server_start(answer(out, MSG_SERVER_START_LEN), &start);
	if (why != REASON_OK) {
		r = report(out, CONTROL_FACT_REFUSED_CONNECTION);
		r->reason = why;
		r->value = m.mode;
		command_leave(c, CONTROL_WHY_REFUSED, out);
		return;
	}
	c->counted = true;
	c->modes = m.mode & MODE_KNOWN_MASK;
	c->state = CONTROL_READY;
	c->opened.ns = CONTROL_OFF;
	c->heard = now;
	report(out, CONTROL_FACT_ESTABLISHED)->value = m.mode;
}

static void refuse_request(enum reason why, uint64_t value, struct control_out *out)
{
	struct msg_accept_session m = { .accept = (uint8_t)reason_info(why)->code };
	struct control_report *r = report(out, CONTROL_FACT_REFUSED_REQUEST);

	r->reason = why;
	r->value = value;
	msg_put_accept_session(answer(out, MSG_ACCEPT_SESSION_LEN), &m);
}

static void take_request(struct control *c, const struct policy *p, const uint8_t *octets,
			 struct mono now, struct control_out *out)
{
	struct request_context x = { .local = &c->local, .remote = &c->remote, .modes = c->modes };
	bool within_rate = admit_request(c->client, p, now);
	struct msg_request m;
	uint64_t value = 0;
	enum reason why;

	msg_get_request(octets, &m);
	if (m.packets) {
		report(out, CONTROL_FACT_PACKETS_IGNORED)->value = m.packets;
	}
	if (c->state == CONTROL_ACTIVE) {
		why = REASON_BUSY_TESTING;
	} else {
		why = request_check(&x, p, &m, &c->spec, &value);
	}
	if (why == REASON_OK) {
		why = admit_session(c->total, c->client, p, c->sessions, within_rate);
	}
	if (why != REASON_OK) {
		refuse_request(why, value, out);
		return;
	}
	c->state = CONTROL_OPENING;
	out->open = true;
}

static void answer_start(enum reason why, struct control_out *out)
{
	if (why != REASON_OK) {
		report(out, CONTROL_FACT_REFUSED_START)->reason = why;
	}
	msg_put_start_ack(answer(out, MSG_START_ACK_LEN), (uint8_t)reason_info(why)->code);
}

static void take_start(struct control *c, struct control_out *out)
{
	if (c->state == CONTROL_ACTIVE) {
		answer_start(REASON_WRONG_STATE, out);
		return;
	}
	for (struct session *s = c->first; s; s = s->next) {
		if (s->state == SESSION_ACCEPTED) {
			s->start_error = 0;
			add_todo(c, s, SESSION_TODO_START);
			out->start = true;
		}
	}
	if (out->start) {
		c->state = CONTROL_STARTING;
	} else {
		answer_start(REASON_NOTHING_TO_START, out);
	}
}

static void take_stop(struct control *c, const uint8_t *octets, struct mono now,
		      struct control_out *out)
{
	struct control_report *r;
	struct msg_stop m;
	bool right;

	msg_get_stop(octets, &m);
	right = m.sessions == c->in_progress || (c->state == CONTROL_READY && !m.sessions);
	r = report(out, right ? CONTROL_FACT_STOPPED : CONTROL_FACT_STOP_WRONG);
	r->value = m.sessions;
	r->other = right ? m.accept : c->in_progress;
	stop_active(c);
	if (!right) {
		command_leave(c, CONTROL_WHY_STOP_WRONG, out);
		return;
	}
	c->state = CONTROL_READY;
	c->heard = now;
}

/* What follows a first block: and control.md 11. */
void command_head(struct control *c, const uint8_t *octets, struct mono now,
		  struct control_out *out)
{
	struct msg_n n;

	memcpy(c->head, octets, MSG_BLOCK);
	c->refused = REASON_OK;
	switch (c->head[0]) {
	case MSG_CMD_REQUEST_TW_SESSION:
		c->rest = MSG_REQUEST_LEN - MSG_BLOCK;
		break;
	case MSG_CMD_START_SESSIONS:
	case MSG_CMD_STOP_SESSIONS:
		c->rest = MSG_START_LEN - MSG_BLOCK;
		break;
	case MSG_CMD_START_N_SESSIONS:
	case MSG_CMD_STOP_N_SESSIONS:
		msg_get_n_head(c->head, &n);
		c->rest = n.n && n.n <= MSG_N_MAX ? MSG_N_LEN(n.n) - MSG_BLOCK : 0;
		c->refused = REASON_UNEXPECTED_COMMAND;
		break;
	default:
		c->rest = 0;
		break;
	}
	if (!c->rest) {
		refuse_request(REASON_UNEXPECTED_COMMAND, c->head[0], out);
		c->message.ns = CONTROL_OFF;
		c->skipping = true;
		c->skipped = 0;
		c->quiet = now;
		return;
	}
	c->have_head = true;
	if (c->message.ns == CONTROL_OFF) {
		c->message = now;
	}
}

void command_body(struct control *c, const struct policy *p, const uint8_t *octets, struct mono now,
		  struct control_out *out)
{
	uint8_t m[MSG_REQUEST_LEN];

	c->have_head = false;
	c->message.ns = CONTROL_OFF;
	if (c->refused != REASON_OK) {
		refuse_request(c->refused, c->head[0], out);
		return;
	}
	assert(MSG_BLOCK + c->rest <= sizeof m);
	memcpy(m, c->head, MSG_BLOCK);
	memcpy(m + MSG_BLOCK, octets, c->rest);
	if (m[0] == MSG_CMD_REQUEST_TW_SESSION) {
		take_request(c, p, m, now, out);
	} else if (m[0] == MSG_CMD_START_SESSIONS) {
		take_start(c, out);
	} else {
		take_stop(c, m, now, out);
	}
}

void command_skip(struct control *c, size_t len, struct mono now, struct control_out *out)
{
	c->quiet = now;
	c->skipped += (uint32_t)len;
	if (c->skipped > CONTROL_SKIP_MAX) {
		command_leave(c, CONTROL_WHY_GARBAGE, out);
	}
}

static void link_session(struct control *c, struct session *s)
{
	s->next = NULL;
	s->prev = c->last;
	if (c->last) {
		c->last->next = s;
	} else {
		c->first = s;
	}
	c->last = s;
	c->sessions++;
}

static void unlink_session(struct control *c, struct session *s)
{
	if (s->prev) {
		s->prev->next = s->next;
	} else {
		c->first = s->next;
	}
	if (s->next) {
		s->next->prev = s->prev;
	} else {
		c->last = s->prev;
	}
	s->next = s->prev = NULL;
	c->sessions--;
}

void command_port_ready(struct control *c, const struct control_in *in, struct control_out *out)
{
	struct msg_accept_session m = { .accept = ACCEPT_OK, .port = in->session->port };
	struct session *s = in->session;

	link_session(c, s);
	if (c->state != CONTROL_OPENING) { /* the connection ended meanwhile */
		s->state = SESSION_ENDED;
		add_todo(c, s, SESSION_TODO_END);
		return;
	}
	s->state = SESSION_ACCEPTED;
	session_sid(s->sid, c->sid_ipv4, ts_encode(TS_NTP, in->wall), in->random);
	memcpy(m.sid, s->sid, sizeof m.sid);
	msg_put_accept_session(answer(out, MSG_ACCEPT_SESSION_LEN), &m);
	report(out, CONTROL_FACT_ACCEPTED)->session = s;
	c->state = CONTROL_READY;
}

void command_port_refused(struct control *c, const struct control_in *in, struct control_out *out)
{
	enum reason why = in->error ? admit_errno(in->error) : in->reason;
	uint64_t value = (uint64_t)(in->error ? -in->error : 0);

	admit_session_end(c->total, c->client);
	if (c->state != CONTROL_OPENING) {
		return;
	}
	refuse_request(why, value, out);
	c->state = CONTROL_READY;
}

/* All or nothing: no session is left half started. R-144 */
void command_started(struct control *c, struct mono now, struct control_out *out)
{
	enum reason why = REASON_OK;
	uint32_t n = 0;

	if (c->state != CONTROL_STARTING) {
		return;
	}
	for (struct session *s = c->first; s; s = s->next) {
		if (s->state != SESSION_ACCEPTED) {
			continue;
		}
		if (s->start_error) {
			why = admit_errno(s->start_error);
		}
		s->state = SESSION_ACTIVE;
		n++;
	}
	if (why == REASON_OK) {
		c->in_progress += n;
		c->running += n;
		c->state = CONTROL_ACTIVE;
		report(out, CONTROL_FACT_STARTED)->value = n;
	} else {
		for (struct session *s = c->first; s; s = s->next) {
			if (s->state == SESSION_ACTIVE) {
				s->state = SESSION_ENDED;
				add_todo(c, s, SESSION_TODO_END);
			}
		}
		c->state = CONTROL_READY;
		c->heard = now;
	}
	answer_start(why, out);
}

void command_session_ended(struct control *c, struct session *s, struct mono now)
{
	bool was_active = s->state == SESSION_ACTIVE;

	s->state = SESSION_ENDED;
	unlink_session(c, s);
	if (!was_active) {
		return;
	}
	assert(c->running);
	c->running--;
	if (!c->running && c->state == CONTROL_ACTIVE) { /* */
		c->state = CONTROL_READY;
		c->heard = now;
	}
}
