// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/handover.h"

#include "daemon/server/adopt.h"
#include "daemon/server/notify.h"
#include "daemon/server/parcel.h"
#include "daemon/server/sealed.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_NS (8 * TS_NS_PER_S) /* for the service manager, below TimeoutStopSec= */

/* Nothing of an earlier attempt, or of a process that did not take it up, may come along. */
static void forget(struct server *s, struct mono until)
{
	(void)notify_deliver(s->notify, "FDSTOREREMOVE=1\nFDNAME=" PASSED_STATE, -1, until);
	(void)notify_deliver(s->notify, "FDSTOREREMOVE=1\nFDNAME=" PASSED_SOCKETS, -1, until);
}

/* What hung up must not be thrown out: FDPOLL=0. */
#define STORE "FDSTORE=1\nFDPOLL=0\nFDNAME="

static int give(struct server *s, struct mono until)
{
	int state = sealed_write(PASSED_STATE, adopt_save, s);
	int sockets = state < 0 ? state : parcel_pack(s);
	int rc = sockets < 0 ? sockets : 0;

	rc = rc ? rc : notify_deliver(s->notify, STORE PASSED_SOCKETS, sockets, until);
	rc = rc ? rc : notify_deliver(s->notify, STORE PASSED_STATE, state, until);
	rc = rc ? rc : notify_barrier(s->notify, until);
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
	struct mono until = { server_mono().ns + PATIENCE_NS };
	int rc;

	if (!notify_is_on(s->notify)) {
		server_say(s, LOG_EVENT_HANDOVER_FAILED,
			   "no service manager (NOTIFY_SOCKET) to keep it");
		return false;
	}
	reflector_halt(s->reflector);
	forget(s, until);
	rc = give(s, until);
	if (!rc) {
		adopt_say(s, LOG_EVENT_HANDED_OVER, s->n_conns, s->admit.sessions);
		return true;
	}
	forget(s, until);
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
		forget(s, (struct mono){ server_mono().ns + PATIENCE_NS });
		fault = s->passed.state < 0 ? "there are sockets without it"
					    : sealed_read(s->passed.state, adopt_load, s);
	}
	if (fault) {
		server_say(s, LOG_EVENT_HANDOVER_LOST, fault);
	}
	passed_free(&s->passed);
}
