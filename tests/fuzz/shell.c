// SPDX-License-Identifier: BSD-2-Clause
#include "tests/fuzz/shell.h"

/* --- orders --------------------------------------------------------------------------- */

static struct shell_session *owner(struct session *s)
{
	return (struct shell_session *)(void *)s;
}

static void carry_out(struct shell *s)
{
	enum session_todo todo;
	struct session *i;

	while ((i = control_next_todo(&s->control, &todo)) != NULL) {
		struct shell_session *o = owner(i);

		MUST(o->used);
		switch (todo) {
		case SESSION_TODO_START:
			MUST(o->open && !o->ending && i->state == SESSION_ACCEPTED);
			break; /* its outcome comes with the answer */
		case SESSION_TODO_STOP:
			MUST(o->open && !o->ending && i->state == SESSION_STOPPING);
			o->ending = true;
			break;
		case SESSION_TODO_END:
			MUST(o->open && i->state == SESSION_ENDED);
			o->ending = true;
			break;
		case SESSION_TODO_FREE:
			MUST(!o->open && i->kept);
			/* nothing may look at it any more */
			memset(o, 0, sizeof(*o));
			break;
		case SESSION_TODO_NONE:
			MUST(todo != SESSION_TODO_NONE);
		}
	}
}

static void take_orders(struct shell *s, const struct control_out *out)
{
	s->deriving |= out->derive;
	s->opening |= out->open;
	s->starting |= out->start;
	s->closing |= out->close || out->abort;
	s->deadline_ns = out->deadline.ns;
}

void shell_feed(struct shell *s, struct control_in *in)
{
	enum control_state before = s->control.state;
	struct control_out out;

	memset(&out, 0xa5, sizeof(out));
	out.size = control_room(&s->control, in->kind);
	out.octets = malloc(out.size);
	MUST(out.octets);
	memset(out.octets, 0xa5, out.size);
	control_feed(&s->control, &s->policy, in, s->now, &out);
	s->fed++;
	carry_out(s);
	rules_check_out(s, in, &out, before);
	take_orders(s, &out);
	s->sent += out.len;
	peer_hear(s, before, out.octets, out.len);
	free(out.octets);
}

void shell_feed_kind(struct shell *s, enum control_kind kind)
{
	struct control_in in = { .kind = kind };

	shell_feed(s, &in);
}

/* --- octets --------------------------------------------------------------------------- */

/* Feed every message that is complete, and say so if another has begun. */
static void digest(struct shell *s)
{
	struct control_in in = { .kind = CONTROL_OCTETS, .wall = { s->now.ns } };
	size_t used = 0, want;

	while ((want = control_want(&s->control)) && want <= s->in_len - used && !s->closing) {
		free(s->message);
		s->message = malloc(want);
		MUST(s->message);
		memcpy(s->message, s->in + used, want);
		s->message_len = want;
		in.octets = s->message;
		in.len = want;
		used += want;
		shell_feed(s, &in);
		rules_check(s);
	}
	memmove(s->in, s->in + used, s->in_len - used);
	s->in_len -= used;
	if (want && s->in_len && !s->closing) {
		shell_feed_kind(s, CONTROL_ARRIVED);
	}
}

void shell_deliver(struct shell *s, size_t n)
{
	struct peer *p = &s->peer;

	if (!n || n > p->wire_len) {
		n = p->wire_len;
	}
	if (n > SHELL_IN - s->in_len) {
		n = SHELL_IN - s->in_len;
	}
	memcpy(s->in + s->in_len, s->wire, n);
	s->in_len += n;
	s->received += n;
	memmove(s->wire, s->wire + n, p->wire_len - n);
	p->wire_len -= n;
	digest(s);
}
