// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/handshake.h"

#include "daemon/control/answer.h"

static enum reason admit(struct control *c, const struct policy *p)
{
	c->charged = c->class;
	return admit_connection(c->total, c->class, c->client, p);
}

void handshake_open(struct control *c, const struct policy *p, const struct control_in *in,
		    struct mono now, struct control_out *out)
{
	struct msg_greeting g = { .modes = p->modes, .count = p->kdf_count };

	_Static_assert(sizeof in->random >= sizeof g.challenge + sizeof g.salt, "randomness");
	if (!p->modes) { /* */
		memset(answer_room(out, MSG_GREETING_LEN), 0, MSG_GREETING_LEN);
		answer_leave(c, CONTROL_WHY_DENIED, out);
		return;
	}
	g.modes |= p->features;
	memcpy(g.challenge, in->random, sizeof g.challenge);
	memcpy(g.salt, in->random + sizeof g.challenge, sizeof g.salt);
	memcpy(c->challenge, g.challenge, sizeof c->challenge);
	memcpy(c->salt, g.salt, sizeof c->salt);
	c->count = g.count;
	c->modes_offered = g.modes;
	c->opened = now;
	/* Held from now on; a refusal is told in Server-Start, where it is tried again. */
	c->within_rate = admit_dial(c->client, p, now);
	c->counted = admit(c, p) == REASON_OK;
	msg_put_greeting(answer_room(out, MSG_GREETING_LEN), &g);
}

/* R-040..R-045 */
static enum reason check_mode(uint32_t mode, uint32_t offered)
{
	uint32_t security = mode & MODE_SECURITY_MASK;

	if (!security || (security & (security - 1))) {
		return REASON_MODE_MULTIPLE;
	}
	if (security & ~offered) {
		return REASON_MODE_NOT_OFFERED;
	}
	if (mode & MODE_KNOWN_MASK & ~offered) {
		return REASON_FEATURE_NOT_OFFERED;
	}
	return REASON_OK;
}

/* A refusal is all clear, whatever the mode; the server closes. R-018, C-042 */
static void refuse(struct control *c, enum reason why, struct control_out *out)
{
	struct control_report *r = answer_report(out, CONTROL_FACT_REFUSED_CONNECTION);
	struct msg_server_start start = { .accept = (uint8_t)admit_code(c->total, why) };

	r->reason = why;
	r->code = start.accept;
	r->value = c->setup.mode;
	msg_put_server_start(answer_room(out, MSG_SERVER_START_LEN), &start);
	answer_leave(c, CONTROL_WHY_REFUSED, out);
}

static void establish(struct control *c, const uint8_t *server_iv, struct mono now,
		      struct control_out *out)
{
	struct msg_server_start start = { .start_time = c->start_time };
	uint8_t *at = answer_room(out, MSG_SERVER_START_LEN);

	if (server_iv) {
		memcpy(start.server_iv, server_iv, sizeof start.server_iv);
	}
	msg_put_server_start(at, &start);
	if (server_iv) { /* C-040, C-061: from here on everything is encrypted */
		crypt_seal_block(&c->keyed->to_client, at + MSG_SERVER_START_LEN - MSG_BLOCK,
				 MSG_BLOCK);
	}
	c->state = CONTROL_READY;
	c->opened.ns = CONTROL_OFF;
	c->heard = now;
	answer_report(out, CONTROL_FACT_ESTABLISHED)->value = c->setup.mode;
}

void handshake_setup(struct control *c, const struct policy *p, const uint8_t *octets,
		     struct mono now, struct control_out *out)
{
	enum reason why;
	bool keyed;

	msg_get_setup(octets, &c->setup);
	if (!c->setup.mode) {
		answer_leave(c, CONTROL_WHY_MODE_ZERO, out);
		return;
	}
	keyed = c->setup.mode & MODE_KEYED_MASK;
	why = c->barred;
	if (why == REASON_OK) { /* what was offered, and still is */
		why = check_mode(c->setup.mode, c->modes_offered & (p->modes | p->features));
	}
	if (why == REASON_OK && !keyed && !c->class) {
		why = REASON_NO_CLASS;
	}
	if (why == REASON_OK && !c->counted) {
		why = admit(c, p);
		c->counted = why == REASON_OK;
	}
	if (why == REASON_OK && !c->within_rate) {
		why = REASON_CONNECTION_RATE;
	}
	if (why == REASON_OK && keyed) {
		why = admit_authentication(c->client, p, c->setup.key_id, now);
	}
	if (why != REASON_OK) {
		refuse(c, why, out);
		return;
	}
	c->modes = c->setup.mode & MODE_KNOWN_MASK;
	if (keyed) {
		c->state = CONTROL_DERIVING;
		out->derive = true;
		return;
	}
	memset(c->setup.key_id, 0, sizeof c->setup.key_id); /* means nothing */
	establish(c, NULL, now, out);
}

void handshake_key_ready(struct control *c, const struct policy *p, const struct control_in *in,
			 struct mono now, struct control_out *out)
{
	enum reason why = check_mode(c->setup.mode, p->modes | p->features);
	struct control_keyed *k = c->keyed;

	if (c->state != CONTROL_DERIVING) {
		return;
	}
	explicit_bzero(c->setup.token, sizeof c->setup.token);
	if (c->barred != REASON_OK) {
		why = c->barred;
	}
	if (why == REASON_OK) {
		why = admit_connection_move(c->charged, c->class, c->client, p);
	}
	if (why == REASON_OK) {
		c->charged = c->class;
	}
	if (why != REASON_OK) { /* the class of this KeyID allows less than was offered */
		refuse(c, why, out);
		return;
	}
	k->keys = *in->keys;
	crypt_stream_init_receive(&k->from_client, &k->keys, c->setup.client_iv);
	crypt_stream_init_send(&k->to_client, &k->keys, in->random);
	establish(c, in->random, now, out);
}

void handshake_key_refused(struct control *c, const struct policy *p, enum reason why,
			   struct mono now, struct control_out *out)
{
	if (why == REASON_AUTH_FAILED) {
		admit_failed(c->client, p, c->setup.key_id, now);
	}
	if (c->state == CONTROL_DERIVING) {
		explicit_bzero(c->setup.token, sizeof c->setup.token);
		refuse(c, why, out);
	}
}
