// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/tell_forward.h"

#include "daemon/reflector/forward.h"

static json_t *known(bool is, int64_t ns)
{
	return is ? tell_seconds(ns) : json_null();
}

/* A cell each that is not empty: from where, and how many. */
static json_t *tell_histogram(const struct spread *s)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < SPREAD_CELLS; i++) {
		json_t *o;

		if (!s->cells[i]) {
			continue;
		}
		o = json_object();
		tell_put(o, "from_s", tell_seconds(spread_from_ns(i)));
		tell_put(o, "to_s",
			 i + 1 < SPREAD_CELLS ? tell_seconds(spread_from_ns(i + 1)) : json_null());
		tell_put(o, "n", tell_number(s->cells[i]));
		(void)json_array_append_new(a, o);
	}
	return a;
}

static json_t *tell_delays(const struct forward *f, const struct forward_view *v)
{
	json_t *o = json_object();

	tell_put(o, "n", tell_number(v->delays));
	tell_put(o, "p50_s", known(v->delays_known, v->p50_ns));
	tell_put(o, "p95_s", known(v->delays_known, v->p95_ns));
	tell_put(o, "p99_s", known(v->delays_known, v->p99_ns));
	tell_put(o, "max_s", known(v->delays_known, v->max_ns));
	tell_put(o, "jitter_s", known(v->delays_known, v->jitter_ns));
	tell_put(o, "histogram", tell_histogram(&f->spread));
	return o;
}

/* @s: seconds since 1970 of the last change. */
static void put_changes(json_t *o, uint32_t n, uint32_t s)
{
	tell_put(o, "changes", tell_number(n));
	tell_put(o, "changed",
		 n ? tell_time((struct wall){ (int64_t)s * TS_NS_PER_S }) : json_null());
}

static json_t *tell_ttl(const struct forward *f, const struct forward_view *v)
{
	json_t *o = json_object();

	tell_put(o, "last", v->ttl_known ? json_integer(v->ttl) : json_null());
	tell_put(o, "before", f->ttl_changes ? json_integer(f->ttl_before) : json_null());
	tell_put(o, "min", v->ttl_known ? json_integer(f->ttl_min) : json_null());
	tell_put(o, "max", v->ttl_known ? json_integer(f->ttl_max) : json_null());
	put_changes(o, f->ttl_changes, f->ttl_changed_s);
	return o;
}

static json_t *tell_dscp(const struct forward *f, const struct forward_view *v)
{
	json_t *o = json_object();

	tell_put(o, "last", v->tos_known ? json_integer(v->dscp) : json_null());
	tell_put(o, "before", f->dscp_changes ? json_integer(f->dscp_before) : json_null());
	tell_put(o, "ecn", v->tos_known ? json_integer(v->ecn) : json_null());
	put_changes(o, f->dscp_changes, f->dscp_changed_s);
	return o;
}

static json_t *tell_clock(const struct forward *f, const struct forward_view *v)
{
	json_t *o = json_object();

	tell_put(o, "synchronized", v->clock_known ? json_boolean(v->synchronized) : json_null());
	tell_put(o, "format", v->clock_known ? json_string(v->ptp ? "ptp" : "ntp") : json_null());
	tell_put(o, "error_s", known(v->clock_known && v->error_ns >= 0, v->error_ns));
	tell_put(o, "offset_s", known(v->offset_known, v->offset_ns));
	tell_put(o, "drift_ppm", v->drift_known ? json_real(v->drift_ppm) : json_null());
	tell_put(o, "drift_error_ppm",
		 v->drift_known ? json_real(v->drift_error_ppm) : json_null());
	tell_put(o, "steps", tell_number(f->steps));
	put_changes(o, f->sync_changes, f->sync_changed_s);
	return o;
}

json_t *tell_forward(const struct forward *copy)
{
	struct forward_view v;
	json_t *o = json_object();

	forward_view(copy, &v);
	tell_put(o, "lost", tell_number(v.lost));
	tell_put(o, "loss_periods", tell_number(v.loss_periods));
	tell_put(o, "longest_loss", tell_number(v.longest_loss));
	tell_put(o, "reordering_extent", tell_number(v.extent));
	tell_put(o, "restarts", tell_number(v.restarts));
	tell_put(o, "rate_per_s", v.interval_known ? json_real(v.rate) : json_null());
	tell_put(o, "interval_s", v.interval_known ? json_real(v.interval_ns / 1e9) : json_null());
	tell_put(o, "delay_variation", tell_delays(copy, &v));
	tell_put(o, "dscp", tell_dscp(copy, &v));
	tell_put(o, "ttl", tell_ttl(copy, &v));
	tell_put(o, "sender_clock", tell_clock(copy, &v));
	return o;
}
