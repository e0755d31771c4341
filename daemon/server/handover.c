// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/handover.h"

#include "base/clock.h"
#include "daemon/server/adopt.h"
#include "daemon/server/notify.h"
#include "daemon/server/parcel.h"
#include "daemon/server/sealed.h"
#include "daemon/server/server_parts.h"
#include "daemon/server/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES 3 /* to take it up */
#define PATIENCE_NS (8 * TS_NS_PER_S) /* for the service manager, below TimeoutStopSec= */

#define REMOVE "FDSTOREREMOVE=1\nFDNAME="

/* Nothing of an earlier attempt, or of a process that did not take it up, may come along. */
static void forget(struct server *s, struct mono until)
{
	(void)notify_deliver(s->notify, REMOVE INHERITED_STATE, -1, until);
	(void)notify_deliver(s->notify, REMOVE INHERITED_SOCKETS, -1, until);
}

/* Without the settings it works as long as their files have no error. */
static int pack(struct server *s)
{
	struct kept kept;
	int rc = kept_write(s->conns.settings, &kept),
	    sockets = parcel_pack(&s->conns, &s->listeners, &kept);

	if (rc < 0) {
		log_say(s->conns.log, LOG_EVENT_HANDOVER_LOST, "the settings in force do not fit");
	}
	kept_close(&kept);
	return sockets;
}

/* What hung up must not be thrown out: FDPOLL=0. */
#define STORE "FDSTORE=1\nFDPOLL=0\nFDNAME="

static int give(struct server *s, struct mono until)
{
	struct adopt all = { .conns = &s->conns };
	int state = sealed_write(INHERITED_STATE, adopt_save, &all);
	int sockets = state < 0 ? state : pack(s);
	int rc = sockets < 0 ? sockets : 0;

	rc = rc ? rc : notify_deliver(s->notify, STORE INHERITED_SOCKETS, sockets, until);
	rc = rc ? rc : notify_deliver(s->notify, STORE INHERITED_STATE, state, until);
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
	struct mono until = { clock_mono().ns + PATIENCE_NS };
	int rc;

	if (!notify_is_on(s->notify)) {
		log_say(s->conns.log, LOG_EVENT_HANDOVER_FAILED,
			"no service manager (NOTIFY_SOCKET) to keep it");
		return false;
	}
	reflector_halt(s->conns.reflector);
	forget(s, until);
	rc = give(s, until);
	if (!rc) {
		adopt_say(s->conns.log, LOG_EVENT_HANDED_OVER, s->conns.all.n,
			  s->conns.admit.sessions);
		return true;
	}
	forget(s, until);
	log_say(s->conns.log, LOG_EVENT_HANDOVER_FAILED, strerror(-rc));
	rc = reflector_go_on(s->conns.reflector);
	if (rc < 0) {
		log_say(s->conns.log, LOG_EVENT_HANDOVER_FAILED, strerror(-rc));
	}
	return false;
}

/*
 * Who stumbles over it must not do so again and again: how often it was begun is where the memory
 * file stands, which all who have it open share.
 */
static const char *take(struct server *s, int state)
{
	struct adopt all = { .conns = &s->conns, .from = &s->inherited };
	off_t tried = lseek(state, 0, SEEK_CUR);
	const char *fault;

	if (tried >= TRIES) {
		return "no process could take it up";
	}
	(void)lseek(state, 1, SEEK_CUR);
	fault = sealed_read(state, adopt_load, &all);
	if (all.draining) {
		status_drain(s, true, all.drain_light);
	}
	(void)lseek(state, 0, SEEK_SET);
	return fault;
}

void handover_take(struct server *s)
{
	struct inherited *p = &s->inherited;
	const char *fault = NULL;

	s->taken_over = p->any_left || p->state >= 0;
	if (s->taken_over) {
		fault = p->state < 0 ? "there are sockets without it" : take(s, p->state);
	}
	if (fault) {
		log_say(s->conns.log, LOG_EVENT_HANDOVER_LOST, fault);
	}
	server_load_forget(&s->load);
}

void handover_ready(struct server *s)
{
	if (s->taken_over) {
		/* At once: from here on it must not be taken up a second time. */
		notify_say(s->notify, "READY=1\n%s", REMOVE INHERITED_STATE);
		notify_say(s->notify, "%s", REMOVE INHERITED_SOCKETS);
	}
	inherited_retire(&s->inherited);
	status_tell_ready(s);
	s->ready = true;
	adopt_go_on(&s->conns);
}
