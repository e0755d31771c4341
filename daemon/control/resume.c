// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/resume.h"

#include "daemon/control/answer.h"
#include "daemon/control/command.h"

void resume_address(struct carry *c, struct address *a)
{
	CARRY(c, a->family);
	CARRY(c, a->port);
	CARRY(c, a->scope);
	CARRY(c, a->ip);
	c->bad |= a->family != 4 && a->family != 6;
}

static void carry_spec(struct carry *c, struct session_spec *s)
{
	resume_address(c, &s->local);
	resume_address(c, &s->remote);
	CARRY(c, s->modes);
	CARRY(c, s->dscp);
	CARRY(c, s->padding);
	CARRY(c, s->timeout_ns);
	CARRY(c, s->refwait_ns);
	CARRY(c, s->packet_rate);
	CARRY(c, s->octet_rate);
	CARRY(c, s->device);
}

/* Where there is no key there are zeros. */
static void carry_keyed(struct carry *c, struct control *k)
{
	struct control_keyed none = { 0 }, *x = k->keyed ? k->keyed : &none;

	CARRY(c, x->keys.aes);
	CARRY(c, x->keys.hmac);
	crypt_stream_carry(c, &x->from_client, &x->keys);
	crypt_stream_carry(c, &x->to_client, &x->keys);
	CARRY(c, x->mark);
	explicit_bzero(&none, sizeof(none));
}

static void carry_handshake(struct carry *c, struct control *k)
{
	resume_address(c, &k->local);
	resume_address(c, &k->remote);
	CARRY(c, k->sid_ipv4);
	CARRY(c, k->challenge);
	CARRY(c, k->salt);
	CARRY(c, k->count);
	CARRY(c, k->setup.mode);
	CARRY(c, k->setup.key_id);
	CARRY(c, k->setup.token);
	CARRY(c, k->setup.client_iv);
	carry_keyed(c, k);
	CARRY(c, k->start_time);
	CARRY(c, k->modes);
	CARRY(c, k->modes_offered);
	k->within_rate = carry_small(c, k->within_rate, 1);
	k->counted = carry_small(c, k->counted, 1);
}

/* One that is not known is none that could be waited for. */
static void carry_reason(struct carry *c, enum reason *r)
{
	char key[REASON_KEY_MAX + 1] = { 0 };

	if (c->way != CARRY_LOAD) {
		memcpy(key, reason_info(*r)->key, strlen(reason_info(*r)->key));
	}
	CARRY(c, key);
	key[REASON_KEY_MAX] = '\0';
	c->bad |= c->way == CARRY_LOAD && !reason_by_key(key, r);
}

static void carry_command(struct carry *c, struct control *k)
{
	uint32_t rest = (uint32_t)k->rest;

	CARRY(c, k->head);
	k->have_head = carry_small(c, k->have_head, 1);
	CARRY(c, rest);
	k->rest = rest;
	carry_reason(c, &k->refused);
	k->blocked = carry_small(c, k->blocked, 1);
	k->skipping = carry_small(c, k->skipping, 1);
	CARRY(c, k->skipped);
	CARRY(c, k->reflect_octets);
	CARRY(c, k->in_progress);
}

/* What follows a head: whole blocks, and no more than do_command has room for. */
static bool is_rest(const struct control *k)
{
	bool many = k->head[0] == MSG_CMD_START_N_SESSIONS || k->head[0] == MSG_CMD_STOP_N_SESSIONS;
	size_t least = many ? MSG_N_LEN(1) : MSG_START_LEN, most = MSG_REQUEST_LEN;

	return k->rest % MSG_BLOCK == 0 && k->rest >= least - MSG_BLOCK &&
	       (many || k->rest <= most - MSG_BLOCK);
}

static bool can_be(const struct control *k)
{
	bool keyed = k->modes & MODE_KEYED_MASK;

	if (k->have_head && !is_rest(k)) {
		return false;
	}
	switch (k->state) {
	case CONTROL_GREETED:
	case CONTROL_DERIVING:
		return !k->have_head;
	case CONTROL_READY:
	case CONTROL_ACTIVE:
		return !keyed || (k->keyed && k->keyed->from_client.state == CRYPT_RECEIVING &&
				  k->keyed->to_client.state == CRYPT_SENDING);
	case CONTROL_OPENING:
	case CONTROL_STARTING:
	case CONTROL_CLOSING:
	case CONTROL_DEAD:
		return false;
	}
	return false;
}

/* What is added to it must not go beyond the end of time. */
static void carry_timer(struct carry *c, struct mono *since)
{
	CARRY(c, since->ns);
	c->bad |= since->ns < CONTROL_OFF || since->ns > CONTROL_NEVER / 2;
}

void resume_control(struct carry *c, struct control *k)
{
	k->state = carry_small(c, k->state, CONTROL_DEAD);
	carry_handshake(c, k);
	carry_command(c, k);
	carry_timer(c, &k->opened);
	carry_timer(c, &k->heard);
	carry_timer(c, &k->message);
	carry_timer(c, &k->quiet);
	carry_timer(c, &k->stalled);
	k->barred_since.ns = CONTROL_OFF;
	c->bad |= !can_be(k);
}

void resume_session(struct carry *c, struct session *s)
{
	carry_spec(c, &s->spec);
	s->state = carry_small(c, s->state, SESSION_ENDED);
	s->kept = carry_small(c, s->kept, 1);
	carry_timer(c, &s->ended);
	CARRY(c, s->port);
	CARRY(c, s->sid);
	c->bad |= s->state < SESSION_ACCEPTED || (s->kept && s->state != SESSION_ENDED);
}

void resume_link(struct control *c, struct session *s)
{
	command_link(c, s);
	command_index(c, s);
	c->running += s->state == SESSION_ACTIVE;
	if (s->kept) {
		command_keep(c, s);
	}
}

void resume_settle(struct control *c, struct mono now)
{
	if (c->state == CONTROL_ACTIVE && !c->running) {
		answer_settle(c, now);
	}
}
