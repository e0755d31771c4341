// SPDX-License-Identifier: BSD-2-Clause
/*
 * The load generator: what its parts know of the command line.
 */
#pragma once

#include "protocol/mode.h"

#include <stdbool.h>
#include <stdint.h>

struct load_options {
	const char *server; /* numeric address */
	const char *source; /* own address; NULL = any */
	unsigned control_port; /* TWAMP-Control; 0 = send to @port without it */
	unsigned port; /* flow i goes to port + i * step */
	unsigned step;
	unsigned source_port; /* flow i comes from source_port + i; 0 = any */
	unsigned flows;
	uint32_t mode; /* one security bit */
	const char *key_id, *passphrase;
	unsigned payload; /* UDP payload octets of a sender packet */
	double rate; /* packets/s; 0 = as fast as possible */
	double low, high; /* search between these for the rate without loss */
	double seconds, warmup;
	unsigned burst; /* packets of a flow in a row; 0 = by the rate */
	int pid; /* whose CPU time is counted; 0 = nobody's */
	const char *device; /* of the generator: replies are counted on it */
	const char *dump; /* samples go to this file */
	bool sleep; /* between packets, not spin */
	unsigned connections, sources, clients, waves;
	bool hold; /* keep the sessions until standard input ends */
};

/** Say what failed, with errno if there is one, and end the program. */
_Noreturn void load_die(const char *what);

int64_t load_wall_ns(void);
int64_t load_mono_ns(void);

/** Sub-commands of load_setup.c. */
void load_setup(const struct load_options *o);
void load_storm(const struct load_options *o);
