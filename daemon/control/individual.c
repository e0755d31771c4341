// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/individual.h"

#include "daemon/control/answer.h"
#include "daemon/control/command.h"

#include <assert.h>

struct session *individual_find(const struct control *c, const uint8_t sid[static MSG_SID_LEN])
{
	struct session *s = c->by_sid[sid[MSG_SID_LEN - 1] % CONTROL_SID_BUCKETS];

	while (s && memcmp(s->sid, sid, MSG_SID_LEN) != 0) {
		s = s->next_sid;
	}
	return s;
}

static const uint8_t *sid_at(const uint8_t *sids, uint32_t i)
{
	return sids + (size_t)i * MSG_SID_LEN;
}

/* One acknowledgement per Accept value that occurs, in ascending order. R-206 */
static void acknowledge(struct control *c, enum msg_command command, const uint8_t *sids,
			const uint8_t *reasons, uint32_t n, struct control_out *out)
{
	bool start = command == MSG_CMD_START_N_ACK;

	for (unsigned code = 0; code < ACCEPT_COUNT; code++) {
		struct msg_n m = { .command = (uint8_t)command, .accept = (uint8_t)code };
		uint8_t *at = out->octets + out->len;
		struct control_report *r;
		enum reason why = REASON_OK;

		for (uint32_t i = 0; i < n; i++) {
			if (reason_info(reasons[i])->code != code) {
				continue;
			}
			memcpy(at + MSG_BLOCK + (size_t)m.n * MSG_SID_LEN, sid_at(sids, i),
			       MSG_SID_LEN);
			why = reasons[i];
			m.n++;
		}
		if (!m.n) {
			continue;
		}
		at = answer_room(out, MSG_N_LEN(m.n));
		msg_put_n_head(at, &m);
		memset(at + MSG_N_LEN(m.n) - MSG_HMAC_LEN, 0, MSG_HMAC_LEN);
		answer_seal(c, at, MSG_N_LEN(m.n));
		if (why == REASON_OK) {
			r = answer_report(out, start ? CONTROL_FACT_STARTED : CONTROL_FACT_STOPPED);
		} else {
			r = answer_report(out, start ? CONTROL_FACT_REFUSED_START
						     : CONTROL_FACT_REFUSED_STOP);
		}
		r->reason = why;
		r->code = (enum accept_code)code;
		r->value = m.n;
	}
}

/* What comes of each SID, and the answer to all of them. Reasons are kept behind what is sent. */
static void conclude(struct control *c, enum msg_command command,
		     enum reason (*each)(struct control *, struct session *), const uint8_t *sids,
		     uint32_t n, struct mono now, struct control_out *out)
{
	uint8_t *reasons = out->octets + out->size - n;

	_Static_assert(REASON_COUNT <= 256, "a reason fits into an octet");
	assert(out->size - out->len >= MSG_N_LEN(n) + (ACCEPT_COUNT - 1) * MSG_N_LEN(0) + n);
	for (uint32_t i = 0; i < n; i++) {
		reasons[i] = (uint8_t)each(c, individual_find(c, sid_at(sids, i)));
	}
	answer_settle(c, now);
	acknowledge(c, command, sids, reasons, n, out);
}

void individual_start(struct control *c, const uint8_t *sids, uint32_t n, struct mono now,
		      struct control_out *out)
{
	for (uint32_t i = 0; i < n; i++) {
		struct session *s = individual_find(c, sid_at(sids, i));

		if (s && s->state == SESSION_ACCEPTED && !s->named && c->barred == REASON_OK) {
			s->named = true;
			s->start_error = 0;
			answer_todo(c, s, SESSION_TODO_START);
			out->start = true;
		}
	}
	if (out->start) {
		c->state = CONTROL_STARTING;
	} else {
		individual_started(c, sids, n, now, out);
	}
}

/* */
static enum reason started(struct control *c, struct session *s)
{
	if (!s) {
		return REASON_UNKNOWN_SID;
	}
	if (s->state == SESSION_ACCEPTED && c->barred != REASON_OK) {
		return c->barred;
	}
	if (!s->named) { /* started before, or named twice */
		return REASON_ALREADY_STARTED;
	}
	s->named = false;
	if (s->start_error) { /* it stays accepted, and may be started later */
		return admit_start_errno(s->start_error);
	}
	s->state = SESSION_ACTIVE;
	c->running++;
	return REASON_OK;
}

void individual_started(struct control *c, const uint8_t *sids, uint32_t n, struct mono now,
			struct control_out *out)
{
	conclude(c, MSG_CMD_START_N_ACK, started, sids, n, now, out);
}

/* */
static enum reason stop(struct control *c, struct session *s)
{
	if (!s) {
		return REASON_UNKNOWN_SID;
	}
	switch (s->state) {
	case SESSION_ACCEPTED:
		s->state = SESSION_ENDED;
		answer_todo(c, s, SESSION_TODO_END);
		return REASON_OK;
	case SESSION_ACTIVE:
		s->state = SESSION_STOPPING;
		c->running--;
		answer_todo(c, s, SESSION_TODO_STOP);
		return REASON_OK;
	case SESSION_STOPPING:
		return REASON_ALREADY_STOPPED;
	case SESSION_ENDED:
		break;
	}
	if (!s->kept || s->todo == SESSION_TODO_FREE) {
		return REASON_ALREADY_STOPPED;
	}
	command_forget(c, s);
	return REASON_OK;
}

void individual_stop(struct control *c, const uint8_t *sids, uint32_t n, struct mono now,
		     struct control_out *out)
{
	conclude(c, MSG_CMD_STOP_N_ACK, stop, sids, n, now, out);
}
