// SPDX-License-Identifier: BSD-2-Clause
/*
 * The metrics of twampd, written from a copy of what the server has. docs/metrics.md lists them.
 * Their labels are few: classes, reasons and entries are the operator's, and no client or session
 * is one.
 */
#pragma once

#include "daemon/admin/exposition.h"
#include "daemon/reflector/dwell.h"
#include "daemon/reflector/light.h"
#include "daemon/server/view.h"

#define METRICS_NAME_LEN 80
#define METRICS_THREADS_MAX 64
#define METRICS_ALL_CLASSES \
	16 /* with no more each has all samples from the start, for increase() */

struct metrics {
	struct view_status status;
	struct view_measure measures[VIEW_MEASURES];
	bool restart_pending;
	bool limits_temporary; /* a limit that is reached answers 5 */
	uint64_t log_left_out;
	uint32_t ports, max_ports; /* UDP, of sessions with a port of their own */
	struct dwell_values dwell; /* how long packets were here */
	unsigned threads;
	double cpu_s[METRICS_THREADS_MAX]; /* CPU time of each reflector thread */
	struct view_class *classes; /* allocated */
	struct class_sums_values *sums; /* of each class; allocated */
	size_t n_classes;
	struct light_info *lights; /* allocated */
	size_t n_lights;
};

/** Copy what there is now. Return 0 or -ENOMEM; metrics_wipe() in any case. */
NODISCARD int metrics_gather(struct metrics *m, const struct server *s);
void metrics_wipe(struct metrics *m);

/** Some of them, for which a turn of the loop is long enough: part 0 and so on. False: it was the
 * last one, and the end is to follow. */
bool metrics_write(struct exposition *e, const struct metrics *m, unsigned part);

/** The name of a counter that is no drop, without _total: "twampd_packets_received". @of  "", or of
 * what: "light_", "class_". */
char *metrics_name(const struct counters_row *row, const char *of,
		   char buf[static METRICS_NAME_LEN]);

/* --- for metrics.c --- */

/** Those of counters.def: of all sessions, and of the Light ports by entry. */
void metrics_write_counters(struct exposition *e, const struct metrics *m);

/** The same by class. */
void metrics_write_classes(struct exposition *e, const struct metrics *m);

/** What the packets of each class tell about the way to here. */
void metrics_write_forward(struct exposition *e, const struct metrics *m);
