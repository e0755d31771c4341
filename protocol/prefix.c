// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static unsigned widest(const struct prefix *p)
{
	return p->family == 6 ? 128 : 32;
}

/* One to three digits, no more than @max. */
static bool parse_bits(const char *text, unsigned max, uint8_t *bits)
{
	size_t len = strspn(text, "0123456789");
	unsigned value = 0;

	if (!len || len > 3 || text[len] || (text[0] == '0' && len > 1)) {
		return false;
	}
	while (*text) {
		value = value * 10 + (unsigned)(*text++ - '0');
	}
	*bits = (uint8_t)value;
	return value <= max;
}

const char *prefix_parse(const char *text, struct prefix *p)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const char *slash = strchrnul(text, '/');
	size_t len = (size_t)(slash - text);
	char host[INET6_ADDRSTRLEN];

	*p = (struct prefix){ 0 };
	if (len >= sizeof(host)) {
		return "is no prefix";
	}
	memcpy(host, text, len);
	host[len] = '\0';
	p->family = strchr(host, ':') ? 6 : 4;
	p->bits = (uint8_t)widest(p);
	if (inet_pton(p->family == 6 ? AF_INET6 : AF_INET, host, p->ip) != 1) {
		return "is no prefix";
	}
	if (*slash && !parse_bits(slash + 1, widest(p), &p->bits)) {
		return p->family == 6 ? "has no length of 0 to 128" : "has no length of 0 to 32";
	}
	if (p->family == 6 && p->bits >= 96 && !memcmp(p->ip, mapped, sizeof(mapped))) {
		return "is IPv4-mapped";
	}
	return NULL;
}

/* The bits of octet @i that belong to the prefix. */
static uint8_t octet_mask(const struct prefix *p, unsigned i)
{
	if (p->bits >= 8 * (i + 1)) {
		return 0xff;
	}
	if (p->bits <= 8 * i) {
		return 0;
	}
	return (uint8_t)(0xff00u >> (p->bits - 8 * i));
}

bool prefix_mask(struct prefix *p)
{
	bool cleared = false;

	for (unsigned i = 0; i < sizeof(p->ip); i++) {
		uint8_t kept = (uint8_t)(p->ip[i] & octet_mask(p, i));

		cleared |= kept != p->ip[i];
		p->ip[i] = kept;
	}
	return cleared;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = memcmp(a->ip, b->ip, sizeof(a->ip));

	if (a->family != b->family) {
		return a->family < b->family ? -1 : 1;
	}
	return order ? order : (a->bits > b->bits) - (a->bits < b->bits);
}

bool prefix_covers(const struct prefix *a, const struct prefix *b)
{
	if (a->family != b->family || a->bits > b->bits) {
		return false;
	}
	for (unsigned i = 0; i < sizeof(a->ip); i++) {
		if ((a->ip[i] ^ b->ip[i]) & octet_mask(a, i)) {
			return false;
		}
	}
	return true;
}

char *prefix_text(const struct prefix *p, char buf[static PREFIX_TEXT_LEN])
{
	char host[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(p->family == 6 ? AF_INET6 : AF_INET, p->ip, host, sizeof(host));
	(void)snprintf(buf, PREFIX_TEXT_LEN, "%s/%u", host, p->bits);
	return buf;
}
