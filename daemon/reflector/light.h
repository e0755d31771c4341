// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reflectors without a control connection: TWAMP Light and STAMP on the UDP ports of the
 * setting "light". Each reflector thread has a socket of its own for each port (SO_REUSEPORT):
 * the kernel's hash over addresses and ports keeps a sender on one thread, and so its Sequence
 * Numbers in one table. Without numbers of ours, and with threads that are bound to CPUs, the thread
 * on the CPU where a packet arrives answers it. A socket that was passed to us (light_fds) is served
 * by one thread. All functions are the main thread's.
 * RFC 5357 Appendix I, RFC 8545, RFC 8762, RFC 8972 3; T-070..T-085.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/reflector/reflector.h"
#include "daemon/reflector/strangers.h"

struct light_plan;

/**
 * Open what the settings want and is not there yet. Ports whose address, port, device, type and
 * stateful are as before keep their sockets and Sequence Numbers. Nothing is answered by
 * other rules until light_apply. Takes a reference of the settings.
 * Return 0, or negative errno with *fault naming address, device and place.
 */
NODISCARD int light_prepare(struct reflector *r, struct settings *now, struct light_plan **out,
			    struct settings_listen *fault);

/** From now on. What is not wanted any more ends as soon as its threads have seen it. */
void light_apply(struct reflector *r, struct light_plan *plan);

/** Which ports give no replies from now on, whatever view comes. */
void light_drain(struct reflector *r, enum light_drain which);

/** Close again what light_prepare opened. NULL ok. */
void light_discard(struct light_plan *plan);

/* One port. */
struct light_info {
	struct address address;
	uint32_t device; /* 0 = none */
	bool stamp, stateful;
	bool passed; /* its socket is one of light_fds */
	bool absent; /* not open: the host has not got the family, which was only implied */
	bool fresh; /* light_walk sees it for the first time */
	struct counters_values sums;
};

/** Call @each for every port. */
void light_walk(struct reflector *r, void (*each)(void *context, const struct light_info *info),
		void *context);

/** Call @each for every socket of light_fds that no entry of the settings means: nobody reads it. */
void light_walk_unused(const struct reflector *r,
		       void (*each)(void *context, const struct address *at, uint32_t device),
		       void *context);

/** Once a second: call @each for those who sent without being clients or without the key, the most
 * busy ones of each thread, and for the sum of the others (family 0). */
void light_strangers(struct reflector *r, void (*each)(void *context, const struct stranger *s),
		     void *context);

/** Is this socket of light_fds one of the ports, or was it one that threads may still read? */
bool light_reads(const struct reflector *r, int fd);

/** The @n-th socket that we opened ourselves, for the next process; -1 = no more. */
int light_fd(const struct reflector *r, size_t n);

struct localaddr;

/** The addresses of this host have changed: tell the threads, which answer TLVs by them. */
void light_hosts(struct reflector *r, const struct localaddr *addresses);

/** How many ports there are. */
size_t light_count(const struct reflector *r);

/** Sums over all ports, those that have ended too. */
void light_totals(const struct reflector *r, struct counters_values *t);
