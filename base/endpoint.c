// SPDX-License-Identifier: BSD-2-Clause
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

union endpoint endpoint_of(const struct address *a)
{
	union endpoint e;

	memset(&e, 0, sizeof(e));
	if (a->family == 4) {
		e.v4.sin_family = AF_INET;
		e.v4.sin_port = htons(a->port);
		memcpy(&e.v4.sin_addr, a->ip, sizeof(e.v4.sin_addr));
		return e;
	}
	e.v6.sin6_family = AF_INET6;
	e.v6.sin6_port = htons(a->port);
	e.v6.sin6_scope_id = a->scope;
	memcpy(&e.v6.sin6_addr, a->ip, sizeof(e.v6.sin6_addr));
	return e;
}

struct address endpoint_address(const union endpoint *e)
{
	struct address a = { .family = 4, .port = endpoint_port(e) };

	if (e->any.sa_family == AF_INET) {
		memcpy(a.ip, &e->v4.sin_addr, sizeof(e->v4.sin_addr));
	} else if (IN6_IS_ADDR_V4MAPPED(&e->v6.sin6_addr)) {
		memcpy(a.ip, e->v6.sin6_addr.s6_addr + 12, 4);
	} else {
		a.family = 6;
		memcpy(a.ip, &e->v6.sin6_addr, sizeof(e->v6.sin6_addr));
		a.scope = address_is_link_local(&a) ? e->v6.sin6_scope_id : 0;
	}
	return a;
}

socklen_t endpoint_len(const union endpoint *e)
{
	return e->any.sa_family == AF_INET6 ? sizeof(e->v6) : sizeof(e->v4);
}

uint16_t endpoint_port(const union endpoint *e)
{
	return ntohs(e->any.sa_family == AF_INET6 ? e->v6.sin6_port : e->v4.sin_port);
}

void endpoint_set_port(union endpoint *e, uint16_t port)
{
	if (e->any.sa_family == AF_INET6) {
		e->v6.sin6_port = htons(port);
	} else {
		e->v4.sin_port = htons(port);
	}
}

/* "%eth0", or its number if the interface is gone; "" without a scope. */
static const char *scope_text(const union endpoint *e, char buf[static IF_NAMESIZE + 2])
{
	char name[IF_NAMESIZE];

	buf[0] = '\0';
	if (e->any.sa_family != AF_INET6 || !e->v6.sin6_scope_id) {
		return buf;
	}
	if (if_indextoname(e->v6.sin6_scope_id, name)) {
		(void)snprintf(buf, IF_NAMESIZE + 2, "%%%s", name);
	} else {
		(void)snprintf(buf, IF_NAMESIZE + 2, "%%%u", e->v6.sin6_scope_id);
	}
	return buf;
}

const char *endpoint_text(const union endpoint *e, bool port, char buf[static ENDPOINT_TEXT_LEN])
{
	bool v6 = e->any.sa_family == AF_INET6;
	char host[INET6_ADDRSTRLEN] = "?", scope[IF_NAMESIZE + 2];

	(void)inet_ntop(v6 ? AF_INET6 : AF_INET,
			v6 ? (const void *)&e->v6.sin6_addr : (const void *)&e->v4.sin_addr, host,
			sizeof(host));
	(void)scope_text(e, scope);
	if (!port) {
		(void)snprintf(buf, ENDPOINT_TEXT_LEN, "%s%s", host, scope);
	} else {
		(void)snprintf(buf, ENDPOINT_TEXT_LEN, v6 ? "[%s%s]:%u" : "%s%s:%u", host, scope,
			       endpoint_port(e));
	}
	return buf;
}

bool endpoint_equal(const union endpoint *a, const union endpoint *b)
{
	if (a->any.sa_family != b->any.sa_family || endpoint_port(a) != endpoint_port(b)) {
		return false;
	}
	if (a->any.sa_family == AF_INET6) {
		return !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr));
	}
	return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

int endpoint_bound(int fd, struct address *out)
{
	union endpoint e;
	socklen_t len = sizeof(e);

	memset(&e, 0, sizeof(e));
	*out = (struct address){ .family = 4 };
	if (getsockname(fd, &e.any, &len)) {
		return -errno;
	}
	*out = endpoint_address(&e);
	return 0;
}
