// SPDX-License-Identifier: BSD-2-Clause
/* One run of twamp, from its plan to what is shown. */
#pragma once

#include "client/measure/notes.h"
#include "client/measure/outcome.h"
#include "client/measure/plan.h"
#include "client/measure/probe.h"
#include "client/measure/sender.h"
#include "client/measure/summary.h"
#include "client/measure/watcher.h"

struct measure {
	const struct plan *plan;
	const struct watcher *watcher; /* NULL = nobody looks on */
	bool controlled; /* by a server; else the reflector stands alone */
	struct outcome outcome;
	struct notes notes;
	unsigned attempts; /* connections tried; 1 without control */
	union endpoint peer; /* control connection, or the reflector without control */
	bool peer_known;
	uint32_t offered, modes; /* of the control connection; offered 0 = none seen */
	char key_id[MSG_KEY_ID_LEN + 1]; /* "" = no key was used */
	struct probe *probes; /* the first probe_count take part; probes_open are to be closed */
	uint32_t probe_count, probes_open;
	uint64_t
		tos_seen[256]; /* replies by the TOS octet that they tell; RFC 7750, RFC 8972 4.4 */
	uint64_t tos_back[256]; /* ... and that they came with; STAMP only */
	struct tlvside_told told; /* of all probes; STAMP only */
	struct sender *sender;
	bool ran; /* packets were sent: end, clock and summary are valid */
	enum sender_end end;
	struct ts_error clock; /* our own */
	struct schedule schedule; /* as it went */
	struct probe_counts counts; /* of all probes */
	struct summary summary;
};

void measure_init(struct measure *m, const struct plan *plan, const struct watcher *watcher);
void measure_wipe(struct measure *m);

/** Back to the start of an attempt; attempts and the plan stay. */
void measure_reset(struct measure *m);

/** Open all probes and the sender. OUTCOME_OK, or the reason in m->outcome. */
NODISCARD int measure_prepare(struct measure *m, const union endpoint *local);

/**
 * Send, receive and sum up; @control_fd as in sender_run. Nothing answered, or cut short:
 * OUTCOME_INCOMPLETE. The result is in m->outcome, too.
 */
NODISCARD int measure_run(struct measure *m, int control_fd);

/** Tell the watcher, if there is one. */
__attribute__((format(printf, 2, 3))) void measure_note(const struct measure *m, const char *format,
							...);

/** twamp sender: no control connection. The result is in m->outcome. */
void measure_light(struct measure *m);
