// SPDX-License-Identifier: BSD-2-Clause
/*
 * One test session of the Session-Sender: its UDP socket, its packets, its series.
 * RFC 5357 4.1.
 */
#pragma once

#include "base/endpoint.h"
#include "client/measure/outcome.h"
#include "client/measure/plan.h"
#include "client/measure/series.h"
#include "client/measure/tlvside.h"
#include "client/measure/watcher.h"
#include "protocol/crypt.h"
#include "protocol/msg.h"

/* How test packets are protected. RFC 5357 4.1.2 */
enum probe_guard {
	PROBE_CLEAR, /* also in the mixed mode */
	PROBE_AUTHENTICATED,
	PROBE_ENCRYPTED,
	PROBE_SIGNED, /* STAMP, authenticated: nothing is encrypted */
};

/* What a session counts beside its series. A row here is seen in text and JSON (show/). */
#define PROBE_COUNTS(X) \
	X(bad_length) \
	X(bad_source) \
	X(brief) /* replies that end behind the copied fields: no Sender TTL */ \
	X(hmac_failures) \
	X(reflect_failures) /* replies without the octets to be reflected */ \
	X(refused) /* ICMP port unreachable */ \
	X(send_errors) \
	X(ssid_missing) /* replies without our SSID: the reflector does not know RFC 8972 */ \
	X(user_stamps) /* T4 read by this program for want of the kernel's */

struct probe_counts {
#define PROBE_MEMBER(name) uint64_t name;
	PROBE_COUNTS(PROBE_MEMBER)
#undef PROBE_MEMBER
};

struct probe {
	const struct watcher *watcher; /* NULL = nobody looks on */
	uint32_t session; /* what it is called there */
	int fd; /* -1 = none */
	union endpoint local, peer;
	const struct pkt_layout *layout;
	enum probe_guard guard;
	struct crypt_test crypt; /* unless PROBE_CLEAR */
	enum ts_format format; /* of our timestamps */
	struct series series;
	uint8_t *packet; /* send_octets */
	size_t send_octets;
	size_t reply_octets; /* header and what is to be reflected */
	uint16_t reflect_octets; /* first octets of the padding: constant, and to come back */
	uint64_t *tos_seen; /* replies by the TOS octet they tell; NULL = they tell none */
	enum plan_fill fill;
	bool stamp; /* RFC 8762 packets with @ssid */
	const struct mac_key *key; /* PROBE_SIGNED */
	struct tlvside tlvs;
	bool ssid_optional; /* S-244: send without one when replies have none */
	uint64_t *tos_back; /* replies by the TOS octet that they came with, or NULL */
	uint16_t ssid;
	uint64_t random; /* padding; independent of any secret (T-007) */
	bool departs; /* the kernel tells when packets leave */
	uint32_t departures; /* the kernel's number of the next packet */
	uint64_t *leaving; /* ring, as large as that of the series: index by that number */
	uint32_t odd_octets; /* length of the last reply that was too short */
	uint8_t sid[MSG_SID_LEN]; /* zero without control */
	int start_accept, stop_accept; /* of RFC 5938; -1 = no acknowledgement */
	struct probe_counts counts;
};

struct probe_batch;

/**
 * Bind the socket: before the request, which names the port.
 * @controlled  as in series_init
 */
NODISCARD int probe_open(struct probe *p, const struct plan *plan, bool controlled,
			 const union endpoint *local, struct outcome *out);

/* Where to, and how. */
struct probe_aim {
	union endpoint peer;
	uint32_t modes;
	const struct crypt_keys *keys; /* of the control connection; NULL without */
	uint8_t sid[MSG_SID_LEN];
	uint16_t server_octets; /* RFC 6038 4.3 */
	uint64_t *tos_seen, *tos_back; /* 256 counters each, shared by all probes */
	uint16_t ssid; /* of STAMP */
};

/** Connect it to the reflector, and make room for packets. */
NODISCARD int probe_aim(struct probe *p, const struct plan *plan, const struct probe_aim *at,
			struct outcome *out);

/** Send the next packet; its sequence number is used up even when the system fails to send. */
void probe_send(struct probe *p, uint16_t error_estimate);

/**
 * Take the datagrams that are there, a bounded number of them, and what the kernel tells of
 * departures. True if some may be left.
 */
bool probe_receive(struct probe *p, struct probe_batch *b);

/** Ask the socket how many replies this host dropped. */
void probe_look_at_drops(struct probe *p);

/** Add the counts of @p to @sum. */
void probe_add_counts(const struct probe *p, struct probe_counts *sum);

void probe_close(struct probe *p);
