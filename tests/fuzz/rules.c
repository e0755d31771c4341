// SPDX-License-Identifier: BSD-2-Clause
#include "tests/fuzz/shell.h"

static const struct shell_session *owner(const struct session *s)
{
	return (const struct shell_session *)(const void *)s;
}

/* what is counted is what is there. */
static void check_counters(const struct shell *s)
{
	uint32_t sessions = SHELL_OTHERS + s->opening;

	for (int i = 0; i < SHELL_SESSIONS; i++) {
		sessions += s->sessions[i].used && s->sessions[i].open;
	}
	MUST(s->total.sessions == sessions && s->client.sessions == sessions);
	MUST(s->total.connections == SHELL_OTHERS + (uint32_t)s->control.counted);
	MUST(s->client.connections == s->total.connections);
	MUST(s->class.connections == s->total.connections && s->class.sessions == sessions);
}

/* A SID leads to each session that a client may name. */
static void check_by_sid(const struct control *c)
{
	uint32_t hashed = 0;

	for (size_t i = 0; i < CONTROL_SID_BUCKETS; i++) {
		for (const struct session *s = c->by_sid[i]; s; s = s->next_sid) {
			MUST(owner(s)->used);
			MUST(s->sid[MSG_SID_LEN - 1] % CONTROL_SID_BUCKETS == i);
			MUST(++hashed <= SHELL_SESSIONS);
		}
	}
	MUST(hashed <= c->sessions);
}

/* Every session that is not freed is on the list, once, and nothing else is. */
static void check_list(const struct shell *s)
{
	const struct control *c = &s->control;
	const struct session *last = NULL;
	uint32_t linked = 0, active = 0, owned = 0, kept = 0;

	for (const struct session *i = c->first; i; i = i->next) {
		MUST(i->prev == last && owner(i)->used);
		MUST(i->todo == SESSION_TODO_NONE);
		MUST(owner(i)->open != i->kept);
		MUST(!i->kept || i->state == SESSION_ENDED);
		MUST(!i->named || s->starting);
		active += i->state == SESSION_ACTIVE;
		kept += i->kept;
		if (s->closing) {
			MUST(i->state == SESSION_ENDED || i->state == SESSION_STOPPING);
		}
		MUST(++linked <= SHELL_SESSIONS);
		last = i;
	}
	for (int i = 0; i < SHELL_SESSIONS; i++) {
		owned += s->sessions[i].used;
	}
	MUST(c->last == last && !c->todo && !c->todo_last);
	MUST(c->sessions == linked && owned == linked);
	MUST(c->running == active);
	/* nobody makes us remember more */
	MUST(c->kept == kept && (kept <= 1 || kept <= s->policy.max_sessions_per_connection / 4));
	if (c->state == CONTROL_READY || c->state == CONTROL_ACTIVE) {
		MUST((c->state == CONTROL_ACTIVE) == (active > 0));
	}
	if (!(c->modes & MODE_INDIVIDUAL_CONTROL)) {
		MUST(c->in_progress >= active);
	}
}

/* What is asked for can be taken: nothing while an answer is due or stuck. */
static void check_want(const struct shell *s)
{
	const struct control *c = &s->control;
	size_t want = control_want(c);

	MUST((c->state == CONTROL_DERIVING) == (s->deriving && !s->closing));
	MUST((c->state == CONTROL_OPENING) == (s->opening && !s->closing));
	MUST((c->state == CONTROL_STARTING) == (s->starting && !s->closing));
	MUST((c->state == CONTROL_CLOSING || c->state == CONTROL_DEAD) == s->closing);
	if (c->blocked || s->deriving || s->opening || s->starting || s->closing) {
		MUST(want == 0);
	} else {
		MUST(want >= 1 && want <= MSG_N_LEN(MSG_N_MAX));
		/* whatever is waited for ends some day, but for a test that runs */
		MUST(c->state == CONTROL_ACTIVE || s->deadline_ns < CONTROL_NEVER);
	}
	/* what is discarded is discarded until it is quiet, not for ever */
	MUST(!c->skipping || c->blocked || s->closing || c->quiet.ns != CONTROL_OFF);
	MUST(control_room(c, CONTROL_OCTETS) >= MSG_GREETING_LEN);
	MUST(!control_room(c, CONTROL_SESSION_ENDED) && !control_room(c, CONTROL_PEER_GONE));
	MUST(!c->blocked || c->state == CONTROL_DEAD || s->deadline_ns < CONTROL_NEVER);
}

/* R-015 C-010: the Token is kept no longer than it is needed; no keys before there are some. */
static void check_secrets(const struct shell *s)
{
	static const uint8_t none[MSG_TOKEN_LEN];
	static const struct crypt_keys no_keys;
	const struct control *c = &s->control;

	if (s->peer.opening || s->gone) {
		MUST(!memcmp(c->setup.token, none, sizeof(none)));
	}
	if (!(c->modes & MODE_KEYED_MASK) || s->gone) {
		MUST(!memcmp(&c->keyed->keys, &no_keys, sizeof(no_keys)));
	}
}

void rules_check(const struct shell *s)
{
	check_counters(s);
	check_by_sid(&s->control);
	check_list(s);
	check_want(s);
	check_secrets(s);
}

static bool may_send(enum control_kind kind)
{
	switch (kind) {
	case CONTROL_OPENED:
	case CONTROL_OCTETS:
	case CONTROL_KEY_READY:
	case CONTROL_KEY_REFUSED:
	case CONTROL_PORT_READY:
	case CONTROL_PORT_REFUSED:
	case CONTROL_STARTED:
		return true;
	case CONTROL_ARRIVED:
	case CONTROL_SESSION_ENDED:
	case CONTROL_BLOCKED:
	case CONTROL_FLUSHED:
	case CONTROL_DEADLINE:
	case CONTROL_PEER_GONE:
	case CONTROL_POLICY:
	case CONTROL_RESUMED:
	case CONTROL_SHUTDOWN:
		break;
	}
	return false;
}

/* The reason must be one that this connection gave. */
static void check_why(const struct shell *s, const struct control_report *r,
		      enum control_state before)
{
	const struct control *c = &s->control;

	MUST(control_why_text(r->why));
	if (r->why == CONTROL_WHY_HMAC || r->why == CONTROL_WHY_UNKNOWN) {
		MUST(c->modes & MODE_KEYED_MASK);
	}
	if (r->why == CONTROL_WHY_HMAC) {
		MUST(s->peer.garbled);
	}
	if (r->why == CONTROL_WHY_GARBAGE) {
		MUST(!(c->modes & MODE_KEYED_MASK));
	}
	if (r->why == CONTROL_WHY_SID_COUNT) {
		MUST(before == CONTROL_READY || before == CONTROL_ACTIVE);
	}
	if (r->why == CONTROL_WHY_BARRED) {
		MUST(c->barred != REASON_OK);
	}
	if (r->why == CONTROL_WHY_SERVWAIT) {
		MUST(before == CONTROL_READY);
	}
	if (r->why == CONTROL_WHY_HANDSHAKE) {
		MUST(before == CONTROL_GREETED || before == CONTROL_DERIVING);
	}
	if (r->why == CONTROL_WHY_SEND_STALL) {
		MUST(c->blocked);
	}
}

void rules_check_out(const struct shell *s, const struct control_in *in,
		     const struct control_out *out, enum control_state before)
{
	unsigned closes = 0;

	MUST(out->len <= out->size && out->n_reports <= CONTROL_REPORTS);
	MUST(!out->len || may_send(in->kind));
	MUST(out->open + out->start + out->derive <= 1);
	MUST(s->control.barred == REASON_OK || (!out->open && !out->start));
	if (out->open || out->start || out->derive) {
		MUST(in->kind == CONTROL_OCTETS && !out->close && !out->len);
	}
	for (unsigned i = 0; i < out->n_reports; i++) {
		const struct control_report *r = &out->reports[i];

		MUST(r->fact >= CONTROL_FACT_ESTABLISHED && r->fact <= CONTROL_FACT_CLOSED);
		MUST(reason_info(r->reason));
		if (r->fact == CONTROL_FACT_CLOSED) {
			check_why(s, r, before);
			closes++;
		}
	}
	MUST(closes == out->close && !(closes && s->closing));
	if (before == CONTROL_CLOSING || before == CONTROL_DEAD) {
		MUST(!out->len && !out->open && !out->start && !out->derive);
	}
}
