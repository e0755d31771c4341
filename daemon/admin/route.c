// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/route.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define API "/api/v1/"

/* Those that a status page needs. They read, and no more. */
static const char *const commands[] = { "status",  "sessions", "session",
					"clients", "refused",  "light" };

void route_init(struct route *r, const char *path)
{
	*r = (struct route){ .to = ROUTE_NOWHERE, .limit = ROUTE_LIMIT };
	if (!strcmp(path, "/")) {
		r->to = ROUTE_PAGE;
	} else if (!strcmp(path, "/metrics")) {
		r->to = ROUTE_METRICS;
	} else if (!strncmp(path, API, strlen(API))) {
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
			if (!strcmp(path + strlen(API), commands[i])) {
				r->to = ROUTE_API;
				r->command = commands[i];
			}
		}
	}
}

static bool take_number(const char *text, uint32_t most, uint32_t *to)
{
	uint64_t n = 0;

	if (!*text || strlen(text) > 10) {
		return false;
	}
	for (; *text; text++) {
		if (*text < '0' || *text > '9') {
			return false;
		}
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*to = (uint32_t)n;
	return n <= most;
}

/* Printable, and not long. */
static bool take_text(const char *text, char to[static ROUTE_TEXT_MAX + 1])
{
	if (strlen(text) > ROUTE_TEXT_MAX) {
		return false;
	}
	for (const char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~') {
			return false;
		}
	}
	(void)snprintf(to, ROUTE_TEXT_MAX + 1, "%s", text);
	return true;
}

/* "gaps", and "-gaps" for the smallest first. */
static bool take_sort(struct route *r, const char *text)
{
	r->rising = *text == '-';
	text += r->rising;
	return take_text(text, r->sort) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

static bool is_bad(const char *name, const char *expected, char why[static ROUTE_WHY_LEN])
{
	(void)snprintf(why, ROUTE_WHY_LEN, "%s: %s expected", name, expected);
	return false;
}

bool route_argument(struct route *r, const char *name, const char *value,
		    char why[static ROUTE_WHY_LEN])
{
	value = value ? value : "";
	if (!strcmp(name, "offset")) {
		return take_number(value, ROUTE_OFFSET_MAX, &r->offset) ||
		       is_bad("offset", "a number 0..100000", why);
	}
	if (!strcmp(name, "limit")) {
		return (take_number(value, ROUTE_LIMIT_MAX, &r->limit) && r->limit) ||
		       is_bad("limit", "a number 1..200", why);
	}
	if (!strcmp(name, "since")) {
		return take_number(value, UINT32_MAX, &r->since_s) ||
		       is_bad("since", "a number of seconds", why);
	}
	if (!strcmp(name, "sort")) {
		return take_sort(r, value) || is_bad("sort", "the name of a column", why);
	}
#define X(member) \
	if (!strcmp(name, #member)) { \
		return take_text(value, r->member) || \
		       is_bad(#member, "at most 64 printable characters", why); \
	}
	ROUTE_TEXTS(X)
#undef X
	(void)snprintf(why, ROUTE_WHY_LEN,
		       "there is no such argument, expected: offset, limit, since, sort, client, "
		       "class, key, sid");
	return false;
}

/* The name without the port; an IPv6 address without its brackets. */
static size_t host_part(const char **host)
{
	if (**host == '[') {
		++*host;
		return strcspn(*host, "]");
	}
	return strcspn(*host, ":");
}

bool route_is_local(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "::1" };
	size_t len;

	if (!host) {
		return false;
	}
	len = host_part(&host);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (len == strlen(names[i]) && !strncasecmp(host, names[i], len)) {
			return true;
		}
	}
	return false;
}

bool route_wants_open(const char *accept)
{
	return accept && strstr(accept, "application/openmetrics-text");
}
