// SPDX-License-Identifier: BSD-2-Clause
/*
 * Will these settings work here? What only the host knows is asked first (hostfacts.c); what
 * follows from it for the settings is then judged, each thing a warning with its remedy.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/server/running.h"

#include <sched.h>

#define HOSTCHECK_UNIT_LEN 128

struct hostcheck_facts {
	const char *config; /* the settings file, for what no file sets */
	char unit[HOSTCHECK_UNIT_LEN]; /* "twampd" or "twampd@NAME": of the settings file */
	bool service; /* descriptors, capability and CPUs are those of the service */
	uint64_t descriptors; /* it may have open */
	bool low_ports; /* it may bind them */
	uint32_t first_port; /* that is not low */
	cpu_set_t cpus; /* it may use */
	bool control_passed, light_passed; /* its sockets come from the service manager */
	uint64_t rmem_max; /* octets; 0 = unknown */
	uint64_t conntrack_max; /* entries; 0 = no connection tracking */
	bool nonlocal_v4, nonlocal_v6; /* addresses of others can be bound */
	void *context; /* of the two below */
	bool (*has_address)(void *context, const struct address *a);
	bool (*has_device)(void *context, const char *name);
};

/** Ask. @running  the daemon that has these settings, or NULL. Then hostcheck_wipe(). */
void hostcheck_ask(struct hostcheck_facts *f, const char *config, const struct running *running);
void hostcheck_wipe(struct hostcheck_facts *f);

/** Warn of what will not work. */
void hostcheck_judge(const struct settings *s, const struct hostcheck_facts *f,
		     struct settings_error *to);
