// SPDX-License-Identifier: BSD-2-Clause
/* What a person should know of a run beside its result: one line each, a bounded number. */
#pragma once

#define NOTES_MAX 16
#define NOTES_LEN 240

struct notes {
	char text[NOTES_MAX][NOTES_LEN];
	unsigned n;
};

/** Add a line. What does not fit any more is left out. */
__attribute__((format(printf, 2, 3))) void notes_add(struct notes *n, const char *format, ...);
