// SPDX-License-Identifier: BSD-2-Clause
/*
 * Descriptors that the service manager holds for us and passed to us (sd_listen_fds(3)): sockets
 * that it listens on, with which no capability is needed for port 862, and what the process before
 * left with it (handover.h). Each is looked at before it is used.
 */
#pragma once

#include "daemon/config/kept.h"
#include "protocol/address.h"
#include "protocol/wire.h"

#include <stddef.h>

#define INHERITED_MAX 64 /* of a kind: as many as the settings listen and light have */
#define INHERITED_CONTROL "control" /* FileDescriptorName= of twampd.socket */
#define INHERITED_LIGHT "light" /* of twampd-light.socket */
#define INHERITED_ADMIN "admin" /* for twampctl */

/* Names of what the process before left. */
#define INHERITED_STATE "twampd-state" /* the memory file */
#define INHERITED_SOCKETS "twampd-sockets" /* a Unix stream, all others wait in it to be received */

/* The octet that comes with each lot of these: how they are known. */
#define INHERITED_LOT_COOKIE 'c' /* of a connection or session: by its cookie */
#define INHERITED_LOT_ADDRESS 'a' /* of many clients: by the address it is bound to */
#define INHERITED_LOT_KEPT 's' /* no sockets: the settings in force, and their keys if any */
#define INHERITED_LOT_MAX 253 /* SCM_RIGHTS takes no more */

struct inherited_socket {
	uint64_t cookie; /* of the kernel, for the socket's life */
	int fd; /* -1 = taken */
	bool port; /* INHERITED_LOT_ADDRESS */
	bool given; /* a duplicate of it, by inherited_udp() or inherited_listener() */
};

struct inherited {
	int control[INHERITED_MAX]; /* TCP, listening, IPv4 or IPv6, non-blocking */
	size_t n_control; /* 0 = the settings say where to listen */
	int light[INHERITED_MAX]; /* UDP, bound, IPv4 or IPv6 and not both */
	size_t n_light;
	int admin; /* Unix, listening, non-blocking; -1 = none: the daemon opens it */
	struct inherited_socket *left; /* by the process before, sorted by cookie */
	size_t n_left, room;
	bool any_left; /* even if it was empty */
	int state; /* -1 = the process before left none */
	struct kept kept; /* its settings */
};

/**
 * Take what was passed, if anything. To be called once, before any thread is there. What the
 * process before left stays in the service manager's store as well, whole: who ends before he
 * could take it up loses nothing.
 * Return 0, or negative errno with @why naming the descriptor and what is wrong with it.
 */
NODISCARD int inherited_take(struct inherited *p, char *why, size_t size);

/** Close what nobody took. */
void inherited_free(struct inherited *p);

/** Likewise, when no other process will be given it: no packet goes there any more. */
void inherited_retire(struct inherited *p);

/**
 * The start failed, and somebody has to correct something first: who knocks at the @n sockets that
 * were passed is sent away, so that the service manager does not start the next process for him at
 * once. True if there was anybody.
 */
bool inherited_turn_away(int n);

/** A socket that the process before left, which is the caller's from now on; -1 = none. */
int inherited_socket(struct inherited *p, uint64_t cookie);

/** A listening socket of the process before, the caller's; -1 = no more. */
int inherited_listener(struct inherited *p);

/**
 * A UDP socket of the process before that is bound to this, the caller's; -1 = none;
 * -EEXIST = none, but one that is bound to the port at other addresses holds it for now.
 */
int inherited_udp(struct inherited *p, const struct address *bound, uint32_t device);

/** The start failed with these, and has closed them: it may ask again. */
void inherited_again(struct inherited *p);
