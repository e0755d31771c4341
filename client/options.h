// SPDX-License-Identifier: BSD-2-Clause
/* The command line of twamp: one table row per option makes parser and help. */
#pragma once

#include "protocol/prefix.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum command {
	COMMAND_CONTROLLER,
	COMMAND_SENDER,
	COMMAND_EXPLAIN,
	COMMAND_DSCPTABLE,
	COMMAND_KEYGEN,
	COMMAND_RESPONDER,
};
#define COMMAND_COUNT 6

enum options_fill {
	OPTIONS_FILL_RANDOM,
	OPTIONS_FILL_ZERO,
};

#define OPTIONS_TWAMP_PORT 862u
#define OPTIONS_MAX_ALLOW 64u
#define OPTIONS_MAX_COUNT 1000000u
#define OPTIONS_MAX_SESSIONS 10000u
#define OPTIONS_MAX_REFLECT_LENGTH 65000u
#define OPTIONS_MAX_PACKETS 10000000u /* count times sessions: what the results keep in memory */

struct options {
	enum command command;
	char host[256];
	uint16_t port;
	const char *topic; /* explain: a code or a reason key; NULL = all codes. keygen: a KeyID */
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	const char *source; /* local address or NULL */
	uint16_t first_port, last_port; /* local UDP ports; 0 = any */
	uint16_t receiver_port; /* 0 = the same number as the local port */
	uint32_t count;
	int64_t interval_ns;
	uint32_t padding; /* valid if padding_given, see padding_octets */
	bool padding_given;
	enum options_fill fill;
	uint8_t dscp;
	uint8_t ttl;
	int64_t timeout_ns;
	int64_t control_timeout_ns;
	uint32_t sessions;
	uint32_t retries;
	int64_t retry_wait_ns;
	uint32_t mode; /* a security bit; 0 = the strongest offered */
	const char *key_file, *key_id; /* NULL = no key; NULL = the only one of the file */
	uint32_t max_count; /* PBKDF2 rounds */
	uint32_t features; /* asked for, of MODE_FEATURE_MASK */
	uint16_t reflect_octets, reflect_length; /* RFC 6038 4.2 */
	bool stamp; /* sender, responder: RFC 8762 in place of TWAMP Light */
	uint16_t ssid;
	bool ssid_given;
	bool stateful; /* responder */
	struct prefix allow[OPTIONS_MAX_ALLOW];
	uint32_t allow_count; /* 0 = this host only */
	bool json;
	bool quiet;
};

enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_DONE, /* help or version was printed */
	OPTIONS_BAD, /* the reason was printed */
};

/**
 * Parse the command line; strings of @o point into @argv. Help and version go to @out,
 * errors to @err.
 */
NODISCARD enum options_verdict options_parse(int argc, char **argv, struct options *o, FILE *out,
					     FILE *err);
