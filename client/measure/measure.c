// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/measure.h"

#include "base/clock.h"
#include "client/measure/findings.h"
#include "client/measure/local.h"
#include "client/measure/padding.h"
#include "client/measure/reach.h"
#include "protocol/stamp.h"

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
	summary_wipe(&m->summary);
	memset(m->tos_seen, 0, sizeof(m->tos_seen));
	memset(m->tos_back, 0, sizeof(m->tos_back));
	m->told = (struct tlvside_told){ 0 };
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
		int r = probe_open(p, plan, m->controlled, local, &m->outcome);

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

	if (!series) {
		return outcome_set(&m->outcome, OUTCOME_LOCAL, 0, "%s", strerror(ENOMEM));
	}
	for (uint32_t i = 0; i < m->probe_count; i++) {
		series[i] = &m->probes[i].series;
		probe_add_counts(&m->probes[i], &m->counts);
		tlvside_add(&m->told, &m->probes[i].tlvs.told);
	}
	summary_make(&m->summary, series, m->probe_count);
	free(series);
	m->ran = true;
	findings_note(m);
	if (m->end == SENDER_CONTROL_LOST) {
		outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0,
			    "the server ended the control connection during the test");
		outcome_hint(&m->outcome,
			     "look into the log of the server, and at firewalls that cut "
			     "idle TCP connections; the results until then stand above");
		return OUTCOME_INCOMPLETE;
	}
	if (m->end == SENDER_NO_SSID) {
		return findings_no_ssid(m);
	}
	if (m->summary.answered + m->summary.late == 0 && !tlvside_expects_nothing(m->plan)) {
		return findings_nothing(m);
	}
	return OUTCOME_OK;
}

int measure_run(struct measure *m, int control_fd)
{
	m->end = sender_run(m->sender, control_fd);
	m->clock = sender_clock(m->sender);
	m->schedule = *sender_schedule(m->sender);
	return finish(m);
}

void measure_note(const struct measure *m, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!m->watcher || !m->watcher->note) {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	m->watcher->note(m->watcher->data, text);
}

/* The reflector's address: one that answers a packet like those of the test. */
static int find_reflector(struct measure *m)
{
	const struct plan *plan = m->plan;
	const struct pkt_layout *l = pkt_layout(MODE_UNAUTHENTICATED);
	struct ts_error clock = clock_state();
	struct pkt_send header = { .ts = ts_encode(TS_NTP, clock_wall()),
				   .error_estimate = ts_ee_encode(&clock) };
	uint8_t packet[STAMP_AUTH_LEN] = { 0 };

	if (plan->stamp) {
		l = plan->more.authenticated ? stamp_auth_layout() : stamp_layout();
	}
	pkt_put_send(l, packet, &header);
	if (plan->stamp && plan->more.authenticated) {
		stamp_auth_put_ssid(packet, plan->ssid);
		stamp_seal(plan->more.key, packet);
	} else if (plan->stamp) {
		stamp_put_ssid(packet, plan->ssid);
	}
	return reach_knock(plan, packet, pkt_send_len(l, 0), &m->peer, &m->notes, &m->outcome);
}

static int run_light(struct measure *m)
{
	union endpoint local;
	struct probe_aim at = { .modes = MODE_UNAUTHENTICATED,
				.tos_seen = m->tos_seen,
				.tos_back = m->tos_back };
	int r = find_reflector(m);

	if (r != OUTCOME_OK) {
		return r;
	}
	m->peer_known = true;
	m->modes = m->plan->more.authenticated ? MODE_AUTHENTICATED : at.modes;
	at.peer = m->peer;
	r = local_towards(m->plan, &m->peer, &local, &m->outcome);
	if (r == OUTCOME_OK && !m->plan->stamp) { /* STAMP: its options were looked at */
		r = padding_check(m->plan, at.modes, &m->outcome);
	}
	if (r == OUTCOME_OK) {
		r = measure_prepare(m, &local);
	}
	for (uint32_t i = 0; r == OUTCOME_OK && i < m->probe_count; i++) {
		at.ssid = m->plan->ssid ? (uint16_t)(m->plan->ssid + i) : 0; /* S-243 */
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
