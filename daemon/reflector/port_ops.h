// SPDX-License-Identifier: BSD-2-Clause
/*
 * The seam between sessions and the sockets that their packets come in by: one of its own
 * (ownport.c), or one that many share (shared.c). What sessions have in common is in udp.c and
 * worker.c, which know of no kind of port.
 */
#pragma once

#include "daemon/reflector/inside.h"
#include "daemon/reflector/reflect.h"

struct port_ops {
	/* --- main thread --- */

	/**
	 * Find a place and thread for the session: u->worker, port, fd and run_octets are set.
	 * Return as udp_open; -ENOENT: it is to have another kind of port.
	 */
	int (*open)(struct reflector *r, const struct session_spec *spec, uint16_t first,
		    uint16_t last, struct udp_session *u);

	/** The place that it had in another process; @fd is its socket, or -1. Return 0 or negative
	 * errno; then @fd is still the caller's. */
	int (*adopt)(struct reflector *r, const struct session_spec *spec, uint16_t port, int fd,
		     struct udp_session *u);

	/** It is complete: its thread may know it. */
	void (*publish)(struct udp_session *u);

	/** Packets that arrive from now on are answered; keys are set. Return 0 or negative errno. */
	int (*start)(struct udp_session *u);

	/**
	 * From now on it hears nothing; its place is free at once if it was not started. False if
	 * it is over with that: its thread has nothing to do.
	 */
	bool (*mute)(struct udp_session *u);

	/** Its place is free. Once. */
	void (*release)(struct udp_session *u);

	/** The last of it: no thread knows it. Also after an open that failed. */
	void (*leave)(struct udp_session *u);

	/** Its own socket, or -1. */
	int (*descriptor)(const struct udp_session *u);

	/** While halted: what goes to the next process, or comes from the one before. */
	void (*carry)(struct carry *c, struct udp_session *u);

	/* --- its thread --- */

	/** Call @readable when packets come, unless somebody else reads them. */
	void (*watch)(struct worker *w, struct udp_session *u,
		      void (*readable)(struct ev_loop *loop, ev_io *io, int events));

	/** Answer what waits, up to REFLECT_BURST packets. */
	enum reflect_result (*burst)(struct worker *w, struct udp_session *u);

	/** It has ended: count what the queue had no room for, and let go of the socket. */
	void (*let_go)(struct worker *w, struct udp_session *u);
};

extern const struct port_ops ownport_ops, shared_ops;
