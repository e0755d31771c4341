// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/reflector_setup.h"

#include "daemon/server/lightlog.h"
#include "daemon/server/reload.h"
#include "daemon/server/server.h"
#include "daemon/server/session_orders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CARDS_LEN 400

static struct reflector_shared shared_ports(const struct settings *settings)
{
	return (struct reflector_shared){
		.on = settings->ports_mode == SETTINGS_PORTS_SHARED,
		.port = settings->shared_port,
		.port_first = settings->policy.port_first,
		.port_last = settings->policy.port_last,
	};
}

static void explain(const struct settings *settings, const struct reflector_shared *shared,
		    int error, char *why, size_t size)
{
	char asked[RELOAD_ASKED_LEN];
	const char *hint = error == -EACCES	  ? "; ports below 1024 need CAP_NET_BIND_SERVICE"
			   : error == -EADDRINUSE ? "; find the process that holds it: ss -lunp"
						  : "";

	if (!shared->on || (error != -EACCES && error != -EADDRINUSE && error != -ERANGE)) {
		snprintf(why, size, "cannot start the reflector threads: %s", strerror(-error));
	} else if (error == -ERANGE) {
		snprintf(why, size,
			 "ports.mode is \"shared\", and there are fewer ports from ports.first to "
			 "ports.last than reflector.threads%s",
			 reload_asked(settings, "ports.mode", NULL, asked));
	} else if (shared->port) {
		snprintf(why, size, "cannot have UDP port %u for shared sessions: %s%s%s",
			 shared->port, strerror(-error), hint,
			 reload_asked(settings, "ports.shared_port", NULL, asked));
	} else {
		snprintf(why, size,
			 "cannot have the shared UDP ports from %u on, one for each reflector "
			 "thread: %s%s%s",
			 shared->port_first, strerror(-error), hint,
			 reload_asked(settings, "ports.mode", NULL, asked));
	}
}

static void say_light_ended(void *context, const struct light_info *info)
{
	struct server *s = context;

	lightlog_ended(s->log, info);
}

static void say_also_refused(void *context, uint16_t port, int error)
{
	struct server *s = context;
	char text[RELOAD_ASKED_LEN + 80], asked[RELOAD_ASKED_LEN];

	snprintf(text, sizeof text, "%u: %s%s", port, strerror(-error),
		 reload_asked(s->settings, "ports.also", NULL, asked));
	server_say(s, LOG_EVENT_ALSO_REFUSED, text);
}

static bool has_light(const struct settings *settings, uint16_t port)
{
	for (size_t i = 0; i < settings->n_light; i++) {
		if (settings->light[i].address.port == port) {
			return true;
		}
	}
	return false;
}

void reflector_setup_ports(struct server *s)
{
	uint16_t ports[SETTINGS_ALSO_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < s->settings->n_also; i++) {
		if (!has_light(s->settings, s->settings->also[i])) {
			ports[n++] = s->settings->also[i];
		}
	}
	reflector_also(s->reflector, ports, n);
}

/* What the settings insist on is there, or the daemon does not start. */
static int check_timestamps(struct server *s, char *why, size_t size)
{
	enum settings_timestamps wanted = s->settings->timestamps;
	char cards[CARDS_LEN];
	unsigned usable = reflector_hardware(s->reflector, cards, sizeof(cards));

	if (wanted != SETTINGS_TIMESTAMPS_USER && !reflector_kernel_timestamps(s->reflector)) {
		server_say(s, LOG_EVENT_TIMESTAMPS, NULL);
		if (wanted == SETTINGS_TIMESTAMPS_KERNEL) {
			snprintf(why, size,
				 "reflector.timestamps is \"kernel\", and the kernel gives none");
			return -EOPNOTSUPP;
		}
	}
	if (wanted == SETTINGS_TIMESTAMPS_HARDWARE && !usable) {
		snprintf(why, size,
			 "reflector.timestamps is \"hardware\", and no network card gives any%s%s",
			 *cards ? ": " : "", cards);
		return -EOPNOTSUPP;
	}
	if (*cards) {
		server_say(s, LOG_EVENT_HARDWARE, cards);
	}
	return 0;
}

/* Of the process before. */
static int take_old(void *context, const struct address *bound, uint32_t device)
{
	struct server *s = context;

	return inherited_udp(&s->inherited, bound, device);
}

int reflector_setup_start(struct server *s, char *why, size_t size)
{
	struct reflector_config config = {
		.threads = s->settings->reflector_threads,
		.cpus = s->settings->reflector_cpus,
		.priority = (int)s->settings->reflector_priority,
		.user_timestamps = s->settings->timestamps == SETTINGS_TIMESTAMPS_USER,
		.hardware_timestamps = s->settings->timestamps == SETTINGS_TIMESTAMPS_AUTO ||
				       s->settings->timestamps == SETTINGS_TIMESTAMPS_HARDWARE,
		.shared = shared_ports(s->settings),
		.light_fds = s->inherited.light,
		.n_light_fds = s->inherited.n_light,
		.ended = session_orders_session_ended,
		.also_refused = say_also_refused,
		.light_ended = say_light_ended,
		.old = take_old,
		.context = s,
		.halted = true, /* the sessions of the process before come first */
	};
	int rc = reflector_new(&s->reflector, s->loop, &config);

	if (rc < 0) {
		explain(s->settings, &config.shared, rc, why, size);
		return rc;
	}
	s->shared_ports = config.shared.on;
	reflector_setup_ports(s);
	return check_timestamps(s, why, size);
}

static void say_faults(struct server *s)
{
	struct reflector_faults faults = reflector_faults(s->reflector);

	if (faults.cpus) {
		server_say(s, LOG_EVENT_CPUS_REFUSED, strerror(-faults.cpus));
	}
	if (faults.priority) {
		server_say(s, LOG_EVENT_PRIORITY_REFUSED, strerror(-faults.priority));
	}
}

int reflector_setup_go_on(struct server *s)
{
	int rc = reflector_go_on(s->reflector);

	if (rc < 0) {
		return rc;
	}
	say_faults(s);
	return 0;
}
