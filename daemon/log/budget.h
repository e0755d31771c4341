// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whose events are logged while there are more than anybody can read. Each client has a budget,
 * so that one cannot take the lines of another; its network has one above it (IPv4 /24, IPv6 /48),
 * for whoever has many addresses; and above these stands a total. Who had sessions before the
 * total was used up keeps a total of its own. What tells of security has a reserve, the end of a
 * session another. What is left out is counted by client. Memory is fixed: a table of clients and
 * one of networks, in which strangers make room before those who had sessions.
 * No clock: time is passed in.
 */
#pragma once

#include "protocol/address.h"
#include "protocol/prefix.h"

#include <stddef.h>

/* What an event is drawn on. */
enum budget_lane {
	BUDGET_FREE, /* nothing that a peer can cause as often as it likes: not limited */
	BUDGET_ONCE, /* about this server: one of a kind in a second */
	BUDGET_REFUSAL, /* a client was refused, or did not keep to the protocol */
	BUDGET_SECURITY, /* the same, with a reserve: somebody is not who it says */
	BUDGET_CONNECTION, /* connections come and go */
	BUDGET_SESSION, /* sessions are accepted, started, stopped */
	BUDGET_END, /* final counters: who asks keeps what is refused here, and asks again */
};
#define BUDGET_LANES 7

#define BUDGET_CLIENTS 1024
#define BUDGET_NETWORKS 256
#define BUDGET_KINDS 128 /* kinds of event */
#define BUDGET_TOP 3 /* named when something is left out */
#define BUDGET_IPV6_CLIENT 56 /* bits: what a customer usually has */
#define BUDGET_KNOWN_S 10 /* after its first session a client is none of an attack's strangers */

struct budget_entry {
	struct prefix prefix;
	uint32_t left_out;
	int64_t last; /* ns; when it was heard of; 0 = free */
	int64_t since; /* ns; of its first session; 0 = none */
	int64_t spent[BUDGET_LANES]; /* the bucket is full again then */
};

struct budget_table {
	struct budget_entry *entries;
	size_t n;
	uint8_t bits4, bits6;
	uint32_t forgotten; /* entries that made room and had something left out */
};

struct budget {
	uint64_t seed;
	struct budget_table clients, networks;
	struct budget_entry client_entries[BUDGET_CLIENTS], network_entries[BUDGET_NETWORKS];
	int64_t total[BUDGET_LANES], known, known_ends, strangers, siege;
	int64_t siege_ends;
	int64_t once[BUDGET_KINDS];
	uint32_t left_out, kinds[BUDGET_KINDS];
};

/** @b is zero. @seed: secret, so that nobody can aim at an entry. */
void budget_init(struct budget *b, uint64_t seed);

/** What a client is: so many bits of an IPv6 address. Entries that there are stay. */
void budget_set_prefix(struct budget *b, unsigned ipv6_bits);

/** The prefix that counts as one client. */
struct prefix budget_client(const struct budget *b, const struct address *a);

/**
 * May this event be logged? Else it is counted as left out, but for BUDGET_END.
 * @who     NULL = nobody's: only the total counts
 * @now_ns  monotonic, more than 0
 */
bool budget_ask(struct budget *b, enum budget_lane lane, unsigned kind, const struct address *who,
		int64_t now_ns);

struct budget_source {
	struct prefix prefix;
	uint32_t left_out;
};

struct budget_left_out {
	uint32_t total;
	uint32_t kinds[BUDGET_KINDS];
	unsigned n_top;
	struct budget_source top[BUDGET_TOP]; /* a client, or where none stands out a network */
	uint32_t others, other_networks; /* events, and of how many more networks at least */
};

/** What was left out since the last time; false if nothing was. */
bool budget_take(struct budget *b, struct budget_left_out *out);

/** "192.0.2.1", "2001:db8:0:100::/56". Returns @buf. */
char *budget_source_text(const struct budget_source *s, char buf[static PREFIX_TEXT_LEN]);
