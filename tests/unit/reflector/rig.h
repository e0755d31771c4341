// SPDX-License-Identifier: BSD-2-Clause
/* What the tests of the reflector share: a sender's socket on loopback, its packets, and the data
 * path without its thread. */
#pragma once

#include "daemon/reflector/ownport.h"
#include "daemon/reflector/reflect.h"

#include <check.h>
#include <stddef.h>

#define RIG_WAIT_MS 20000 /* a test that waits longer than this has failed */

struct rig_reply {
	uint8_t octets[65536];
	ssize_t len; /* -1: none came */
	int ttl, tos;
};

struct address rig_loopback(int family, uint16_t port);

/** Bound to loopback, connected to nothing; *port is filled in, or wanted if not 0. */
int rig_sender(int family, uint16_t *port);

/** A clear session between the two. */
struct session_spec rig_spec(int family, uint16_t sender_port);

/** A sender packet: @seq, a recognizable timestamp, @error_estimate, padding 0x80 | i. */
void rig_fill(uint8_t *out, size_t len, uint32_t seq, uint16_t error_estimate);

void rig_send(int fd, int family, uint16_t port, const uint8_t *in, size_t len);

/** rig_fill and rig_send of a packet with 27 octets of padding. */
void rig_send_seq(int fd, int family, uint16_t port, uint32_t seq);

/** Wait up to @wait_ms for a reply. */
void rig_receive(int fd, struct rig_reply *out, int wait_ms);

/** None comes. */
void rig_expect_silence(int fd, int wait_ms);

/**
 * Wait until loopback has delivered what this thread sent before: usually within the sending, but
 * not on a busy host. Only after rig_pin, which keeps the thread on its CPU: there is a queue for
 * each.
 */
void rig_pin(void);
void rig_settle(void);

/** What a thread works with, but no thread; *keeper: the socket that keeps the kernel stamping. */
void rig_make_worker(struct worker *w, int *keeper);
void rig_free_worker(struct worker *w, int keeper);

/** The socket of a session, as it is when packets are answered. */
int rig_session_socket(const struct session_spec *spec, uint16_t *port);

/** reflect_burst on all that was sent; all replies are there after it. After rig_pin. */
enum reflect_result rig_burst(struct worker *w, struct udp_session *u);

uint32_t rig_get32(const uint8_t *p);

/** NTP timestamp to nanoseconds since 1970. */
int64_t rig_ntp_ns(const uint8_t *p);

int64_t rig_wall_ns(void);
int64_t rig_mono_ns(void);
void rig_sleep_ms(int ms);

/** Open descriptors of this process. */
int rig_descriptors(void);

/** One counter of a session. */
uint64_t rig_count(const struct udp_session *u, enum counter i);

/** received == reflected + dropped. */
bool rig_sums_up(const struct counters_values *v);
bool rig_session_adds_up(const struct udp_session *u);
bool rig_adds_up(const struct counters *c);
