// SPDX-License-Identifier: BSD-2-Clause
#include "tests/flow/world.h"

static const struct played_session *player(const struct session *s)
{
	return (const struct played_session *)(const void *)s;
}

/* what is counted is what is there. */
static void check_counters(const struct world *w)
{
	uint32_t connections[WORLD_HOSTS] = { 0 }, sessions[WORLD_HOSTS] = { 0 };
	uint32_t all_connections = 0, all_sessions = 0;

	for (int i = 0; i < WORLD_CONNS; i++) {
		const struct conn *c = &w->conns[i];

		if (!c->used) {
			continue;
		}
		connections[c->host] += c->control.counted;
		sessions[c->host] += c->opening;
	}
	for (int i = 0; i < WORLD_SESSIONS; i++) {
		if (w->sessions[i].used && !w->sessions[i].ended) {
			sessions[w->sessions[i].host]++;
		}
	}
	for (int i = 0; i < WORLD_HOSTS; i++) {
		MUST(w->hosts[i].connections == connections[i]);
		MUST(w->hosts[i].sessions == sessions[i]);
		all_connections += connections[i];
		all_sessions += sessions[i];
	}
	MUST(w->total.connections == all_connections);
	MUST(w->total.sessions == all_sessions);
}

/* The same by class, which a connection may have changed. */
static void check_class(const struct world *w, const struct admit_class *class)
{
	uint32_t connections = 0, sessions = 0;

	for (int i = 0; i < WORLD_CONNS; i++) {
		const struct conn *c = &w->conns[i];

		connections += c->used && c->control.counted && c->control.charged == class;
		sessions += c->used && c->opening && c->control.class == class;
	}
	for (int i = 0; i < WORLD_SESSIONS; i++) {
		sessions += w->sessions[i].used && !w->sessions[i].ended &&
			    w->sessions[i].class == class;
	}
	MUST(class->connections == connections);
	MUST(class->sessions == sessions);
}

/* Every session of the connection is on its list, once, and nothing else is. */
static void check_list(const struct world *w, const struct conn *c)
{
	const struct session *last = NULL;
	uint32_t linked = 0, active = 0, owned = 0;

	for (const struct session *s = c->control.first; s; s = s->next) {
		MUST(s->prev == last);
		MUST(player(s)->used && player(s)->conn == c);
		MUST(s->todo == SESSION_TODO_NONE);
		active += s->state == SESSION_ACTIVE;
		/* a kept one has ended, and nothing but a Stop-N-Sessions can come */
		MUST(s->kept == player(s)->ended);
		if (s->kept) {
			MUST(s->state == SESSION_ENDED &&
			     (c->control.modes & MODE_INDIVIDUAL_CONTROL));
		}
		if (c->control.state == CONTROL_READY || c->control.state == CONTROL_ACTIVE) {
			MUST(!s->named);
		}
		if (c->closing) {
			MUST(s->state == SESSION_ENDED || s->state == SESSION_STOPPING);
		}
		linked++;
		MUST(linked <= WORLD_SESSIONS);
		last = s;
	}
	for (int i = 0; i < WORLD_SESSIONS; i++) {
		owned += w->sessions[i].used && w->sessions[i].conn == c;
	}
	MUST(c->control.last == last);
	MUST(!c->control.todo);
	MUST(c->control.sessions == linked);
	MUST(owned == linked);
	MUST(c->control.running == active);
	MUST(c->control.in_progress >= active || (c->control.modes & MODE_INDIVIDUAL_CONTROL));
	MUST(c->control.state != CONTROL_ACTIVE || active);
	MUST(c->control.state != CONTROL_READY || !active);
}

/* What has a SID is found by it, in its place and once. R-110 */
static void check_sids(const struct world *w, const struct conn *c)
{
	uint32_t found = 0, given = 0;

	for (unsigned b = 0; b < CONTROL_SID_BUCKETS; b++) {
		for (const struct session *s = c->control.by_sid[b]; s; s = s->next_sid) {
			MUST(player(s)->used && player(s)->conn == c);
			MUST(s->sid[MSG_SID_LEN - 1] % CONTROL_SID_BUCKETS == b);
			found++;
			MUST(found <= WORLD_SESSIONS);
		}
	}
	for (const struct session *s = c->control.first; s; s = s->next) {
		given += s->sid[0] != 0;
	}
	MUST(found == given);
}

/* what the client thinks runs is what runs, or has run into REFWAIT. R-120: not too many. */
static void check_known(const struct world *w, const struct conn *c)
{
	uint32_t started = 0, kept = 0;

	for (unsigned i = 0; i < c->client.n_sessions; i++) {
		started += c->client.sessions[i].state == KNOWN_STARTED &&
			   !c->client.sessions[i].forgotten;
	}
	for (const struct session *s = c->control.first; s; s = s->next) {
		kept += s->kept;
	}
	MUST(started == c->control.running + kept);
	MUST(kept == c->control.kept);
	MUST(kept <= 1 || kept <= w->policy.max_sessions_per_connection / 4);
}

/* What is asked for can be taken: nothing while an answer is due or stuck. */
static void check_want(const struct conn *c)
{
	enum control_state s = c->control.state;
	size_t want = control_want(&c->control);

	if (c->deriving && !c->closing) {
		MUST(s == CONTROL_DERIVING);
	}
	if (c->opening && !c->closing) {
		MUST(s == CONTROL_OPENING);
	}
	if (c->starting && !c->closing) {
		MUST(s == CONTROL_STARTING);
	}
	if (c->control.blocked || c->deriving || c->opening || c->starting || c->closing) {
		MUST(want == 0);
		return;
	}
	MUST(s == CONTROL_GREETED || s == CONTROL_READY || s == CONTROL_ACTIVE);
	MUST(want >= 1);
	MUST(want <= MSG_N_LEN(MSG_N_MAX));
	/* whatever can be waited for ends some day; only a test that runs is not waited for */
	if (s != CONTROL_ACTIVE) {
		MUST(c->deadline_ns < CONTROL_NEVER);
	}
	if (c->in_len) {
		MUST(c->in_len < want);
	}
}

/* R-077 R-078 R-080: nobody waits for an answer to what was taken */
static void check_answers(const struct world *w, const struct conn *c)
{
	const struct client *k = &c->client;

	if (k->manner == MANNER_GARBAGE || k->damaged || k->wrong_list || c->closing ||
	    c->deriving || c->opening || c->starting || c->in_len || k->out_at < k->out_len ||
	    c->control.have_head) {
		return;
	}
	MUST(k->n_expected == 0);
	if (c->control.state != CONTROL_READY && c->control.state != CONTROL_ACTIVE) {
		return;
	}
	if (client_individual(k)) {
		check_known(w, c);
	} else {
		MUST(k->in_progress == c->control.in_progress);
	}
}

/* The reason must be one that this connection gave. */
static void check_close(struct world *w, const struct conn *c, const struct control_report *r,
			enum control_state before)
{
	const struct client *k = &c->client;

	w->closed[r->why]++;
	switch (r->why) {
	case CONTROL_WHY_PEER:
		MUST(c->eof);
		return;
	case CONTROL_WHY_DENIED:
		MUST(before == CONTROL_GREETED && !w->policy.modes);
		return;
	case CONTROL_WHY_MODE_ZERO:
		MUST(before == CONTROL_GREETED);
		return;
	case CONTROL_WHY_REFUSED:
	case CONTROL_WHY_HANDSHAKE:
		MUST(before == CONTROL_GREETED || before == CONTROL_DERIVING);
		return;
	case CONTROL_WHY_HMAC:
		MUST(c->control.modes & MODE_KEYED_MASK);
		MUST(k->manner == MANNER_GARBAGE || k->damaged);
		return;
	case CONTROL_WHY_UNKNOWN:
		MUST(c->control.modes & MODE_KEYED_MASK);
		MUST(k->manner == MANNER_GARBAGE || k->damaged || k->quiet);
		return;
	case CONTROL_WHY_SID_COUNT:
		MUST(c->control.modes & MODE_INDIVIDUAL_CONTROL);
		MUST(k->manner == MANNER_GARBAGE || k->damaged || k->wrong_list);
		return;
	case CONTROL_WHY_MESSAGE:
		MUST(k->manner == MANNER_GARBAGE || k->out_at < k->out_len || c->stuck ||
		     k->damaged);
		return;
	case CONTROL_WHY_SEND_STALL:
		MUST(c->stuck);
		return;
	case CONTROL_WHY_SERVWAIT:
		MUST(before == CONTROL_READY);
		return;
	case CONTROL_WHY_STOP_WRONG:
		MUST(k->wrong_stop || k->manner == MANNER_GARBAGE);
		MUST(!(c->control.modes & MODE_INDIVIDUAL_CONTROL));
		return;
	case CONTROL_WHY_GARBAGE:
		MUST(k->manner == MANNER_GARBAGE && !(c->control.modes & MODE_KEYED_MASK));
		return;
	case CONTROL_WHY_BARRED:
		MUST(c->control.barred != REASON_OK);
		return;
	case CONTROL_WHY_SHUTDOWN:
		return;
	}
	ck_abort_msg("why %d", (int)r->why);
}

void check_reports(struct world *w, const struct conn *c, const struct control_out *out,
		   enum control_state before)
{
	unsigned closes = 0;

	MUST(out->n_reports <= CONTROL_REPORTS);
	for (unsigned i = 0; i < out->n_reports; i++) {
		const struct control_report *r = &out->reports[i];

		w->facts[r->fact]++;
		if (r->fact == CONTROL_FACT_CLOSED) {
			check_close(w, c, r, before);
			closes++;
		}
		if (r->fact == CONTROL_FACT_ACCEPTED) {
			w->n_accepted++;
		}
		if (r->fact == CONTROL_FACT_STARTED) {
			w->n_started += (unsigned)r->value;
		}
		if (r->fact == CONTROL_FACT_STOPPED && c->client.manner != MANNER_GARBAGE) {
			w->n_stopped += (unsigned)r->value;
		}
	}
	MUST(closes == out->close && !(closes && c->closing));
}

void check_world(const struct world *w)
{
	check_counters(w);
	for (int i = 0; i < WORLD_CLASSES; i++) {
		check_class(w, &w->classes[i]);
	}
	for (int i = 0; i < WORLD_CONNS; i++) {
		const struct conn *c = &w->conns[i];

		if (!c->used) {
			continue;
		}
		check_list(w, c);
		check_sids(w, c);
		check_want(c);
		check_answers(w, c);
	}
}
