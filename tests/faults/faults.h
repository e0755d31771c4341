// SPDX-License-Identifier: BSD-2-Clause
/*
 * What fails in the daemon under test: the n-th allocation, or the n-th of something else that the
 * system gives, counted over all its threads and over the process that takes over from it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

enum faults_kind {
	FAULTS_MEMORY,
	FAULTS_SYSTEM, /* descriptors, threads, mappings, random octets */
};

/* Shared with the processes under test. */
struct faults {
	enum faults_kind kind;
	unsigned first, times; /* from the first-th on, from 1, so many fail */
	_Atomic unsigned counted;
	_Atomic bool over; /* nothing fails any more */
};

/** Memory that children share. */
struct faults *faults_new(void);

/** Nothing has been counted. */
void faults_reset(struct faults *f, enum faults_kind kind, unsigned first, unsigned times);

/** From now on this process is under test. */
void faults_begin(struct faults *f);

/** Something has failed. */
bool faults_hit(const struct faults *f);

/** From now on nothing fails. False if nothing has failed. */
bool faults_end(struct faults *f);
