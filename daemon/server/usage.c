// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct usage *usage_get(struct usage **list, const char *name)
{
	struct usage *u = *list;

	while (u && strcmp(u->name, name) != 0) {
		u = u->next;
	}
	if (u) {
		return u;
	}
	u = calloc(1, sizeof *u);
	if (!u) {
		return NULL;
	}
	snprintf(u->name, sizeof u->name, "%s", name);
	u->next = *list;
	*list = u;
	return u;
}

void usage_free(struct usage **list)
{
	while (*list) {
		struct usage *u = *list;

		*list = u->next;
		free(u);
	}
}
