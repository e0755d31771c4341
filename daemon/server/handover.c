// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/handover.h"

#include "daemon/server/adopt.h"
#include "daemon/server/parcel.h"
#include "daemon/server/sealed.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define PATIENCE_US (8 * UINT64_C(1000000)) /* for the service manager, below TimeoutStopSec= */

/* What hung up must not be thrown out: FDPOLL=0. */
static int store(const char *name, int fd)
{
	char text[80];
	int rc;

	snprintf(text, sizeof text, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	rc = sd_pid_notify_with_fds(0, 0, text, &fd, 1);
	return rc > 0 ? 0 : rc ? rc : -EOPNOTSUPP;
}

/* Nothing of an earlier attempt, or of a process that did not take it up, may come along. */
static void forget(void)
{
	(void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" PASSED_STATE);
	(void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" PASSED_SOCKETS);
}

static int give(struct server *s)
{
	int state = sealed_write(PASSED_STATE, adopt_save, s);
	int sockets = state < 0 ? state : parcel_pack(s);
	int rc = sockets < 0 ? sockets : store(PASSED_SOCKETS, sockets);

	rc = rc ? rc : store(PASSED_STATE, state);
	if (!rc) {
		rc = sd_notify_barrier(0, PATIENCE_US);
		rc = rc > 0 ? 0 : rc;
	}
	if (sockets >= 0) {
		close(sockets);
	}
	if (state >= 0) {
		close(state);
	}
	return rc;
}

bool handover_give(struct server *s)
{
	int rc;

	if (!getenv("NOTIFY_SOCKET")) {
		server_say(s, LOG_EVENT_HANDOVER_FAILED,
			   "no service manager (NOTIFY_SOCKET) to keep it");
		return false;
	}
	reflector_halt(s->reflector);
	forget();
	rc = give(s);
	if (!rc) {
		adopt_say(s, LOG_EVENT_HANDED_OVER, s->n_conns, s->admit.sessions);
		return true;
	}
	forget();
	server_say(s, LOG_EVENT_HANDOVER_FAILED, strerror(-rc));
	rc = reflector_go_on(s->reflector);
	if (rc < 0) {
		server_say(s, LOG_EVENT_HANDOVER_FAILED, strerror(-rc));
	}
	return false;
}

void handover_take(struct server *s)
{
	const char *fault = NULL;

	if (s->passed.any_left || s->passed.state >= 0) {
		/* Before it is read: who stumbles over it must not do so again and again. */
		forget();
		fault = s->passed.state < 0 ? "there are sockets without it"
					    : sealed_read(s->passed.state, adopt_load, s);
	}
	if (fault) {
		server_say(s, LOG_EVENT_HANDOVER_LOST, fault);
	}
	passed_free(&s->passed);
}
