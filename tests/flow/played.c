// SPDX-License-Identifier: BSD-2-Clause
#include "tests/flow/world.h"

#include <errno.h>

#define NEVER CONTROL_NEVER
#define MS (TS_NS_PER_S / 1000)

struct played_session *played_of(struct session *s)
{
	return (struct played_session *)(void *)s;
}

void played_end(struct world *w, struct played_session *p)
{
	struct control_in in = { .kind = CONTROL_SESSION_ENDED, .session = &p->session };

	p->end_ns = NEVER;
	p->ended = true;
	admit_session_end(&w->total, p->class, &w->hosts[p->host]);
	if (p->conn) {
		world_feed(w, p->conn, &in);
	}
	p->used = p->session.kept;
}

void played_carry_out(struct world *w, struct conn *c)
{
	static const int errors[] = { ENOMEM, ENOBUFS, EIO, EAGAIN };
	enum session_todo todo;
	struct session *s;
	struct known *k;

	while ((s = control_next_todo(&c->control, &todo)) != NULL) {
		struct played_session *p = played_of(s);

		MUST(p->used && p->conn == c);
		switch (todo) {
		case SESSION_TODO_START:
			MUST(s->state == SESSION_ACCEPTED);
			if (world_one_in(w, 12)) {
				s->start_error = -errors[world_random(w, 4)];
			} else {
				p->end_ns = w->now_ns + s->spec.refwait_ns;
			}
			break;
		case SESSION_TODO_STOP:
			MUST(s->state == SESSION_STOPPING);
			p->end_ns = w->now_ns + s->spec.timeout_ns;
			break;
		case SESSION_TODO_END:
			MUST(s->state == SESSION_ENDED);
			p->end_ns = w->now_ns + (int64_t)world_random(w, 3) * MS;
			break;
		case SESSION_TODO_FREE:
			MUST(s->state == SESSION_ENDED && p->ended && s->kept);
			k = client_known(&c->client, s->sid);
			if (k) {
				k->forgotten = true;
			}
			p->used = false;
			break;
		case SESSION_TODO_NONE:
			ck_abort_msg("nothing to do, but on the list");
		}
	}
}

static struct played_session *free_session(struct world *w)
{
	for (int i = 0; i < WORLD_SESSIONS; i++) {
		if (!w->sessions[i].used) {
			return &w->sessions[i];
		}
	}
	return NULL;
}

/* all that the kernel may say. */
void played_open(struct world *w, struct conn *c)
{
	static const int errors[] = { ENOMEM,	       ENOBUFS,	    EMFILE,	   ENFILE,
				      EAGAIN,	       EADDRINUSE,  EADDRNOTAVAIL, EAFNOSUPPORT,
				      EPROTONOSUPPORT, EOPNOTSUPP,  EACCES,	   EIO,
				      EMSGSIZE,	       ENETUNREACH, EHOSTUNREACH,  EINVAL,
				      EDESTADDRREQ };
	struct control_in in = { .kind = CONTROL_PORT_REFUSED, .wall = { w->now_ns } };
	struct played_session *p = free_session(w);

	c->opening = false;
	seed_fill(&w->seed, in.random, sizeof(in.random));
	if (!p || world_one_in(w, 6)) {
		if (world_one_in(w, 5)) {
			in.reason = REASON_ADDRESS_NOT_LOCAL;
		} else {
			in.error = -errors[world_random(w, sizeof(errors) / sizeof(errors[0]))];
		}
	} else {
		*p = (struct played_session){ .used = true,
					      .host = c->host,
					      .class = c->control.class,
					      .conn = c,
					      .end_ns = NEVER };
		p->session.spec = *control_spec(&c->control);
		p->session.port = (uint16_t)(1 + world_random(w, 65535));
		in.kind = CONTROL_PORT_READY;
		in.session = &p->session;
	}
	world_feed(w, c, &in);
}

void played_derive(struct world *w, struct conn *c)
{
	static const enum reason refusals[] = { REASON_AUTH_FAILED, REASON_AUTH_FAILED,
						REASON_KDF_QUEUE, REASON_NO_CLASS,
						REASON_INTERNAL };
	struct control_in in = { .kind = CONTROL_KEY_READY, .keys = &c->client.keys };

	c->deriving = false;
	seed_fill(&w->seed, in.random, sizeof(in.random));
	if (world_one_in(w, 8)) {
		in.kind = CONTROL_KEY_REFUSED;
		in.reason = refusals[world_random(w, 5)];
	}
	if (world_one_in(w, 2) || !c->control.class) { /* what the KeyID brings */
		c->control.class = &w->classes[world_random(w, WORLD_CLASSES)];
	}
	world_feed(w, c, &in);
}

void played_start(struct world *w, struct conn *c)
{
	struct control_in in = { .kind = CONTROL_STARTED, .octets = c->last };

	c->starting = false;
	world_feed(w, c, &in);
}
