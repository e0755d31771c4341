// SPDX-License-Identifier: BSD-2-Clause
/* A reflector without sessions, whose Light ports are those of settings on loopback. */
#pragma once

#include "daemon/reflector/light.h"
#include "tests/unit/reflector/rig.h"

#define LIGHTRIG_THREADS 2

/* Keys of an entry. */
#define LIGHTRIG_LOCAL "clients = [ \"127.0.0.0/8\", \"::1\" ];"
#define LIGHTRIG_TWAMP "type = \"twamp-light\";" LIGHTRIG_LOCAL
#define LIGHTRIG_STAMP "type = \"stamp\";" LIGHTRIG_LOCAL

struct lightrig {
	struct ev_loop *loop;
	struct reflector *r;
	int ended; /* ports */
	struct counters_values last; /* of the port that ended last */
	struct rig_reply reply; /* the last one */
};
extern struct lightrig lightrig;

/* A fixture of check. */
void lightrig_set_up(void);
void lightrig_tear_down(void);

/* For configurations of a test's own. */
void lightrig_on_ended(void *context, void *owner, enum udp_end why,
		       const struct counters_values *c);
void lightrig_on_light_ended(void *context, const struct light_info *info);

/** A port that nobody has at the moment. */
uint16_t lightrig_free_port(int family);

/** The settings that the text makes; the caller's. */
struct settings *lightrig_settings(const char *text);

/** Those with one entry on loopback that has these further keys. */
struct settings *lightrig_entry(int family, uint16_t port, const char *keys);

/** From now on. Takes the settings over. */
void lightrig_use(struct settings *s);

/** Turn the loop until so many ports have ended. */
void lightrig_pump(int ends);

struct counters_values lightrig_totals(void);

/** Counters follow the packets: wait until it is @n, and no more. */
void lightrig_await_drop(enum counter d, uint64_t n);

/** Send a packet and wait for its reply. */
void lightrig_exchange(int fd, int family, uint16_t port, size_t len, uint32_t seq);
