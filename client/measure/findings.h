// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the counts of a run mean to a person: why there is no result, and what is odd about the
 * one that there is, each with its likely cause.
 */
#pragma once

#include "client/measure/measure.h"

/** Not one reply counted: the outcome says what came instead, and what to do. */
int findings_nothing(struct measure *m);

/** Replies had no SSID, and the run was to end then. */
int findings_no_ssid(struct measure *m);

/** Add the notes of a run that has a summary. */
void findings_note(struct measure *m);
