// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure.h"

#include "client/padding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

void measure_init(struct measure *m, const struct options *o)
{
	*m = (struct measure){ .options = o };
}

void measure_reset(struct measure *m)
{
	sender_free(m->sender);
	m->sender = NULL;
	for (uint32_t i = 0; i < m->probes_open; i++) {
		probe_close(&m->probes[i]);
	}
	free(m->probes);
	m->probes = NULL;
	m->probe_count = 0;
	m->probes_open = 0;
	m->ran = false;
	memset(m->tos_seen, 0, sizeof(m->tos_seen));
}

void measure_wipe(struct measure *m)
{
	measure_reset(m);
}

/* Many sessions need as many descriptors; the soft limit is often 1024. */
static void raise_descriptors(uint32_t probes)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < probes + 64u) {
		r.rlim_cur = probes + 64u < r.rlim_max ? probes + 64u : r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

int measure_prepare(struct measure *m, const union endpoint *local)
{
	const struct options *o = m->options;

	raise_descriptors(o->sessions);
	m->probes = calloc(o->sessions, sizeof(*m->probes));
	if (!m->probes) {
		return outcome_set(&m->outcome, OUTCOME_LOCAL, 0, "%s", strerror(ENOMEM));
	}
	m->probe_count = o->sessions;
	while (m->probes_open < m->probe_count) {
		struct probe *p = &m->probes[m->probes_open++];
		int r = probe_open(p, o, local, &m->outcome);

		if (r != OUTCOME_OK) {
			return r;
		}
	}
	m->sender = sender_new(o, m->probes, m->probe_count);
	if (!m->sender) {
		return outcome_set(&m->outcome, OUTCOME_LOCAL, 0, "event loop: %s",
				   strerror(errno));
	}
	return OUTCOME_OK;
}

static int finish(struct measure *m)
{
	size_t n = m->probe_count > 0 ? m->probe_count : 1;
	const struct series **series = calloc(n, sizeof(const struct series *));
	uint64_t refused = 0, denied = 0;
	int r;

	if (!series) {
		return outcome_set(&m->outcome, OUTCOME_LOCAL, 0, "%s", strerror(ENOMEM));
	}
	for (uint32_t i = 0; i < m->probe_count; i++) {
		series[i] = &m->probes[i].series;
		refused += m->probes[i].refused;
		denied += m->probes[i].hmac_failures;
	}
	r = summary_make(&m->summary, series, m->probe_count,
			 m->options->command == COMMAND_CONTROLLER);
	free(series);
	if (r < 0) {
		return outcome_set(&m->outcome, OUTCOME_LOCAL, 0, "%s", strerror(-r));
	}
	m->ran = true;
	if (m->end == SENDER_CONTROL_LOST) {
		outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0,
			    "the server ended the control connection during the test");
		outcome_hint(&m->outcome,
			     "look into the log of the server, and at firewalls that cut "
			     "idle TCP connections; the results until then stand above");
		return OUTCOME_INCOMPLETE;
	}
	if (m->summary.answered + m->summary.late == 0) {
		outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0, "no reply to %llu packets%s",
			    (unsigned long long)m->summary.sent,
			    refused  ? ": nothing listens on the UDP port (ICMP port unreachable)"
			    : denied ? " with a right HMAC"
				     : "");
		outcome_hint(
			&m->outcome, "%s",
			denied ? "what came was changed on its way, or is not from the holder of "
				 "the key; if it is always so, report it with the version of the "
				 "server"
			       : "check that firewalls on the way let through the UDP range of the "
				 "server (and NAT keeps it); on the server look with: ss -lun");
		return OUTCOME_INCOMPLETE;
	}
	return OUTCOME_OK;
}

int measure_run(struct measure *m, int control_fd)
{
	m->end = sender_run(m->sender, control_fd);
	m->clock = sender_clock(m->sender);
	return finish(m);
}

static int run_light(struct measure *m)
{
	union endpoint local;
	struct probe_aim at = { .modes = MODE_UNAUTHENTICATED };
	int r = endpoint_resolve(m->options, &m->peer, &m->outcome);

	if (r != OUTCOME_OK) {
		return r;
	}
	m->peer_known = true;
	m->modes = at.modes;
	at.peer = m->peer;
	r = endpoint_local(m->options, &m->peer, &local, &m->outcome);
	if (r == OUTCOME_OK && !m->options->stamp) { /* STAMP: optlight_fault has looked */
		r = padding_check(m->options, at.modes, &m->outcome);
	}
	if (r == OUTCOME_OK) {
		r = measure_prepare(m, &local);
	}
	for (uint32_t i = 0; r == OUTCOME_OK && i < m->probe_count; i++) {
		r = probe_aim(&m->probes[i], m->options, &at, &m->outcome);
	}
	return r == OUTCOME_OK ? measure_run(m, -1) : r;
}

void measure_light(struct measure *m)
{
	m->attempts = 1;
	m->outcome = (struct outcome){ .kind = OUTCOME_OK };
	(void)run_light(m);
}
