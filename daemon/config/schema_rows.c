// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/schema.h"

#include "protocol/accept.h"
#include "protocol/mode.h"

#define MEMBER(of, name) \
	.offset = offsetof(struct of, name), .size = sizeof(((struct of *)NULL)->name)
#define FIELD(name) MEMBER(settings, name)

#define INTEGER(path, field, when, low, high, standard, text) \
	{ \
		.key = (path), .type = SCHEMA_INTEGER, .scope = SCHEMA_SERVER, .apply = (when), \
		.min = (low), .max = (high), .preset = (standard), FIELD(field), .help = (text) \
	}

/* For all and for a class, of struct policy. */
#define SHARED(path, field, low, class_low, high, standard, text) \
	{ \
		.key = (path), .type = SCHEMA_INTEGER, .scope = SCHEMA_SERVER | SCHEMA_CLASS, \
		.apply = SETTINGS_NEXT, .min = (low), .class_min = (class_low), .max = (high), \
		.preset = (standard), FIELD(configured.field), .help = (text) \
	}

#define CHOICE(path, field, when, names, standard, text) \
	{ \
		.key = (path), .type = SCHEMA_CHOICE, .scope = SCHEMA_SERVER, .apply = (when), \
		.choices = (names), .preset = (standard), FIELD(field), .help = (text) \
	}

#define MODES(path, field, least, bits, text) \
	{ \
		.key = (path), .type = SCHEMA_MODES, .scope = SCHEMA_SERVER | SCHEMA_CLASS, \
		.apply = SETTINGS_NEXT, .min = (least), .max = 32, .accepted = (bits), \
		.preset = (bits), FIELD(field), .help = (text) \
	}

/* For entries of "listen" and "light". */
#define ENTRY(path, kind, where, of, field) \
	.key = (path), .type = (kind), .scope = (where), .apply = SETTINGS_NOW, MEMBER(of, field)

#define LIGHT_RATE(field, standard, text) \
	{ \
		ENTRY(#field, SCHEMA_INTEGER, SCHEMA_LIGHT, settings_light, field), \
			.max = UINT32_MAX, .preset = (standard), .help = (text) \
	}

#define DAY_S 86400
#define LIGHT_PACKET_RATE 1000 /* of a sender: its address can be forged */

static const struct schema_choice timestamps[] = {
	{ "auto", SETTINGS_TIMESTAMPS_AUTO },
	{ "hardware", SETTINGS_TIMESTAMPS_HARDWARE },
	{ "kernel", SETTINGS_TIMESTAMPS_KERNEL },
	{ "user", SETTINGS_TIMESTAMPS_USER },
	{ NULL, 0 },
};

static const struct schema_choice port_modes[] = {
	{ "per-session", SETTINGS_PORTS_PER_SESSION },
	{ "shared", SETTINGS_PORTS_SHARED },
	{ NULL, 0 },
};

static const struct schema_choice light_types[] = {
	{ "twamp-light", SETTINGS_LIGHT_TWAMP },
	{ "stamp", SETTINGS_LIGHT_STAMP },
	{ NULL, 0 },
};

static const struct schema_choice light_modes[] = {
	{ "unauthenticated", SETTINGS_LIGHT_OPEN },
	{ "authenticated", SETTINGS_LIGHT_AUTHENTICATED },
	{ NULL, 0 },
};

static const struct schema_choice key_formats[] = {
	{ "text", SETTINGS_KEY_TEXT },
	{ "hex", SETTINGS_KEY_HEX },
	{ NULL, 0 },
};

static const struct schema_choice light_timestamps[] = {
	{ "ntp", TS_NTP },
	{ "ptp", TS_PTP },
	{ NULL, 0 },
};

static const struct schema_choice tlv_types[] = {
#define X(name, number, key, least, most) { key, TLV_BIT(number) },
	TLV_TYPES(X)
#undef X
		{ NULL, 0 },
};

static const struct schema_choice integrities[] = {
	{ "optional", false },
	{ "required", true },
	{ NULL, 0 },
};

static const struct schema_choice locations[] = {
	{ "ports", TLVREPLY_PORTS },
	{ "destination", TLVREPLY_DESTINATION },
	{ "source", TLVREPLY_SOURCE },
	{ NULL, 0 },
};

static const struct schema_choice return_paths[] = {
	{ "no-reply", TLVREPLY_NO_REPLY },
	{ "same-link", TLVREPLY_SAME_LINK },
	{ "address", TLVREPLY_ADDRESS },
	{ NULL, 0 },
};

static const struct schema_choice clock_sources[] = {
	{ "auto", SETTINGS_CLOCK_AUTO },
	{ "ntp", TLVREPLY_SYNC_NTP },
	{ "ptp", TLVREPLY_SYNC_PTP },
	{ "ssu-bits", TLVREPLY_SYNC_SSU_BITS },
	{ "gnss", TLVREPLY_SYNC_GNSS },
	{ "free-running", TLVREPLY_SYNC_LOCAL },
	{ NULL, 0 },
};

static const struct schema_choice levels[] = {
	{ "error", SETTINGS_LEVEL_ERROR },   { "warning", SETTINGS_LEVEL_WARNING },
	{ "notice", SETTINGS_LEVEL_NOTICE }, { "info", SETTINGS_LEVEL_INFO },
	{ "debug", SETTINGS_LEVEL_DEBUG },   { NULL, 0 },
};

const struct schema_row schema_rows[] = {
	{ .key = "name",
	  .type = SCHEMA_NAME,
	  .scope = SCHEMA_CLASS,
	  .apply = SETTINGS_NEXT,
	  .min = 1,
	  .max = SETTINGS_CLASS_NAME_MAX,
	  .required = true,
	  .help = "name of the class, for the log" },
	{ .key = "prefixes",
	  .type = SCHEMA_PREFIXES,
	  .scope = SCHEMA_CLASS,
	  .apply = SETTINGS_NEXT,
	  .max = SCHEMA_PREFIXES_MAX,
	  .help = "addresses of the clients in the class; the longest prefix decides" },
	{ .key = "key_ids",
	  .type = SCHEMA_KEY_IDS,
	  .scope = SCHEMA_CLASS,
	  .apply = SETTINGS_NEXT,
	  .max = SCHEMA_KEY_IDS_MAX,
	  .help = "keys of the clients in the class; a key decides before a prefix" },

	{ .key = "listen",
	  .type = SCHEMA_LISTEN_LIST,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NOW,
	  .min = 1,
	  .max = SCHEMA_LISTEN_MAX,
	  .help = "addresses and TCP ports that TWAMP-Control listens on" },
	{ .key = "light",
	  .type = SCHEMA_LIGHT_LIST,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NOW,
	  .max = SCHEMA_LIGHT_MAX,
	  .help = "TWAMP Light and STAMP reflectors: UDP ports that answer without control" },
	MODES("modes", configured.modes, 1, MODE_SECURITY_MASK,
	      "security modes offered to clients; those that need keys only if there are keys"),
	MODES("features", configured.features, 0, MODE_FEATURE_MASK,
	      "optional features offered to clients"),
	{ .key = "third_party",
	  .type = SCHEMA_BOOLEAN,
	  .scope = SCHEMA_SERVER | SCHEMA_CLASS,
	  .apply = SETTINGS_NEXT,
	  FIELD(configured.third_party),
	  .help = "test packets may come from another host than the requests" },
	{ .key = "dscp",
	  .type = SCHEMA_DSCP,
	  .scope = SCHEMA_SERVER | SCHEMA_CLASS,
	  .apply = SETTINGS_NEXT,
	  .min = 1,
	  .max = UINT32_MAX, /* each once */
	  .preset = SCHEMA_DSCP_ALL,
	  FIELD(configured.dscp_allowed),
	  .help = "code points that a request may ask for in replies" },
	{ .key = "keys_file",
	  .type = SCHEMA_FILE,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NEXT,
	  .help = "file with the KeyIDs and passphrases of clients" },
	{ .key = "clients",
	  .type = SCHEMA_CLASS_LIST,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NEXT,
	  .max = SCHEMA_CLASSES_MAX,
	  .help = "classes of clients; clients that match no class are refused" },

	{ .key = "auth.count",
	  .type = SCHEMA_POWER,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NEXT,
	  .min = 1024,
	  .max = UINT32_C(1) << 31,
	  .preset = 32768,
	  FIELD(configured.kdf_count),
	  .help = "rounds of PBKDF2 between a passphrase and a key" },
	INTEGER("auth.workers", auth_workers, SETTINGS_RESTART, 1, 16, 1,
		"threads that derive keys"),
	INTEGER("auth.queue", auth_queue, SETTINGS_RESTART, 1, 10000, 64,
		"clients that may wait for a key to be derived"),
	SHARED("auth.failure_rate", failure_rate, 0, 0, 1000000, 30,
	       "failed authentications per minute of one client with one KeyID; 0 = not limited"),
	SHARED("auth.abandon_rate", abandon_rate, 0, 0, 1000000, 60,
	       "times per minute that a client may leave before its key is derived; 0 = not limited"),

	SHARED("limits.max_connections", max_connections, 1, 0, 1000000, 1000,
	       "control connections at once; 0 = none, in a class"),
	SHARED("limits.max_connections_per_client", max_connections_per_client, 1, 1, 1000000, 32,
	       "control connections at once from one client"),
	SHARED("limits.max_sessions", max_sessions, 1, 0, 1000000, 10000,
	       "test sessions at once; 0 = none, in a class"),
	SHARED("limits.max_sessions_per_client", max_sessions_per_client, 1, 1, 1000000, 1000,
	       "test sessions at once of one client"),
	SHARED("limits.max_sessions_per_connection", max_sessions_per_connection, 1, 1, 1000000,
	       1000, "test sessions at once on one control connection"),
	SHARED("limits.max_padding", max_padding, 1, 1, 65535, 9000,
	       "octets of padding in a test packet"),
	SHARED("limits.connection_rate", connection_rate, 0, 0, 1000000, 50,
	       "control connections per second of one client; 0 = not limited"),
	SHARED("limits.connection_burst", connection_burst, 1, 1, 1000000, 200,
	       "control connections that one client may open at once"),
	SHARED("limits.request_rate", request_rate, 0, 0, 1000000, 100,
	       "session requests per second of one client; 0 = not limited"),
	SHARED("limits.request_burst", request_burst, 1, 1, 1000000, 1000,
	       "session requests that one client may make at once"),
	SHARED("limits.packet_rate", packet_rate, 0, 0, UINT32_MAX, 0,
	       "test packets per second of one session; 0 = not limited"),
	SHARED("limits.octet_rate", octet_rate, 0, 0, UINT32_MAX, 0,
	       "octets of test packets per second of one session; 0 = not limited"),
	SHARED("limits.total_packet_rate", total_packet_rate, 0, 0, UINT32_MAX, 0,
	       "test packets per second of all sessions of a class; 0 = not limited"),
	SHARED("limits.total_octet_rate", total_octet_rate, 0, 0, UINT32_MAX, 0,
	       "octets of test packets per second of all sessions of a class; 0 = not limited"),
	INTEGER("limits.ipv6_client_prefix", ipv6_client_prefix, SETTINGS_NOW, 16, 128, 56,
		"bits of an IPv6 address that are one client"),
	INTEGER("limits.accept_code", accept_code, SETTINGS_NOW, ACCEPT_PERMANENT, ACCEPT_TEMPORARY,
		ACCEPT_PERMANENT, "Accept code of a limit that is reached"),

	SHARED("ports.first", port_first, 1, 1, 65535, 49152, "first UDP port for test sessions"),
	SHARED("ports.last", port_last, 1, 1, 65535, 65535, "last UDP port for test sessions"),
	{ .key = "ports.also",
	  .type = SCHEMA_PORTS,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NEXT,
	  .max = SETTINGS_ALSO_MAX,
	  .help = "further UDP ports for clients that ask for one; many sessions share each" },
	CHOICE("ports.mode", ports_mode, SETTINGS_RESTART, port_modes, SETTINGS_PORTS_PER_SESSION,
	       "whether each test session has a UDP port or many share one"),
	INTEGER("ports.shared_port", shared_port, SETTINGS_RESTART, 0, 65535, 0,
		"the one UDP port of all shared sessions; 0 = one per thread from ports.first on"),

	INTEGER("timers.handshake", configured.handshake_s, SETTINGS_NOW, 1, 3600, 30,
		"seconds from connecting to a complete Set-Up-Response"),
	/* RFC 4656 3: a message is complete within 30 minutes. */
	INTEGER("timers.message", configured.message_s, SETTINGS_NOW, 1, 1800, 60,
		"seconds from the first to the last octet of a message"),
	INTEGER("timers.send_stall", configured.send_stall_s, SETTINGS_NOW, 1, 3600, 30,
		"seconds that a client may leave answers unread"),
	INTEGER("timers.servwait", configured.servwait_s, SETTINGS_NOW, 1, 7 * DAY_S, 900,
		"seconds without a message until a control connection is closed"),
	INTEGER("timers.refwait", configured.refwait_s, SETTINGS_NEXT, 1, 7 * DAY_S, 900,
		"seconds without a test packet until a session is ended"),
	SHARED("timers.max_timeout", max_timeout_s, 1, 1, 7 * DAY_S, 900,
	       "largest Timeout in seconds that a request may ask for"),

	INTEGER("overload.loop_lag", overload.loop_lag_ms, SETTINGS_NOW, 0, 60000, 200,
		"milliseconds that the main thread may come late; 0 = not looked at"),
	INTEGER("overload.reflector_busy", overload.reflector_busy, SETTINGS_NOW, 0, 100, 98,
		"percent of a CPU that a reflector thread may take; 0 = not looked at"),
	INTEGER("overload.memory_used", overload.memory_used, SETTINGS_NOW, 0, 100, 95,
		"percent of the memory limit of the service; 0 = not looked at"),
	INTEGER("overload.memory_pressure", overload.memory_pressure, SETTINGS_NOW, 0, 100, 20,
		"percent of the time that is spent waiting for memory; 0 = not looked at"),
	INTEGER("overload.send_drops", overload.send_drops, SETTINGS_NOW, 0, 1000000000, 1000,
		"replies per second that the kernel may refuse to send; 0 = not looked at"),
	INTEGER("overload.receive_drops", overload.receive_drops, SETTINGS_NOW, 0, 1000000000, 1000,
		"test packets per second that the receive queues may have no room for; 0 = not looked at"),

	{ .key = "watch.forward_loss",
	  .type = SCHEMA_PERCENT,
	  .scope = SCHEMA_SERVER | SCHEMA_CLASS,
	  .apply = SETTINGS_NOW,
	  FIELD(configured.watch_loss),
	  .help = "percent of test packets lost on the way to this host; 0 = not watched" },
	{ .key = "watch.forward_pdv_p99_ms",
	  .type = SCHEMA_INTEGER,
	  .scope = SCHEMA_SERVER | SCHEMA_CLASS,
	  .apply = SETTINGS_NOW,
	  .max = 60000,
	  FIELD(configured.watch_pdv_p99_ms),
	  .help = "milliseconds of delay above the least, of 99 in 100 packets; 0 = not watched" },

	INTEGER("reflector.threads", reflector_threads, SETTINGS_RESTART, 0, 64, 0,
		"threads that answer test packets; 0 = one per CPU"),
	{ .key = "reflector.cpus",
	  .type = SCHEMA_CPUS,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_RESTART,
	  .help = "CPUs for these threads, one for each in turn; \"\" = those of the process" },
	INTEGER("reflector.priority", reflector_priority, SETTINGS_RESTART, 0, 99, 0,
		"real-time priority (SCHED_FIFO) of these threads; 0 = none"),
	{ .key = "reflector.segmentation",
	  .type = SCHEMA_BOOLEAN,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NOW,
	  .preset = true,
	  FIELD(segmentation),
	  .help = "replies of equal length to one address go through the kernel in one piece" },
	CHOICE("reflector.timestamps", timestamps, SETTINGS_RESTART, timestamps,
	       SETTINGS_TIMESTAMPS_AUTO, "where the receive time of test packets comes from"),

	CHOICE("clock_source", clock_source, SETTINGS_NOW, clock_sources, SETTINGS_CLOCK_AUTO,
	       "what the clock of this host follows, as STAMP senders are told"),

	CHOICE("log.level", log_level, SETTINGS_NOW, levels, SETTINGS_LEVEL_INFO,
	       "least important events that are logged"),

	INTEGER("admin.max_clients", admin_max_clients, SETTINGS_NOW, 0, 256, 16,
		"programs that may be connected to the socket of twampctl; 0 = there is no socket"),
	INTEGER("admin.idle", admin_idle_s, SETTINGS_NOW, 1, 3600, 60,
		"seconds until one of them that asks nothing, or does not read, is disconnected"),
	{ .key = "metrics.address",
	  .type = SCHEMA_HOST,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NOW,
	  FIELD(metrics.address),
	  .help = "address that metrics and the status page are served at" },
	INTEGER("metrics.port", metrics.address.port, SETTINGS_NOW, 0, 65535, 0,
		"TCP port that metrics and the status page are served at; 0 = none"),
	{ .key = "metrics.socket",
	  .type = SCHEMA_SOCKET,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NOW,
	  FIELD(metrics.socket),
	  .help = "Unix socket that metrics and the status page are served at; \"\" = none" },

	{ ENTRY("address", SCHEMA_ADDRESS, SCHEMA_LISTEN, settings_listen, address),
	  .help = "address that is listened on; \"\" = all of both families" },
	{ ENTRY("port", SCHEMA_INTEGER, SCHEMA_LISTEN, settings_listen, address.port), .max = 65535,
	  .preset = SCHEMA_PORT, .help = "TCP port; 0 = any that is free" },
	{ ENTRY("device", SCHEMA_DEVICE, SCHEMA_LISTEN, settings_listen, device), .terse = true,
	  .help = "network device of the listener, a VRF; \"\" = none" },
	{ ENTRY("freebind", SCHEMA_BOOLEAN, SCHEMA_LISTEN, settings_listen, freebind),
	  .terse = true, .help = "the address may appear later" },

	{ ENTRY("address", SCHEMA_ADDRESS, SCHEMA_LIGHT, settings_light, address),
	  .help = "address of the reflector; \"\" = all of both families" },
	{ ENTRY("port", SCHEMA_INTEGER, SCHEMA_LIGHT, settings_light, address.port), .min = 1,
	  .max = 65535, .preset = SCHEMA_PORT, .help = "UDP port" },
	{ ENTRY("device", SCHEMA_DEVICE, SCHEMA_LIGHT, settings_light, device), .terse = true,
	  .help = "network device of the port, a VRF; \"\" = none" },
	{ ENTRY("freebind", SCHEMA_BOOLEAN, SCHEMA_LIGHT, settings_light, freebind), .terse = true,
	  .help = "the address may appear later" },
	{ ENTRY("type", SCHEMA_CHOICE, SCHEMA_LIGHT, settings_light, type), .choices = light_types,
	  .required = true, .help = "the protocol of the senders" },
	{ ENTRY("stateful", SCHEMA_BOOLEAN, SCHEMA_LIGHT, settings_light, stateful),
	  .help = "the replies to each sender have numbers of their own" },
	{ ENTRY("clients", SCHEMA_SENDERS, SCHEMA_LIGHT, settings_light, own.clients), .min = 1,
	  .max = SCHEMA_LIGHT_PREFIXES_MAX, .terse = true,
	  .help = "addresses of senders that get replies, unless there are senders" },
	{ ENTRY("dscp", SCHEMA_REPLY_DSCP, SCHEMA_LIGHT, settings_light, dscp),
	  .preset = SETTINGS_DSCP_COPY, .help = "DSCP of replies; \"copy\" = that of the packet" },
	{ ENTRY("ssids", SCHEMA_SSIDS, SCHEMA_LIGHT, settings_light, own.ssids), .min = 1,
	  .max = SCHEMA_LIGHT_SSIDS_MAX, .terse = true,
	  .help = "SSIDs that get replies, with STAMP" },
	{ ENTRY("from_862", SCHEMA_BOOLEAN, SCHEMA_LIGHT, settings_light, from_862),
	  .help = "packets from port 862, or from the number of its own port, get replies too" },
	{ ENTRY("drain", SCHEMA_BOOLEAN, SCHEMA_LIGHT, settings_light, drain),
	  .help = "no replies while the server drains" },
	LIGHT_RATE(packet_rate, LIGHT_PACKET_RATE,
		   "test packets per second of one sender address; 0 = not limited"),
	LIGHT_RATE(octet_rate, 0,
		   "octets of test packets per second of one sender address; 0 = not limited"),
	LIGHT_RATE(total_packet_rate, 0, "test packets per second of all senders; 0 = not limited"),
	LIGHT_RATE(total_octet_rate, 0,
		   "octets of test packets per second of all senders; 0 = not limited"),
	{ ENTRY("unverified_rate", SCHEMA_INTEGER, SCHEMA_LIGHT, settings_light, unverified_rate),
	  .max = UINT32_MAX, .terse = true,
	  .help = "test packets per second whose HMAC is looked at; 0 = not limited" },
	{ ENTRY("max_senders", SCHEMA_INTEGER, SCHEMA_LIGHT, settings_light, max_senders), .min = 1,
	  .max = 1000000, .preset = 65536, .terse = true,
	  .help = "senders with numbers of their own, with stateful" },
	{ ENTRY("mode", SCHEMA_CHOICE, SCHEMA_LIGHT, settings_light, mode), .choices = light_modes,
	  .terse = true, .help = "whether packets of STAMP have an HMAC" },
	{ ENTRY("keys", SCHEMA_ROW_KEYS, SCHEMA_LIGHT, settings_light, own.key_ids), .min = 1,
	  .max = SETTINGS_ROW_KEYS, .terse = true,
	  .help = "KeyIDs of the senders: of packets, or of HMAC TLVs" },
	{ ENTRY("key_format", SCHEMA_CHOICE, SCHEMA_LIGHT, settings_light, key_format),
	  .choices = key_formats, .terse = true,
	  .help = "whether a passphrase is the key, or its hex digits" },
	{ ENTRY("timestamps", SCHEMA_CHOICE, SCHEMA_LIGHT, settings_light, timestamps),
	  .choices = light_timestamps, .terse = true,
	  .help = "format of the timestamps in replies" },
	{ ENTRY("tlvs", SCHEMA_BOOLEAN, SCHEMA_LIGHT, settings_light, tlvs), .preset = true,
	  .terse = true, .help = "TLVs of STAMP are answered, else only copied" },
	{ ENTRY("tlv.types", SCHEMA_SET, SCHEMA_LIGHT, settings_light, tlv.types), .max = 32,
	  .choices = tlv_types, .preset = TLV_ALL_TYPES, .terse = true,
	  .help = "TLVs that are answered; others are unrecognized" },
	{ ENTRY("tlv.integrity", SCHEMA_CHOICE, SCHEMA_LIGHT, settings_light, tlv.required),
	  .choices = integrities, .terse = true,
	  .help = "whether unauthenticated TLVs need an HMAC TLV" },
	{ ENTRY("tlv.location", SCHEMA_SET, SCHEMA_LIGHT, settings_light, tlv.location), .max = 32,
	  .choices = locations, .preset = TLVREPLY_LOCATION_ALL, .terse = true,
	  .help = "what the Location TLV tells a sender of its packet" },
	{ ENTRY("tlv.dscp", SCHEMA_DSCP, SCHEMA_LIGHT, settings_light, tlv.dscp), .max = UINT32_MAX,
	  .preset = SCHEMA_DSCP_ALL, .terse = true,
	  .help = "code points that a Class of Service TLV may ask for" },
	{ ENTRY("tlv.return_path", SCHEMA_SET, SCHEMA_LIGHT, settings_light, tlv.return_path),
	  .max = 32, .choices = return_paths, .preset = TLVREPLY_NO_REPLY | TLVREPLY_SAME_LINK,
	  .terse = true, .help = "what a Return Path TLV may ask for" },
	{ ENTRY("tlv.return_addresses", SCHEMA_RETURNS, SCHEMA_LIGHT, settings_light,
		return_addresses),
	  .max = 64, .terse = true,
	  .help = "where replies may be sent to, if a signed Return Path TLV asks for it" },
	{ ENTRY("tlv.member_links", SCHEMA_LINKS, SCHEMA_LIGHT, settings_light, links), .max = 64,
	  .terse = true, .help = "numbers of member links, for the Micro-session ID TLV" },
	{ ENTRY("senders", SCHEMA_ROW_LIST, SCHEMA_LIGHT, settings_light, rows), .terse = true,
	  .help = "senders in rows, each with clients, SSIDs, keys and a rate of its own" },

	{ ENTRY("name", SCHEMA_ROW_NAME, SCHEMA_ROW, settings_row, name), .required = true,
	  .help = "name of the row, for the log" },
	{ ENTRY("clients", SCHEMA_SENDERS, SCHEMA_ROW, settings_row, clients), .min = 1,
	  .max = SCHEMA_LIGHT_PREFIXES_MAX, .required = true, .help = "addresses of the senders" },
	{ ENTRY("ssids", SCHEMA_SSIDS, SCHEMA_ROW, settings_row, ssids), .min = 1,
	  .max = SCHEMA_LIGHT_SSIDS_MAX, .terse = true, .help = "SSIDs of the senders" },
	{ ENTRY("keys", SCHEMA_ROW_KEYS, SCHEMA_ROW, settings_row, key_ids), .min = 1,
	  .max = SETTINGS_ROW_KEYS, .terse = true, .help = "KeyIDs of the senders" },
	{ ENTRY("packet_rate", SCHEMA_INTEGER, SCHEMA_ROW, settings_row, packet_rate),
	  .max = UINT32_MAX, .preset = SETTINGS_ROW_RATE, .terse = true,
	  .help = "test packets per second of one sender; by default that of the entry" },
};
const size_t schema_n_rows = sizeof(schema_rows) / sizeof(schema_rows[0]);
