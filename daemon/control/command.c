// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/command.h"

#include "daemon/control/answer.h"
#include "daemon/control/individual.h"
#include "daemon/control/request.h"

#include <assert.h>

/* RFC 5357 3.5: reflect for the Timeout after Stop. */
static void stop_active(struct control *c)
{
	for (struct session *s = c->first; s; s = s->next) {
		if (s->state != SESSION_ACTIVE) {
			continue;
		}
		s->state = SESSION_STOPPING;
		answer_todo(c, s, SESSION_TODO_STOP);
	}
	c->running = 0;
	c->in_progress = 0;
}

void command_retire(struct control *c, enum control_why why, struct control_out *out)
{
	stop_active(c);
	answer_leave(c, why, out);
}

static void send_accept(struct control *c, const struct msg_accept_session *m,
			struct control_out *out)
{
	uint8_t *at = answer_room(out, MSG_ACCEPT_SESSION_LEN);
	struct msg_accept_session full = *m;

	if (c->modes & MODE_REFLECT_OCTETS) { /* also in a refusal: C-081 */
		full.reflected_octets = c->reflect_octets;
	}
	msg_put_accept_session(at, &full);
	answer_seal(c, at, MSG_ACCEPT_SESSION_LEN);
}

static bool individual(const struct control *c)
{
	return c->modes & MODE_INDIVIDUAL_CONTROL;
}

static struct control_report *refuse_request(struct control *c, enum reason why,
					     struct control_out *out)
{
	struct msg_accept_session m = { .accept = (uint8_t)admit_code(c->total, why) };
	struct control_report *r = answer_report(out, CONTROL_FACT_REFUSED_REQUEST);

	r->reason = why;
	r->code = m.accept;
	send_accept(c, &m, out);
	return r;
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
	c->reflect_octets = m.reflect_octets;
	if (m.packets) {
		answer_report(out, CONTROL_FACT_PACKETS_IGNORED)->value = m.packets;
	}
	if (c->barred != REASON_OK) {
		why = c->barred;
	} else if (c->state == CONTROL_ACTIVE && !individual(c)) {
		why = REASON_BUSY_TESTING;
	} else {
		why = request_check(&x, p, &m, &c->spec, &value);
	}
	if (why == REASON_OK) {
		why = admit_session(c->total, c->class, c->client, p, c->sessions - c->kept,
				    within_rate);
	}
	if (why != REASON_OK) {
		refuse_request(c, why, out)->value = value;
		return;
	}
	c->state = CONTROL_OPENING;
	out->open = true;
}

static void answer_start(struct control *c, enum reason why, struct control_out *out)
{
	uint8_t *at = answer_room(out, MSG_START_ACK_LEN);

	if (why != REASON_OK) {
		struct control_report *r = answer_report(out, CONTROL_FACT_REFUSED_START);

		r->reason = why;
		r->code = reason_info(why)->code;
	}
	msg_put_start_ack(at, (uint8_t)reason_info(why)->code);
	answer_seal(c, at, MSG_START_ACK_LEN);
}

static void take_start(struct control *c, struct control_out *out)
{
	if (c->state == CONTROL_ACTIVE) {
		answer_start(c, REASON_WRONG_STATE, out);
		return;
	}
	if (c->barred != REASON_OK) {
		answer_start(c, c->barred, out);
		return;
	}
	for (struct session *s = c->first; s; s = s->next) {
		if (s->state == SESSION_ACCEPTED) {
			s->start_error = 0;
			answer_todo(c, s, SESSION_TODO_START);
			out->start = true;
		}
	}
	if (out->start) {
		c->state = CONTROL_STARTING;
	} else {
		answer_start(c, REASON_NOTHING_TO_START, out);
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
	r = answer_report(out, right ? CONTROL_FACT_STOPPED : CONTROL_FACT_STOP_WRONG);
	r->value = m.sessions;
	r->other = right ? m.accept : c->in_progress;
	stop_active(c);
	if (!right) {
		answer_leave(c, CONTROL_WHY_STOP_WRONG, out);
		return;
	}
	answer_settle(c, now);
}

/* Octets after the head of Start-N-Sessions or Stop-N-Sessions; 0 if there are none or too
 * many SIDs. C-092 */
static size_t rest_of_n(const struct control *c)
{
	uint32_t most = c->sessions > MSG_N_MAX ? c->sessions : MSG_N_MAX;
	struct msg_n n;

	msg_get_n_head(c->head, &n);
	if (!n.n && individual(c)) {
		return 0;
	}
	return n.n <= most ? MSG_N_LEN(n.n) - MSG_BLOCK : 0;
}

/* Length after the head, 0 = unknown; and whether it is legal now. */
static size_t rest_of(struct control *c)
{
	c->refused = REASON_OK;
	switch (c->head[0]) {
	case MSG_CMD_REQUEST_TW_SESSION:
		return MSG_REQUEST_LEN - MSG_BLOCK;
	case MSG_CMD_START_SESSIONS:
	case MSG_CMD_STOP_SESSIONS:
		c->refused = individual(c) ? REASON_UNEXPECTED_COMMAND : REASON_OK;
		return MSG_START_LEN - MSG_BLOCK;
	case MSG_CMD_START_N_SESSIONS:
	case MSG_CMD_STOP_N_SESSIONS:
		c->refused = individual(c) ? REASON_OK : REASON_UNEXPECTED_COMMAND;
		return rest_of_n(c);
	default:
		c->refused = REASON_UNEXPECTED_COMMAND;
		return 0;
	}
}

/*
 * in the clear it is thrown away until it is quiet. A keyed stream cannot go on: where the
 * HMAC would be is not known. The answer is due all the same (RFC 5357 3.5), then it ends.
 */
static void refuse_unknown(struct control *c, struct mono now, struct control_out *out)
{
	if (c->refused == REASON_OK) { /* a list of SIDs that cannot be: R-203 */
		answer_leave(c, CONTROL_WHY_SID_COUNT, out);
		return;
	}
	refuse_request(c, REASON_UNEXPECTED_COMMAND, out)->value = c->head[0];
	if (c->modes & MODE_KEYED_MASK) {
		answer_leave(c, CONTROL_WHY_UNKNOWN, out);
		return;
	}
	c->message.ns = CONTROL_OFF;
	c->skipping = true;
	c->skipped = 0;
	c->quiet = now;
}

void command_head(struct control *c, uint8_t *octets, struct mono now, struct control_out *out)
{
	if ((c->modes & MODE_KEYED_MASK) &&
	    crypt_open_part(&c->keyed->from_client, octets, MSG_BLOCK)) {
		answer_leave(c, CONTROL_WHY_HMAC, out);
		return;
	}
	memcpy(c->head, octets, MSG_BLOCK);
	c->reflect_octets = 0; /* those of an earlier request are not of this command */
	c->rest = rest_of(c);
	if (!c->rest) {
		refuse_unknown(c, now, out);
		return;
	}
	c->have_head = true;
	if (c->message.ns == CONTROL_OFF) {
		c->message = now;
	}
}

static void do_command(struct control *c, const struct policy *p, const uint8_t *body,
		       struct mono now, struct control_out *out)
{
	uint32_t n = (uint32_t)(c->rest / MSG_SID_LEN) - 1;
	uint8_t m[MSG_REQUEST_LEN];

	if (c->head[0] == MSG_CMD_START_N_SESSIONS) {
		individual_start(c, body, n, now, out);
		return;
	}
	if (c->head[0] == MSG_CMD_STOP_N_SESSIONS) {
		individual_stop(c, body, n, now, out);
		return;
	}
	assert(MSG_BLOCK + c->rest <= sizeof m);
	memcpy(m, c->head, MSG_BLOCK);
	memcpy(m + MSG_BLOCK, body, c->rest);
	if (m[0] == MSG_CMD_REQUEST_TW_SESSION) {
		take_request(c, p, m, now, out);
	} else if (m[0] == MSG_CMD_START_SESSIONS) {
		take_start(c, out);
	} else {
		take_stop(c, m, now, out);
	}
}

void command_body(struct control *c, const struct policy *p, uint8_t *octets, struct mono now,
		  struct control_out *out)
{
	c->have_head = false;
	c->message.ns = CONTROL_OFF;
	if ((c->modes & MODE_KEYED_MASK) && crypt_open(&c->keyed->from_client, octets, c->rest)) {
		answer_leave(c, CONTROL_WHY_HMAC, out); /* without an answer */
		return;
	}
	if (c->refused != REASON_OK) {
		refuse_request(c, c->refused, out)->value = c->head[0];
		return;
	}
	do_command(c, p, octets, now, out);
}

void command_skip(struct control *c, size_t len, struct mono now, struct control_out *out)
{
	c->quiet = now;
	c->skipped += (uint32_t)len;
	if (c->skipped > CONTROL_SKIP_MAX) {
		answer_leave(c, CONTROL_WHY_GARBAGE, out);
	}
}

void command_link(struct control *c, struct session *s)
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

static struct session **bucket(struct control *c, const struct session *s)
{
	return &c->by_sid[s->sid[MSG_SID_LEN - 1] % CONTROL_SID_BUCKETS];
}

void command_index(struct control *c, struct session *s)
{
	s->next_sid = *bucket(c, s);
	*bucket(c, s) = s;
}

void command_unlink(struct control *c, struct session *s)
{
	struct session **p = bucket(c, s);

	while (*p && *p != s) {
		p = &(*p)->next_sid;
	}
	if (*p) {
		*p = s->next_sid;
	}
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

void command_port_ready(struct control *c, const struct control_in *in, struct mono now,
			struct control_out *out)
{
	struct msg_accept_session m = { .accept = ACCEPT_OK, .port = in->session->port };
	struct session *s = in->session;

	command_link(c, s);
	if (c->state != CONTROL_OPENING) { /* the connection ended meanwhile */
		s->state = SESSION_ENDED;
		answer_todo(c, s, SESSION_TODO_END);
		return;
	}
	s->state = SESSION_ACCEPTED;
	session_sid(s->sid, c->sid_ipv4, ts_encode(TS_NTP, in->wall), in->random);
	command_index(c, s);
	memcpy(m.sid, s->sid, sizeof m.sid);
	send_accept(c, &m, out);
	answer_report(out, CONTROL_FACT_ACCEPTED)->session = s;
	answer_settle(c, now);
}

void command_port_refused(struct control *c, const struct control_in *in, struct mono now,
			  struct control_out *out)
{
	enum reason why = in->error ? admit_errno(in->error) : in->reason;

	admit_session_end(c->total, c->class, c->client);
	if (c->state != CONTROL_OPENING) {
		return;
	}
	refuse_request(c, why, out)->other = (uint64_t)(in->error ? -in->error : 0);
	answer_settle(c, now);
}

/* All or nothing: no session is left half started. R-144 */
static void take_started(struct control *c, struct mono now, struct control_out *out)
{
	enum reason why = REASON_OK;
	uint32_t n = 0;

	for (struct session *s = c->first; s; s = s->next) {
		if (s->state != SESSION_ACCEPTED) {
			continue;
		}
		if (s->start_error) {
			why = admit_start_errno(s->start_error);
		}
		s->state = SESSION_ACTIVE;
		n++;
	}
	if (!n) { /* all ended meanwhile */
		why = REASON_INTERNAL;
	}
	if (why == REASON_OK) {
		c->in_progress += n;
		c->running += n;
		answer_report(out, CONTROL_FACT_STARTED)->value = n;
	}
	for (struct session *s = c->first; why != REASON_OK && s; s = s->next) {
		if (s->state == SESSION_ACTIVE) {
			s->state = SESSION_ENDED;
			answer_todo(c, s, SESSION_TODO_END);
		}
	}
	answer_settle(c, now);
	answer_start(c, why, out);
}

void command_started(struct control *c, const uint8_t *body, struct mono now,
		     struct control_out *out)
{
	if (c->state != CONTROL_STARTING) {
		return;
	}
	if (individual(c)) {
		individual_started(c, body, (uint32_t)(c->rest / MSG_SID_LEN) - 1, now, out);
	} else {
		take_started(c, now, out);
	}
}

void command_keep(struct control *c, struct session *s)
{
	struct session *older = c->newest_kept;

	while (older && older->ended.ns > s->ended.ns) { /* only after a restart */
		older = older->older;
	}
	s->kept = true;
	s->older = older;
	s->newer = older ? older->newer : c->oldest_kept;
	*(s->older ? &s->older->newer : &c->oldest_kept) = s;
	*(s->newer ? &s->newer->older : &c->newest_kept) = s;
	c->kept++;
}

void command_forget(struct control *c, struct session *s)
{
	*(s->older ? &s->older->newer : &c->oldest_kept) = s->newer;
	*(s->newer ? &s->newer->older : &c->newest_kept) = s->older;
	c->kept--;
	answer_todo(c, s, SESSION_TODO_FREE);
}

void command_age(struct control *c, const struct policy *p, struct mono now)
{
	uint32_t most = p->max_sessions_per_connection / 4;

	most = most ? most : 1;
	while (c->oldest_kept &&
	       (c->kept > most || now.ns - c->oldest_kept->ended.ns >= CONTROL_KEPT_NS)) {
		command_forget(c, c->oldest_kept);
	}
}

void command_session_ended(struct control *c, const struct policy *p, struct session *s,
			   struct mono now)
{
	bool was_active = s->state == SESSION_ACTIVE;

	s->state = SESSION_ENDED;
	s->ended = now;
	if (was_active && individual(c)) { /* a Stop-N-Sessions may still name it: R-205 */
		command_keep(c, s);
		command_age(c, p, now);
	} else {
		command_unlink(c, s);
	}
	if (!was_active) {
		return;
	}
	assert(c->running);
	c->running--;
	if (!c->running && c->state == CONTROL_ACTIVE) { /* */
		answer_settle(c, now);
	}
}
