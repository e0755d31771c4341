// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/tell_sums.h"

#include "daemon/admin/tell_held.h"
#include "daemon/log/log.h"
#include "daemon/reflector/light.h"
#include "daemon/server/server.h"
#include "daemon/server/view.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *tell_requests(const struct refusals_tally *tally)
{
	json_t *o = json_object();
	char code[4];

	for (unsigned i = 0; i < ACCEPT_COUNT; i++) {
		(void)snprintf(code, sizeof code, "%u", i);
		tell_put(o, code, tell_number(tally->requests[i]));
	}
	return o;
}

static json_t *tell_refused(const struct refusals_tally *tally)
{
	json_t *o = json_object();

	for (unsigned r = REASON_OK + 1; r < REASON_COUNT; r++) {
		if (tally->refused[r]) {
			tell_put(o, reason_info((enum reason)r)->key,
				 tell_number(tally->refused[r]));
		}
	}
	return o;
}

json_t *tell_counted(const struct server *s)
{
	struct refusals_tally tally;
	struct view_status v;
	json_t *o = json_object();

	view_status(s, &v);
	view_tally(s, &tally);
	tell_put(o, "since", tell_time(v.started));
	tell_put(o, "connections", tell_number(tally.connections));
	tell_put(o, "requests", tell_requests(&tally));
	tell_put(o, "refused", tell_refused(&tally));
	tell_put(o, "sessions", tell_counters(&v.totals, COUNTERS_THREAD | COUNTERS_TOTAL));
	tell_put(o, "light", tell_counters(&v.light, COUNTERS_LIGHT));
	tell_put(o, "log_left_out", tell_number(log_left_out(server_log(s))));
	return o;
}

#define DENIED_MAX 128

static int by_packets(const void *a, const void *b)
{
	const struct view_denial *x = a, *y = b;

	return x->packets < y->packets ? 1 : x->packets > y->packets ? -1 : 0;
}

json_t *tell_denied(const struct server *s)
{
	struct view_denial all[DENIED_MAX];
	json_t *list = json_array();
	size_t n = 0;

	while (n < DENIED_MAX && view_denial(s, n, &all[n])) {
		n++;
	}
	qsort(all, n, sizeof *all, by_packets);
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		tell_put(o, "sender",
			 all[i].sender.family ? tell_address(&all[i].sender) : json_null());
		tell_put(o, "port", all[i].port ? json_integer(all[i].port) : json_null());
		tell_put(o, "packets", tell_number(all[i].packets));
		tell_put(o, "last", tell_time(all[i].last));
		(void)json_array_append_new(list, o);
	}
	return list;
}

json_t *tell_light(const struct light_info *l)
{
	json_t *o = json_object();

	tell_put(o, "address", tell_address(&l->address));
	tell_put(o, "device", tell_device(l->device));
	tell_put(o, "type", json_string(l->stamp ? "stamp" : "twamp-light"));
	tell_put(o, "stateful", json_boolean(l->stateful));
	tell_put(o, "open", json_boolean(!l->absent));
	tell_put(o, "opened_by", json_string(l->passed ? "service manager" : "twampd"));
	tell_put(o, "received", tell_number(l->sums.n[COUNTER_RECEIVED]));
	tell_put(o, "reflected", tell_number(l->sums.n[COUNTER_REFLECTED]));
	tell_put(o, "gaps", l->stateful ? tell_number(l->sums.n[COUNTER_GAPS]) : json_null());
	tell_put(o, "duplicates",
		 l->stateful ? tell_number(l->sums.n[COUNTER_DUPLICATES]) : json_null());
	tell_put(o, "reordered",
		 l->stateful ? tell_number(l->sums.n[COUNTER_REORDERED]) : json_null());
	tell_put(o, "dropped", tell_number(counters_dropped(&l->sums)));
	tell_put(o, "denied", tell_number(l->sums.n[COUNTER_DROP_DENIED]));
	tell_put(o, "counters", tell_counters(&l->sums, COUNTERS_LIGHT));
	return o;
}
