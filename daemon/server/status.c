// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/status.h"

#include "base/clock.h"
#include "daemon/server/lightlog.h"
#include "daemon/server/notify.h"
#include "daemon/server/server_parts.h"

#include <inttypes.h>
#include <stdio.h>

#define STATUS_LEN (SERVER_TROUBLE_LEN + 200)

static char *put_status(struct server *s, char text[static STATUS_LEN])
{
	const char *prefix = s->stopping	       ? "stopping: "
			     : s->conns.admit.draining ? "draining: "
						       : "";
	struct counters_values t;
	char light[LIGHTLOG_STATUS_LEN];

	reflector_totals(s->conns.reflector, &t);
	snprintf(text, STATUS_LEN,
		 "%s%s%s%" PRIu32 " connection%s, %" PRIu32 " session%s, %" PRIu64
		 " packets reflected%s",
		 s->trouble, *s->trouble ? "; " : "", prefix, s->conns.admit.connections,
		 s->conns.admit.connections == 1 ? "" : "s", s->conns.admit.sessions,
		 s->conns.admit.sessions == 1 ? "" : "s", t.n[COUNTER_REFLECTED],
		 lightlog_status(s->conns.reflector, light));
	return text;
}

void status_tell(struct server *s)
{
	char text[STATUS_LEN];

	notify_status(s->notify, put_status(s, text), clock_mono());
}

void status_tell_ready(struct server *s)
{
	char text[STATUS_LEN];

	notify_ready(s->notify, put_status(s, text), clock_mono());
}

void status_drain(struct server *s, bool on, bool light)
{
	struct conns *cs = &s->conns;
	bool news = cs->admit.draining != on;

	cs->drain_light = on && (light || cs->drain_light);
	light_drain(cs->reflector, cs->drain_light ? LIGHT_DRAIN_ALL
				   : on		   ? LIGHT_DRAIN_SET
						   : LIGHT_DRAIN_NONE);
	if (!news) {
		return;
	}
	cs->admit.draining = on;
	log_say(s->conns.log, on ? LOG_EVENT_DRAINING : LOG_EVENT_RESUMED, NULL);
	if (s->ready) { /* with the new status, which else may be late by ten seconds */
		status_tell_ready(s);
	}
}
