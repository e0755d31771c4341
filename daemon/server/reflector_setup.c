// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/reflector_setup.h"

#include "daemon/server/asked.h"
#include "daemon/server/conns.h"
#include "daemon/server/inherited.h"
#include "daemon/server/lightlog.h"
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
	char asked[ASKED_LEN];
	const char *hint = error == -EACCES	  ? "; ports below 1024 need CAP_NET_BIND_SERVICE"
			   : error == -EADDRINUSE ? "; find the process that holds it: ss -lunp"
						  : "";

	if (!shared->on || (error != -EACCES && error != -EADDRINUSE && error != -ERANGE)) {
		snprintf(why, size, "cannot start the reflector threads: %s", strerror(-error));
	} else if (error == -ERANGE) {
		snprintf(why, size,
			 "ports.mode is \"shared\", and there are fewer ports from ports.first to "
			 "ports.last than reflector.threads%s",
			 asked_text(settings, "ports.mode", NULL, asked));
	} else if (shared->port) {
		snprintf(why, size, "cannot have UDP port %u for shared sessions: %s%s%s",
			 shared->port, strerror(-error), hint,
			 asked_text(settings, "ports.shared_port", NULL, asked));
	} else {
		snprintf(why, size,
			 "cannot have the shared UDP ports from %u on, one for each reflector "
			 "thread: %s%s%s",
			 shared->port_first, strerror(-error), hint,
			 asked_text(settings, "ports.mode", NULL, asked));
	}
}

static void say_light_ended(void *context, const struct light_info *info)
{
	struct reflector_setup *setup = context;

	lightlog_ended(setup->conns->log, info);
}

static void say_also_refused(void *context, uint16_t port, int error)
{
	struct reflector_setup *setup = context;
	char text[ASKED_LEN + 80], asked[ASKED_LEN];

	snprintf(text, sizeof text, "%u: %s%s", port, strerror(-error),
		 asked_text(setup->conns->settings, "ports.also", NULL, asked));
	log_say(setup->conns->log, LOG_EVENT_ALSO_REFUSED, text);
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

void reflector_setup_apply(struct reflector_setup *setup)
{
	uint16_t ports[SETTINGS_ALSO_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < setup->conns->settings->n_also; i++) {
		if (!has_light(setup->conns->settings, setup->conns->settings->also[i])) {
			ports[n++] = setup->conns->settings->also[i];
		}
	}
	reflector_also(setup->conns->reflector, ports, n);
	reflector_segment(setup->conns->reflector, setup->conns->settings->segmentation);
}

/* What the settings insist on is there, or the daemon does not start. */
static int check_timestamps(struct reflector_setup *setup, char *why, size_t size)
{
	enum settings_timestamps wanted = setup->conns->settings->timestamps;
	char cards[CARDS_LEN];
	unsigned usable = reflector_hardware(setup->conns->reflector, cards, sizeof(cards));

	if (wanted != SETTINGS_TIMESTAMPS_USER &&
	    !reflector_kernel_timestamps(setup->conns->reflector)) {
		log_say(setup->conns->log, LOG_EVENT_TIMESTAMPS, NULL);
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
		log_say(setup->conns->log, LOG_EVENT_HARDWARE, cards);
	}
	return 0;
}

static void end_session(void *context, void *owner, enum udp_end why,
			const struct counters_values *counters)
{
	const struct reflector_setup *setup = context;

	session_orders_session_ended(setup->conns, owner, why, counters);
}

/* Of the process before. */
static int take_old(void *context, const struct address *bound, uint32_t device)
{
	struct reflector_setup *setup = context;

	return inherited_udp(setup->inherited, bound, device);
}

int reflector_setup_start(struct reflector_setup *setup, char *why, size_t size)
{
	struct conns *cs = setup->conns;
	const struct settings *settings = cs->settings;
	struct reflector_config config = {
		.threads = settings->reflector_threads,
		.cpus = settings->reflector_cpus,
		.priority = (int)settings->reflector_priority,
		.user_timestamps = settings->timestamps == SETTINGS_TIMESTAMPS_USER,
		.hardware_timestamps = settings->timestamps == SETTINGS_TIMESTAMPS_AUTO ||
				       settings->timestamps == SETTINGS_TIMESTAMPS_HARDWARE,
		.shared = shared_ports(settings),
		.light_fds = setup->inherited->light,
		.n_light_fds = setup->inherited->n_light,
		.ended = end_session,
		.also_refused = say_also_refused,
		.light_ended = say_light_ended,
		.old = take_old,
		.context = setup,
		.halted = true, /* the sessions of the process before come first */
	};
	int rc = reflector_new(&cs->reflector, cs->loop, &config);

	if (rc < 0) {
		explain(settings, &config.shared, rc, why, size);
		return rc;
	}
	cs->shared_ports = config.shared.on;
	reflector_setup_apply(setup);
	return check_timestamps(setup, why, size);
}

static void say_faults(struct reflector_setup *setup)
{
	struct reflector_faults faults = reflector_faults(setup->conns->reflector);

	if (faults.cpus) {
		log_say(setup->conns->log, LOG_EVENT_CPUS_REFUSED, strerror(-faults.cpus));
	}
	if (faults.priority) {
		log_say(setup->conns->log, LOG_EVENT_PRIORITY_REFUSED, strerror(-faults.priority));
	}
}

int reflector_setup_go_on(struct reflector_setup *setup)
{
	int rc = reflector_go_on(setup->conns->reflector);

	if (rc < 0) {
		return rc;
	}
	say_faults(setup);
	return 0;
}
