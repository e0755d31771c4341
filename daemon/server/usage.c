// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/usage.h"

#include <errno.h>
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

/* The class that is used where there are none comes last. */
static const struct settings_class *class_at(const struct settings *s, size_t i)
{
	return i < s->n_classes ? &s->classes[i] : &s->fallback;
}

int usage_prepare(struct usages *u, const struct settings *next)
{
	free(u->next);
	u->next = calloc(next->n_classes + 1, sizeof(struct usage *));
	if (!u->next) {
		return -ENOMEM;
	}
	for (size_t i = 0; i <= next->n_classes; i++) {
		u->next[i] = usage_get(&u->list, class_at(next, i)->name);
		if (!u->next[i]) {
			return -ENOMEM;
		}
	}
	return 0;
}

static void set_rates(struct usage *u, const struct policy *p)
{
	police_total_set(&u->police, p->total_packet_rate, p->total_octet_rate);
}

void usage_use(struct usages *u, const struct settings *now)
{
	free(u->of);
	u->of = u->next;
	u->next = NULL;
	strcpy(u->nobody.name, "none"); /* what the log says of it */
	set_rates(&u->nobody, &now->policy);
	for (size_t i = now->n_classes + 1; i-- > 0;) { /* a class may be named as the last one */
		set_rates(u->of[i], &class_at(now, i)->policy);
	}
}

struct usage *usage_of(struct usages *u, const struct settings *now,
		       const struct settings_class *class)
{
	if (!class) {
		return &u->nobody;
	}
	return u->of[class == &now->fallback ? now->n_classes : (size_t)(class - now->classes)];
}

void usage_free(struct usages *u)
{
	while (u->list) {
		struct usage *first = u->list;

		u->list = first->next;
		free(first);
	}
	free(u->of);
	free(u->next);
	*u = (struct usages){ 0 };
}
