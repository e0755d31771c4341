// SPDX-License-Identifier: BSD-2-Clause
/* The text of all metrics, made a part at each turn of the loop. */
#pragma once

#include "daemon/admin/metrics.h"

struct metrics_text; /* NULL before the first part */

/**
 * The next part; *t is allocated with the first one. @open: OpenMetrics, else the older format.
 * Return 1 when the text is complete, 0 if there is more to do, or -ENOMEM.
 */
NODISCARD int metrics_text_go_on(struct metrics_text **t, const struct server *s, bool open);

/** It is complete: the caller's from now on. */
char *metrics_text_take(struct metrics_text *t, size_t *len);

void metrics_text_free(struct metrics_text *t); /* NULL ok */
