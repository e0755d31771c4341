// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/control/restart.h"

#include "daemon/control/resume.h"

#include <check.h>
#include <stdlib.h>

#define OCTETS 65536
#define STRIDE 61

static void carry_it(struct carry *k, struct control *c)
{
	resume_control(k, c);
	for (struct session *s = c->first; s; s = s->next) {
		resume_session(k, s);
	}
}

static bool can_be_carried(const struct control *c)
{
	return c->state == CONTROL_GREETED || c->state == CONTROL_DERIVING ||
	       c->state == CONTROL_READY || c->state == CONTROL_ACTIVE;
}

/* The sessions are loaded into the same memory: whoever points to them may go on doing so. */
static void load(struct control *to, struct control *from, struct control_keyed *keyed,
		 uint8_t *octets, size_t n)
{
	struct carry k = { .way = CARRY_LOAD, .at = octets, .left = n };
	struct session *s = from->first, *next;

	*to = (struct control){ .total = from->total,
				.client = from->client,
				.class = from->class,
				.charged = from->charged,
				.keyed = keyed };
	resume_control(&k, to);
	for (; s; s = next) {
		next = s->next;
		memset(s, 0, sizeof *s);
		resume_session(&k, s);
		resume_link(to, s);
	}
	ck_assert(!k.bad);
	ck_assert_uint_eq(k.left, 0);
	resume_settle(to, from->heard);
}

/* A part of it alone is seen to be one. */
static void check_truncation(uint8_t *octets, size_t n)
{
	for (size_t cut = n % STRIDE; cut < n; cut += STRIDE) {
		struct carry k = { .way = CARRY_LOAD, .at = octets, .left = cut };
		struct control_keyed keyed = { 0 };
		struct control c = { .keyed = &keyed };

		resume_control(&k, &c);
		ck_assert(k.bad);
	}
}

/* What a damaged one makes of a connection, if it is taken for one: it ends like any other. */
static void end_it(struct control *c, const struct policy *p)
{
	static uint8_t answers[OCTETS];
	struct control_in in = { .kind = CONTROL_POLICY };
	struct control_out out = { .octets = answers, .size = sizeof answers };
	struct mono now = { 0 };

	resume_settle(c, now);
	control_feed(c, p, &in, now, &out);
	ck_assert(c->skipping || c->blocked || control_want(c) || c->state == CONTROL_DERIVING);
	in.kind = CONTROL_PEER_GONE;
	control_feed(c, p, &in, now, &out);
	ck_assert_int_eq(c->state, CONTROL_CLOSING);
}

static void check_damage(uint8_t *octets, size_t n)
{
	static unsigned turn;
	static const struct policy policy = { .failure_rate = 1 };

	for (size_t at = turn++ % STRIDE; at < n; at += STRIDE) {
		struct admit_total total = { .connections = 1 };
		struct admit_client client = { .connections = 1 };
		struct admit_class class = { .connections = 1 };
		struct control_keyed keyed = { 0 };
		struct control c = { .total = &total,
				     .client = &client,
				     .class = &class,
				     .charged = &class,
				     .keyed = &keyed };
		struct carry k = { .way = CARRY_LOAD, .at = octets, .left = n };

		octets[at] ^= (uint8_t)(1u << turn % 8);
		resume_control(&k, &c);
		octets[at] ^= (uint8_t)(1u << turn % 8);
		if (!k.bad) {
			end_it(&c, &policy);
		}
	}
}

void restart_control(struct control *c)
{
	static uint8_t first[OCTETS], second[OCTETS];
	struct carry n = { .way = CARRY_COUNT };
	struct carry k = { .way = CARRY_SAVE, .at = first, .left = sizeof first };
	struct control_keyed keyed = { 0 }, *place = c->keyed;
	struct control next;
	size_t head;

	if (!getenv("TWAMPD_TEST_RESTART") || !can_be_carried(c)) {
		return;
	}
	resume_control(&n, c);
	head = n.used;
	n.used = 0;
	carry_it(&n, c);
	carry_it(&k, c);
	ck_assert_msg(!k.bad && !n.bad, "state %d, head %02x, rest %zu", c->state, c->head[0],
		      c->rest);
	ck_assert_uint_eq(n.used, k.used);
	check_truncation(first, head);
	check_damage(first, head);
	load(&next, c, &keyed, first, k.used);
	control_wipe(c);
	*place = keyed;
	*c = next;
	c->keyed = place;
	k = (struct carry){ .way = CARRY_SAVE, .at = second, .left = sizeof second };
	carry_it(&k, c);
	ck_assert_uint_eq(k.used, n.used);
	ck_assert_mem_eq(first, second, k.used);
}
