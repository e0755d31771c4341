// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TEXT_MAX 1024
#define FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9))

static bool fit(struct reply *r, size_t more)
{
	size_t size = r->size ? r->size : REPLY_PIECE + 4096;
	char *octets;

	while (size < r->len + more) {
		size *= 2;
	}
	if (size == r->size) {
		return true;
	}
	octets = size > REPLY_MAX ? NULL : realloc(r->octets, size);
	if (!octets) {
		r->lost = true;
		return false;
	}
	r->octets = octets;
	r->size = size;
	return true;
}

static int put(const char *octets, size_t len, void *to)
{
	struct reply *r = to;

	if (!fit(r, len)) {
		return -1;
	}
	memcpy(r->octets + r->len, octets, len);
	r->len += len;
	return 0;
}

static int put_text(struct reply *r, const char *text)
{
	return put(text, strlen(text), r);
}

static void put_line(struct reply *r, const char *head, json_t *value)
{
	if (!value || r->lost || put_text(r, head) || json_dump_callback(value, put, r, FLAGS) ||
	    put_text(r, "}\n")) {
		r->lost = true;
	}
	json_decref(value);
}

void reply_reset(struct reply *r)
{
	r->len = r->sent = 0;
	r->complete = false;
	if (r->size > 2 * REPLY_PIECE) {
		reply_wipe(r);
	}
}

void reply_wipe(struct reply *r)
{
	free(r->octets);
	*r = (struct reply){ .lost = r->lost, .sink = r->sink };
}

bool reply_is_full(const struct reply *r)
{
	return r->lost || r->len >= REPLY_PIECE;
}

void reply_item(struct reply *r, json_t *item)
{
	if (r->sink) {
		r->sink->item(r->sink->context, item);
		return;
	}
	put_line(r, "{\"item\":", item);
}

void reply_result(struct reply *r, json_t *result)
{
	if (r->sink) {
		r->sink->result(r->sink->context, result);
	} else {
		put_line(r, "{\"v\":1,\"ok\":true,\"result\":", result);
	}
	r->complete = true;
}

const char *reply_error_name(enum reply_error kind)
{
	switch (kind) {
	case REPLY_BAD_REQUEST:
		return "bad-request";
	case REPLY_UNKNOWN_COMMAND:
		return "unknown-command";
	case REPLY_NOT_ALLOWED:
		return "not-allowed";
	case REPLY_NOT_FOUND:
		return "not-found";
	case REPLY_REFUSED:
		return "refused";
	case REPLY_BUSY:
		return "busy";
	case REPLY_NO_MEMORY:
		return "no-memory";
	}
	return "";
}

void reply_error(struct reply *r, enum reply_error kind, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	r->complete = true;
	if (r->sink) {
		r->sink->error(r->sink->context, kind, text);
		return;
	}
	put_line(r, "{\"v\":1,\"ok\":false,\"error\":",
		 json_pack("{s:s,s:s}", "kind", reply_error_name(kind), "text", text));
}

int reply_send(struct reply *r, int fd)
{
	while (r->sent < r->len) {
		ssize_t n = send(fd, r->octets + r->sent, r->len - r->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		}
		r->sent += n > 0 ? (size_t)n : 0;
	}
	r->len = r->sent = 0;
	return 0;
}
