// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/reached.h"

#include <stdio.h>

#define NO_NUMBER UINT32_MAX

struct limit {
	const char *key;
	uint32_t now, most;
	bool of_server; /* not of the class */
};

static uint32_t of_class(const struct control *c, bool sessions)
{
	if (!c->class) {
		return 0;
	}
	return sessions ? c->class->sessions : c->class->connections;
}

static struct limit connections(enum reason r, const struct control *c, const struct policy *p)
{
	switch ((int)r) {
	case REASON_MAX_CONNECTIONS:
		return (struct limit){ "limits.max_connections", c->total->connections,
				       c->total->max_connections, true };
	case REASON_MAX_CONNECTIONS_PER_CLASS:
		return (struct limit){ "limits.max_connections", of_class(c, false),
				       p->max_connections, false };
	case REASON_MAX_CONNECTIONS_PER_CLIENT:
		return (struct limit){ "limits.max_connections_per_client", c->client->connections,
				       p->max_connections_per_client, false };
	case REASON_CONNECTION_RATE:
		return (struct limit){ "limits.connection_rate", NO_NUMBER, p->connection_rate,
				       false };
	case REASON_AUTH_RATE:
		return (struct limit){ "auth.failure_rate", NO_NUMBER, p->failure_rate, false };
	default:
		return (struct limit){ 0 };
	}
}

static struct limit sessions(enum reason r, const struct control *c, const struct policy *p)
{
	switch ((int)r) {
	case REASON_MAX_SESSIONS:
		return (struct limit){ "limits.max_sessions", c->total->sessions,
				       c->total->max_sessions, true };
	case REASON_MAX_SESSIONS_PER_CLASS:
		return (struct limit){ "limits.max_sessions", of_class(c, true), p->max_sessions,
				       false };
	case REASON_MAX_SESSIONS_PER_CLIENT:
		return (struct limit){ "limits.max_sessions_per_client", c->client->sessions,
				       p->max_sessions_per_client, false };
	case REASON_MAX_SESSIONS_PER_CONNECTION:
		return (struct limit){ "limits.max_sessions_per_connection", c->sessions,
				       p->max_sessions_per_connection, false };
	case REASON_RATE_LIMIT:
		return (struct limit){ "limits.request_rate", NO_NUMBER, p->request_rate, false };
	case REASON_NO_PORT:
		return (struct limit){ "ports.last", NO_NUMBER,
				       (uint32_t)(p->port_last - p->port_first + 1), false };
	case REASON_MAX_PADDING:
		return (struct limit){ "limits.max_padding", NO_NUMBER, p->max_padding, false };
	case REASON_TIMEOUT_TOO_LARGE:
		return (struct limit){ "timers.max_timeout", NO_NUMBER, p->max_timeout_s, false };
	case REASON_CLASS_QUOTA:
		return c->state <= CONTROL_DERIVING || !p->max_connections
			       ? (struct limit){ "limits.max_connections", of_class(c, false),
						 p->max_connections, false }
			       : (struct limit){ "limits.max_sessions", of_class(c, true),
						 p->max_sessions, false };
	default:
		return connections(r, c, p);
	}
}

bool reached_find(enum reason r, const struct control *c, const struct reached_rules *rules,
		  struct reached *out)
{
	struct limit l = sessions(r, c, rules->policy);
	const struct settings_class *class = l.of_server ? NULL : rules->class;
	struct settings_place place;

	*out = (struct reached){ 0 };
	if (!l.key) {
		return false;
	}
	place = settings_origin(rules->settings, l.key, class);
	if (l.now != NO_NUMBER) {
		(void)snprintf(out->now, sizeof out->now, "%u", l.now);
	}
	(void)snprintf(out->limit, sizeof out->limit, "%u", l.most);
	if (place.file) {
		(void)snprintf(out->setting, sizeof out->setting, "%s, %s:%u", l.key, place.file,
			       place.line);
	} else {
		(void)snprintf(out->setting, sizeof out->setting, "%s, the default", l.key);
	}
	return true;
}
