// SPDX-License-Identifier: BSD-2-Clause
/*
 * One test session of the Session-Sender: its UDP socket, its packets, its series.
 * RFC 5357 4.1.
 */
#pragma once

#include "client/endpoint.h"
#include "client/options.h"
#include "client/outcome.h"
#include "client/series.h"

struct probe {
	int fd; /* -1 = none */
	union endpoint local, peer;
	const struct pkt_layout *layout;
	struct series series;
	uint8_t *packet; /* send_octets */
	size_t send_octets;
	enum options_fill fill;
	uint64_t random; /* padding; independent of any secret (T-007) */
	uint32_t next_seq;
	uint8_t sid[16]; /* zero without control */
	uint64_t send_errors, bad_length, bad_source, refused; /* refused: ICMP port unreachable */
	uint64_t user_stamps; /* T4 read by this program for want of the kernel's */
};

/** Bind the socket: before the request, which names the port. */
NODISCARD int probe_open(struct probe *p, const struct options *o, const union endpoint *local,
			 struct outcome *out);

/** Connect it to the reflector, and make room for packets of @modes. */
NODISCARD int probe_aim(struct probe *p, const struct options *o, const union endpoint *peer,
			uint32_t modes, struct outcome *out);

/** Send the next packet; its sequence number is used up even when the system fails to send. */
void probe_send(struct probe *p, uint16_t error_estimate);

/** Take the datagrams that are there, a bounded number of them. */
void probe_receive(struct probe *p);

/** True when every packet that was sent is answered. */
bool probe_complete(const struct probe *p);

void probe_close(struct probe *p);
