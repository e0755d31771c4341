// SPDX-License-Identifier: BSD-2-Clause
/*
 * Connections that hold a place without having shown that they are worth it: no complete
 * Set-Up-Response yet, or refused and not gone yet. In the order in which they came, so that
 * the oldest of them can make room for who comes now.
 */
#pragma once

struct conn;
struct conns;

/**
 * Put the connection where it belongs now: after its state or its being counted may have
 * changed.
 */
void evict_sort(struct conn *c);

void evict_leave(struct conn *c);

/**
 * The one to go before @c, which is not in yet, is let in; NULL if there is room, or if the
 * place is not held by somebody who did nothing with it.
 */
struct conn *evict_surplus(const struct conn *c);

/** The one to go when nobody can be let in for lack of memory or descriptors; NULL = none. */
struct conn *evict_any(const struct conns *cs);
