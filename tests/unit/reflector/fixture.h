// SPDX-License-Identifier: BSD-2-Clause
/* A reflector with two threads on a loop that the test turns itself. */
#pragma once

#include "tests/unit/reflector/rig.h"

#define FIRST 42000
#define LAST 48999

/* The owner of a session: what `ended` said. Static in tests: fixture_tear_down writes it. */
struct fixture_end {
	int count;
	enum udp_end why;
	uint64_t received, reflected, early, late, rcvbuf, port_rcvbuf;
	bool adds_up;
};

struct fixture {
	struct ev_loop *loop;
	struct reflector *r;
	int ends; /* all of them */
	struct rig_reply reply; /* the last one */
};
extern struct fixture fixture;

/* Of every session that is started here. */
extern const struct crypt_keys fixture_keys;
extern const uint8_t fixture_sid[MSG_SID_LEN];

void fixture_make(bool user_timestamps);

/** The settings of fixture_make, to be changed, and a reflector by them. */
struct reflector_config fixture_config(void);
void fixture_make_with(const struct reflector_config *config);
void fixture_set_up(void);

/** With shared ports: one for each of @threads, or one for all. Returns the first. */
uint16_t fixture_make_shared(unsigned threads, bool one_port);
void fixture_tear_down(void);

/** Turn the loop until so many sessions have ended. */
void fixture_pump(int ends);

/** udp_open with a port between FIRST and LAST. */
struct udp_session *fixture_open(const struct session_spec *spec, struct fixture_end *e,
				 uint16_t *port);

/** fixture_open and udp_start. */
struct udp_session *fixture_start(const struct session_spec *spec, struct fixture_end *e,
				  uint16_t *port);

/** What udp_open returns. */
int fixture_refused(struct session_spec spec, uint16_t first, uint16_t last);

/** What every reflector refuses, and with which errno. */
void fixture_check_refusals(void);

/** Stop and Timeout of a session that has had no packet yet: it ends, and answers until then. */
void fixture_stop_and_timeout(struct udp_session *u, struct fixture_end *e, int fd, uint16_t port);

/**
 * A session by @spec ends by REFWAIT after a packet, although short ones go on coming, and those of
 * another session from @neighbour, if that is not -1.
 */
void fixture_refwait(struct session_spec spec, struct fixture_end *e, int fd, int neighbour);

/** By @i: Stop with @timeout_ns or at once, End, or more than one of them. */
void fixture_race(struct udp_session *u, unsigned i, int64_t timeout_ns);

/** The next reply has these sequence numbers. */
void fixture_expect(int fd, uint32_t seq, uint32_t sender_seq);
