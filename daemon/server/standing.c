// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/standing.h"

#include "base/clock.h"
#include "daemon/config/keys.h"
#include "daemon/server/conns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* By KeyID, else by address. */
static void find(struct conns *cs, struct standing *st)
{
	size_t len;

	st->class = NULL;
	if (!crypt_key_id_len(st->key_id, &len)) {
		st->class = settings_class_by_key(cs->settings, st->key_id, len);
	}
	if (!st->class) {
		st->class = settings_class_by_address(cs->settings, &st->peer);
	}
	st->use = class_use_of(&cs->class_uses, cs->settings, st->class);
	if (st->conn) {
		standing_join(st, st->conn);
	}
}

void standing_join(struct standing *st, struct conn *c)
{
	st->conn = c;
	c->control.class = st->class ? &st->use->admit : NULL;
	c->control.client = &st->client->admit;
}

struct standing *standing_new(struct conns *cs, const struct address *peer)
{
	struct standing *st = calloc(1, sizeof *st);

	if (!st) {
		return NULL;
	}
	st->peer = *peer;
	st->client = clients_get(cs->clients, peer, clock_mono());
	if (!st->client) {
		free(st);
		return NULL;
	}
	st->holders = 1;
	st->next = cs->standings;
	if (st->next) {
		st->next->prev = st;
	}
	cs->standings = st;
	find(cs, st);
	return st;
}

struct standing *standing_ref(struct standing *st)
{
	st->holders++;
	return st;
}

void standing_put(struct conns *cs, struct standing *st)
{
	if (!st || --st->holders) {
		return;
	}
	assert(!st->sessions);
	if (st->next) {
		st->next->prev = st->prev;
	}
	*(st->prev ? &st->prev->next : &cs->standings) = st->next;
	clients_put(cs->clients, st->client);
	free(st);
}

void standing_prove(struct conns *cs, struct standing *st,
		    const uint8_t key_id[static CRYPT_KEY_ID_LEN])
{
	memcpy(st->key_id, key_id, sizeof st->key_id);
	find(cs, st);
}

void standing_mark(const struct conns *cs, const struct control *c,
		   uint8_t out[static CRYPT_MARK_LEN])
{
	const struct key *key = NULL;
	size_t len;

	if (!crypt_key_id_len(c->setup.key_id, &len)) {
		key = keys_find(cs->settings->keys, c->setup.key_id, len);
	}
	memset(out, 0, CRYPT_MARK_LEN);
	if (key) {
		crypt_mark(out, key->passphrase, key->passphrase_len, c->salt);
	}
}

bool standing_same_key(const struct conns *cs, const struct control *c)
{
	uint8_t now[CRYPT_MARK_LEN];
	bool same;

	standing_mark(cs, c, now);
	same = !memcmp(now, c->keyed->mark, sizeof now);
	explicit_bzero(now, sizeof now);
	return same;
}

const struct policy *standing_policy(const struct conn *c)
{
	const struct settings_class *class = c->standing->class;

	return class ? &class->policy : &c->conns->keyed_policy;
}

enum reason standing_judge(const struct conns *cs, const struct conn *c)
{
	const struct control *control = &c->control;
	const struct settings_class *class = c->standing->class;
	bool in = control->state >= CONTROL_READY && control->state <= CONTROL_ACTIVE;

	if (in && (control->modes & MODE_KEYED_MASK) && !standing_same_key(cs, control)) {
		return REASON_KEY_REMOVED;
	}
	if (!class) { /* a KeyID may yet bring one */
		return in || !cs->keyed_policy.modes ? REASON_NO_CLASS : REASON_OK;
	}
	if (in && !(control->modes & MODE_SECURITY_MASK & class->policy.modes)) {
		return REASON_MODE_NOT_OFFERED;
	}
	return REASON_OK;
}

/* Its entry may be another one, too: that depends on how many addresses are one client. */
static struct client *find_client(struct conns *cs, const struct standing *st)
{
	struct client *c = clients_get(cs->clients, &st->peer, clock_mono());

	return c ? c : clients_ref(st->client);
}

static void recount(struct conns *cs, struct standing *st)
{
	struct admit_place from = { &st->use->admit, &st->client->admit }, to;
	struct client *old = st->client;

	find(cs, st);
	st->client = find_client(cs, st);
	to = (struct admit_place){ &st->use->admit, &st->client->admit };
	admit_move(&from, &to, 0, st->sessions);
	if (st->conn) {
		struct control *c = &st->conn->control;

		if (c->counted) {
			from.class = c->charged;
			to.class = c->charged = c->class;
			admit_move(&from, &to, 1, 0);
		}
		standing_join(st, st->conn);
	}
	clients_put(cs->clients, old);
}

void standing_recount(struct conns *cs)
{
	for (struct standing *st = cs->standings; st; st = st->next) {
		recount(cs, st);
	}
}

void standing_resume_session(struct conns *cs, struct standing *st)
{
	admit_session_resume(&cs->admit, &st->use->admit, &st->client->admit);
	st->sessions++;
}

void standing_end_session(struct conns *cs, struct standing *st)
{
	assert(st->sessions);
	st->sessions--;
	admit_session_end(&cs->admit, &st->use->admit, &st->client->admit);
}
