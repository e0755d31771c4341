// SPDX-License-Identifier: BSD-2-Clause
#include "base/vault.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK_OCTETS (64 * 1024)

/* In front of each secret. */
struct cell {
	alignas(max_align_t) struct vault_block *block;
	struct cell *next; /* free ones */
};

struct vault_block {
	alignas(max_align_t) struct vault_block *next, *prev; /* only while there is room */
	struct cell *free;
	unsigned used;
};

static size_t stride(const struct vault *v)
{
	size_t align = alignof(max_align_t);

	return sizeof(struct cell) + (v->octets + align - 1) / align * align;
}

struct vault vault_of(size_t octets)
{
	struct vault v = { .octets = octets };

	assert(octets && sizeof(struct vault_block) + stride(&v) <= BLOCK_OCTETS);
	return v;
}

static void link_block(struct vault *v, struct vault_block *b)
{
	b->prev = NULL;
	b->next = v->open;
	if (b->next) {
		b->next->prev = b;
	}
	v->open = b;
}

static void unlink_block(struct vault *v, struct vault_block *b)
{
	if (b->next) {
		b->next->prev = b->prev;
	}
	*(b->prev ? &b->prev->next : &v->open) = b->next;
}

static struct vault_block *map(void)
{
	void *at = mmap(NULL, BLOCK_OCTETS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	if (at == MAP_FAILED) {
		return NULL;
	}
	if (madvise(at, BLOCK_OCTETS, MADV_DONTDUMP)) {
		(void)munmap(at, BLOCK_OCTETS);
		return NULL;
	}
	return at;
}

static struct vault_block *add_block(struct vault *v)
{
	struct vault_block *b = map();
	size_t step = stride(v);

	for (size_t at = sizeof(*b); b && at + step <= BLOCK_OCTETS; at += step) {
		struct cell *c = (struct cell *)(void *)((char *)b + at);

		c->block = b;
		c->next = b->free;
		b->free = c;
	}
	if (b) {
		link_block(v, b);
	}
	return b;
}

void *vault_take(struct vault *v)
{
	struct vault_block *b = v->open ? v->open : add_block(v);
	struct cell *c;

	if (!b) {
		return NULL;
	}
	c = b->free;
	b->free = c->next;
	b->used++;
	if (!b->free) {
		unlink_block(v, b);
	}
	return c + 1;
}

void vault_give(struct vault *v, void *secret)
{
	struct vault_block *b;
	struct cell *c;

	if (!secret) {
		return;
	}
	explicit_bzero(secret, v->octets);
	c = (struct cell *)secret - 1;
	b = c->block;
	if (!b->free) {
		link_block(v, b);
	}
	c->next = b->free;
	b->free = c;
	if (!--b->used) {
		unlink_block(v, b);
		(void)munmap(b, BLOCK_OCTETS);
	}
}
