// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool address_same_host(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       !memcmp(a->ip, b->ip, sizeof a->ip);
}

bool address_same_port(const struct address *a, const struct address *b)
{
	return address_same_host(a, b) && a->port == b->port;
}

bool address_is_any(const struct address *a)
{
	static const uint8_t zero[16];

	return !memcmp(a->ip, zero, sizeof zero);
}

bool address_is_link_local(const struct address *a)
{
	return a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool address_is_loopback(const struct address *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == 4 ? a->ip[0] == 127 : !memcmp(a->ip, one, sizeof one);
}

bool address_is_unusable(const struct address *a)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (address_is_any(a)) {
		return true;
	}
	if (a->family == 4) {
		return (a->ip[0] & 0xf0) == 0xe0 || a->ip[0] == 0 || !memcmp(a->ip, broadcast, 4);
	}
	return a->ip[0] == 0xff || !memcmp(a->ip, mapped, sizeof mapped);
}

/* Longest zero run of an IPv6 address as [start, end) in 16-bit groups; RFC 5952 4.2. */
static void find_zeros(const uint16_t g[static 8], int *start, int *end)
{
	*start = *end = -1;
	for (int i = 0; i < 8; i++) {
		int j = i;

		while (j < 8 && !g[j]) {
			j++;
		}
		if (j - i > *end - *start && j - i > 1) {
			*start = i;
			*end = j;
		}
		if (j > i) {
			i = j - 1;
		}
	}
}

static size_t put_v6(const struct address *a, char *buf, size_t size)
{
	uint16_t g[8];
	int start, end;
	size_t n = 0;

	for (int i = 0; i < 8; i++) {
		g[i] = (uint16_t)(a->ip[2 * i] << 8 | a->ip[2 * i + 1]);
	}
	find_zeros(g, &start, &end);
	for (int i = 0; i < 8 && n < size; i++) {
		if (i == start) {
			n += (size_t)snprintf(buf + n, size - n, "::");
			i = end - 1;
			continue;
		}
		n += (size_t)snprintf(buf + n, size - n, "%s%x", i && i != end ? ":" : "", g[i]);
	}
	return n;
}

char *address_host_text(const struct address *a, char *buf, uint32_t size)
{
	char ip[48];

	if (!size) {
		return buf;
	}
	if (a->family == 4) {
		snprintf(buf, size, "%u.%u.%u.%u", a->ip[0], a->ip[1], a->ip[2], a->ip[3]);
		return buf;
	}
	put_v6(a, ip, sizeof ip);
	if (a->scope) {
		snprintf(buf, size, "%s%%%u", ip, a->scope);
	} else {
		snprintf(buf, size, "%s", ip);
	}
	return buf;
}

char *address_text(const struct address *a, char *buf, uint32_t size)
{
	char host[ADDRESS_TEXT_LEN];

	if (size) {
		snprintf(buf, size, a->family == 4 ? "%s:%u" : "[%s]:%u",
			 address_host_text(a, host, sizeof host), a->port);
	}
	return buf;
}
