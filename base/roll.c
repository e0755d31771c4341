// SPDX-License-Identifier: BSD-2-Clause
#include "base/roll.h"

#include <stddef.h>

void roll_add(struct roll *r, struct roll_node *n)
{
	n->prev = NULL;
	n->next = r->first;
	*(n->next ? &n->next->prev : &r->last) = n;
	r->first = n;
	r->n++;
}

void roll_remove(struct roll *r, struct roll_node *n)
{
	for (struct roll_walk *w = r->walks; w; w = w->other) {
		w->next = w->next == n ? n->next : w->next;
		w->last = w->last == n ? NULL : w->last;
	}
	*(n->next ? &n->next->prev : &r->last) = n->prev;
	*(n->prev ? &n->prev->next : &r->first) = n->next;
	n->next = n->prev = NULL;
	r->n--;
}

void roll_begin(struct roll *r, struct roll_walk *w)
{
	*w = (struct roll_walk){ .of = r, .next = r->first, .other = r->walks };
	if (w->other) {
		w->other->before = w;
	}
	r->walks = w;
}

struct roll_node *roll_next(struct roll_walk *w)
{
	w->last = w->next;
	if (w->next) {
		w->next = w->next->next;
	}
	return w->last;
}

void roll_end(struct roll_walk *w)
{
	if (!w->of) {
		return;
	}
	if (w->other) {
		w->other->before = w->before;
	}
	*(w->before ? &w->before->other : &w->of->walks) = w->other;
	*w = (struct roll_walk){ 0 };
}
