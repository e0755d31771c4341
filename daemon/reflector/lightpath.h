// SPDX-License-Identifier: BSD-2-Clause
/*
 * The way of Light ports into the data path (reflect.h), and what main thread and reflector threads
 * share about them. The main thread publishes immutable views; each thread adopts the newest
 * one between two packets and says so; then the main thread frees what only older views had.
 * Nothing here locks, allocates or logs.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/reflector/inside.h"
#include "daemon/reflector/senders.h"
#include "daemon/reflector/strangers.h"
#include "daemon/reflector/throttle.h"

/* The number of a member link, by the index of its device. */
struct light_link {
	uint32_t device;
	uint16_t id;
};
#define LIGHTPATH_LINKS 64

struct light_links {
	size_t n;
	struct light_link link[LIGHTPATH_LINKS];
};

/* A port on one thread. */
struct light_port {
	struct light_worker *owner; /* fixed */
	struct address address; /* fixed: as bound */
	struct senders *table; /* fixed; NULL = stateless */
	struct throttle *throttle; /* fixed: the entry's */
	struct police_total *unverified; /* fixed: the entry's, before the HMAC */
	bool passed; /* fixed: the socket is one of light_fds, and not closed here */
	/* The main thread's until its view is adopted, then the thread's, which closes it. */
	int fd; /* -1 = closed, or another thread serves the port */
	ev_io io;
	uint32_t drops_seen; /* sock_new_drops */
	const struct settings_light *rules;
	const struct light_links *links; /* of the view; NULL = none */
	struct party party;
	uint64_t refused[PARTY_REFUSED / 64]; /* for a second */
};

/* A port: the main thread's. */
struct light_entry {
	struct address address;
	uint32_t device; /* 0 = none */
	int passed; /* one of light_fds, which one thread serves; -1: a socket for each thread */
	enum settings_light_type type;
	bool stateful;
	bool freebind;
	bool absent; /* the host has not got the family, which was only implied */
	bool said;
	struct throttle *throttle; /* of all threads */
	struct police_total total, unverified; /* of all threads */
	enum settings_light_mode mode;
	uint32_t max_senders; /* of all threads */
	unsigned count;
	struct light_port ports[]; /* one per thread */
};

/* What holds together. entries[i] is settings->light[i]. */
struct light_view {
	uint64_t generation;
	struct light_view *next; /* main thread: the one that replaced it */
	struct settings *settings; /* a reference; unref is the main thread's */
	uint64_t own[65536 / 64]; /* bitmap of our own Light ports */
	struct light_links *links; /* of each entry; NULL = of none */
	size_t n;
	struct light_entry *entries[];
};

/* The Light side of a reflector thread. */
struct light_worker {
	struct worker *worker;
	unsigned index;
	ev_async wakeup;
	_Atomic(struct light_view *) posted;
	struct light_view *view; /* the thread's */
	_Atomic uint64_t adopted; /* its generation */
	struct strangers strangers; /* who is none of the clients */
	struct strangers forgers; /* who has not got the key */
};

/** By these rules from now on, which live until others come. */
void lightpath_obey(struct light_port *p, const struct settings_light *rules,
		    const struct light_links *links);

/** Answer what waits, up to REFLECT_BURST packets. */
void lightpath_burst(struct light_port *p);
