// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/answer.h"

#include <assert.h>

struct control_report *answer_report(struct control_out *out, enum control_fact fact)
{
	struct control_report *r = &out->reports[out->n_reports++];

	assert(out->n_reports <= CONTROL_REPORTS);
	*r = (struct control_report){ .fact = fact };
	return r;
}

uint8_t *answer_room(struct control_out *out, size_t len)
{
	uint8_t *at = out->octets + out->len;

	assert(len <= out->size - out->len);
	out->len += len;
	return at;
}

void answer_seal(struct control *c, uint8_t *message, size_t len)
{
	if (c->modes & MODE_KEYED_MASK) {
		crypt_seal(&c->keyed->to_client, message, len);
	}
}

void answer_todo(struct control *c, struct session *s, enum session_todo todo)
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

void answer_settle(struct control *c, struct mono now)
{
	bool was_idle = c->state == CONTROL_READY;

	c->state = c->running ? CONTROL_ACTIVE : CONTROL_READY;
	if (was_idle) {
		answer_heard(c, now);
	} else {
		c->heard = now;
	}
}

void answer_heard(struct control *c, struct mono now)
{
	if (c->barred == REASON_OK) {
		c->heard = now;
	}
}

void answer_leave(struct control *c, enum control_why why, struct control_out *out)
{
	for (struct session *s = c->first; s; s = s->next) {
		if (s->state == SESSION_ACCEPTED || s->state == SESSION_ACTIVE) {
			s->state = SESSION_ENDED;
			answer_todo(c, s, SESSION_TODO_END);
		}
	}
	c->running = 0;
	c->in_progress = 0;
	if (c->counted) {
		admit_connection_end(c->total, c->charged, c->client);
	}
	c->counted = false;
	answer_report(out, CONTROL_FACT_CLOSED)->why = why;
	c->state = CONTROL_CLOSING;
	out->close = true;
}
