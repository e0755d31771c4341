// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who sends to the stateful Light ports, read while they are answered. The tables are those of the
 * reflector threads: the main thread asks a thread for a piece of one, which it copies between two
 * bursts to where the main thread finds it. Neither waits for the other. One piece is asked for at
 * a time, whoever wants to know.
 */
#pragma once

#include "daemon/reflector/senders.h"
#include "protocol/address.h"

#include <stddef.h>

struct light_worker;
struct reflector;

#define CENSUS_ROWS 128 /* of a piece: some ten microseconds of a thread */

/* Of each reflector. Zero at first. */
struct census {
	bool held; /* main thread: somebody has asked, and has not got the answer */
	/* The thread that is asked, from 1 on: the others are its. 0: they are the main thread's. */
	_Atomic unsigned asked;
	uint64_t generation; /* of the view */
	size_t entry;
	uint32_t at;
	bool known; /* the thread has this view */
	unsigned n;
	struct senders_row rows[CENSUS_ROWS];
};

/* How far a reader is. Zero = the beginning. */
struct census_walk {
	bool begun;
	uint64_t generation;
	size_t entry;
	unsigned thread;
	uint32_t at;
};

enum census_result {
	CENSUS_OK,
	CENSUS_BUSY, /* not yet */
	CENSUS_END, /* there are no more */
	CENSUS_CHANGED, /* other ports have come: there is no way on */
};

/** Main thread: ask for the next piece. After CENSUS_OK: census_take(), or census_drop(). */
enum census_result census_ask(struct reflector *r, struct census_walk *w);

/* The sender of a row, and where it sends to. */
struct census_sender {
	struct address entry, sender, local;
	uint32_t device; /* of the entry; 0 = none */
	const struct senders_row *row;
};

/** Main thread: call @each for what was asked for. CENSUS_BUSY: it is not there yet. */
enum census_result census_take(struct reflector *r, struct census_walk *w,
			       void (*each)(void *context, const struct census_sender *s),
			       void *context);

/** Main thread: it is not wanted any more. */
void census_drop(struct reflector *r);

/** Thread: answer if it is asked. */
void census_answer(struct light_worker *lw);
