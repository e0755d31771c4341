// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/tell_status.h"

#include "base/clock.h"
#include "base/device.h"
#include "daemon/config/keys.h"
#include "daemon/reflector/reflector.h"
#include "daemon/server/view.h"

#include <unistd.h>

static json_t *tell_settings(const struct server *s, const struct view_status *v)
{
	const struct settings *now = view_settings(s);
	json_t *o = json_object(), *files = json_array();

	for (size_t i = 0; i < now->n_files; i++) {
		(void)json_array_append_new(files, tell_text(now->files[i]));
	}
	tell_put(o, "file", tell_text(v->config_path));
	tell_put(o, "files", files);
	tell_put(o, "keys", tell_number(keys_count(now->keys)));
	tell_put(o, "since", tell_time(v->reload.settings_since));
	return o;
}

/* Of the last reload, or of the start if that had trouble with the files. */
static json_t *tell_reload(const struct view_status *v)
{
	json_t *o = json_object();

	tell_put(o, "time", tell_time(v->reload.at));
	tell_put(o, "ok", v->reload.at.ns ? json_boolean(!v->reload.trouble) : json_null());
	tell_put(o, "error", tell_text(v->reload.why));
	return o;
}

static json_t *tell_listener(const struct view_listener *l, bool passed)
{
	json_t *o = json_object();

	tell_put(o, "address", tell_address(&l->address));
	tell_put(o, "device", tell_device(l->device));
	tell_put(o, "open", json_boolean(!l->absent));
	tell_put(o, "opened_by", json_string(passed ? "service manager" : "twampd"));
	return o;
}

static json_t *tell_listeners(const struct server *s, const struct view_status *v)
{
	json_t *a = json_array();
	struct view_listener l;

	for (size_t i = 0; view_listener(s, i, &l); i++) {
		(void)json_array_append_new(a, tell_listener(&l, v->control_passed));
	}
	return a;
}

static json_t *tell_packets(const struct counters_values *n)
{
	json_t *o = json_object();

	tell_put(o, "received", tell_number(n->n[COUNTER_RECEIVED]));
	tell_put(o, "reflected", tell_number(n->n[COUNTER_REFLECTED]));
	tell_put(o, "dropped", tell_number(counters_dropped(n)));
	return o;
}

static json_t *tell_timestamps(const struct view_status *v)
{
	json_t *o = json_object();

	tell_put(o, "hardware",
		 tell_number(v->totals.n[COUNTER_HARDWARE_TIMESTAMPS] +
			     v->light.n[COUNTER_HARDWARE_TIMESTAMPS]));
	tell_put(o, "kernel",
		 tell_number(v->totals.n[COUNTER_KERNEL_TIMESTAMPS] +
			     v->light.n[COUNTER_KERNEL_TIMESTAMPS]));
	tell_put(o, "user",
		 tell_number(v->totals.n[COUNTER_USER_TIMESTAMPS] +
			     v->light.n[COUNTER_USER_TIMESTAMPS]));
	tell_put(o, "kernel_used", json_boolean(v->kernel_timestamps));
	tell_put(o, "interfaces_used", tell_number(v->cards_used));
	tell_put(o, "interfaces", tell_text(v->cards));
	return o;
}

static json_t *tell_clock(const struct view_status *v)
{
	json_t *o = json_object();

	tell_put(o, "synchronized", json_boolean(v->synchronized));
	tell_put(o, "error_s",
		 v->clock_error_ms < 0 ? json_null() : json_real(v->clock_error_ms / 1e3));
	return o;
}

json_t *tell_overload(const struct server *s)
{
	struct view_measure all[VIEW_MEASURES];
	json_t *a = json_array();

	view_overload(s, all);
	for (size_t i = 0; i < VIEW_MEASURES; i++) {
		json_t *o = json_object();

		tell_put(o, "measure", json_string(all[i].key));
		tell_put(o, "unit", json_string(all[i].unit));
		tell_put(o, "value", all[i].value < 0 ? json_null() : json_real(all[i].value));
		tell_put(o, "limit", all[i].limit ? json_integer(all[i].limit) : json_null());
		tell_put(o, "above", json_boolean(all[i].above));
		(void)json_array_append_new(a, o);
	}
	return a;
}

static void add_recent(const struct server *s, json_t *to, enum reason reason)
{
	uint64_t hour = view_recent(s, reason, 60);
	const struct reason_info *info = reason_info(reason);
	json_t *o;

	if (!hour) {
		return;
	}
	o = json_object();
	tell_put(o, "reason", json_string(info->key));
	tell_put(o, "code", json_integer(info->code));
	tell_put(o, "last_1m", tell_number(view_recent(s, reason, 1)));
	tell_put(o, "last_5m", tell_number(view_recent(s, reason, 5)));
	tell_put(o, "last_60m", tell_number(hour));
	(void)json_array_append_new(to, o);
}

json_t *tell_recent(const struct server *s)
{
	json_t *a = json_array();

	for (unsigned r = REASON_OK + 1; r < REASON_COUNT; r++) {
		add_recent(s, a, (enum reason)r);
	}
	return a;
}

/* Of sessions that have one of their own. */
static json_t *tell_ports(const struct server *s)
{
	const struct policy *p = &view_settings(s)->policy;

	return tell_room(reflector_ports(view_reflector(s)),
			 (uint64_t)p->port_last - p->port_first + 1);
}

json_t *tell_status(const struct server *s)
{
	struct wall now = clock_wall();
	json_t *o = json_object();
	struct view_status v;

	view_status(s, &v);
	tell_put(o, "version", json_string(TWAMPD_VERSION));
	tell_put(o, "pid", json_integer(getpid()));
	tell_put(o, "time", tell_time(now));
	tell_put(o, "started", tell_time(v.started));
	tell_put(o, "uptime_s", tell_seconds(now.ns - v.started.ns));
	tell_put(o, "handover", v.took_over ? tell_time(v.started) : json_null());
	tell_put(o, "settings", tell_settings(s, &v));
	tell_put(o, "reload", tell_reload(&v));
	tell_put(o, "listeners", tell_listeners(s, &v));
	tell_put(o, "light_ports", tell_number(v.light_ports));
	tell_put(o, "connections", tell_room(v.connections, v.max_connections));
	tell_put(o, "sessions", tell_room(v.sessions, v.max_sessions));
	tell_put(o, "clients", tell_number(v.clients));
	tell_put(o, "ports", tell_ports(s));
	tell_put(o, "descriptors", tell_room(v.descriptors, v.max_descriptors));
	tell_put(o, "packets", tell_packets(&v.totals));
	tell_put(o, "light_packets", tell_packets(&v.light));
	tell_put(o, "timestamps", tell_timestamps(&v));
	tell_put(o, "clock", tell_clock(&v));
	tell_put(o, "draining", json_boolean(v.draining));
	tell_put(o, "drain_light", json_boolean(v.drain_light));
	tell_put(o, "overloaded", json_boolean(v.overloaded));
	tell_put(o, "overload", tell_overload(s));
	tell_put(o, "refused", tell_recent(s));
	return o;
}
