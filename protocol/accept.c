// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/accept.h"

#include <assert.h>
#include <string.h>

static const struct accept_info infos[ACCEPT_COUNT] = {
	[ACCEPT_OK] = {
		.name = "OK",
		.meaning = "The request was accepted and carried out.",
		.causes = "The connection is set up, the session has its port, or the sessions "
			  "were started or stopped. The port of a session may be another one "
			  "than the client asked for. At the end of a test it means a normal "
			  "end. It says nothing about lost packets.",
		.action = "Nothing to do.",
	},
	[ACCEPT_FAILURE] = {
		.name = "Failure",
		.meaning = "The request was refused for a reason that no other code describes.",
		.causes = "On connecting: the KeyID is unknown to the server, the passphrases "
			  "differ, or the key is right, but the server has no class of clients "
			  "for it. On requesting a session: policy, mostly a Sender Address that "
			  "is not the address of the client, often because of a NAT. On "
			  "starting or stopping: no session was accepted before, or the SID "
			  "belongs to no session of this connection. Codes that TWAMP does not "
			  "define are read as this one.",
		.action = "Look for the reason in the log of the server. Compare KeyID and "
			  "passphrase on both ends, and look at the classes of clients, at the "
			  "source address and for a NAT. If there was no answer at all, no "
			  "Accept code was received: check that the host is reachable and that "
			  "firewalls pass TCP port 862 and the range of UDP ports of the "
			  "server.",
	},
	[ACCEPT_INTERNAL] = {
		.name = "Internal Error",
		.meaning = "The server failed while it worked on an acceptable request.",
		.causes = "A fault in the server, a system call that failed unexpectedly, no "
			  "random numbers or no clock, or memory that ran out after the request "
			  "had been admitted.",
		.action = "Read the log of the server just before the refusal, and check memory "
			  "and file descriptors of the host. Restart the server if the error "
			  "stays, and report it if it comes back.",
	},
	[ACCEPT_UNSUPPORTED] = {
		.name = "Not Supported",
		.meaning = "Some part of the request is not supported by this server.",
		.causes = "On connecting: the client selected a security mode or a feature that "
			  "the server does not offer, or more than one mode. On requesting a "
			  "session: a parameter that cannot be served, such as the IP version, "
			  "an address, Sender Port, Type-P, Padding Length, Timeout or a field "
			  "of OWAMP; or an unknown command, or one that does not fit the moment. "
			  "On starting or stopping: the session is already started or stopped.",
		.action = "Compare the modes and features that the server offers with those that "
			  "the client asks for, or change the parameter that the log of the "
			  "server names. The same request will be refused again.",
	},
	[ACCEPT_PERMANENT] = {
		.name = "Permanent Resource Limitation",
		.meaning = "A fixed limit of the server does not allow the request.",
		.causes = "The largest number of control connections or of test sessions is "
			  "reached, for the whole server, for this client, its class or this "
			  "connection; no UDP port is free in the range of the server; the "
			  "packets are larger than the server allows or the kernel can buffer; "
			  "or the class of the client has a limit of zero.",
		.action = "Raise the limit that the log of the server names, widen the range of "
			  "UDP ports, or use fewer sessions and smaller packets. Waiting helps "
			  "only if other sessions end.",
	},
	[ACCEPT_TEMPORARY] = {
		.name = "Temporary Resource Limitation",
		.meaning = "The server cannot serve the request now, but probably can later.",
		.causes = "Requests come faster than the server allows, it is short of memory, "
			  "file descriptors, processor time or network buffers, too many clients "
			  "authenticate at once, it is draining for maintenance, or another "
			  "session has the same addresses and Sender Port on a port that sessions "
			  "share.",
		.action = "Wait and try again, with a longer pause after each try. If the "
			  "refusals go on, look at the load and the limits of the server, and use "
			  "fewer sessions or lower packet rates.",
	},
};

static const struct reason_info reasons[REASON_COUNT] = {
#define X(name, reason_key, accept, what, todo) \
	[REASON_##name] = { \
		.key = (reason_key), .code = (accept), .text = (what), .remedy = (todo) \
	},
	ACCEPT_REASONS(X)
#undef X
};

const struct accept_info *accept_info(unsigned code)
{
	return &infos[code < ACCEPT_COUNT ? code : ACCEPT_FAILURE];
}

const struct reason_info *reason_info(enum reason r)
{
	assert((unsigned)r < REASON_COUNT);
	return &reasons[r];
}

bool reason_by_key(const char *key, enum reason *r)
{
	for (int i = 0; i < REASON_COUNT; i++) {
		if (!strcmp(reasons[i].key, key)) {
			*r = (enum reason)i;
			return true;
		}
	}
	return false;
}
