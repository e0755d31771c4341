// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/measure.h"

#include "client/measure/padding.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

void measure_init(struct measure *m, const struct plan *plan, const struct watcher *watcher)
{
	*m = (struct measure){ .plan = plan, .watcher = watcher };
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
	m->counts = (struct probe_counts){ 0 };
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
	const struct plan *plan = m->plan;

	raise_descriptors(plan->sessions);
	m->probes = calloc(plan->sessions, sizeof(*m->probes));
	if (!m->probes) {
		return outcome_set(&m->outcome, OUTCOME_LOCAL, 0, "%s", strerror(ENOMEM));
	}
	m->probe_count = plan->sessions;
	while (m->probes_open < m->probe_count) {
		struct probe *p = &m->probes[m->probes_open++];
		int r = probe_open(p, plan, local, &m->outcome);

		if (r != OUTCOME_OK) {
			return r;
		}
	}
	m->sender = sender_new(plan, m->watcher, m->probes, m->probe_count);
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
	int r;

	if (!series) {
		return outcome_set(&m->outcome, OUTCOME_LOCAL, 0, "%s", strerror(ENOMEM));
	}
	for (uint32_t i = 0; i < m->probe_count; i++) {
		series[i] = &m->probes[i].series;
		probe_add_counts(&m->probes[i], &m->counts);
	}
	r = summary_make(&m->summary, series, m->probe_count, m->controlled);
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
			    m->counts.refused
				    ? ": nothing listens on the UDP port (ICMP port unreachable)"
			    : m->counts.hmac_failures ? " with a right HMAC"
						      : "");
		outcome_hint(
			&m->outcome, "%s",
			m->counts.hmac_failures
				? "what came was changed on its way, or is not from the holder of "
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

void measure_note(const struct measure *m, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!m->watcher) {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	m->watcher->note(m->watcher->data, text);
}

static int run_light(struct measure *m)
{
	union endpoint local;
	struct probe_aim at = { .modes = MODE_UNAUTHENTICATED };
	int r = endpoint_resolve(m->plan, &m->peer, &m->outcome);

	if (r != OUTCOME_OK) {
		return r;
	}
	m->peer_known = true;
	m->modes = at.modes;
	at.peer = m->peer;
	r = endpoint_local(m->plan, &m->peer, &local, &m->outcome);
	if (r == OUTCOME_OK && !m->plan->stamp) { /* STAMP: its options were looked at */
		r = padding_check(m->plan, at.modes, &m->outcome);
	}
	if (r == OUTCOME_OK) {
		r = measure_prepare(m, &local);
	}
	for (uint32_t i = 0; r == OUTCOME_OK && i < m->probe_count; i++) {
		r = probe_aim(&m->probes[i], m->plan, &at, &m->outcome);
	}
	return r == OUTCOME_OK ? measure_run(m, -1) : r;
}

void measure_light(struct measure *m)
{
	m->attempts = 1;
	m->outcome = (struct outcome){ .kind = OUTCOME_OK };
	(void)run_light(m);
}
