// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/guests.h"

static void settle(const struct guests *g, struct server *s, unsigned n, bool taken)
{
	for (unsigned i = 0; i < n; i++) {
		if (g->of[i].settle) {
			g->of[i].settle(g->of[i].context, s, taken);
		}
	}
}

int guests_prepare(const struct guests *g, struct server *s, const struct settings *next, char *why,
		   size_t size)
{
	for (unsigned i = 0; i < g->n; i++) {
		const struct guest *one = &g->of[i];
		int rc = one->prepare ? one->prepare(one->context, s, next, why, size) : 0;

		if (rc < 0) {
			settle(g, s, i, false);
			return rc;
		}
	}
	return 0;
}

void guests_settle(const struct guests *g, struct server *s, bool taken)
{
	settle(g, s, g->n, taken);
}

void guests_end(const struct guests *g, struct server *s)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->of[i].end) {
			g->of[i].end(g->of[i].context, s);
		}
	}
}
