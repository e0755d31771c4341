// SPDX-License-Identifier: BSD-2-Clause
/*
 * HTTP on the main loop, for metrics and the status page: nothing but GET and HEAD, few
 * connections, answers of bounded size. An answer that takes long to make is made in pieces, one
 * request after the other, a piece at each turn of the loop.
 */
#pragma once

#include "daemon/admin/route.h"

#include <ev.h>

#define HTTP_CONNECTIONS 64 /* with one more, the oldest goes */
#define HTTP_WAITING_OCTETS (32u << 20) /* of all answers that are not read yet */

struct http;

struct http_answer {
	unsigned status; /* 200 */
	const char *type; /* of the body */
	char *body; /* allocated, taken over; or NULL and @fixed */
	const char *fixed; /* lives as long as the server */
	size_t len;
	const char *policy; /* Content-Security-Policy; NULL = nothing is allowed */
};

struct http_request {
	struct route route;
	bool open_metrics; /* wanted */
	void *state; /* of the owner */
	struct http_answer answer;
};

struct http_config {
	void *owner;
	/* A piece of the work, of about a millisecond. True when the answer is complete. */
	bool (*work)(void *owner, struct http_request *q);
	/* The request is over: free its state. It may never have been worked at. */
	void (*forget)(void *owner, struct http_request *q);
};

/** Return 0 or negative errno. */
NODISCARD int http_new(struct http **out, struct ev_loop *loop, const struct http_config *c);
void http_free(struct http *h); /* NULL ok */

/** Serve somebody who is connected: @fd, non-blocking, is taken over in any case. */
void http_serve(struct http *h, int fd);

/** How many are connected. */
unsigned http_connections(const struct http *h);

/** An answer in plain text, of which @text is the whole. */
void http_say(struct http_answer *a, unsigned status, const char *text);
