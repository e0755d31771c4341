// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the tests of test packets share: the fields that the vectors of test.hex were computed from.
 */
#pragma once

#include "protocol/pkt.h"
#include "tests/unit/protocol/vectors.h"

#define GUARD 0xee /* behind what is written */

static inline struct pkt_send sender_fields(const struct vectors *test)
{
	return (struct pkt_send){
		.seq = (uint32_t)vectors_number(test, "test.in.sender_seq"),
		.ts = vectors_number(test, "test.in.sender_ts"),
		.error_estimate = (uint16_t)vectors_number(test, "test.in.sender_ee"),
	};
}

static inline struct pkt_reply reply_fields(const struct vectors *test)
{
	return (struct pkt_reply){
		.seq = (uint32_t)vectors_number(test, "test.in.reflector_seq"),
		.ts = vectors_number(test, "test.in.tx_ts"),
		.error_estimate = (uint16_t)vectors_number(test, "test.in.reflector_ee"),
		.rx_ts = vectors_number(test, "test.in.rx_ts"),
		.sender = sender_fields(test),
		.ttl = (uint8_t)vectors_number(test, "test.in.sender_ttl"),
		.tos = (uint8_t)vectors_number(test, "test.in.tos"),
	};
}
