// SPDX-License-Identifier: BSD-2-Clause
#include "client/control/bysid.h"

#include <string.h>

/* What a server takes at least in one command, so that more of them are cut up. */
#define AT_ONCE MSG_N_MAX

struct order {
	enum msg_command code, ack;
	const char *name, *ack_name;
};

static int send_command(struct dialog *d, const struct order *order,
			const struct individual *sessions, uint32_t n, struct outcome *out)
{
	uint8_t octets[MSG_N_LEN(AT_ONCE)] = { 0 };
	struct msg_n head = { .command = (uint8_t)order->code, .n = n };

	msg_put_n_head(octets, &head);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(octets + MSG_BLOCK + i * MSG_SID_LEN, sessions[i].sid, MSG_SID_LEN);
	}
	return channel_put(&d->channel, octets, MSG_N_LEN(n), order->name, out);
}

/* The order of the command is the likely one: the search goes on where the last one ended. */
static bool mark(struct individual *sessions, uint32_t n, uint32_t *from, const uint8_t *sid,
		 uint8_t accept)
{
	for (uint32_t k = 0; k < n; k++) {
		struct individual *s = &sessions[(*from + k) % n];

		if (s->accept < 0 && memcmp(s->sid, sid, MSG_SID_LEN) == 0) {
			s->accept = accept;
			*from = (*from + k + 1) % n;
			return true;
		}
	}
	return false;
}

/* One acknowledgement; *left counts the sessions that none has named yet. */
static int take_ack(struct dialog *d, const struct order *order, struct individual *sessions,
		    uint32_t n, uint32_t *left, struct outcome *out)
{
	uint8_t octets[MSG_N_LEN(AT_ONCE)];
	struct channel *c = &d->channel;
	struct msg_n head;
	uint32_t from = 0;
	int r = channel_get_head(c, octets, MSG_BLOCK, order->ack_name, out);

	if (r != OUTCOME_OK) {
		return r;
	}
	msg_get_n_head(octets, &head);
	/* Not proved yet: anything else would be thrown away with a wrong HMAC. */
	if (head.n == 0 || head.n > *left) {
		return channel_fault(c, out, "malformed %s: it names %u sessions of %u%s",
				     order->ack_name, head.n, *left,
				     c->ciphered ? ", or its HMAC is wrong" : "");
	}
	r = channel_get(c, octets + MSG_BLOCK, MSG_N_LEN(head.n) - MSG_BLOCK, order->ack_name, out);
	if (r != OUTCOME_OK) {
		c->broken = true; /* in the middle of a message */
		return r;
	}
	if (head.command != order->ack) {
		return channel_fault(c, out, "malformed %s: its first octet is %u in place of %u",
				     order->ack_name, head.command, (unsigned)order->ack);
	}
	for (uint32_t i = 0; i < head.n; i++) {
		if (!mark(sessions, n, &from, octets + MSG_BLOCK + i * MSG_SID_LEN, head.accept)) {
			return channel_fault(c, out, "malformed %s: it names an unknown session",
					     order->ack_name);
		}
	}
	*left -= head.n;
	return OUTCOME_OK;
}

int bysid_run(struct dialog *d, enum msg_command code, struct individual *sessions, uint32_t n,
	      struct outcome *out)
{
	static const struct order start = { MSG_CMD_START_N_SESSIONS, MSG_CMD_START_N_ACK,
					    "Start-N-Sessions", "Start-N-Ack" };
	static const struct order stop = { MSG_CMD_STOP_N_SESSIONS, MSG_CMD_STOP_N_ACK,
					   "Stop-N-Sessions", "Stop-N-Ack" };
	const struct order *order = code == start.code ? &start : &stop;
	int r = OUTCOME_OK;

	for (uint32_t i = 0; i < n; i++) {
		sessions[i].accept = -1;
	}
	for (uint32_t done = 0, part; r == OUTCOME_OK && done < n; done += part) {
		uint32_t left;

		part = n - done < AT_ONCE ? n - done : AT_ONCE;
		left = part;
		r = send_command(d, order, sessions + done, part, out);
		while (r == OUTCOME_OK && left > 0) {
			r = take_ack(d, order, sessions + done, part, &left, out);
		}
	}
	return r;
}
