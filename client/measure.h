// SPDX-License-Identifier: BSD-2-Clause
/* One run of twamp, from its options to what result.h prints. */
#pragma once

#include "client/options.h"
#include "client/outcome.h"
#include "client/probe.h"
#include "client/secret.h"
#include "client/sender.h"
#include "client/summary.h"

struct measure {
	const struct options *options;
	struct outcome outcome;
	unsigned attempts; /* connections tried; 1 without control */
	union endpoint peer; /* control connection, or the reflector without control */
	bool peer_known;
	uint32_t offered, modes; /* of the control connection; offered 0 = none seen */
	char key_id[SECRET_ID_LEN + 1]; /* "" = no key was used */
	struct probe *probes; /* the first probe_count take part; probes_open are to be closed */
	uint32_t probe_count, probes_open;
	uint64_t tos_seen[256]; /* replies by the TOS octet that they tell; RFC 7750 */
	struct sender *sender;
	bool ran; /* packets were sent: end, clock and summary are valid */
	enum sender_end end;
	struct ts_error clock; /* our own */
	struct summary summary;
};

void measure_init(struct measure *m, const struct options *o);
void measure_wipe(struct measure *m);

/** Back to the start of an attempt; attempts and the options stay. */
void measure_reset(struct measure *m);

/** Open all probes and the sender. OUTCOME_OK, or the reason in m->outcome. */
NODISCARD int measure_prepare(struct measure *m, const union endpoint *local);

/**
 * Send, receive and sum up; @control_fd as in sender_run. Nothing answered, or cut short:
 * OUTCOME_INCOMPLETE. The result is in m->outcome, too.
 */
NODISCARD int measure_run(struct measure *m, int control_fd);

/** twamp sender: no control connection. The result is in m->outcome. */
void measure_light(struct measure *m);
