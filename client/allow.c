// SPDX-License-Identifier: BSD-2-Clause
#include "client/allow.h"

#include "client/value.h"

#include <arpa/inet.h>

bool allow_parse(const char *text, struct allow *to)
{
	const char *slash = strchrnul(text, '/');
	size_t len = (size_t)(slash - text);
	char host[INET6_ADDRSTRLEN];
	uint64_t bits;

	*to = (struct allow){ 0 };
	if (len >= sizeof(host)) {
		return false;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	to->family = strchr(host, ':') ? 6 : 4;
	bits = to->family == 6 ? 128 : 32;
	if (inet_pton(to->family == 6 ? AF_INET6 : AF_INET, host, to->ip) != 1 ||
	    (*slash && !value_number(slash + 1, 0, bits, &bits))) {
		return false;
	}
	to->bits = (uint8_t)bits;
	return true;
}

bool allow_covers(const struct allow *a, uint8_t family, const uint8_t *ip)
{
	unsigned whole = a->bits / 8, rest = a->bits % 8;

	if (a->family != family || memcmp(a->ip, ip, whole) != 0) {
		return false;
	}
	return !rest || ((a->ip[whole] ^ ip[whole]) & (0xff00u >> rest & 0xff)) == 0;
}
