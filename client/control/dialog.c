// SPDX-License-Identifier: BSD-2-Clause
#include "client/control/dialog.h"

#include "client/measure/padding.h"
#include "protocol/accept.h"
#include "protocol/ts.h"

int dialog_open(struct dialog *d, const struct plan *plan, const struct access *access,
		const struct secret *secret, struct notes *notes, struct outcome *out)
{
	int r;

	*d = (struct dialog){ .plan = plan, .access = access };
	r = channel_open(&d->channel, plan, access->control_timeout_ns, notes, out);
	return r == OUTCOME_OK
		       ? setup_run(&d->handshake, &d->channel, access, plan->features, secret, out)
		       : r;
}

void dialog_close(struct dialog *d)
{
	channel_close(&d->channel);
	crypt_keys_wipe(&d->handshake.keys);
}

/* R-309, and what RFC 6038 4.3 promises. */
static int check_accept(struct dialog *d, const struct msg_accept_session *accept,
			struct outcome *out)
{
	const struct plan *plan = d->plan;

	if (accept->port == 0) {
		return channel_fault(&d->channel, out,
				     "malformed Accept-Session: Accept 0 without a port");
	}
	if (!(d->handshake.modes & MODE_REFLECT_OCTETS)) {
		return OUTCOME_OK;
	}
	if (accept->reflected_octets != plan->reflect_octets) {
		return channel_fault(&d->channel, out,
				     "malformed Accept-Session: it reflects the octets %04x in "
				     "place of %04x",
				     accept->reflected_octets, plan->reflect_octets);
	}
	if (accept->server_octets != 0 && plan->reflect_length < 2) {
		channel_fault(&d->channel, out,
			      "the server wants two octets in the padding to be reflected, which "
			      "has %u",
			      plan->reflect_length);
		outcome_hint(out, "use --reflect-length 2 or more");
		return OUTCOME_NO_ACCEPT;
	}
	return OUTCOME_OK;
}

int dialog_request(struct dialog *d, uint16_t sender_port, struct msg_accept_session *accept,
		   struct outcome *out)
{
	uint8_t octets[MSG_REQUEST_LEN];
	uint8_t answer[MSG_ACCEPT_SESSION_LEN];
	const struct plan *plan = d->plan;
	uint16_t wanted = d->access->receiver_port;
	/* Addresses stay zero: those of this connection (RFC 5357 3.5), right through NAT, too. */
	struct msg_request request = {
		.ipvn = d->channel.peer.any.sa_family == AF_INET6 ? 6 : 4,
		.sender_port = sender_port,
		.receiver_port = wanted ? wanted : sender_port,
		.padding = padding_octets(plan, d->handshake.modes),
		.timeout = ts_duration_fixed(plan->timeout_ns),
		.type_p = msg_type_p(plan->dscp),
	};
	int r;

	if (d->handshake.modes & MODE_REFLECT_OCTETS) {
		request.reflect_octets = plan->reflect_octets;
		request.reflect_length = plan->reflect_length;
	}
	msg_put_request(octets, &request);
	r = channel_put(&d->channel, octets, sizeof(octets), "Request-TW-Session", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	r = channel_get(&d->channel, answer, sizeof(answer), "Accept-Session", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	msg_get_accept_session(answer, accept);
	if (accept->accept != ACCEPT_OK) {
		return outcome_refused(out, "Accept-Session", accept->accept);
	}
	return check_accept(d, accept, out);
}

int dialog_start(struct dialog *d, struct outcome *out)
{
	uint8_t octets[MSG_START_LEN];
	uint8_t answer[MSG_START_ACK_LEN];
	uint8_t accept;
	int r;

	msg_put_start(octets);
	d->started = true;
	r = channel_put(&d->channel, octets, sizeof(octets), "Start-Sessions", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	r = channel_get(&d->channel, answer, sizeof(answer), "Start-Ack", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	accept = msg_get_start_ack(answer);
	return accept == ACCEPT_OK ? OUTCOME_OK : outcome_refused(out, "Start-Ack", accept);
}

int dialog_stop(struct dialog *d, uint32_t sessions, struct outcome *out)
{
	uint8_t octets[MSG_STOP_LEN];
	struct msg_stop stop = { .accept = ACCEPT_OK, .sessions = sessions };

	msg_put_stop(octets, &stop);
	return channel_put(&d->channel, octets, sizeof(octets), "Stop-Sessions", out);
}
