// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/tell_held.h"

#include "base/clock.h"
#include "daemon/admin/tell_forward.h"
#include "protocol/mode.h"

#include <stdio.h>
#include <string.h>

const char *tell_session_state(enum session_state s)
{
	switch (s) {
	case SESSION_ACCEPTED:
		return "accepted";
	case SESSION_ACTIVE:
		return "active";
	case SESSION_STOPPING:
		return "stopping";
	case SESSION_ENDED:
		return "ended";
	}
	return "unknown";
}

const char *tell_control_state(enum control_state s)
{
	switch (s) {
	case CONTROL_GREETED:
		return "greeted";
	case CONTROL_DERIVING:
		return "deriving";
	case CONTROL_READY:
		return "ready";
	case CONTROL_OPENING:
		return "opening";
	case CONTROL_STARTING:
		return "starting";
	case CONTROL_ACTIVE:
		return "active";
	case CONTROL_CLOSING:
		return "closing";
	case CONTROL_DEAD:
		return "dead";
	}
	return "unknown";
}

static json_t *tell_mode(uint32_t modes)
{
	char text[MODE_TEXT_LEN];

	return json_string_nocheck(mode_text(modes, text, sizeof text));
}

json_t *tell_connection(const struct view_connection *v)
{
	json_t *o = json_object();

	tell_put(o, "client", tell_address(&v->client));
	tell_put(o, "local", tell_address(&v->local));
	tell_put(o, "device", tell_device(v->device));
	tell_put(o, "class", json_string_nocheck(v->class));
	tell_put(o, "key", tell_key(v->key_id));
	tell_put(o, "mode", tell_mode(v->modes));
	tell_put(o, "state", json_string_nocheck(tell_control_state(v->state)));
	tell_put(o, "counted", json_boolean(v->counted));
	tell_put(o, "barred",
		 v->barred ? json_string_nocheck(reason_info(v->barred)->key) : json_null());
	tell_put(o, "sessions", tell_number(v->sessions));
	tell_put(o, "age_s", tell_seconds((int64_t)(v->age_s * 1e9)));
	return o;
}

static void put_sid(json_t *to, const uint8_t sid[static MSG_SID_LEN])
{
	char text[2 * MSG_SID_LEN + 1];

	for (size_t i = 0; i < MSG_SID_LEN; i++) {
		(void)snprintf(text + 2 * i, 3, "%02x", sid[i]);
	}
	tell_put(to, "sid", json_string_nocheck(text));
}

/* Of what was sent, as far as the numbers tell. */
static double gap_percent(const struct counters_values *n)
{
	double gaps = (double)n->n[COUNTER_GAPS];
	double came = (double)n->n[COUNTER_RECEIVED] - (double)n->n[COUNTER_DUPLICATES];

	return gaps > 0 && came + gaps > 0 ? 100 * gaps / (came + gaps) : 0;
}

json_t *tell_session(const struct view_session *v)
{
	json_t *o = json_object();

	put_sid(o, v->sid);
	tell_put(o, "client", tell_address(&v->client));
	tell_put(o, "sender", tell_address(&v->remote));
	tell_put(o, "local", tell_address(&v->local));
	tell_put(o, "class", json_string_nocheck(v->class));
	tell_put(o, "key", tell_key(v->key_id));
	tell_put(o, "mode", tell_mode(v->modes));
	tell_put(o, "state", json_string_nocheck(tell_session_state(v->state)));
	tell_put(o, "age_s", tell_seconds(clock_wall().ns - v->accepted.ns));
	tell_put(o, "idle_s", v->idle_ns < 0 ? json_null() : tell_seconds(v->idle_ns));
	tell_put(o, "received", tell_number(v->n.n[COUNTER_RECEIVED]));
	tell_put(o, "reflected", tell_number(v->n.n[COUNTER_REFLECTED]));
	tell_put(o, "gaps", tell_number(v->n.n[COUNTER_GAPS]));
	tell_put(o, "gap_percent", json_real(gap_percent(&v->n)));
	tell_put(o, "duplicates", tell_number(v->n.n[COUNTER_DUPLICATES]));
	tell_put(o, "reordered", tell_number(v->n.n[COUNTER_REORDERED]));
	tell_put(o, "dropped", tell_number(counters_dropped(&v->n)));
	return o;
}

json_t *tell_counters(const struct counters_values *n, unsigned who)
{
	json_t *o = json_object(), *drops = json_object();

	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		const struct counters_row *row = &counters_rows[i];

		if (row->who & who) {
			tell_put(row->kind == COUNTERS_DROP ? drops : o, row->name,
				 tell_number(n->n[i]));
		}
	}
	tell_put(o, "drops", drops);
	return o;
}

json_t *tell_session_whole(const struct view_session *v, const struct forward *f)
{
	json_t *o = tell_session(v);

	tell_put(o, "connected", json_boolean(v->connected));
	tell_put(o, "accepted", tell_time(v->accepted));
	tell_put(o, "device", tell_device(v->device));
	tell_put(o, "padding_octets", tell_number(v->padding));
	tell_put(o, "dscp", json_integer(v->dscp));
	tell_put(o, "timeout_s", tell_seconds(v->timeout_ns));
	tell_put(o, "refwait_s", tell_seconds(v->refwait_ns));
	tell_put(o, "counters", tell_counters(&v->n, COUNTERS_SESSION));
	tell_put(o, "forward", tell_forward(f));
	return o;
}

json_t *tell_client(const struct view_client *v)
{
	json_t *o = json_object();

	tell_put(o, "client", tell_prefix(&v->client));
	tell_put(o, "class", json_string_nocheck(v->class));
	tell_put(o, "connections", tell_room(v->connections, v->max_connections));
	tell_put(o, "sessions", tell_room(v->sessions, v->max_sessions));
	tell_put(o, "packets_per_s",
		 json_real((double)(uint64_t)(v->packets_per_s * 100 + .5) / 100));
	tell_put(o, "refused", tell_number(v->refused));
	tell_put(o, "refused_last",
		 v->refused ? json_string_nocheck(reason_info(v->refused_last)->key) : json_null());
	tell_put(o, "refused_at", tell_time(v->refused_at));
	tell_put(o, "auth_failed", tell_number(v->auth_failed));
	tell_put(o, "seen", tell_time(v->seen));
	return o;
}

static const char *name_kind(enum refusals_kind k)
{
	switch (k) {
	case REFUSALS_CONNECTION:
		return "connection";
	case REFUSALS_REQUEST:
		return "request";
	case REFUSALS_START:
		return "start";
	case REFUSALS_STOP:
		return "stop";
	}
	return "unknown";
}

json_t *tell_refusal(const struct refusal *v)
{
	const struct reason_info *info = reason_info(v->reason);
	json_t *o = json_object();

	tell_put(o, "time", tell_time(v->last));
	tell_put(o, "first", tell_time(v->first));
	tell_put(o, "client", tell_prefix(&v->client));
	tell_put(o, "class", json_string_nocheck(v->class));
	tell_put(o, "key", tell_key(v->key_id));
	tell_put(o, "what", json_string_nocheck(name_kind(v->kind)));
	tell_put(o, "code", v->code ? json_integer(v->code) : json_null());
	tell_put(o, "reason", json_string_nocheck(info->key));
	tell_put(o, "text", json_string_nocheck(info->text));
	tell_put(o, "remedy", json_string_nocheck(info->remedy));
	tell_put(o, "now", *v->reached.now ? tell_text(v->reached.now) : json_null());
	tell_put(o, "limit", *v->reached.limit ? tell_text(v->reached.limit) : json_null());
	tell_put(o, "setting", *v->reached.setting ? tell_text(v->reached.setting) : json_null());
	tell_put(o, "count", tell_number(v->count));
	return o;
}
