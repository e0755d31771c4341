// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/refusals.h"

#include "base/siphash.h"
#include "protocol/carry.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS 1024u

struct refusals {
	uint64_t seed[2]; /* so that nobody can aim at one bucket */
	struct refusal kept[REFUSALS_KEPT];
	struct refusal *buckets[BUCKETS];
	struct roll roll;
	struct refusals_tally total;
	uint32_t minutes[REFUSALS_MINUTES][REASON_COUNT];
	unsigned minute; /* the row that runs */
	struct mono begun; /* it did */
};

_Static_assert(offsetof(struct refusal, node) == 0, "a node is what it is the first member of");

struct refusals *refusals_new(void)
{
	struct refusals *r = calloc(1, sizeof *r);

	if (!r) {
		return NULL;
	}
	explicit_bzero(r, sizeof *r); /* its pages are there now, not first under attack */
	if (getrandom(r->seed, sizeof r->seed, 0) != sizeof r->seed) {
		r->seed[0] = (uint64_t)(uintptr_t)r;
	}
	return r;
}

void refusals_free(struct refusals *r)
{
	free(r);
}

static struct refusal **bucket(struct refusals *r, const struct refusal *what)
{
	uint64_t words[3] = { 0 };

	memcpy(words, what->client.ip, sizeof what->client.ip);
	words[2] = (uint64_t)what->reason << 32 | (uint64_t)what->kind << 16 |
		   (uint64_t)what->client.bits << 8 | what->client.family;
	return &r->buckets[siphash(r->seed, words, 3) % BUCKETS];
}

static bool is_same(const struct refusal *a, const struct refusal *b)
{
	return a->reason == b->reason && a->kind == b->kind && a->code == b->code &&
	       !prefix_compare(&a->client, &b->client);
}

static void forget(struct refusals *r, struct refusal *e)
{
	struct refusal **p = bucket(r, e);

	while (*p != e) {
		p = &(*p)->next;
	}
	*p = e->next;
	roll_remove(&r->roll, &e->node);
}

/* The entry for it, out of all lists; with no count if it is a new one. */
static struct refusal *take_entry(struct refusals *r, const struct refusal *what)
{
	struct refusal *e = *bucket(r, what);

	while (e && !is_same(e, what)) {
		e = e->next;
	}
	if (!e && r->roll.n < REFUSALS_KEPT) {
		e = &r->kept[r->roll.n]; /* none is ever given back */
	} else {
		if (!e) {
			e = (struct refusal *)(void *)r->roll.last;
			e->count = 0;
		}
		forget(r, e);
	}
	return e;
}

static void keep(struct refusals *r, struct refusal *what)
{
	struct refusal *e = take_entry(r, what), **to;

	if (e->count) {
		what->first = e->first;
		what->count = e->count;
	}
	what->count++;
	*e = *what;
	to = bucket(r, e);
	e->next = *to;
	*to = e;
	roll_add(&r->roll, &e->node);
}

/* Of a report that is a refusal; 0 = it is none. */
static enum refusals_kind kind_of(const struct control_report *report)
{
	switch ((int)report->fact) {
	case CONTROL_FACT_REFUSED_CONNECTION:
		return REFUSALS_CONNECTION;
	case CONTROL_FACT_REFUSED_REQUEST:
		return REFUSALS_REQUEST;
	case CONTROL_FACT_REFUSED_START:
		return REFUSALS_START;
	case CONTROL_FACT_REFUSED_STOP:
		return REFUSALS_STOP;
	case CONTROL_FACT_CLOSED:
		return report->why == CONTROL_WHY_DENIED || report->why == CONTROL_WHY_MODE_ZERO
			       ? REFUSALS_CONNECTION
			       : 0;
	default:
		return 0;
	}
}

static enum reason reason_of(const struct control *c, const struct control_report *report)
{
	if (report->fact != CONTROL_FACT_CLOSED) {
		return report->reason;
	}
	return c->modes_offered ? REASON_NO_MODE : REASON_NO_CLASS; /* as the log has it */
}

static void count(struct refusals_tally *t, const struct control_report *report, int reason)
{
	t->connections += report->fact == CONTROL_FACT_ESTABLISHED;
	t->requests[ACCEPT_OK] += report->fact == CONTROL_FACT_ACCEPTED;
	if (report->fact == CONTROL_FACT_REFUSED_REQUEST && (unsigned)report->code < ACCEPT_COUNT) {
		t->requests[report->code]++;
	}
	if (reason) {
		t->refused[reason]++;
	}
}

static void note(struct refusals *r, const struct control *c, const struct reached_rules *rules,
		 const struct control_report *report, struct client *client, struct wall now)
{
	struct refusal what = {
		.client = client->key,
		.kind = kind_of(report),
		.reason = reason_of(c, report),
		.code = report->code,
		.first = now,
		.last = now,
	};

	r->minutes[r->minute][what.reason]++;
	(void)snprintf(what.class, sizeof what.class, "%s",
		       rules->class ? rules->class->name : "none");
	memcpy(what.key_id, c->setup.key_id, sizeof what.key_id);
	(void)reached_find(what.reason, c, rules, &what.reached);
	client->refused++;
	client->refused_last = what.reason;
	client->refused_at = now;
	keep(r, &what);
}

void refusals_note(struct refusals *r, const struct control *c, const struct reached_rules *rules,
		   const struct control_out *out, struct refusals_tally *of_class,
		   struct client *client, struct wall now)
{
	for (unsigned i = 0; i < out->n_reports; i++) {
		const struct control_report *report = &out->reports[i];
		int reason = kind_of(report) ? (int)reason_of(c, report) : 0;

		count(&r->total, report, reason);
		count(of_class, report, reason);
		if (reason) {
			note(r, c, rules, report, client, now);
		}
	}
}

void refusals_tick(struct refusals *r, struct mono now)
{
	const int64_t minute_ns = 60 * TS_NS_PER_S;

	if (!r->begun.ns) {
		r->begun = now;
	}
	if (now.ns - r->begun.ns > REFUSALS_MINUTES * minute_ns) { /* it slept */
		r->begun.ns = now.ns - REFUSALS_MINUTES * minute_ns;
	}
	while (now.ns - r->begun.ns >= minute_ns) {
		r->begun.ns += minute_ns;
		r->minute = (r->minute + 1) % REFUSALS_MINUTES;
		memset(r->minutes[r->minute], 0, sizeof r->minutes[r->minute]);
	}
}

const struct refusals_tally *refusals_total(const struct refusals *r)
{
	return &r->total;
}

uint64_t refusals_recent(const struct refusals *r, enum reason reason, unsigned minutes)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < minutes && i < REFUSALS_MINUTES; i++) {
		n += r->minutes[(r->minute + REFUSALS_MINUTES - i) % REFUSALS_MINUTES][reason];
	}
	return n;
}

struct roll *refusals_roll(struct refusals *r)
{
	return &r->roll;
}

/* --- for the next process ------------------------------------------------------------- */

static void carry_reason(struct carry *k, struct refusals_tally *t, enum reason reason)
{
	char key[REASON_KEY_MAX + 1] = { 0 };
	uint64_t n = 0;

	if (k->way != CARRY_LOAD) {
		(void)snprintf(key, sizeof key, "%s", reason_info(reason)->key);
		n = t->refused[reason];
	}
	CARRY(k, key);
	CARRY(k, n);
	key[REASON_KEY_MAX] = '\0';
	if (k->way == CARRY_LOAD && !k->bad && reason_by_key(key, &reason)) {
		t->refused[reason] = n;
	}
}

void refusals_tally_carry(struct carry *k, struct refusals_tally *t)
{
	uint16_t n = 0;

	CARRY(k, t->connections);
	CARRY(k, t->requests);
	for (int r = 0; r < REASON_COUNT && k->way != CARRY_LOAD; r++) {
		n = (uint16_t)(n + (t->refused[r] > 0));
	}
	CARRY(k, n);
	for (int r = 0; r < REASON_COUNT && k->way != CARRY_LOAD; r++) {
		if (t->refused[r]) {
			carry_reason(k, t, (enum reason)r);
		}
	}
	for (; n && k->way == CARRY_LOAD && !k->bad; n--) {
		carry_reason(k, t, REASON_OK);
	}
}

void refusals_carry(struct carry *k, struct refusals *r)
{
	refusals_tally_carry(k, &r->total);
}
