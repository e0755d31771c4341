// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/conns.h"

#include "daemon/server/memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>

#define FDS_SPARE 64 /* threads, log, listeners, name service */

int conns_init(struct conns *cs)
{
	cs->keyed = vault_of(sizeof(struct control_keyed));
	places_init(&cs->places);
	cs->refusals = refusals_new();
	return cs->refusals && conns_fit_scratch(cs, CONTROL_ROOM_USUAL) ? 0 : -ENOMEM;
}

void conns_wipe(struct conns *cs)
{
	free(cs->scratch);
	refusals_free(cs->refusals);
	clients_free(cs->clients);
	class_use_free(&cs->class_uses);
	places_wipe(&cs->places);
	cs->scratch = NULL;
	cs->scratch_octets = 0;
	cs->refusals = NULL;
	cs->clients = NULL;
}

void conns_use(struct conns *cs, struct settings *now)
{
	uint32_t keyed = settings_keyed_modes(now);

	cs->settings = now;
	class_use_apply(&cs->class_uses, now);
	cs->admit.max_connections = now->policy.max_connections;
	cs->admit.max_sessions = now->policy.max_sessions;
	cs->admit.limits_temporary = now->accept_code == ACCEPT_TEMPORARY;
	cs->keyed_policy = now->policy;
	cs->keyed_policy.modes = keyed & MODE_SECURITY_MASK;
	cs->keyed_policy.features = keyed & MODE_FEATURE_MASK;
}

struct conn *conns_first(const struct conns *cs)
{
	return (struct conn *)(void *)cs->all.first; /* its first member */
}

struct conn *conns_next(const struct conn *c)
{
	return (struct conn *)(void *)c->node.next;
}
_Static_assert(offsetof(struct conn, node) == 0, "conns_first");

bool conns_fit_scratch(struct conns *cs, size_t room)
{
	uint8_t *more;

	if (room <= cs->scratch_octets) {
		return true;
	}
	more = realloc(cs->scratch, room);
	if (!more) {
		return false;
	}
	cs->scratch = more;
	cs->scratch_octets = room;
	return true;
}

uint64_t conns_descriptors(const struct conns *cs, uint64_t *most)
{
	struct rlimit limit;

	*most = getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY
			? 0
			: (uint64_t)limit.rlim_cur;
	return (uint64_t)cs->all.n + FDS_SPARE + (cs->shared_ports ? 0 : cs->admit.sessions);
}

void conns_measure(struct conns *cs)
{
	uint64_t most, used = conns_descriptors(cs, &most);

	cs->admit.descriptors_low = most && used >= most;
	/* At once, for the next request may need what is not there; a look at the load ends it. */
	if (memory_is_low() && !cs->admit.memory_low) {
		cs->admit.memory_low = true;
		if (cs->memory_short) {
			cs->memory_short(cs->context);
		}
	}
}
