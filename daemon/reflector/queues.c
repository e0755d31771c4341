// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/lightview.h"
#include "daemon/reflector/past.h"
#include "daemon/reflector/shared.h"

/* What the @i-th socket that many use had dropped when that was counted last; NULL = no more. */
static uint32_t *seen_of(const struct reflector *r, uint32_t i, int *fd)
{
	const struct light_view *v = r->light_view;

	for (struct shared_port *p = r->shared->ports; p; p = p->next) {
		*fd = p->fd;
		if (!i--) {
			return &p->drops_seen;
		}
	}
	for (size_t k = 0; v && k < v->n; k++) {
		struct light_entry *e = v->entries[k];

		if (i < e->count) {
			*fd = e->ports[i].fd;
			return &e->ports[i].drops_seen;
		}
		i -= e->count;
	}
	return NULL;
}

static uint32_t count(const struct reflector *r)
{
	uint32_t n = 0;
	int fd;

	while (seen_of(r, n, &fd)) {
		n++;
	}
	return n;
}

static void take(struct reflector *r, uint64_t cookie, uint32_t seen)
{
	uint32_t *mine;
	int fd;

	for (uint32_t i = 0; (mine = seen_of(r, i, &fd)) != NULL; i++) {
		if (fd >= 0 && sock_cookie(fd) == cookie) {
			*mine = seen;
		}
	}
}

void reflector_carry(struct carry *c, struct reflector *r)
{
	uint32_t n = c->way == CARRY_LOAD ? 0 : count(r);

	CARRY(c, n);
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		uint64_t cookie = 0;
		uint32_t seen = 0;
		int fd = -1;

		if (c->way != CARRY_LOAD) {
			seen = *seen_of(r, i, &fd);
			cookie = fd >= 0 ? sock_cookie(fd) : 0;
		}
		CARRY(c, cookie);
		CARRY(c, seen);
		if (c->way == CARRY_LOAD && !c->bad && cookie) {
			take(r, cookie, seen);
		}
	}
	past_carry(c, r);
}
