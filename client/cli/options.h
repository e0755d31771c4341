// SPDX-License-Identifier: BSD-2-Clause
/* The command line of twamp: one table row per option makes parser and help. */
#pragma once

#include "client/control/access.h"
#include "client/measure/plan.h"
#include "client/measure/responder.h"

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

#define OPTIONS_MAX_COUNT UINT32_MAX
#define OPTIONS_MAX_SESSIONS 10000u
#define OPTIONS_MAX_REFLECT_LENGTH 65000u

struct options {
	enum command command;
	const char *topic; /* explain: a code or a reason key; NULL = all codes. keygen: a KeyID */
	struct plan plan;
	struct access access;
	struct responder_plan responder;
	bool ssid_given;
	bool tlvs_all, tlv_dscp_given;
	bool key_hex; /* the passphrase of a STAMP key is hex digits */
	int64_t duration_ns; /* in place of a count; 0 = not given */
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
