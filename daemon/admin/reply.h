// SPDX-License-Identifier: BSD-2-Clause
/*
 * What goes back to somebody who asked on the socket: lines of JSON, in a buffer of bounded size
 * that is sent as fast as it is read. Items first, as many as there are, and then one result or
 * one error (docs/admin.md).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_VERSION 1
#define REPLY_PIECE 32768 /* octets: with so many, what is there goes out before more is made */
#define REPLY_MAX (4 * 1024 * 1024) /* and no answer holds more than that at once */

/* Why there is no result. */
enum reply_error {
	REPLY_BAD_REQUEST, /* it is not what the manual says */
	REPLY_UNKNOWN_COMMAND,
	REPLY_NOT_ALLOWED, /* only root and the daemon's user may */
	REPLY_NOT_FOUND, /* no session, client or class of that name */
	REPLY_REFUSED, /* it was tried, and did not work */
	REPLY_BUSY, /* too many ask at once */
	REPLY_NO_MEMORY,
};

/* Who takes an answer as objects, instead of lines in the buffer. Each reference is taken over. */
struct reply_sink {
	void (*item)(void *context, json_t *item);
	void (*result)(void *context, json_t *result);
	void (*error)(void *context, enum reply_error kind, const char *text);
	void *context;
};

struct reply {
	const struct reply_sink *sink; /* NULL = lines */
	char *octets;
	size_t len, sent, size;
	bool lost; /* no memory, or more than REPLY_MAX: the caller is closed */
	bool complete; /* the last line is in it */
};

/** All is sent: forget it, for the next answer. The memory stays if it is no more than a piece. */
void reply_reset(struct reply *r);
void reply_wipe(struct reply *r);

/** Enough for now. */
bool reply_is_full(const struct reply *r);

/* Each takes the object over, NULL = there was no memory for it. */
void reply_item(struct reply *r, json_t *item);
void reply_result(struct reply *r, json_t *result);
void reply_error(struct reply *r, enum reply_error kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** "not-allowed" and so on. */
const char *reply_error_name(enum reply_error kind);

/** Send what is there, without waiting. Return 0 when all is out, -EAGAIN, or another errno. */
int reply_send(struct reply *r, int fd);
