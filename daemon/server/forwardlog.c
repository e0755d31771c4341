// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/forwardlog.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS 1e6

__attribute__((format(printf, 2, 3))) static void add(struct forwardlog *l, const char *format, ...)
{
	size_t at = strlen(l->text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(l->text + at, sizeof l->text - at, format, args);
	va_end(args);
}

static const char *put_ms(char to[static FORWARDLOG_VALUE_LEN], int64_t ns)
{
	(void)snprintf(to, FORWARDLOG_VALUE_LEN, "%.3f", (double)ns / NS_PER_MS);
	return to;
}

static void put_loss(struct forwardlog *l, const struct forward_view *v,
		     const struct counters_values *n, struct log_args *a)
{
	(void)snprintf(l->loss, sizeof l->loss, "%.3f",
		       forward_loss_percent(v->lost, n->n[COUNTER_REFLECTED]));
	a->forward_loss = l->loss;
	add(l, "lost %s %%", l->loss);
	if (v->loss_periods) {
		add(l, " in %" PRIu32 " periods, %" PRIu32 " in a row at most", v->loss_periods,
		    v->longest_loss);
	}
	if (v->extent) {
		add(l, ", up to %" PRIu32 " behind", v->extent);
	}
	if (v->restarts) {
		add(l, ", counted anew %" PRIu32 " times", v->restarts);
	}
}

static void put_delays(struct forwardlog *l, const struct forward_view *v, struct log_args *a)
{
	if (!v->delays_known) {
		add(l, "; delay variation unknown");
		return;
	}
	a->forward_pdv_p50 = put_ms(l->p50, v->p50_ns);
	a->forward_pdv_p95 = put_ms(l->p95, v->p95_ns);
	a->forward_pdv_p99 = put_ms(l->p99, v->p99_ns);
	a->forward_pdv_max = put_ms(l->max, v->max_ns);
	a->forward_jitter = put_ms(l->jitter, v->jitter_ns);
	add(l, "; delay variation p50 %s, p95 %s, p99 %s, at most %s ms, jitter %s ms", l->p50,
	    l->p95, l->p99, l->max, l->jitter);
}

static void put_marks(struct forwardlog *l, const struct forward_view *v,
		      const struct counters_values *n, uint8_t dscp)
{
	if (n->n[COUNTER_REMARKED]) {
		add(l, "; %" PRIu64 " packets without the DSCP %u that was asked for, last %u",
		    n->n[COUNTER_REMARKED], dscp, v->dscp);
	}
	if (n->n[COUNTER_ECN_CE]) {
		add(l, "; %" PRIu64 " with ECN CE", n->n[COUNTER_ECN_CE]);
	}
	if (v->ttl_changes) {
		add(l, "; TTL changed %" PRIu32 " times, last from %u to %u", v->ttl_changes,
		    v->ttl_before, v->ttl);
	}
}

static void put_clock(struct forwardlog *l, const struct forward_view *v)
{
	if (!v->clock_known) {
		add(l, "; the sender has no clock");
		return;
	}
	add(l, "; clock of the sender %ssynchronized", v->synchronized ? "" : "not ");
	if (v->drift_known) {
		add(l, ", drift %.1f ppm", v->drift_ppm);
	}
	if (v->steps) {
		add(l, ", set %" PRIu32 " times", v->steps);
	}
}

void forwardlog_put(struct forwardlog *l, const struct forward_view *v,
		    const struct counters_values *n, uint8_t dscp, struct log_args *a)
{
	l->text[0] = '\0';
	if (!v->any) {
		return;
	}
	put_loss(l, v, n, a);
	put_delays(l, v, a);
	put_marks(l, v, n, dscp);
	put_clock(l, v);
}
