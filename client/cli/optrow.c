// SPDX-License-Identifier: BSD-2-Clause
#include "client/cli/optrow.h"

#include "base/value.h"
#include "client/cli/optlight.h"
#include "client/cli/opttlv.h"
#include "client/show/dscp.h"
#include "protocol/keyline.h"
#include "protocol/mode.h"
#include "protocol/msg.h"
#include "protocol/pkt.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MS INT64_C(1000000)
#define MEASURING OPTROW_MEASURING
#define CONTROLLING (1u << COMMAND_CONTROLLER)
#define SENDING (1u << COMMAND_SENDER)
#define RESPONDING (1u << COMMAND_RESPONDER)

static void store(struct options *o, const struct optrow *r, uint64_t value)
{
	char *to = (char *)o + r->at;
	uint32_t four = (uint32_t)value;
	uint16_t two = (uint16_t)value;
	uint8_t one = (uint8_t)value;

	switch (r->size) {
	case sizeof(one):
		memcpy(to, &one, sizeof(one));
		break;
	case sizeof(two):
		memcpy(to, &two, sizeof(two));
		break;
	case sizeof(four):
		memcpy(to, &four, sizeof(four));
		break;
	default:
		memcpy(to, &value, sizeof(value));
		break;
	}
}

static bool set_number(struct options *o, const struct optrow *r, const char *text)
{
	uint64_t number;

	if (!value_number(text, (uint64_t)r->min, (uint64_t)r->max, &number)) {
		return false;
	}
	store(o, r, number);
	return true;
}

static bool set_duration(struct options *o, const struct optrow *r, const char *text)
{
	int64_t ns;

	if (!value_duration_ns(text, &ns) || ns < r->min || ns > r->max) {
		return false;
	}
	store(o, r, (uint64_t)ns);
	return true;
}

bool optrow_set(const struct optrow *r, struct options *o, const char *text)
{
	switch (r->kind) {
	case OPTROW_CALL:
		return r->call(o, text);
	case OPTROW_NUMBER:
		return set_number(o, r, text);
	case OPTROW_DURATION:
		return set_duration(o, r, text);
	case OPTROW_TEXT:
		memcpy((char *)o + r->at, &text, sizeof(text));
		return *text != '\0';
	case OPTROW_VALUE:
		store(o, r, (uint64_t)r->min);
		return true;
	case OPTROW_FEATURES:
		o->plan.features |= (uint32_t)r->min;
		return true;
	}
	return false;
}

static bool set_ports(struct options *o, const char *text)
{
	return value_port_range(text, &o->plan.first_port, &o->plan.last_port);
}

/* What mode 1 has room for; the other layouts have less (padding.h). */
static bool set_padding(struct options *o, const char *text)
{
	uint64_t number;

	if (!value_number(text, 0, PKT_MAX_PAYLOAD_V4 - 14, &number)) {
		return false;
	}
	o->plan.padding_given = true;
	o->plan.padding = (uint32_t)number;
	return true;
}

static bool set_fill(struct options *o, const char *text)
{
	if (strcmp(text, "random") == 0) {
		o->plan.fill = PLAN_FILL_RANDOM;
	} else if (strcmp(text, "zero") == 0) {
		o->plan.fill = PLAN_FILL_ZERO;
	} else {
		return false;
	}
	return true;
}

static bool set_dscp(struct options *o, const char *text)
{
	return dscp_parse(text, &o->plan.dscp);
}

static bool set_mode(struct options *o, const char *text)
{
	o->access.mode = strcmp(text, "auto") == 0 ? 0 : mode_by_name(text) & MODE_SECURITY_MASK;
	return o->access.mode != 0 || strcmp(text, "auto") == 0;
}

static bool set_key_id(struct options *o, const char *text)
{
	o->access.key_id = text;
	return keyline_id_fault(text, strlen(text)) == NULL;
}

static bool set_reflect_octets(struct options *o, const char *text)
{
	char *end = NULL;

	o->plan.features |= MODE_REFLECT_OCTETS;
	o->plan.reflect_octets = (uint16_t)strtoul(text, &end, 16);
	return strlen(text) == 4 && strspn(text, "0123456789abcdefABCDEF") == 4;
}

static bool set_reflect_length(struct options *o, const char *text)
{
	uint64_t number;

	if (!value_number(text, 0, OPTIONS_MAX_REFLECT_LENGTH, &number)) {
		return false;
	}
	o->plan.features |= MODE_REFLECT_OCTETS;
	o->plan.reflect_length = (uint16_t)number;
	return true;
}

#define MEMBER(m) offsetof(struct options, m), sizeof(((struct options *)NULL)->m)
#define CALL(f) OPTROW_CALL, f, 0, 0, 0, 0
#define NUMBER(m, min, max) OPTROW_NUMBER, NULL, MEMBER(m), min, max
#define DURATION(m, min, max) OPTROW_DURATION, NULL, MEMBER(m), min, max
#define TEXT(m) OPTROW_TEXT, NULL, MEMBER(m), 0, 0
#define VALUE(m, value) OPTROW_VALUE, NULL, MEMBER(m), value, value
#define FEATURES(bits) OPTROW_FEATURES, NULL, MEMBER(plan.features), bits, bits

const struct optrow optrow_table[] = {
	{ "count", 'c', "N", "a number from 0 to 4294967295",
	  "packets per session; 0: until interrupted (default 100)", MEASURING,
	  NUMBER(plan.count, 0, OPTIONS_MAX_COUNT) },
	{ "interval", 'i', "TIME", "a time from 10us to 3600s, such as 20ms, 0.02s or 100us",
	  "time between packets of a session (default 20ms)", MEASURING,
	  DURATION(plan.interval_ns, 10000, 3600 * TS_NS_PER_S) },
	{ "duration", 0, "TIME", "a time from 1ms to 100000000s",
	  "how long to send, in place of --count", MEASURING,
	  DURATION(duration_ns, MS, INT64_C(100000000) * TS_NS_PER_S) },
	{ "poisson", 0, NULL, "", "random times between packets, with the interval as their mean",
	  MEASURING, VALUE(plan.schedule, SCHEDULE_POISSON) },
	{ "catch-up", 0, NULL, "", "after a lag of this host, send late packets at once", MEASURING,
	  VALUE(plan.catch_up, true) },
	{ "no-spin", 0, NULL, "", "sleep until packets are due: less exact, spares the CPU",
	  MEASURING, VALUE(plan.spin, false) },
	{ "padding", 0, "OCTETS", "a number from 0 to 65493",
	  "octets appended to each packet (default: both directions are of equal size)", MEASURING,
	  CALL(set_padding) },
	{ "padding-fill", 0, "KIND", "random or zero", "what padding consists of (default random)",
	  MEASURING, CALL(set_fill) },
	{ "dscp", 0, "DSCP", "a number from 0 to 63 or a name of twamp dscptable",
	  "DSCP of the test packets, in both directions with control (default 0)", MEASURING,
	  CALL(set_dscp) },
	{ "ttl", 0, "N", "a number from 1 to 255",
	  "TTL or Hop Limit of the test packets (default 255)", MEASURING,
	  NUMBER(plan.ttl, 1, 255) },
	{ "timeout", 0, "TIME", "a time from 1ms to 3600s",
	  "a packet without reply after this is lost (default 2s)", MEASURING,
	  DURATION(plan.timeout_ns, MS, 3600 * TS_NS_PER_S) },
	{ "sessions", 0, "N", "a number from 1 to 10000",
	  "test sessions at once, each with its own socket (default 1)", MEASURING,
	  NUMBER(plan.sessions, 1, OPTIONS_MAX_SESSIONS) },
	{ "ipv4", '4', NULL, "", "IPv4 only", MEASURING | RESPONDING, VALUE(plan.family, AF_INET) },
	{ "ipv6", '6', NULL, "", "IPv6 only", MEASURING | RESPONDING,
	  VALUE(plan.family, AF_INET6) },
	{ "source", 0, "ADDR", "an address of this host",
	  "local address (default: the system's choice)", MEASURING, TEXT(plan.source) },
	{ "port-range", 0, "FIRST-LAST", "two ports such as 20000-20100, or one port",
	  "local UDP ports (default: the system's choice)", MEASURING, CALL(set_ports) },
	{ "receiver-port", 0, "PORT", "a port from 1 to 65535",
	  "UDP port to ask the server for (default: the number of the local port)", CONTROLLING,
	  NUMBER(access.receiver_port, 1, 65535) },
	{ "control-timeout", 0, "TIME", "a time from 10ms to 3600s",
	  "longest wait for each step of the control connection (default 10s)", CONTROLLING,
	  DURATION(access.control_timeout_ns, 10 * MS, 3600 * TS_NS_PER_S) },
	{ "retries", 0, "N", "a number from 0 to 1000",
	  "new attempts after Accept 5, never after others (default 3)", CONTROLLING,
	  NUMBER(access.retries, 0, 1000) },
	{ "retry-wait", 0, "TIME", "a time from 1ms to 60s",
	  "wait before the first of them, then doubled up to 60s, with jitter (default 1s)",
	  CONTROLLING, DURATION(access.retry_wait_ns, MS, 60 * TS_NS_PER_S) },
	{ "mode", 0, "MODE", "auto, unauthenticated, authenticated, encrypted or mixed",
	  "security mode (default auto: the strongest offered, with a key)",
	  CONTROLLING | SENDING | RESPONDING, CALL(set_mode) },
	{ "key-file", 0, "FILE", "the name of a file",
	  "keys: a KeyID and a passphrase a line, see twampd.keys(5)",
	  CONTROLLING | SENDING | RESPONDING, TEXT(access.key_file) },
	{ "key-id", 0, "ID", "a KeyID: 1 to 80 octets of UTF-8 without white space",
	  "which key (default: the only one of the file)", CONTROLLING | SENDING | RESPONDING,
	  CALL(set_key_id) },
	{ "max-count", 0, "N", "a number from 1024 to 2147483648",
	  "most rounds of key derivation that a server may ask for (default 32768)", CONTROLLING,
	  NUMBER(access.max_count, MSG_COUNT_MIN, INT64_C(1) << 31) },
	{ "individual", 0, NULL, "", "start and stop sessions one by one (RFC 5938)", CONTROLLING,
	  FEATURES(MODE_INDIVIDUAL_CONTROL) },
	{ "reflect-octets", 0, "HEX", "four hexadecimal digits",
	  "octets that the server is to repeat in its answer (RFC 6038)", CONTROLLING,
	  CALL(set_reflect_octets) },
	{ "reflect-length", 0, "N", "a number from 0 to 65000",
	  "octets of padding that must come back as sent (RFC 6038, default 2)", CONTROLLING,
	  CALL(set_reflect_length) },
	{ "symmetrical", 0, NULL, "", "packets of equal size by their layout (RFC 6038)",
	  CONTROLLING, FEATURES(MODE_SYMMETRICAL_SIZE) },
	{ "dscp-ecn", 0, NULL, "", "show the DSCP and ECN that reached the reflector (RFC 7750)",
	  CONTROLLING, FEATURES(MODE_DSCP_ECN) },
	{ "ptp", 0, NULL, "", "PTP timestamps (RFC 8186); STAMP: in packets, not in replies",
	  CONTROLLING | SENDING, FEATURES(MODE_PTP) },
	{ "all-features", 0, NULL, "", "all of the extensions above", CONTROLLING,
	  FEATURES(MODE_FEATURE_MASK) },
	{ "stamp", 0, NULL, "",
	  "STAMP packets (RFC 8762); padding, by default none, is an Extra Padding TLV", SENDING,
	  VALUE(plan.stamp, true) },
	{ "ssid", 0, "N", "a number from 0 to 65535",
	  "SSID of the first session, the others have the next ones (RFC 8972; default 0: none)",
	  SENDING, CALL(optlight_ssid) },
	{ "no-ssid", 0, "WHAT", "go-on, without or stop",
	  "when replies have not got the SSID: go on (default), send without it, or stop", SENDING,
	  CALL(opttlv_no_ssid) },
	{ "key-format", 0, "FORMAT", "text or hex",
	  "what the passphrase of a STAMP key is: the key, or its hex digits (default text)",
	  SENDING | RESPONDING, CALL(opttlv_key_format) },
	{ "tlv", 0, "NAME[=VALUE]", "the name of a TLV, with a value that it takes: see twamp(1)",
	  "a TLV of STAMP (RFC 8972, 9503, 9534), such as cos or location; may be repeated",
	  SENDING, CALL(opttlv_add) },
	{ "tlvs", 0, "all", "all", "every TLV: what the reflector knows is shown", SENDING,
	  CALL(opttlv_all) },
	{ "report-wait", 0, "TIME", "a time from 1ms to 3600s",
	  "before an Access Report without answer is sent again (default 3s)", SENDING,
	  DURATION(plan.more.report_wait_ns, MS, 3600 * TS_NS_PER_S) },
	{ "report-tries", 0, "N", "a number from 0 to 1000",
	  "how often it is sent again (default 4)", SENDING,
	  NUMBER(plan.more.report_tries, 0, 1000) },
	{ "type", 0, "TYPE", "twamp-light or stamp", "what to answer as (default twamp-light)",
	  RESPONDING, CALL(optlight_type) },
	{ "stateful", 0, NULL, "",
	  "count replies of each sender (default: copy the sender's Sequence Number)", RESPONDING,
	  VALUE(responder.stateful, true) },
	{ "allow", 0, "PREFIX", "a prefix such as 192.0.2.0/24 or 2001:db8::/32, 64 at most",
	  "senders that get replies; may be repeated (default: this host)", RESPONDING,
	  CALL(optlight_allow) },
	{ "json", 0, NULL, "", "print the result as one JSON object", MEASURING,
	  VALUE(json, true) },
	{ "quiet", 'q', NULL, "", "no progress and no notices", MEASURING | RESPONDING,
	  VALUE(quiet, true) },
};
_Static_assert(sizeof(optrow_table) / sizeof(optrow_table[0]) == OPTROW_COUNT, "as announced");
