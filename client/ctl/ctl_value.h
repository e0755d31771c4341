// SPDX-License-Identifier: BSD-2-Clause
/*
 * Values of the daemon's JSON as people read them: by format, found by path ("sessions.used").
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ctl_format {
	CTL_TEXT, /* as it is; yes, no and - for what is no text */
	CTL_DURATION, /* seconds: "3d 04:05:06", "59.2 s" */
	CTL_SHORT, /* seconds, small ones: "1.24 ms" */
	CTL_PERCENT, /* with two decimals */
	CTL_TIME, /* of day, and the date if it is another one */
	CTL_OCTETS, /* "12.3 MiB" */
};

/** The value at @path, points between the keys; NULL if there is none. "" is @in itself. */
const json_t *ctl_value_at(const json_t *in, const char *path);

#define CTL_VALUE_LEN 256
/** As text; "-" for null and what is not there. Returns @buf. What is longer is cut. */
char *ctl_value_text(const json_t *value, enum ctl_format format, char buf[static CTL_VALUE_LEN]);

/**
 * Write @template, with each {path} or {path|format} in it replaced; format: duration, short, percent,
 * time, octets. Nothing that a terminal obeys is written.
 */
void ctl_value_print(const json_t *in, const char *template, FILE *to);

/** To be sorted by: numbers by size, texts by letters, what is not there last. As strcmp(). */
int ctl_value_compare(const json_t *a, const json_t *b);

/** Neither there, nor false, null, 0, "", or an empty list. */
int ctl_value_is_set(const json_t *value);
