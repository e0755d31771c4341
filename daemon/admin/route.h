// SPDX-License-Identifier: BSD-2-Clause
/*
 * What somebody asks for over HTTP: the path, and the arguments behind the "?". All of it is
 * foreign.
 */
#pragma once

#include "protocol/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum route_to {
	ROUTE_NOWHERE,
	ROUTE_PAGE, /* the status page */
	ROUTE_METRICS,
	ROUTE_API, /* a command of the admin socket that changes nothing */
};

#define ROUTE_LIMIT 50 /* items of a page, when nobody says */
#define ROUTE_LIMIT_MAX 200
#define ROUTE_OFFSET_MAX 100000
#define ROUTE_TEXT_MAX 64 /* octets of an argument */
#define ROUTE_WHY_LEN 160

/* Arguments: X(name) of texts. */
#define ROUTE_TEXTS(X) X(client) X(class) X(key) X(sid)

struct route {
	enum route_to to;
	const char *command; /* of ROUTE_API: "sessions" */
	uint32_t offset, limit; /* the page of the items */
	uint32_t since_s; /* 0 = no matter when */
	bool rising; /* sorted so: else the largest come first */
	char sort[ROUTE_TEXT_MAX + 1]; /* "" = as they come */
#define X(name) char name[ROUTE_TEXT_MAX + 1]; /* "" = any */
	ROUTE_TEXTS(X)
#undef X
};

/** Where it leads; ROUTE_NOWHERE if there is nothing. */
void route_init(struct route *r, const char *path);

/** An argument, decoded; @value NULL = without. False with @why if it is not as it should be. */
NODISCARD bool route_argument(struct route *r, const char *name, const char *value,
			      char why[static ROUTE_WHY_LEN]);

/**
 * Does a header Host name this host itself: localhost, or an address of the loopback? NULL: none
 * was sent. A page of another web site that a browser was told is at 127.0.0.1 has its name there.
 */
bool route_is_local(const char *host);

/** Is OpenMetrics among what a header Accept takes? NULL: none was sent. */
bool route_wants_open(const char *accept);
