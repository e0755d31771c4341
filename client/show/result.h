// SPDX-License-Identifier: BSD-2-Clause
/* What a run prints: a table for people, one JSON object for machines. */
#pragma once

#include "client/measure/measure.h"

/** The table of a run that sent packets, and a refusal or failure on @err. */
void result_text(const struct measure *m, FILE *out, FILE *err);

/** Everything, as one object on one line; times in nanoseconds. R-318 */
void result_json(const struct measure *m, FILE *out);

/** How far one-way delays can be off: the sum of both clocks' errors; -1 = unknown. */
int64_t result_error_ns(const struct measure *m);

/** One-way delays mean something only if both clocks follow UTC.   T-033 */
bool result_reliable(const struct measure *m, enum series_delay kind);

/** What TLVs of STAMP told, as lines of the text and as a member of the JSON object. */
void result_tlv_text(const struct measure *m, FILE *out);
void result_tlv_json(const struct measure *m, FILE *out);
