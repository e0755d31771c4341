// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/class_use.h"

#include "daemon/reflector/reflector.h"
#include "protocol/carry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct class_use *class_use_get(struct class_use **list, const char *name)
{
	struct class_use *u = *list;

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

int class_use_prepare(struct class_uses *u, const struct settings *next)
{
	free(u->next);
	u->next = calloc(next->n_classes + 1, sizeof(struct class_use *));
	if (!u->next) {
		return -ENOMEM;
	}
	for (size_t i = 0; i <= next->n_classes; i++) {
		u->next[i] = class_use_get(&u->list, class_at(next, i)->name);
		if (!u->next[i]) {
			return -ENOMEM;
		}
	}
	return 0;
}

static void set_rates(struct class_use *u, const struct policy *p)
{
	police_total_set(&u->police, p->total_packet_rate, p->total_octet_rate);
}

void class_use_apply(struct class_uses *u, const struct settings *now)
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

struct class_use *class_use_of(struct class_uses *u, const struct settings *now,
			       const struct settings_class *class)
{
	if (!class) {
		return &u->nobody;
	}
	return u->of[class == &now->fallback ? now->n_classes : (size_t)(class - now->classes)];
}

struct class_sums *class_use_sums(struct class_use *u, const struct reflector *r)
{
	if (!u->sums) {
		u->sums = reflector_class(r);
	}
	return u->sums;
}

static void load(struct carry *k, struct class_uses *u, const struct reflector *r)
{
	char name[SETTINGS_CLASS_NAME_MAX + 1];
	struct refusals_tally gone = { 0 };
	struct class_use *use;

	CARRY(k, name);
	name[SETTINGS_CLASS_NAME_MAX] = '\0';
	use = k->bad ? NULL : class_use_get(&u->list, name);
	refusals_tally_carry(k, use ? &use->tally : &gone);
	class_sums_carry(k, use ? class_use_sums(use, r) : NULL);
}

void class_use_carry(struct carry *k, struct class_uses *u, const struct reflector *r)
{
	uint32_t n = 0;

	refusals_tally_carry(k, &u->nobody.tally);
	class_sums_carry(k, k->way == CARRY_LOAD ? class_use_sums(&u->nobody, r) : u->nobody.sums);
	for (struct class_use *c = u->list; c && k->way != CARRY_LOAD; c = c->next) {
		n++;
	}
	CARRY(k, n);
	for (struct class_use *c = u->list; c && k->way != CARRY_LOAD; c = c->next) {
		CARRY(k, c->name);
		refusals_tally_carry(k, &c->tally);
		class_sums_carry(k, c->sums);
	}
	for (; n && k->way == CARRY_LOAD && !k->bad; n--) {
		load(k, u, r);
	}
}

void class_use_free(struct class_uses *u)
{
	while (u->list) {
		struct class_use *first = u->list;

		u->list = first->next;
		class_sums_free(first->sums);
		free(first);
	}
	class_sums_free(u->nobody.sums);
	free(u->of);
	free(u->next);
	*u = (struct class_uses){ 0 };
}
