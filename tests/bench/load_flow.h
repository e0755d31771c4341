// SPDX-License-Identifier: BSD-2-Clause
/*
 * The flows of the load generator: a connected UDP socket each, packets out in bursts with
 * UDP_SEGMENT, replies in with the kernel's receive timestamps.
 */
#pragma once

#include "protocol/crypt.h"
#include "protocol/pkt.h"
#include "tests/bench/load.h"
#include "tests/bench/load_control.h"
#include "tests/bench/load_tally.h"

#define FLOW_BURST_MAX 64

struct load_flow {
	int fd;
	uint16_t port; /* own, host order */
	uint32_t seq; /* the next to send */
	uint32_t reply_seq; /* of the last reply */
	bool any; /* there was a reply */
	uint32_t own_drops; /* of the socket, so far */
	struct crypt_test *crypt; /* NULL in clear modes */
	uint8_t *sealed; /* @burst packets made beforehand, or NULL */
};

struct load_flows {
	const struct load_options *o;
	const struct pkt_layout *layout;
	struct load_flow *flows;
	size_t count;
	struct load_control control;
	bool controlled;
	size_t payload, reply_octets; /* of a packet, of its reply */
	unsigned burst; /* at most, in one message */
	int epoll; /* -1 with one flow */
	struct load_tally *tally;
};

/**
 * Open all flows, and their sessions if the server is to be asked for them; wait until the
 * first and the last are answered.
 * @counting  replies are counted on the device: sockets keep next to none
 */
void load_flows_open(struct load_flows *f, const struct load_options *o, struct load_tally *tally,
		     bool counting);
void load_flows_close(struct load_flows *f);

/** Send @n packets of a flow in a row, T1 = now. Return how many the kernel took. */
unsigned load_flow_send(struct load_flows *f, struct load_flow *flow, unsigned n);

/** Take in what waits in the sockets, some of it at least. Return the number of replies. */
unsigned load_flows_receive(struct load_flows *f);

/** Look into one reply of a flow, if there is one; for counting flows. */
void load_flow_peek(struct load_flows *f, struct load_flow *flow);

/** Add the drops of the own sockets since the last call to the tally. */
void load_flows_drops(struct load_flows *f);
