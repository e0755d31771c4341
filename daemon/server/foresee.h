// SPDX-License-Identifier: BSD-2-Clause
/*
 * What would happen to a client if it came now: the whole conversation, from the greeting to the
 * answer to its request, held with the state machine that clients talk to, on copies of what the
 * server counts. Nothing of the server changes, nobody is told.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/control/control.h"
#include "daemon/server/reached.h"

struct server;

struct foresee_question {
	struct address client; /* the port does not matter */
	uint8_t key_id[MSG_KEY_ID_LEN]; /* that it has the right passphrase for; zeros = none */
	uint32_t mode; /* 0 = with a key the best that is offered, else without */
	uint32_t padding;
	uint8_t dscp;
	struct address receiver; /* family 0 = the address that it connects to */
};

enum foresee_step {
	FORESEE_GREETING = 1, /* it is offered no mode */
	FORESEE_SETUP, /* Server-Start tells */
	FORESEE_REQUEST, /* Accept-Session tells */
	FORESEE_ACCEPTED,
};

struct foresee_limit {
	const char *key; /* "limits.max_sessions"; static */
	const char *of; /* "server", "class", "client", "connection"; static */
	uint32_t used, max;
	struct settings_place place; /* where it is set */
};
#define FORESEE_LIMITS 7

struct foresee_answer {
	struct address local; /* that it would talk to; family 0 = there is no route back */
	const struct settings_class *by_address; /* the class of its address; NULL = none */
	const struct settings_class *class; /* and in the end, by its key; lives as the settings */
	bool key_known; /* there is a key of that KeyID */
	uint32_t offered; /* modes and features of the greeting */
	uint32_t mode; /* that was tried */
	enum foresee_step step;
	enum reason reason; /* REASON_OK with FORESEE_ACCEPTED */
	enum accept_code
		code; /* that it gets; ACCEPT_OK with FORESEE_GREETING, where none is sent */
	struct reached reached; /* the limit that refuses it; "" = it is no limit */
	char setting[REACHED_SETTING_LEN]; /* that decides, and where it stands; "" = none does */
	struct foresee_limit
		limits[FORESEE_LIMITS]; /* as the client would find them; key NULL ends */
};

void foresee(struct server *s, const struct foresee_question *q, struct foresee_answer *a);
