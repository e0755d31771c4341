// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Accept codes, and the reasons that lead to them: the one source of what logs, the
 * client, the journal catalog and the manual pages say about a refusal.
 * RFC 4656 3.3, RFC 5357 3.3.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum accept_code {
	ACCEPT_OK = 0,
	ACCEPT_FAILURE = 1,
	ACCEPT_INTERNAL = 2,
	ACCEPT_UNSUPPORTED = 3,
	ACCEPT_PERMANENT = 4,
	ACCEPT_TEMPORARY = 5,
};
#define ACCEPT_COUNT 6

struct accept_info {
	const char *name; /* the RFC's words, short: "Permanent Resource Limitation" */
	const char *meaning; /* one sentence */
	const char *causes; /* possible causes, one sentence or a short list */
	const char *action; /* what an operator or user does */
};

/** Text of a code; every value outside 0..5 reads as 1 (RFC 4656 3.3). Never NULL. */
const struct accept_info *accept_info(unsigned code);

/*
 * A reason is a server condition with the code that it answers. X(ENUM, key, code, text,
 * remedy): text says what happened, remedy what to do.
 */
#define ACCEPT_REASONS(X) \
	X(OK, "ok", ACCEPT_OK, "accepted", "nothing to do") \
	X(AUTH_FAILED, "auth-failed", ACCEPT_FAILURE, "authentication failed", \
	  "compare KeyID and passphrase on both ends; the log of the server says which one is wrong") \
	X(NO_CLASS, "no-class", ACCEPT_FAILURE, \
	  "the client is in no class: no entry of clients has its address or KeyID", \
	  "add the address to prefixes, or the KeyID to key_ids, of an entry of clients") \
	X(KEY_REMOVED, "key-removed", ACCEPT_FAILURE, \
	  "the key of this connection was removed from the keys file, or its passphrase was changed", \
	  "connect again with a key that the keys file has now, or put the key back and reload") \
	X(LIGHT_CLIENT, "light-client", ACCEPT_FAILURE, \
	  "the sender is not among the clients of this port", \
	  "add its address to clients of the entry of light, or find out why it sends") \
	X(LIGHT_KEY, "light-key", ACCEPT_FAILURE, "the HMAC of the packets is wrong", \
	  "compare the key and key_format on both ends, and address and SSID of the sender with the rows of senders; if they agree, somebody forges its packets") \
	X(POLICY_ADDRESS, "policy-address", ACCEPT_FAILURE, \
	  "Sender Address is not the address of the Control-Client", \
	  "send test packets from the host that holds the control connection, or look for a NAT between client and server") \
	X(NOTHING_TO_START, "nothing-to-start", ACCEPT_FAILURE, \
	  "Start-Sessions without an accepted session", \
	  "request a session first, and start only after an Accept-Session with 0") \
	X(UNKNOWN_SID, "unknown-sid", ACCEPT_FAILURE, \
	  "no session of this connection has that SID", \
	  "compare the SIDs of Accept-Session with those of the command") \
	X(INTERNAL, "internal", ACCEPT_INTERNAL, "internal error of the server", \
	  "look for the error before this one in the log of the server; report it if it comes back") \
	X(NO_MODE, "no-mode", ACCEPT_UNSUPPORTED, \
	  "client and server have no security mode in common", \
	  "compare the modes of the client with the setting modes of the server and of the class; those that need keys are offered only if there are keys") \
	X(MODE_NOT_OFFERED, "mode-not-offered", ACCEPT_UNSUPPORTED, \
	  "the client selected a security mode that was not offered", \
	  "compare the modes of the client with the setting modes of the server") \
	X(MODE_MULTIPLE, "mode-multiple", ACCEPT_UNSUPPORTED, \
	  "the client did not select exactly one security mode", \
	  "update or configure the client: exactly one of the modes 1, 2, 4 and 8 must be set") \
	X(FEATURE_NOT_OFFERED, "feature-not-offered", ACCEPT_UNSUPPORTED, \
	  "the client selected a feature that was not offered", \
	  "compare the options of the client with the setting features of the server") \
	X(CONF_FIELDS, "conf-fields", ACCEPT_UNSUPPORTED, \
	  "Conf-Sender or Conf-Receiver is not zero", \
	  "use a TWAMP client: these fields belong to OWAMP") \
	X(SCHEDULE_FIELDS, "schedule-fields", ACCEPT_UNSUPPORTED, \
	  "Number of Schedule Slots is not zero", "use a TWAMP client: schedules belong to OWAMP") \
	X(IP_VERSION, "ip-version", ACCEPT_UNSUPPORTED, "IP version is neither 4 nor 6", \
	  "request IP version 4 or 6") \
	X(FAMILY_MISMATCH, "family-mismatch", ACCEPT_UNSUPPORTED, \
	  "IP version differs from the address family of the connection, and the addresses are not given", \
	  "give Sender and Receiver Address, or connect over the IP version to be measured") \
	X(ADDRESS_NOT_LOCAL, "address-not-local", ACCEPT_UNSUPPORTED, \
	  "Receiver Address is not an address of this server", \
	  "leave Receiver Address zero, or give an address of the server") \
	X(SENDER_ADDRESS, "sender-address", ACCEPT_UNSUPPORTED, \
	  "Sender Address cannot receive test packets (multicast, broadcast, unspecified, loopback or IPv4-mapped)", \
	  "give the unicast address of the Session-Sender, or leave it zero") \
	X(NO_ROUTE, "no-route", ACCEPT_UNSUPPORTED, \
	  "this server has no route from Receiver Address to Sender Address", \
	  "give addresses that reach one another, or leave both zero; 'ip route get' on the server shows its routes") \
	X(LOOP, "loop", ACCEPT_UNSUPPORTED, \
	  "Sender Address and Port are those of another session of this server", \
	  "give the address and port of a Session-Sender: two reflectors would answer one another for ever") \
	X(LINK_LOCAL_SCOPE, "link-local-scope", ACCEPT_UNSUPPORTED, \
	  "a link-local address needs a control connection over the same link", \
	  "connect with the link-local address of the server, or use global addresses") \
	X(SENDER_PORT, "sender-port", ACCEPT_UNSUPPORTED, "Sender Port is zero", \
	  "bind the socket of the Session-Sender before the request and give its port") \
	X(TYPE_P, "type-p", ACCEPT_UNSUPPORTED, "Type-P Descriptor is not a plain DSCP", \
	  "request a DSCP from 0 to 63 and nothing else in Type-P") \
	X(DSCP, "dscp", ACCEPT_UNSUPPORTED, "this DSCP cannot be used here", \
	  "request another DSCP, or allow it on the server") \
	X(PADDING_TOO_LARGE, "padding-too-large", ACCEPT_UNSUPPORTED, \
	  "header and padding do not fit into a UDP datagram", "request a smaller Padding Length") \
	X(REFLECT_PADDING, "reflect-padding", ACCEPT_UNSUPPORTED, \
	  "Padding Length is too small for the octets to be reflected", \
	  "request more padding or fewer octets to be reflected") \
	X(TIMEOUT_TOO_LARGE, "timeout-too-large", ACCEPT_UNSUPPORTED, \
	  "Timeout is above timers.max_timeout of the server", \
	  "request a shorter Timeout, or raise timers.max_timeout") \
	X(UNEXPECTED_COMMAND, "unexpected-command", ACCEPT_UNSUPPORTED, \
	  "unknown command, or one that is not allowed now", \
	  "update the client: it speaks another protocol or a newer version") \
	X(BUSY_TESTING, "busy-testing", ACCEPT_UNSUPPORTED, \
	  "request while the sessions of this connection are running", \
	  "stop the running sessions first, or use another connection") \
	X(WRONG_STATE, "wrong-state", ACCEPT_UNSUPPORTED, \
	  "Start-Sessions while the sessions of this connection are running", "stop them first") \
	X(ALREADY_STARTED, "already-started", ACCEPT_UNSUPPORTED, \
	  "this session is already started", "name each SID once") \
	X(ALREADY_STOPPED, "already-stopped", ACCEPT_UNSUPPORTED, \
	  "this session is already stopped", "name each SID once") \
	X(MAX_CONNECTIONS, "max-connections", ACCEPT_PERMANENT, \
	  "limits.max_connections is reached", \
	  "raise limits.max_connections, or close connections that are not needed") \
	X(MAX_CONNECTIONS_PER_CLIENT, "max-connections-per-client", ACCEPT_PERMANENT, \
	  "limits.max_connections_per_client is reached for this address", \
	  "raise limits.max_connections_per_client, or use fewer connections from this client") \
	X(MAX_CONNECTIONS_PER_CLASS, "max-connections-per-class", ACCEPT_PERMANENT, \
	  "limits.max_connections of this class of clients is reached", \
	  "raise limits.max_connections in the entry of clients, or close connections that are not needed") \
	X(MAX_SESSIONS, "max-sessions", ACCEPT_PERMANENT, "limits.max_sessions is reached", \
	  "raise limits.max_sessions, or end sessions that are not needed") \
	X(MAX_SESSIONS_PER_CLASS, "max-sessions-per-class", ACCEPT_PERMANENT, \
	  "limits.max_sessions of this class of clients is reached", \
	  "raise limits.max_sessions in the entry of clients, or end sessions that are not needed") \
	X(MAX_SESSIONS_PER_CLIENT, "max-sessions-per-client", ACCEPT_PERMANENT, \
	  "limits.max_sessions_per_client is reached for this address", \
	  "raise limits.max_sessions_per_client, or end sessions of this client") \
	X(MAX_SESSIONS_PER_CONNECTION, "max-sessions-per-connection", ACCEPT_PERMANENT, \
	  "limits.max_sessions_per_connection is reached", \
	  "raise limits.max_sessions_per_connection, or use a second connection") \
	X(NO_PORT, "no-port", ACCEPT_PERMANENT, \
	  "no UDP port is free between ports.first and ports.last", \
	  "widen the range ports.first to ports.last, or end sessions that are not needed") \
	X(MAX_PADDING, "max-padding", ACCEPT_PERMANENT, \
	  "Padding Length is above limits.max_padding", \
	  "request a smaller Padding Length, or raise limits.max_padding") \
	X(BUFFER_SIZE, "buffer-size", ACCEPT_PERMANENT, \
	  "the kernel cannot buffer packets of this size", \
	  "request smaller packets, or raise net.core.rmem_max and net.core.wmem_max") \
	X(CLASS_QUOTA, "class-quota", ACCEPT_PERMANENT, \
	  "the class of this client has a limit of zero", "raise the limit of the class") \
	X(RATE_LIMIT, "rate-limit", ACCEPT_TEMPORARY, \
	  "requests come faster than limits.request_rate", \
	  "slow down and try again later, or raise limits.request_rate") \
	X(CONNECTION_RATE, "connection-rate", ACCEPT_TEMPORARY, \
	  "connections come faster than limits.connection_rate", \
	  "slow down and try again later, use one connection for several sessions, or raise limits.connection_rate") \
	X(AUTH_RATE, "auth-rate", ACCEPT_TEMPORARY, \
	  "too many failed authentications from this address with this KeyID", \
	  "compare KeyID and passphrase on both ends, wait a minute, then try again") \
	X(ABANDON_RATE, "abandon-rate", ACCEPT_TEMPORARY, \
	  "this address disconnected too often while its key was derived", \
	  "make the client wait longer for Server-Start, try again after a minute, or raise auth.abandon_rate") \
	X(MEMORY_LOW, "memory-low", ACCEPT_TEMPORARY, "the server is short of memory", \
	  "try again later; give the server more memory or lower its limits") \
	X(DESCRIPTORS_LOW, "descriptors-low", ACCEPT_TEMPORARY, \
	  "the server is short of file descriptors", \
	  "try again later; raise LimitNOFILE of the service or lower its limits") \
	X(CPU_LOAD, "cpu-load", ACCEPT_TEMPORARY, "the server is overloaded", \
	  "try again later; use fewer sessions or lower packet rates") \
	X(KDF_QUEUE, "kdf-queue", ACCEPT_TEMPORARY, "too many clients authenticate at once", \
	  "try again later") \
	X(TUPLE_IN_USE, "tuple-in-use", ACCEPT_TEMPORARY, \
	  "another session has the same addresses and Sender Port, on a port that sessions share", \
	  "use another Sender Port, or try again when that session has ended") \
	X(NET_BUFFERS, "net-buffers", ACCEPT_TEMPORARY, "the kernel is short of network buffers", \
	  "try again later; look at the drops tx and rcvbuf, and at net.ipv4.udp_mem and net.core.rmem_max") \
	X(DRAINING, "draining", ACCEPT_TEMPORARY, \
	  "the server is draining and accepts no new connections or sessions", \
	  "try again later, or use another server")

#define REASON_KEY_MAX 31 /* characters of a key */

enum reason {
#define X(name, key, code, text, remedy) REASON_##name,
	ACCEPT_REASONS(X)
#undef X
		REASON_COUNT
};

struct reason_info {
	const char *key; /* "max-sessions": journal field TWAMPD_REASON, label of counters */
	enum accept_code code;
	const char *text; /* what happened */
	const char *remedy; /* what to do */
};

/** Text of a reason; asserts that it is one. Never NULL. */
const struct reason_info *reason_info(enum reason r);

/** The reason of a key. False if there is none. */
bool reason_by_key(const char *key, enum reason *r);
