// SPDX-License-Identifier: BSD-2-Clause
/*
 * One control connection from the Control-Client's side: handshake, requests, start and
 * stop, each step with a deadline. Blocks; every function returns OUTCOME_OK or says in @out
 * why the conversation is over. RFC 4656 3, RFC 5357 3.
 */
#pragma once

#include "client/control/channel.h"
#include "client/control/setup.h"
#include "protocol/msg.h"

struct dialog {
	const struct plan *plan;
	const struct access *access;
	struct channel channel;
	struct handshake handshake;
	bool started; /* Start-Sessions went out, so that a stop makes sense */
};

/** Connect and go through the handshake. dialog_close is right after any result. */
NODISCARD int dialog_open(struct dialog *d, const struct plan *plan, const struct access *access,
			  const struct secret *secret, struct notes *notes, struct outcome *out);

/** Request one session for our @sender_port; *accept is filled on OUTCOME_OK. */
NODISCARD int dialog_request(struct dialog *d, uint16_t sender_port,
			     struct msg_accept_session *accept, struct outcome *out);

/** Start all accepted sessions. */
NODISCARD int dialog_start(struct dialog *d, struct outcome *out);

/** Stop @sessions sessions; nothing comes back. */
NODISCARD int dialog_stop(struct dialog *d, uint32_t sessions, struct outcome *out);

/** Wipes the keys, too. */
void dialog_close(struct dialog *d);
