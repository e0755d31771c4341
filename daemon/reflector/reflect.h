// SPDX-License-Identifier: BSD-2-Clause
/*
 * The data path: datagrams in, replies out, in bounded bursts. Never blocks, allocates,
 * locks or logs. RFC 5357 4.2, RFC 8762 4.3; test packets T-020..T-049, T-070..T-085.
 *
 * Sessions (sessionpath.c, shared_find.c) and Light ports (lightpath.c) are ways into it: each says
 * whose packets these are, whether they may be answered, and with which number. What is the same
 * for all of them is in reflect.c and batch.c alone:
 *
 *     read -> sock_meta -> way: whose -> grouped by party and place -> way: judge -> reflection_open
 *          -> way: number -> reflection_build -> batch -> reflection_finish (T3) -> sent
 *
 * Where something new belongs:
 * - in the octets of a reply (TLVs): protocol/reflection.c, and nowhere else. What it has to know of the
 *   packet is in struct reflection_facts, which make_facts() of reflect.c fills in.
 * - in what a sender's packets tell (statistics of a flow): where the way is asked for the number.
 *   The packet has its T2 and what the sender wrote then, and will be answered.
 * - a reply that goes elsewhere or not at all: answer_one() of reflect.c.
 */
#pragma once

#include "daemon/reflector/party.h"
#include "daemon/reflector/udpsock.h"

struct worker;
struct settings_row;

/* Packets of one socket per event: then it is the neighbours' turn. */
#define REFLECT_BURST 64

/* Of one read. */
#define REFLECT_BATCH 64

enum reflect_result {
	REFLECT_EMPTY, /* the socket has no more */
	REFLECT_MORE, /* it may have */
	REFLECT_LATE, /* a packet came after stop_at: everything behind it did, too */
};

/** Buffers of one thread. NULL without memory. */
struct reflect_scratch *reflect_scratch_new(void);
void reflect_scratch_free(struct reflect_scratch *s);

/** How long packets were here, on this thread. Any thread. */
const struct dwell *reflect_dwell(const struct reflect_scratch *s);

/* A datagram. */
struct reflect_packet {
	uint8_t *octets;
	size_t len;
	const struct msghdr *header; /* with the address of who sent it, if the way wants names */
	struct sock_meta meta;
	struct wall t2;
	/* The way's: */
	struct party *party; /* NULL = nobody's: there is no reply */
	uint32_t code; /* the same for packets from the same to the same, if the way wants names */
	const struct settings_row *row; /* of the settings, of Light ports */
	void *known; /* what the way remembers of the sender, from number() on; or NULL */
	bool newest; /* its number is above all of the sender so far */
	const struct mac_key *key; /* that verified it, in STAMP's authenticated mode */
	/* How the reply leaves. */
	uint8_t reply_tos;
	bool elsewhere; /* not by the way that it came */
};

/* When datagrams were read, on both clocks, and whether they were many. */
struct reflect_pass {
	struct wall wall;
	struct mono mono;
	bool in_batch;
};

/* Of one kind of ports. */
struct reflect_way {
	bool names; /* who sent a packet is to be told, and is told with the reply: costs time */

	/* All packets of a party are from the same to the same. */
	bool one_place;

	/** Whose the @n packets are, at most REFLECT_BATCH: fill in party and code. */
	void (*whose)(struct worker *w, void *context, struct reflect_packet *p, unsigned n);

	/** May it be answered? All but what covers it. COUNTER_NONE, or why not. */
	enum counter (*judge)(struct worker *w, struct reflect_packet *p,
			      const struct reflect_pass *now);

	/** The number of its reply, which is as good as sent. @sent: what the sender wrote. */
	uint32_t (*number)(struct worker *w, struct reflect_packet *p, const struct pkt_send *sent,
			   const struct reflect_pass *now);

	/** For parties that answer TLVs. Before the reply is built: what they have to know. */
	void (*ask)(struct worker *w, const struct reflect_packet *p, const struct pkt_send *sent,
		    uint32_t seq, struct tlvreply_facts *facts);

	/** ... and after it: what they said. COUNTER_NONE, or why there is no reply after all; its
	 * number is free again then. */
	enum counter (*told)(struct worker *w, const struct reflect_packet *p,
			     const struct tlvreply *told);

	/** Where to keep T3 of the reply, or NULL. */
	int64_t *(*note)(const struct reflect_packet *p);
};

/* Where packets come from. */
struct reflect_source {
	const struct reflect_way *way;
	void *context; /* of the way */
	int fd;
	/* What was seen. */
	bool full; /* so much waited that the queue may have been full */
	bool late; /* a packet came after its session's time */
};

/** Answer what waits, up to REFLECT_BURST packets. Never REFLECT_LATE. */
enum reflect_result reflect_burst(struct worker *w, struct reflect_source *source);

/** reflection_check as a counter. */
enum counter reflect_check(const struct reflect_packet *p);

/** What it tells about the way from its sender, which wrote @sent. */
struct forward_packet reflect_forward(const struct worker *w, const struct reflect_packet *p,
				      const struct pkt_send *sent);
