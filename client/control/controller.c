// SPDX-License-Identifier: BSD-2-Clause
#include "client/control/controller.h"

#include "base/clock.h"
#include "client/control/bysid.h"
#include "client/control/dialog.h"
#include "client/control/retry.h"
#include "client/measure/interrupt.h"
#include "client/measure/padding.h"
#include "protocol/accept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A request per probe; each goes to the port that its Accept-Session names. */
static int request_sessions(struct measure *m, struct dialog *d)
{
	for (uint32_t i = 0; i < m->probe_count; i++) {
		struct probe *p = &m->probes[i];
		struct probe_aim at = { .peer = d->channel.peer,
					.modes = d->handshake.modes,
					.keys = &d->handshake.keys,
					.tos_seen = m->tos_seen };
		struct msg_accept_session accept;
		int r = dialog_request(d, endpoint_port(&p->local), &accept, &m->outcome);

		if (r != OUTCOME_OK) {
			return r;
		}
		memcpy(at.sid, accept.sid, sizeof(at.sid));
		at.server_octets = accept.server_octets;
		endpoint_set_port(&at.peer, accept.port);
		r = probe_aim(p, m->plan, &at, &m->outcome);
		if (r != OUTCOME_OK) {
			return r;
		}
	}
	return OUTCOME_OK;
}

/* Sessions that are acknowledged come first, and are all that take part. */
static uint32_t sort_started(struct measure *m)
{
	uint32_t started = 0;

	for (uint32_t i = 0; i < m->probe_count; i++) {
		if (m->probes[i].start_accept == ACCEPT_OK) {
			struct probe p = m->probes[i];

			m->probes[i] = m->probes[started];
			m->probes[started++] = p;
			explicit_bzero(&p, sizeof(p));
		}
	}
	return started;
}

static void fill_sids(const struct measure *m, struct individual *sessions)
{
	for (uint32_t i = 0; i < m->probe_count; i++) {
		memcpy(sessions[i].sid, m->probes[i].sid, sizeof(sessions[i].sid));
	}
}

/* those without an acknowledgement have failed; the others go on. */
static int start_individually(struct measure *m, struct dialog *d)
{
	struct individual *sessions = calloc(m->probe_count, sizeof(*sessions));
	int refusal = ACCEPT_OK, r;

	if (!sessions) {
		return outcome_set(&m->outcome, OUTCOME_LOCAL, 0, "%s", strerror(ENOMEM));
	}
	fill_sids(m, sessions);
	r = bysid_run(d, MSG_CMD_START_N_SESSIONS, sessions, m->probe_count, &m->outcome);
	for (uint32_t i = 0; i < m->probe_count; i++) {
		m->probes[i].start_accept = sessions[i].accept;
		refusal = sessions[i].accept > 0 ? sessions[i].accept : refusal;
	}
	free(sessions);
	if (d->channel.broken) {
		return r;
	}
	m->probe_count = sort_started(m);
	if (m->probe_count > 0) {
		m->outcome = (struct outcome){ .kind = OUTCOME_OK };
		sender_limit(m->sender, m->probe_count);
		return OUTCOME_OK;
	}
	/* None at all: refused with the last code, or never answered, as @r says. */
	return refusal == ACCEPT_OK ? r
				    : outcome_refused(&m->outcome, "Start-N-Ack", (uint8_t)refusal);
}

static int start(struct measure *m, struct dialog *d)
{
	return m->modes & MODE_INDIVIDUAL_CONTROL ? start_individually(m, d)
						  : dialog_start(d, &m->outcome);
}

static int stop_individually(struct measure *m, struct dialog *d, struct outcome *out)
{
	struct individual *sessions = calloc(m->probe_count, sizeof(*sessions));
	uint32_t failed = 0;
	int r;

	if (!sessions) {
		return outcome_set(out, OUTCOME_LOCAL, 0, "%s", strerror(ENOMEM));
	}
	fill_sids(m, sessions);
	r = bysid_run(d, MSG_CMD_STOP_N_SESSIONS, sessions, m->probe_count, out);
	for (uint32_t i = 0; i < m->probe_count; i++) {
		m->probes[i].stop_accept = sessions[i].accept;
		failed += sessions[i].accept != ACCEPT_OK;
	}
	free(sessions);
	if (failed > 0 && !d->channel.broken) {
		return outcome_set(out, OUTCOME_INCOMPLETE, 0,
				   "%u of %u sessions were not stopped: Stop-N-Ack refuses them or "
				   "does not come",
				   failed, m->probe_count);
	}
	return r;
}

/* What became of the sessions is part of the result only with acknowledgements. */
static int stop(struct measure *m, struct dialog *d)
{
	struct outcome out = { .kind = OUTCOME_OK };
	bool individual = m->modes & MODE_INDIVIDUAL_CONTROL;
	int r = individual ? stop_individually(m, d, &out) : dialog_stop(d, m->probe_count, &out);

	if (r == OUTCOME_OK) {
		return r;
	}
	if (individual && m->outcome.kind == OUTCOME_OK) {
		m->outcome = out;
	} else {
		/* The server ends what has no connection: this changes no result. */
		measure_note(m, "%s", out.text);
	}
	return r;
}

/* Interrupted between Start-Sessions and its answer: the sessions may run already. */
static void stop_interrupted(struct measure *m, struct dialog *d)
{
	struct outcome ignored;

	if (d->started && interrupt_count() > 0 && !d->channel.broken) {
		(void)!dialog_stop(d, m->probe_count, &ignored);
	}
}

static void tell_missing(struct measure *m)
{
	uint32_t all = m->plan->sessions;

	if (m->outcome.kind != OUTCOME_OK || m->probe_count == all) {
		return;
	}
	outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0, "%u of %u sessions were not started",
		    all - m->probe_count, all);
	outcome_hint(&m->outcome, "twamp --json has the Accept of each; the results above are "
				  "those of the others");
}

static int converse(struct measure *m, struct dialog *d, const struct access *access,
		    const struct secret *secret)
{
	int r = dialog_open(d, m->plan, access, secret, &m->notes, &m->outcome);

	m->peer = d->channel.peer;
	m->peer_known = d->channel.fd >= 0;
	m->offered = d->handshake.offered;
	m->modes = d->handshake.modes;
	snprintf(m->key_id, sizeof(m->key_id), "%s",
		 m->modes & MODE_KEYED_MASK ? secret->key_id : "");
	if (r == OUTCOME_OK) {
		r = padding_check(m->plan, m->modes, &m->outcome);
	}
	if (r == OUTCOME_OK) {
		r = measure_prepare(m, &d->channel.local);
	}
	if (r == OUTCOME_OK) {
		r = request_sessions(m, d);
	}
	crypt_keys_wipe(&d->handshake.keys); /* the sessions have theirs now */
	if (r == OUTCOME_OK) {
		r = start(m, d);
	}
	if (r != OUTCOME_OK) {
		stop_interrupted(m, d);
		return r;
	}
	r = measure_run(m, d->channel.fd); /* not before the Start-Ack: R-312, T-065 */
	if (m->end != SENDER_CONTROL_LOST && stop(m, d) != OUTCOME_OK) {
		r = (int)m->outcome.kind;
	}
	tell_missing(m);
	return r;
}

/* OUTCOME_OK when it is time. */
static int back_off(struct measure *m, const struct access *access, unsigned n)
{
	uint64_t random = 0;
	int64_t wait;

	(void)getrandom(&random, sizeof(random), GRND_NONBLOCK);
	wait = retry_wait_ns(access->retry_wait_ns, n, random);
	measure_note(m, "%s; retry %u of %u in %.3g s", m->outcome.text, n + 1, access->retries,
		     (double)wait / 1e9);
	return interrupt_poll(-1, 0, (struct mono){ clock_mono().ns + wait }) == -EINTR
		       ? outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0,
				     "interrupted while waiting for a retry")
		       : OUTCOME_OK;
}

static void run(struct measure *m, const struct access *access, const struct secret *secret)
{
	for (unsigned n = 0;; n++) {
		struct dialog d;

		m->outcome = (struct outcome){ .kind = OUTCOME_OK };
		m->attempts = n + 1;
		(void)converse(m, &d, access, secret);
		dialog_close(&d);
		if (!retry_wanted(&m->outcome) || n >= access->retries) {
			return;
		}
		measure_reset(m);
		if (back_off(m, access, n) != OUTCOME_OK) {
			return;
		}
	}
}

void controller_run(struct measure *m, const struct access *access)
{
	struct secret secret = { 0 };

	m->controlled = true;
	if (access->key_file && access->mode != MODE_UNAUTHENTICATED &&
	    secret_load(&secret, access->key_file, access->key_id, &m->outcome) != OUTCOME_OK) {
		return;
	}
	run(m, access, &secret);
	secret_wipe(&secret);
}
