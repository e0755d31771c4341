// SPDX-License-Identifier: BSD-2-Clause
#include "tests/flow/world.h"

#include <errno.h>
#include <string.h>

#define NEVER CONTROL_NEVER
#define MS (TS_NS_PER_S / 1000)

uint64_t world_random(struct world *w, uint64_t n)
{
	return seed_next(&w->seed) % n;
}

bool world_one_in(struct world *w, uint64_t n)
{
	return world_random(w, n) == 0;
}

static void choose_policy(struct world *w)
{
	w->policy = (struct policy){
		.modes = world_one_in(w, 20) ? 0
					     : MODE_UNAUTHENTICATED | (uint32_t)world_random(w, 16),
		.features = (uint32_t)world_random(w, 1024) & MODE_FEATURE_MASK,
		.kdf_count = MSG_COUNT_MIN,
		.failure_rate = world_one_in(w, 4) ? 1 + (uint32_t)world_random(w, 30) : 0,
		.max_connections = world_one_in(w, 8) ? 0
						      : 1 + (uint32_t)world_random(w, WORLD_CONNS),
		.max_connections_per_client = 1 + (uint32_t)world_random(w, 4),
		.max_sessions = world_one_in(w, 8) ? 0
						   : 1 + (uint32_t)world_random(w, WORLD_SESSIONS),
		.max_sessions_per_client = 1 + (uint32_t)world_random(w, 15),
		.max_sessions_per_connection = 1 + (uint32_t)world_random(w, 8),
		.max_padding = 9000,
		.request_rate = world_one_in(w, 4) ? 1 + (uint32_t)world_random(w, 20) : 0,
		.request_burst = 1 + (uint32_t)world_random(w, 10),
		.handshake_s = 1 + (uint32_t)world_random(w, 30),
		.message_s = 1 + (uint32_t)world_random(w, 60),
		.send_stall_s = 1 + (uint32_t)world_random(w, 30),
		.servwait_s = 1 + (uint32_t)world_random(w, 900),
		.refwait_s = 1 + (uint32_t)world_random(w, 900),
		.max_timeout_s = 900,
		.dscp_allowed = world_one_in(w, 8) ? 1 : UINT64_MAX,
		.connection_rate = world_one_in(w, 4) ? 1 + (uint32_t)world_random(w, 20) : 0,
		.connection_burst = 1 + (uint32_t)world_random(w, 4),
	};
	w->total.max_connections = 2 + (uint32_t)world_random(w, WORLD_CONNS);
	w->total.max_sessions = 1 + (uint32_t)world_random(w, WORLD_SESSIONS);
	w->total.limits_temporary = world_one_in(w, 2);
}

void world_init(struct world *w, struct seed seed)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->now_ns = TS_NS_PER_S;
	for (int i = 0; i < WORLD_HOSTS; i++) {
		admit_client_init(&w->hosts[i], (struct mono){ w->now_ns });
	}
	choose_policy(w);
}

/* --- connections ---------------------------------------------------------------------- */

static void free_conn(struct world *w, struct conn *c)
{
	MUST(!c->control.counted);
	for (struct session *s = c->control.first; s; s = s->next) {
		played_of(s)->conn = NULL;
		if (s->kept) {
			played_of(s)->used = false;
		}
	}
	control_wipe(&c->control);
	c->used = false;
	w->n_conversations++;
}

static void take_orders(struct world *w, struct conn *c, const struct control_out *out)
{
	if (out->len) {
		client_reply(w, c, out->octets, out->len);
		if (!c->stuck && !c->client.quiet && world_one_in(w, 40)) {
			c->stuck = true;
			c->for_good = world_one_in(w, 3);
		}
		if (c->stuck) {
			c->unsent += out->len;
		}
	}
	MUST(out->open + out->start + out->derive <= 1);
	if (out->open || out->start || out->derive) {
		MUST(!c->deriving && !c->opening && !c->starting && !out->close);
		c->deriving = out->derive;
		c->opening = out->open;
		c->starting = out->start;
		c->answer_ns = w->now_ns +
			       (world_one_in(w, 3) ? (int64_t)world_random(w, 50) * MS : 0);
	}
	c->closing |= out->close;
	c->aborted |= out->abort;
}

void world_feed(struct world *w, struct conn *c, struct control_in *in)
{
	enum control_state before = c->control.state;
	static uint8_t room[4 * MSG_N_LEN(MSG_N_MAX)];
	struct control_out out;

	memset(&out, 0xa5, sizeof(out));
	out.size = control_room(&c->control, in->kind);
	MUST(out.size <= sizeof(room));
	out.octets = room + sizeof(room) - out.size;
	control_feed(&c->control, &w->policy, in, (struct mono){ w->now_ns }, &out);
	w->n_events++;
	MUST(out.len <= out.size);
	if (out.start && in->kind == CONTROL_OCTETS) {
		memcpy(c->last, in->octets, in->len);
	}
	played_carry_out(w, c);
	check_reports(w, c, &out, before);
	take_orders(w, c, &out);
	c->deadline_ns = out.deadline.ns;
}

static void feed_kind(struct world *w, struct conn *c, enum control_kind kind)
{
	struct control_in in = { .kind = kind };

	if (kind == CONTROL_OPENED) {
		seed_fill(&w->seed, in.random, sizeof(in.random));
	}
	world_feed(w, c, &in);
}

static bool waits(const struct conn *c)
{
	return c->deriving || c->opening || c->starting;
}

static void answer(struct world *w, struct conn *c)
{
	if (c->deriving) {
		played_derive(w, c);
	} else if (c->opening) {
		played_open(w, c);
	} else {
		played_start(w, c);
	}
}

/* Feed every message that is complete, and say so if another has begun. */
static void digest(struct world *w, struct conn *c)
{
	struct control_in in = { .kind = CONTROL_OCTETS };
	size_t used = 0, want;

	while (!c->closing && (want = control_want(&c->control)) && want <= c->in_len - used) {
		in.octets = c->in + used;
		in.len = want;
		in.wall.ns = w->now_ns;
		used += want;
		world_feed(w, c, &in);
		if (waits(c) && c->answer_ns == w->now_ns) {
			answer(w, c);
		}
		if (c->unsent && !c->control.blocked) {
			feed_kind(w, c, CONTROL_BLOCKED);
		}
	}
	memmove(c->in, c->in + used, c->in_len - used);
	c->in_len -= used;
	if (!c->closing && c->in_len && control_want(&c->control)) {
		feed_kind(w, c, CONTROL_ARRIVED);
	}
}

static void finish(struct world *w, struct conn *c)
{
	if (c->unsent && !c->control.blocked) {
		feed_kind(w, c, CONTROL_BLOCKED);
	}
	if ((c->closing || c->aborted) && (!c->unsent || c->aborted) && !waits(c)) {
		free_conn(w, c);
	}
}

void world_receive(struct world *w, struct conn *c, const uint8_t *octets, size_t n)
{
	MUST(n <= sizeof(c->in) - c->in_len);
	memcpy(c->in + c->in_len, octets, n);
	c->in_len += n;
	digest(w, c);
	finish(w, c);
}

void world_hang_up(struct world *w, struct conn *c)
{
	c->eof = true;
	c->client.gone = true;
	digest(w, c);
	feed_kind(w, c, CONTROL_PEER_GONE);
	if (world_one_in(w, 2)) {
		c->unsent = 0;
	}
	finish(w, c);
}

static void open_conn(struct world *w)
{
	struct address local = { .family = 4, .port = 862, .ip = { 192, 0, 2, 10 } };
	static const uint8_t ipv4[] = { 192, 0, 2, 10 };
	struct address remote = { .family = 4, .port = 33333, .ip = { 198, 51, 100 } };

	for (int i = 0; i < WORLD_CONNS; i++) {
		struct conn *c = &w->conns[i];

		if (c->used) {
			continue;
		}
		memset(c, 0, sizeof(*c));
		c->used = true;
		c->host = (int)world_random(w, WORLD_HOSTS);
		remote.ip[3] = (uint8_t)(1 + c->host);
		control_init(&c->control, &local, &remote, &w->total, &w->hosts[c->host]);
		c->control.keyed = &c->secrets;
		/* A stranger is offered only what brings a class. */
		if (w->policy.modes & MODE_UNAUTHENTICATED || world_one_in(w, 2)) {
			c->control.class = &w->classes[c->host % WORLD_CLASSES];
		}
		memcpy(c->control.sid_ipv4, ipv4, sizeof(ipv4));
		client_init(w, &c->client);
		feed_kind(w, c, CONTROL_OPENED);
		finish(w, c);
		return;
	}
}

/* --- time ----------------------------------------------------------------------------- */

static void sooner(int64_t *at, int64_t candidate)
{
	if (candidate < *at) {
		*at = candidate;
	}
}

static int64_t next_time(const struct world *w)
{
	int64_t at = NEVER;

	for (int i = 0; i < WORLD_CONNS; i++) {
		const struct conn *c = &w->conns[i];

		if (!c->used) {
			continue;
		}
		sooner(&at, c->deadline_ns);
		if (waits(c)) {
			sooner(&at, c->answer_ns);
		}
		if (!c->client.gone) {
			sooner(&at, c->client.act_ns);
		}
	}
	for (int i = 0; i < WORLD_SESSIONS; i++) {
		if (w->sessions[i].used) {
			sooner(&at, w->sessions[i].end_ns); /* kept ones: NEVER */
		}
	}
	return at;
}

/* At the deadline something must come of it, else the server would spin. */
static void take_deadline(struct world *w, struct conn *c)
{
	MUST(w->now_ns >= c->deadline_ns);
	feed_kind(w, c, CONTROL_DEADLINE);
	MUST(c->deadline_ns > w->now_ns || c->closing);
	if (!c->closing) { /* what was discarded till now is read again */
		digest(w, c);
	}
	finish(w, c);
}

/* Before its time the event does nothing. */
static void take_early_deadline(struct world *w, struct conn *c)
{
	struct control before = c->control;
	int64_t deadline_ns = c->deadline_ns;

	feed_kind(w, c, CONTROL_DEADLINE);
	MUST(c->control.state == before.state);
	MUST(c->control.skipping == before.skipping);
	MUST(c->deadline_ns == deadline_ns);
}

static void unstick(struct world *w, struct conn *c)
{
	c->stuck = false;
	c->unsent = 0;
	if (c->control.blocked) {
		feed_kind(w, c, CONTROL_FLUSHED);
	}
	digest(w, c);
	finish(w, c);
}

/* A session whose time is over: packets may have come meanwhile that prolong REFWAIT. */
static void take_end(struct world *w, struct played_session *p)
{
	if (p->session.state == SESSION_ACTIVE && world_one_in(w, 2)) {
		p->end_ns += 1 + (int64_t)world_random(w, (uint64_t)p->session.spec.refwait_ns);
	} else {
		played_end(w, p);
	}
}

static void step_conn(struct world *w, struct conn *c)
{
	if (waits(c) && c->answer_ns <= w->now_ns) {
		answer(w, c);
		digest(w, c);
		finish(w, c);
	} else if (c->deadline_ns <= w->now_ns) {
		take_deadline(w, c);
	} else if (c->stuck && !c->for_good && world_one_in(w, 8)) {
		unstick(w, c);
	} else if (!c->client.gone && c->client.act_ns <= w->now_ns) {
		client_act(w, c);
	} else if (!c->closing && world_one_in(w, 50)) {
		take_early_deadline(w, c);
	}
}

/* What runs is counted where its client is now; what runs for nobody stays where it is. */
static void recount(struct world *w, struct conn *c, struct admit_class *to)
{
	struct admit_place from = { c->control.charged, c->control.client };
	struct admit_place place = { to, c->control.client };

	c->control.class = to;
	if (c->control.counted) {
		admit_move(&from, &place, 1, 0);
		c->control.charged = to;
	}
	for (int i = 0; to && i < WORLD_SESSIONS; i++) {
		struct played_session *p = &w->sessions[i];

		if (p->used && !p->ended && p->conn == c) {
			from.class = p->class;
			admit_move(&from, &place, 0, 1);
			p->class = to;
		}
	}
}

/* Its class is another one, or its class or key is gone, or is there again. */
static void judge(struct world *w, struct conn *c)
{
	static const enum reason why[] = { REASON_OK, REASON_OK, REASON_OK, REASON_NO_CLASS,
					   REASON_KEY_REMOVED };
	enum reason barred = why[world_random(w, 5)];

	if (c->opening || c->starting) {
		return;
	}
	recount(w, c,
		barred == REASON_NO_CLASS ? NULL : &w->classes[world_random(w, WORLD_CLASSES)]);
	c->control.barred = barred;
	c->client.barred = barred != REASON_OK;
}

/* With a new process as without. */
static void reload(struct world *w)
{
	bool restart = world_one_in(w, 4);

	choose_policy(w);
	for (int i = 0; i < WORLD_CONNS; i++) {
		struct conn *c = &w->conns[i];

		if (!c->used) {
			continue;
		}
		judge(w, c);
		feed_kind(w, c,
			  restart && !c->opening && !c->starting ? CONTROL_RESUMED
								 : CONTROL_POLICY);
		finish(w, c);
	}
}

void world_step(struct world *w, bool more)
{
	int64_t at = next_time(w);

	if (more && world_one_in(w, 20)) {
		open_conn(w);
	}
	if (more && world_one_in(w, 2000)) {
		reload(w);
	}
	if (world_one_in(w, 500)) {
		w->total.draining = more && !w->total.draining;
	}
	if (at != NEVER && at > w->now_ns) {
		w->now_ns = at;
	}
	for (int i = 0; i < WORLD_CONNS; i++) {
		if (w->conns[i].used) {
			step_conn(w, &w->conns[i]);
		}
		check_world(w);
	}
	for (int i = 0; i < WORLD_SESSIONS; i++) {
		if (w->sessions[i].used && w->sessions[i].end_ns <= w->now_ns) {
			take_end(w, &w->sessions[i]);
			check_world(w);
		}
	}
}

void world_end(struct world *w)
{
	for (int i = 0; i < WORLD_CONNS; i++) {
		if (w->conns[i].used && world_one_in(w, 2) && !w->conns[i].closing) {
			feed_kind(w, &w->conns[i], CONTROL_SHUTDOWN);
			finish(w, &w->conns[i]);
			check_world(w);
		}
	}
	for (int i = 0; next_time(w) != NEVER; i++) {
		MUST(i < 1000000);
		world_step(w, false);
	}
	for (int i = 0; i < WORLD_SESSIONS; i++) {
		MUST(!w->sessions[i].used); /* none is left behind */
	}
	MUST(w->total.connections == 0);
	MUST(w->total.sessions == 0);
	for (int i = 0; i < WORLD_HOSTS; i++) {
		MUST(w->hosts[i].connections == 0);
		MUST(w->hosts[i].sessions == 0);
	}
	for (int i = 0; i < WORLD_CLASSES; i++) {
		MUST(w->classes[i].connections == 0);
		MUST(w->classes[i].sessions == 0);
	}
}
