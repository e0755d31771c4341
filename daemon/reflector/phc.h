// SPDX-License-Identifier: BSD-2-Clause
/*
 * Receive timestamps of network cards. A card stamps with a clock of its own (PHC); what that
 * shows is compared with CLOCK_REALTIME once a second in a thread of its own, and stamps are
 * carried over, so that T2 and T3 are on one clock (T-036). Nothing is switched on here: that
 * needs privileges and concerns others; what is on is used.
 *
 * A stamp counts only while the comparison is fresh and the result agrees with the kernel's own
 * stamp of the same packet; else the latter stands.
 */
#pragma once

#include "daemon/reflector/udpsock.h"
#include "protocol/ts.h"

#include <net/if.h>
#include <stddef.h>

#define PHC_LINKS 16 /* network interfaces at most */
#define PHC_SAMPLES 9 /* per comparison */

/* A comparison counts for so long; one is made each second. */
#define PHC_FRESH_NS (3 * TS_NS_PER_S)

/* The card is before the kernel: by the way through the interrupt, which takes microseconds,
 * and at most so long under load. After it: only as far as the clocks are not sure. */
#define PHC_BEFORE_NS 100000000
#define PHC_AFTER_NS 10000

/* Clocks that differ more than so in speed were set, not steered. */
#define PHC_RATE_PPB 1000000

/* Both clocks, read one after the other. */
struct phc_sample {
	int64_t before_ns; /* CLOCK_REALTIME */
	int64_t phc_ns;
	int64_t after_ns; /* CLOCK_REALTIME */
};

/** That with the shortest window; NULL if none makes sense. */
const struct phc_sample *phc_best(const struct phc_sample *samples, int n);

/* How one clock goes beside the other. */
struct phc_offset {
	int64_t phc_ns; /* when it was compared */
	int64_t offset_ns; /* what to add then */
	int64_t rate_ppb; /* what the offset gains */
	int64_t error_ns; /* bound, up to a second later; twice that in the next, and so on */
	int64_t measured_ns; /* CLOCK_MONOTONIC */
};

struct phc_track {
	unsigned count; /* comparisons in a row, up to 3: then @now is known */
	int64_t half_ns; /* of the window of the last one */
	struct phc_offset now;
};

/** Go on with a comparison, or begin anew if a clock was set. */
void phc_follow(struct phc_track *t, const struct phc_sample *best, struct mono now);

/** True if @now holds. */
static inline bool phc_is_known(const struct phc_track *t)
{
	return t->count >= 3;
}

/**
 * A stamp of the card on the system's clock.
 * @software  the kernel's stamp of the same packet
 * @error_ns  bound, > 0
 * False: do not use it.
 */
bool phc_convert(const struct phc_offset *o, int64_t hardware_ns, struct wall software,
		 struct mono now, struct wall *out, int64_t *error_ns);

/* An interface that can stamp all packets it receives. */
struct phc_link {
	unsigned index; /* of the interface */
	int clock; /* N of /dev/ptpN */
	bool on; /* it does stamp all packets */
	char name[IF_NAMESIZE];
};

/* Where interfaces and clocks come from: the system (nic.h), or a test. */
struct phc_source {
	/* Return how many, at most @most, or negative errno. */
	int (*list)(void *context, struct phc_link *out, int most);
	/* Return a descriptor or negative errno. */
	int (*open)(void *context, int clock);
	/* Return how many, at most @most, or negative errno. */
	int (*read)(void *context, int fd, struct phc_sample *out, int most);
	void (*close)(void *context, int fd);
	void *context;
};

struct phc; /* all interfaces, and the thread that looks after them */

/**
 * Look which interfaces can stamp. *out is NULL, with 0, if none can: then nothing was started,
 * and an interface that comes later is not seen. @source is copied.
 */
NODISCARD int phc_new(struct phc **out, const struct phc_source *source);

/** Start the thread. Return 0 or negative errno. */
NODISCARD int phc_run(struct phc *p);

/** NULL ok. */
void phc_free(struct phc *p);

/** One round of the thread: compare the clocks; @rescan: look which interfaces stamp before. */
void phc_round(struct phc *p, bool rescan, struct mono now);

/** Interfaces that stamp, and whose clock can be read. Of NULL 0. Main thread. */
unsigned phc_usable(struct phc *p);

/** Of these, those whose clock is known, so that stamps are used. Of NULL 0. */
unsigned phc_ready(const struct phc *p, struct mono now);

/** What there is and what is wrong with it. Main thread. */
void phc_describe(struct phc *p, char *out, size_t size);

enum phc_use {
	PHC_NONE, /* the card gave no stamp, or its clock is not known (yet) */
	PHC_USED,
	PHC_REFUSED, /* too old a comparison, or not plausible */
};

/** Better a packet's stamp by the card's. Data path: no locks, no waiting. @p NULL ok. */
enum phc_use phc_improve(const struct phc *p, struct sock_meta *meta, struct mono now);
