// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/mode.h"

#include <stdio.h>
#include <string.h>

/* By bit number. */
static const char *const names[] = {
	"unauthenticated",
	"authenticated",
	"encrypted",
	"mixed",
	"individual-session-control",
	"reflect-octets",
	"symmetrical-size",
	"ikev2",
	"dscp-ecn",
	"ptp-timestamps",
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))
_Static_assert((UINT32_C(1) << NAME_COUNT) - 1 == MODE_KNOWN_MASK, "a name for each known bit");

const char *mode_name(uint32_t bit)
{
	for (unsigned i = 0; i < NAME_COUNT; i++) {
		if (bit == UINT32_C(1) << i) {
			return names[i];
		}
	}
	return NULL;
}

uint32_t mode_by_name(const char *name)
{
	for (unsigned i = 0; i < NAME_COUNT; i++) {
		if (strcmp(name, names[i]) == 0) {
			return UINT32_C(1) << i;
		}
	}
	return 0;
}

/* Adds to the text of @used octets as much as fits; returns the octets used now. */
static size_t append(char *buf, size_t size, size_t used, const char *text)
{
	size_t room = size - 1 - used;
	size_t n = strnlen(text, room);

	memcpy(buf + used, text, n);
	buf[used + n] = '\0';
	return used + n;
}

char *mode_text(uint32_t modes, char *buf, size_t size)
{
	uint32_t unknown = modes & ~MODE_KNOWN_MASK;
	char number[sizeof("0x00000000")];
	size_t used = 0;

	if (size == 0) {
		return buf;
	}
	buf[0] = '\0';
	for (unsigned i = 0; i < NAME_COUNT; i++) {
		if (!(modes & UINT32_C(1) << i)) {
			continue;
		}
		if (used > 0) {
			used = append(buf, size, used, "+");
		}
		used = append(buf, size, used, names[i]);
	}
	if (unknown) {
		(void)snprintf(number, sizeof(number), "0x%x", (unsigned)unknown);
		if (used > 0) {
			used = append(buf, size, used, "+");
		}
		(void)append(buf, size, used, number);
	}
	if (modes == 0) {
		(void)append(buf, size, 0, "none");
	}
	return buf;
}
