// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the operator allows, as far as the control protocol is concerned: the part of the
 * settings that decisions are made from. Filled by daemon/config, read-only afterwards.
 */
#pragma once

#include <stdint.h>

struct policy {
	uint32_t modes; /* enum mode_bit: security modes offered */
	uint32_t features; /* enum mode_bit: features offered */

	/* Limits: Accept 4 when reached. max_connections and max_sessions are those of a class in
	 * total; the server's own are in struct admit_total. 0 = this class gets none. */
	uint32_t max_connections;
	uint32_t max_connections_per_client;
	uint32_t max_sessions;
	uint32_t max_sessions_per_client;
	uint32_t max_sessions_per_connection;
	uint32_t max_padding; /* octets of Padding Length */
	/* Token buckets per client, Accept 5 when empty. */
	uint32_t connection_rate; /* connections per second; 0 = unlimited */
	uint32_t connection_burst; /* connections at once */
	uint32_t request_rate; /* requests per second; 0 = unlimited */
	uint32_t request_burst; /* requests at once */

	uint64_t dscp_allowed; /* bit n: replies may carry DSCP n */
	uint32_t third_party; /* 1: Sender Address may differ from the client's (RFC 4656 6.2) */
	/* Test packets above these rates are dropped and counted; 0 = unlimited. */
	uint32_t packet_rate; /* packets per second and session */
	uint32_t octet_rate; /* octets of UDP payload per second and session */
	uint32_t total_packet_rate; /* packets per second of the class */
	uint32_t total_octet_rate; /* octets per second of the class */

	/* Authentication. */
	uint32_t kdf_count; /* PBKDF2 rounds announced: a power of two, 1024.. */
	/* Per minute and client; 0 = unlimited. */
	uint32_t failure_rate; /* failed authentications with one KeyID */
	uint32_t abandon_rate; /* derivations that the client did not wait for */

	uint16_t port_first, port_last; /* UDP, reflectors */

	uint32_t handshake_s; /* accept to Set-Up-Response */
	uint32_t message_s; /* first to last octet of a message */
	uint32_t send_stall_s; /* blocked TCP write */
	uint32_t servwait_s; /* RFC 5357 3.1 */
	uint32_t refwait_s; /* RFC 5357 4.2 */
	uint32_t max_timeout_s; /* largest Timeout of a request */

	/* On the way to here; 0 = not watched. */
	uint32_t watch_loss; /* thousandths of a percent */
	uint32_t watch_pdv_p99_ms;
};
