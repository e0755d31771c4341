// SPDX-License-Identifier: BSD-2-Clause
/*
 * The cases of vectors/tlv.hex: a packet, all that its answer depends on, and the answer.
 */
#pragma once

#include "protocol/tlvreply.h"
#include "tests/unit/protocol/vectors.h"

#define TLVCASE_T2 UINT64_C(0xeeae310060000000)
#define TLVCASE_T3 UINT64_C(0xeeae310060010000)

struct tlvcase {
	const char *name; /* without ".request" */
	const struct vector *request;
	const struct vector *reply; /* NULL: no answer */
	bool auth;
	uint8_t ttl;
	uint16_t error_estimate;
	struct tlvreply_policy policy;
	struct tlvreply_facts facts;
	struct mac_key key; /* facts.keys[0], if there is one */
	struct prefix address;
	/* how the reply leaves */
	uint8_t sent_tos;
	bool sent_same_link;
	const struct vector *sent_from, *sent_to; /* NULL: back the same way */
};

/** How many there are. */
size_t tlvcase_count(const struct vectors *v);

/** The case with number @i. @v must stay; the rest is in *c, which must not move. */
void tlvcase_read(const struct vectors *v, size_t i, struct tlvcase *c);
