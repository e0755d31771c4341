// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who looks on while a measurement runs: shows it live, or writes down each packet. A call that
 * is NULL is not made. They are made between packets: none may wait.
 */
#pragma once

#include "client/measure/series.h"

struct watcher {
	void *data;
	/* A packet of session @session (from 0) left: @index from 0, at @t1. */
	void (*sent)(void *data, uint32_t session, uint64_t index, struct clock_pair t1);
	/* The first reply to one of them came, in time or @late; @reading says which and what. */
	void (*reply)(void *data, uint32_t session, const struct series_reading *reading,
		      bool late);
	/* Several times a second: @total packets are to be sent by all sessions together. */
	void (*tick)(void *data, uint64_t total);
	/* What changes no result, but is worth a line: "..., retry 1 of 3 in 1 s". */
	void (*note)(void *data, const char *text);
};
