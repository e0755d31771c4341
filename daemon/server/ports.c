// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/ports.h"

#include "daemon/server/log.h"

#include <errno.h>
#include <string.h>

struct reflector_shared ports_shared(const struct settings *settings)
{
	return (struct reflector_shared){
		.on = settings->ports_mode == SETTINGS_PORTS_SHARED,
		.port = settings->shared_port,
		.port_first = settings->policy.port_first,
		.port_last = settings->policy.port_last,
	};
}

void ports_say_refused(const struct reflector_shared *shared, int error)
{
	const char *hint = error == -EACCES	  ? "; ports below 1024 need CAP_NET_BIND_SERVICE"
			   : error == -EADDRINUSE ? "; look who has it: ss -lunp"
						  : "";

	if (!shared->on || (error != -EACCES && error != -EADDRINUSE && error != -ERANGE)) {
		log_early("cannot start the reflector threads: %s", strerror(-error));
	} else if (error == -ERANGE) {
		log_early("ports.mode is \"shared\", and there are fewer ports from ports.first to "
			  "ports.last than reflector.threads");
	} else if (shared->port) {
		log_early("cannot have UDP port %u for shared sessions: %s%s", shared->port,
			  strerror(-error), hint);
	} else {
		log_early("cannot have the shared UDP ports from %u on, one for each reflector "
			  "thread: %s%s",
			  shared->port_first, strerror(-error), hint);
	}
}
