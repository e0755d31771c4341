// SPDX-License-Identifier: BSD-2-Clause
#include "client/optrow.h"

#include "client/dscp.h"
#include "client/optlight.h"
#include "client/secret.h"
#include "client/value.h"
#include "protocol/mode.h"
#include "protocol/msg.h"
#include "protocol/pkt.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MS INT64_C(1000000)
#define MEASURING OPTROW_MEASURING
#define CONTROLLING (1u << COMMAND_CONTROLLER)
#define SENDING (1u << COMMAND_SENDER)
#define RESPONDING (1u << COMMAND_RESPONDER)

static bool set_u32(const char *text, uint64_t min, uint64_t max, uint32_t *to)
{
	uint64_t number;

	if (!value_number(text, min, max, &number)) {
		return false;
	}
	*to = (uint32_t)number;
	return true;
}

static bool set_duration(const char *text, int64_t min_ns, int64_t max_ns, int64_t *to)
{
	int64_t ns;

	if (!value_duration_ns(text, &ns) || ns < min_ns || ns > max_ns) {
		return false;
	}
	*to = ns;
	return true;
}

static bool set_ipv4(struct options *o, const char *text)
{
	o->family = AF_INET;
	return true;
}

static bool set_ipv6(struct options *o, const char *text)
{
	o->family = AF_INET6;
	return true;
}

static bool set_source(struct options *o, const char *text)
{
	o->source = text;
	return *text != '\0';
}

static bool set_ports(struct options *o, const char *text)
{
	return value_port_range(text, &o->first_port, &o->last_port);
}

static bool set_receiver_port(struct options *o, const char *text)
{
	uint64_t number;

	if (!value_number(text, 1, 65535, &number)) {
		return false;
	}
	o->receiver_port = (uint16_t)number;
	return true;
}

static bool set_count(struct options *o, const char *text)
{
	return set_u32(text, 1, OPTIONS_MAX_COUNT, &o->count);
}

static bool set_interval(struct options *o, const char *text)
{
	return set_duration(text, 10000, 3600 * TS_NS_PER_S, &o->interval_ns);
}

/* What mode 1 has room for; the other layouts have less (padding.h). */
static bool set_padding(struct options *o, const char *text)
{
	o->padding_given = true;
	return set_u32(text, 0, PKT_MAX_PAYLOAD_V4 - 14, &o->padding);
}

static bool set_fill(struct options *o, const char *text)
{
	if (strcmp(text, "random") == 0) {
		o->fill = OPTIONS_FILL_RANDOM;
	} else if (strcmp(text, "zero") == 0) {
		o->fill = OPTIONS_FILL_ZERO;
	} else {
		return false;
	}
	return true;
}

static bool set_dscp(struct options *o, const char *text)
{
	return dscp_parse(text, &o->dscp);
}

static bool set_ttl(struct options *o, const char *text)
{
	uint64_t number;

	if (!value_number(text, 1, 255, &number)) {
		return false;
	}
	o->ttl = (uint8_t)number;
	return true;
}

static bool set_timeout(struct options *o, const char *text)
{
	return set_duration(text, MS, 3600 * TS_NS_PER_S, &o->timeout_ns);
}

static bool set_control_timeout(struct options *o, const char *text)
{
	return set_duration(text, 10 * MS, 3600 * TS_NS_PER_S, &o->control_timeout_ns);
}

static bool set_sessions(struct options *o, const char *text)
{
	return set_u32(text, 1, OPTIONS_MAX_SESSIONS, &o->sessions);
}

static bool set_retries(struct options *o, const char *text)
{
	return set_u32(text, 0, 1000, &o->retries);
}

static bool set_retry_wait(struct options *o, const char *text)
{
	return set_duration(text, MS, 60 * TS_NS_PER_S, &o->retry_wait_ns);
}

static bool set_json(struct options *o, const char *text)
{
	o->json = true;
	return true;
}

static bool set_quiet(struct options *o, const char *text)
{
	o->quiet = true;
	return true;
}

static bool set_mode(struct options *o, const char *text)
{
	o->mode = strcmp(text, "auto") == 0 ? 0 : mode_by_name(text) & MODE_SECURITY_MASK;
	return o->mode != 0 || strcmp(text, "auto") == 0;
}

static bool set_key_id(struct options *o, const char *text)
{
	o->key_id = text;
	return secret_id_fault(text, strlen(text)) == NULL;
}

static bool set_key_file(struct options *o, const char *text)
{
	o->key_file = text;
	return *text != '\0';
}

static bool set_max_count(struct options *o, const char *text)
{
	return set_u32(text, MSG_COUNT_MIN, UINT32_C(1) << 31, &o->max_count);
}

static bool set_individual(struct options *o, const char *text)
{
	o->features |= MODE_INDIVIDUAL_CONTROL;
	return true;
}

static bool set_reflect_octets(struct options *o, const char *text)
{
	char *end = NULL;

	o->features |= MODE_REFLECT_OCTETS;
	o->reflect_octets = (uint16_t)strtoul(text, &end, 16);
	return strlen(text) == 4 && strspn(text, "0123456789abcdefABCDEF") == 4;
}

static bool set_reflect_length(struct options *o, const char *text)
{
	uint64_t number;

	if (!value_number(text, 0, OPTIONS_MAX_REFLECT_LENGTH, &number)) {
		return false;
	}
	o->features |= MODE_REFLECT_OCTETS;
	o->reflect_length = (uint16_t)number;
	return true;
}

static bool set_symmetrical(struct options *o, const char *text)
{
	o->features |= MODE_SYMMETRICAL_SIZE;
	return true;
}

static bool set_dscp_ecn(struct options *o, const char *text)
{
	o->features |= MODE_DSCP_ECN;
	return true;
}

static bool set_ptp(struct options *o, const char *text)
{
	o->features |= MODE_PTP;
	return true;
}

static bool set_all_features(struct options *o, const char *text)
{
	o->features |= MODE_FEATURE_MASK;
	return true;
}

const struct optrow optrow_table[] = {
	{ "count", 'c', "N", "a number from 1 to 1000000", "packets per session (default 100)",
	  MEASURING, set_count },
	{ "interval", 'i', "TIME", "a time from 10us to 3600s, such as 20ms, 0.02s or 100us",
	  "time between packets of a session (default 20ms)", MEASURING, set_interval },
	{ "padding", 0, "OCTETS", "a number from 0 to 65493",
	  "octets appended to each packet (default: both directions are of equal size)", MEASURING,
	  set_padding },
	{ "padding-fill", 0, "KIND", "random or zero", "what padding consists of (default random)",
	  MEASURING, set_fill },
	{ "dscp", 0, "DSCP", "a number from 0 to 63 or a name of twamp dscptable",
	  "DSCP of the test packets, in both directions with control (default 0)", MEASURING,
	  set_dscp },
	{ "ttl", 0, "N", "a number from 1 to 255",
	  "TTL or Hop Limit of the test packets (default 255)", MEASURING, set_ttl },
	{ "timeout", 0, "TIME", "a time from 1ms to 3600s",
	  "a packet without reply after this is lost (default 2s)", MEASURING, set_timeout },
	{ "sessions", 0, "N", "a number from 1 to 10000",
	  "test sessions at once, each with its own socket (default 1)", MEASURING, set_sessions },
	{ "ipv4", '4', NULL, "", "IPv4 only", MEASURING | RESPONDING, set_ipv4 },
	{ "ipv6", '6', NULL, "", "IPv6 only", MEASURING | RESPONDING, set_ipv6 },
	{ "source", 0, "ADDR", "an address of this host",
	  "local address (default: the system's choice)", MEASURING, set_source },
	{ "port-range", 0, "FIRST-LAST", "two ports such as 20000-20100, or one port",
	  "local UDP ports (default: the system's choice)", MEASURING, set_ports },
	{ "receiver-port", 0, "PORT", "a port from 1 to 65535",
	  "UDP port to ask the server for (default: the number of the local port)", CONTROLLING,
	  set_receiver_port },
	{ "control-timeout", 0, "TIME", "a time from 10ms to 3600s",
	  "longest wait for each step of the control connection (default 10s)", CONTROLLING,
	  set_control_timeout },
	{ "retries", 0, "N", "a number from 0 to 1000",
	  "new attempts after Accept 5, never after others (default 3)", CONTROLLING, set_retries },
	{ "retry-wait", 0, "TIME", "a time from 1ms to 60s",
	  "wait before the first of them, then doubled up to 60s, with jitter (default 1s)",
	  CONTROLLING, set_retry_wait },
	{ "mode", 0, "MODE", "auto, unauthenticated, authenticated, encrypted or mixed",
	  "security mode (default auto: the strongest offered, with a key)", CONTROLLING,
	  set_mode },
	{ "key-file", 0, "FILE", "the name of a file",
	  "keys: a KeyID and a passphrase a line, see twampd.keys(5)", CONTROLLING, set_key_file },
	{ "key-id", 0, "ID", "a KeyID: 1 to 80 octets of UTF-8 without white space",
	  "which key (default: the only one of the file)", CONTROLLING, set_key_id },
	{ "max-count", 0, "N", "a number from 1024 to 2147483648",
	  "most rounds of key derivation that a server may ask for (default 32768)", CONTROLLING,
	  set_max_count },
	{ "individual", 0, NULL, "", "start and stop sessions one by one (RFC 5938)", CONTROLLING,
	  set_individual },
	{ "reflect-octets", 0, "HEX", "four hexadecimal digits",
	  "octets that the server is to repeat in its answer (RFC 6038)", CONTROLLING,
	  set_reflect_octets },
	{ "reflect-length", 0, "N", "a number from 0 to 65000",
	  "octets of padding that must come back as sent (RFC 6038, default 2)", CONTROLLING,
	  set_reflect_length },
	{ "symmetrical", 0, NULL, "", "packets of equal size by their layout (RFC 6038)",
	  CONTROLLING, set_symmetrical },
	{ "dscp-ecn", 0, NULL, "", "show the DSCP and ECN that reached the reflector (RFC 7750)",
	  CONTROLLING, set_dscp_ecn },
	{ "ptp", 0, NULL, "", "PTP timestamps in both directions (RFC 8186)", CONTROLLING,
	  set_ptp },
	{ "all-features", 0, NULL, "", "all of the extensions above", CONTROLLING,
	  set_all_features },
	{ "stamp", 0, NULL, "",
	  "STAMP packets (RFC 8762); padding, by default none, is an Extra Padding TLV", SENDING,
	  optlight_stamp },
	{ "ssid", 0, "N", "a number from 0 to 65535", "SSID of the packets (RFC 8972; default 0)",
	  SENDING, optlight_ssid },
	{ "type", 0, "TYPE", "twamp-light or stamp", "what to answer as (default twamp-light)",
	  RESPONDING, optlight_type },
	{ "stateful", 0, NULL, "",
	  "count replies of each sender (default: copy the sender's Sequence Number)", RESPONDING,
	  optlight_stateful },
	{ "allow", 0, "PREFIX", "a prefix such as 192.0.2.0/24 or 2001:db8::/32, 64 at most",
	  "whom to answer; may be repeated (default: this host only)", RESPONDING, optlight_allow },
	{ "json", 0, NULL, "", "print the result as one JSON object", MEASURING, set_json },
	{ "quiet", 'q', NULL, "", "no progress and no notices", MEASURING | RESPONDING, set_quiet },
};
_Static_assert(sizeof(optrow_table) / sizeof(optrow_table[0]) == OPTROW_COUNT, "as announced");
