// SPDX-License-Identifier: BSD-2-Clause
/* What a measurement is to do: where to, which packets, how many, when. */
#pragma once

#include "client/measure/schedule.h"
#include "protocol/tlvsend.h"
#include "protocol/ts.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAN_TWAMP_PORT 862u

enum plan_fill {
	PLAN_FILL_RANDOM,
	PLAN_FILL_ZERO,
};

/* What to do when replies have not got our SSID.                     RFC 8972 3, S-244 */
enum plan_no_ssid {
	PLAN_NO_SSID_GO_ON,
	PLAN_NO_SSID_WITHOUT, /* send without it from then on */
	PLAN_NO_SSID_STOP,
};

/* What STAMP has beside its base packet. */
struct plan_stamp {
	bool authenticated;
	const struct mac_key *key; /* NULL = none */
	struct tlvsend tlvs; /* family, and node unless it is given, come with the reflector */
	enum plan_no_ssid no_ssid;
	int64_t report_wait_ns; /* between Access Reports that nobody confirms  S-249 */
	uint32_t report_tries;
};

struct plan {
	char host[256];
	uint16_t port;
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	const char *source; /* local address or NULL */
	uint16_t first_port, last_port; /* local UDP ports; 0 = any */
	uint32_t count; /* packets of each session */
	int64_t interval_ns;
	uint32_t padding; /* valid if padding_given, see padding_octets */
	bool padding_given;
	enum plan_fill fill;
	uint8_t dscp;
	uint8_t ttl;
	int64_t timeout_ns;
	uint32_t sessions;
	enum schedule_kind schedule;
	bool catch_up; /* send at once what is due after a lag */
	bool spin; /* the last microseconds before a packet, for exact gaps */
	uint32_t features; /* asked for, of MODE_FEATURE_MASK */
	uint16_t reflect_octets, reflect_length; /* RFC 6038 4.2 */
	bool stamp; /* RFC 8762 in place of TWAMP Light */
	uint16_t ssid; /* of the first session; the others have those behind it. 0 = none */
	struct plan_stamp more;
};
