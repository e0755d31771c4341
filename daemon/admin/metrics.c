// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/metrics.h"

#include "daemon/log/log.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what there is -------------------------------------------------------------------------- */

static void gather_light(void *context, const struct light_info *info)
{
	struct metrics *m = context;

	m->lights[m->n_lights++] = *info;
}

static int gather_classes(struct metrics *m, const struct server *s, const struct settings *now)
{
	m->classes = calloc(now->n_classes + 2, sizeof *m->classes);
	m->sums = calloc(now->n_classes + 2, sizeof *m->sums);
	if (!m->classes || !m->sums) {
		return -ENOMEM;
	}
	while (m->n_classes < now->n_classes + 2 &&
	       view_class(s, m->n_classes, &m->classes[m->n_classes])) {
		(void)view_class_sums(s, m->n_classes, &m->sums[m->n_classes]);
		m->n_classes++;
	}
	return 0;
}

int metrics_gather(struct metrics *m, const struct server *s)
{
	struct reflector *r = view_reflector(s);
	const struct settings *now = view_settings(s);
	int rc;

	*m = (struct metrics){
		.restart_pending = settings_restart_needed(view_started_settings(s), now, NULL, 0) >
				   0,
		.limits_temporary = now->accept_code == ACCEPT_TEMPORARY,
		.log_left_out = log_left_out(server_log(s)),
		.max_ports = (uint32_t)now->policy.port_last - now->policy.port_first + 1,
	};
	view_status(s, &m->status);
	view_overload(s, m->measures);
	m->ports = reflector_ports(r);
	reflector_dwell(r, &m->dwell);
	m->threads = reflector_cpu(r, m->cpu_s, METRICS_THREADS_MAX);
	rc = gather_classes(m, s, now);
	m->lights = calloc(light_count(r) + 1, sizeof *m->lights);
	if (rc || !m->lights) {
		return -ENOMEM;
	}
	light_walk(r, gather_light, m);
	return 0;
}

void metrics_wipe(struct metrics *m)
{
	free(m->classes);
	free(m->sums);
	free(m->lights);
	*m = (struct metrics){ 0 };
}

/* --- families ------------------------------------------------------------------------------- */

static void write_gauge(struct exposition *e, const char *name, const char *unit, const char *help,
			double value)
{
	exposition_family(e, name, EXPOSITION_GAUGE, unit, help);
	exposition_real(e, NULL, value);
}

static void write_counter(struct exposition *e, const char *name, const char *help, uint64_t value)
{
	exposition_family(e, name, EXPOSITION_COUNTER, NULL, help);
	exposition_number(e, NULL, value);
}

static double seconds(struct wall at)
{
	return (double)at.ns / 1e9;
}

static void write_process(struct exposition *e, const struct metrics *m)
{
	const struct view_status *s = &m->status;

	exposition_family(e, "twampd_build_info", EXPOSITION_GAUGE, NULL,
			  "Always 1. The label has the version.");
	exposition_number(e, EXPOSITION_LABELS({ "version", TWAMPD_VERSION }), 1);
	write_gauge(e, "twampd_start_time_seconds", "seconds", "When this process was started.",
		    seconds(s->started));
	write_gauge(e, "twampd_last_handover_time_seconds", "seconds",
		    "When this process took connections and sessions over from the one before; 0 = "
		    "it did not.",
		    s->took_over ? seconds(s->started) : 0);
	write_gauge(e, "twampd_draining", NULL, "1 while nothing new is accepted.", s->draining);
	write_counter(e, "twampd_log_lines_left_out",
		      "Lines that the log left out for its rate limits, or because it could not be "
		      "written fast enough.",
		      m->log_left_out);
}

static void write_config(struct exposition *e, const struct metrics *m)
{
	const struct reload_result *r = &m->status.reload;

	write_gauge(e, "twampd_config_last_reload_successful", NULL,
		    "1 if the settings in force are those of the files; 0 if the last reload, or "
		    "the start, kept older ones.",
		    r->trouble == RELOAD_NONE);
	write_gauge(e, "twampd_config_last_reload_time_seconds", "seconds",
		    "When the settings were read last, well or not.", seconds(r->at));
	write_gauge(e, "twampd_config_settings_since_time_seconds", "seconds",
		    "When the settings in force came to hold.", seconds(r->settings_since));
	write_gauge(e, "twampd_config_restart_pending", NULL,
		    "1 if settings were changed that hold only after a restart.",
		    m->restart_pending);
}

static void write_clock(struct exposition *e, const struct view_status *s)
{
	write_gauge(e, "twampd_clock_synchronized", NULL,
		    "1 while the kernel says that the clock follows a reference.", s->synchronized);
	write_gauge(e, "twampd_clock_error_seconds", "seconds",
		    "The largest error of the clock as the kernel states it; NaN = unknown.",
		    s->clock_error_ms < 0 ? __builtin_nan("") : s->clock_error_ms / 1e3);
	write_gauge(e, "twampd_kernel_timestamps_work", NULL,
		    "1 if receive times of the kernel were seen to work at the start.",
		    s->kernel_timestamps);
}

static void write_room(struct exposition *e, const struct metrics *m)
{
	const struct view_status *s = &m->status;

	write_gauge(e, "twampd_connections_limit", NULL,
		    "Connections that the server may have at once.", s->max_connections);
	write_gauge(e, "twampd_sessions_limit", NULL,
		    "Test sessions that the server may have at once.", s->max_sessions);
	write_gauge(e, "twampd_idle_connections", NULL,
		    "Connections that have not shaken hands so far.", s->idle);
	write_gauge(e, "twampd_refused_connections", NULL,
		    "Connections that are over a limit, or about to be closed.", s->refused);
	write_gauge(e, "twampd_clients", NULL, "Clients that are known.", s->clients);
	write_gauge(e, "twampd_ports", NULL, "UDP ports that sessions hold.", m->ports);
	write_gauge(e, "twampd_ports_limit", NULL,
		    "UDP ports from ports.first to ports.last of the server.", m->max_ports);
	write_gauge(e, "twampd_file_descriptors", NULL, "File descriptors in use, about.",
		    (double)s->descriptors);
	write_gauge(e, "twampd_file_descriptors_limit", NULL,
		    "File descriptors that there may be; 0 = without limit.",
		    (double)s->max_descriptors);
}

/* --- classes -------------------------------------------------------------------------------- */

static void write_held(struct exposition *e, const struct metrics *m, const char *name,
		       const char *help, size_t offset)
{
	exposition_family(e, name, EXPOSITION_GAUGE, NULL, help);
	for (size_t i = 0; i < m->n_classes; i++) {
		uint32_t n;

		memcpy(&n, (const char *)&m->classes[i] + offset, sizeof n);
		exposition_number(e, EXPOSITION_LABELS({ "class", m->classes[i].name }), n);
	}
}

static void write_may(struct exposition *e, const struct metrics *m, const char *name,
		      const char *help, bool sessions)
{
	exposition_family(e, name, EXPOSITION_GAUGE, NULL, help);
	for (size_t i = 0; i < m->n_classes; i++) {
		const struct policy *p = m->classes[i].policy;

		if (p) {
			exposition_number(e, EXPOSITION_LABELS({ "class", m->classes[i].name }),
					  sessions ? p->max_sessions : p->max_connections);
		}
	}
}

static void write_accepted(struct exposition *e, const struct metrics *m)
{
	exposition_family(e, "twampd_connections_accepted", EXPOSITION_COUNTER, NULL,
			  "Connections that were accepted.");
	for (size_t i = 0; i < m->n_classes; i++) {
		exposition_number(e, EXPOSITION_LABELS({ "class", m->classes[i].name }),
				  m->classes[i].tally.connections);
	}
	exposition_family(e, "twampd_session_requests", EXPOSITION_COUNTER, NULL,
			  "Requests for sessions by the Accept code that they got.");
	for (size_t i = 0; i < m->n_classes; i++) {
		for (unsigned code = 0; code < ACCEPT_COUNT; code++) {
			char text[4];

			(void)snprintf(text, sizeof text, "%u", code);
			exposition_number(e,
					  EXPOSITION_LABELS({ "class", m->classes[i].name },
							    { "accept", text }),
					  m->classes[i].tally.requests[code]);
		}
	}
}

static unsigned code_of(const struct metrics *m, enum reason r)
{
	unsigned code = reason_info(r)->code;

	return code == ACCEPT_PERMANENT && m->limits_temporary ? ACCEPT_TEMPORARY : code;
}

/* Of many classes only what has happened is told. */
static void write_refused(struct exposition *e, const struct metrics *m)
{
	bool all = m->n_classes <= METRICS_ALL_CLASSES;

	exposition_family(e, "twampd_refused", EXPOSITION_COUNTER, NULL,
			  "Refusals by class of the client, Accept code and reason.");
	for (size_t i = 0; i < m->n_classes; i++) {
		for (int r = REASON_OK + 1; r < REASON_COUNT; r++) {
			uint64_t n = m->classes[i].tally.refused[r];
			char code[4];

			(void)snprintf(code, sizeof code, "%u", code_of(m, (enum reason)r));
			if (n || all) {
				exposition_number(
					e,
					EXPOSITION_LABELS(
						{ "class", m->classes[i].name }, { "accept", code },
						{ "reason", reason_info((enum reason)r)->key }),
					n);
			}
		}
	}
}

static void write_failures(struct exposition *e, const struct metrics *m)
{
	exposition_family(e, "twampd_auth_failures", EXPOSITION_COUNTER, NULL,
			  "Authentications that failed: a KeyID that is unknown, or a passphrase "
			  "that is wrong.");
	for (size_t i = 0; i < m->n_classes; i++) {
		exposition_number(e, EXPOSITION_LABELS({ "class", m->classes[i].name }),
				  m->classes[i].tally.refused[REASON_AUTH_FAILED]);
	}
}

static void write_classes(struct exposition *e, const struct metrics *m)
{
	write_held(e, m, "twampd_connections",
		   "Connections by class of the client; none = in no class.",
		   offsetof(struct view_class, connections));
	write_may(e, m, "twampd_class_connections_limit",
		  "Connections that the class may have at once.", false);
	write_held(e, m, "twampd_sessions",
		   "Test sessions by class of the client; none = in no class.",
		   offsetof(struct view_class, sessions));
	write_may(e, m, "twampd_class_sessions_limit",
		  "Test sessions that the class may have at once.", true);
	write_accepted(e, m);
	write_failures(e, m);
}

/* --- load ----------------------------------------------------------------------------------- */

/* Negative = unknown. */
static double value_of(const struct metrics *m, const char *key)
{
	for (size_t i = 0; i < VIEW_MEASURES; i++) {
		if (!strcmp(m->measures[i].key, key)) {
			return m->measures[i].value;
		}
	}
	return -1;
}

/* Unknown is negative. */
static double part(double value, double of)
{
	return value < 0 ? __builtin_nan("") : value / of;
}

static const char *short_name(const char *key)
{
	const char *point = strchr(key, '.');

	return point ? point + 1 : key;
}

static void write_measures(struct exposition *e, const struct metrics *m)
{
	const char *label = "measure";

	exposition_family(e, "twampd_overload", EXPOSITION_GAUGE, NULL,
			  "1 while a measure is above its limit.");
	for (size_t i = 0; i < VIEW_MEASURES; i++) {
		exposition_number(e, EXPOSITION_LABELS({ label, short_name(m->measures[i].key) }),
				  m->measures[i].above);
	}
	exposition_family(e, "twampd_overload_value", EXPOSITION_GAUGE, NULL,
			  "The measure as of the last second, in the unit of the setting overload; "
			  "NaN = unknown.");
	for (size_t i = 0; i < VIEW_MEASURES; i++) {
		exposition_real(e, EXPOSITION_LABELS({ label, short_name(m->measures[i].key) }),
				part(m->measures[i].value, 1));
	}
	exposition_family(e, "twampd_overload_limit", EXPOSITION_GAUGE, NULL,
			  "Its limit, the setting overload; 0 = it is not looked at.");
	for (size_t i = 0; i < VIEW_MEASURES; i++) {
		exposition_number(e, EXPOSITION_LABELS({ label, short_name(m->measures[i].key) }),
				  m->measures[i].limit);
	}
}

static void write_load(struct exposition *e, const struct metrics *m)
{
	write_gauge(e, "twampd_overloaded", NULL,
		    "1 while new connections and sessions are answered with 5 for overload, or for "
		    "lack of memory or descriptors.",
		    m->status.overloaded);
	write_measures(e, m);
	write_gauge(e, "twampd_loop_lag_seconds", "seconds",
		    "How late the main thread came at worst in the last second.",
		    part(value_of(m, "overload.loop_lag"), 1e3));
	write_gauge(e, "twampd_reflector_busy_ratio", "ratio",
		    "Part of a CPU that the busiest reflector thread took in the last second.",
		    part(value_of(m, "overload.reflector_busy"), 100));
	exposition_family(e, "twampd_reflector_cpu_seconds", EXPOSITION_COUNTER, "seconds",
			  "CPU time of each reflector thread.");
	for (unsigned i = 0; i < m->threads; i++) {
		char thread[12];

		(void)snprintf(thread, sizeof thread, "%u", i);
		exposition_real(e, EXPOSITION_LABELS({ "thread", thread }), m->cpu_s[i]);
	}
}

static void write_dwell(struct exposition *e, const struct dwell_values *v)
{
	double bounds[DWELL_ROWS - 1];

	for (unsigned i = 0; i < DWELL_ROWS - 1; i++) {
		bounds[i] = (double)dwell_bound_ns(i) / 1e9;
	}
	exposition_family(e, "twampd_reflect_seconds", EXPOSITION_HISTOGRAM, "seconds",
			  "How long packets of sessions, TWAMP Light and STAMP were here, from "
			  "their arrival (T2) to the departure of the reply (T3).");
	exposition_histogram(e, NULL, bounds, v->n, DWELL_ROWS - 1, (double)v->sum_ns / 1e9);
}

static void write_first(struct exposition *e, const struct metrics *m)
{
	write_process(e, m);
	write_config(e, m);
	write_clock(e, &m->status);
	write_room(e, m);
	write_load(e, m);
	write_dwell(e, &m->dwell);
}

bool metrics_write(struct exposition *e, const struct metrics *m, unsigned part)
{
	static void (*const parts[])(struct exposition *, const struct metrics *) = {
		write_first,	       write_classes,	      write_refused, metrics_write_counters,
		metrics_write_classes, metrics_write_forward,
	};
	const unsigned n = sizeof parts / sizeof parts[0];

	if (part < n) {
		parts[part](e, m);
	}
	return part + 1 < n;
}
