// SPDX-License-Identifier: BSD-2-Clause
/* What the tests of a batch share: a session without a thread, and its sender. */
#pragma once

#include "daemon/reflector/batch.h"
#include "daemon/reflector/reflect.h"
#include "tests/unit/reflector/calls.h"
#include "tests/unit/reflector/rig.h"

extern struct worker w;
extern struct udp_session u;
extern uint16_t port; /* of the session */
extern int sender;
extern struct rig_reply reply; /* the last one */

/* Clear, authenticated, encrypted. */
extern const uint32_t all_modes[3];

/** The session anew. */
void again(int new_family, uint32_t modes);

void send_one(uint32_t seq, size_t len);

/** With the numbers from 0 on. */
void send_many(uint32_t n, size_t len);

/** The session takes what was sent. */
enum reflect_result burst(void);

/** The next reply, bit for bit but for T2 and T3. */
void expect(uint32_t seq, uint32_t sender_seq, size_t len, bool in_batch);
void expect_many(uint32_t n, size_t len);

/** Where sending fails. */
void add_faults(TCase *t);
