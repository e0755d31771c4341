// SPDX-License-Identifier: BSD-2-Clause
#include "base/value.h"

#include <string.h>

/* Digits at *at into *number; how many there were, or -1 on overflow. */
static int take_digits(const char **at, uint64_t *number)
{
	int n = 0;

	*number = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++, n++) {
		unsigned digit = (unsigned)(**at - '0');

		if (*number > (UINT64_MAX - digit) / 10) {
			return -1;
		}
		*number = *number * 10 + digit;
	}
	return n;
}

bool value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t n;

	if (take_digits(&text, &n) <= 0 || *text || n < min || n > max) {
		return false;
	}
	*number = n;
	return true;
}

static bool find_unit(const char *text, uint64_t *unit_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "", 1000000000 },
		      { "s", 1000000000 },
		      { "ms", 1000000 },
		      { "us", 1000 },
		      { "ns", 1 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].name) == 0) {
			*unit_ns = units[i].ns;
			return true;
		}
	}
	return false;
}

bool value_duration_ns(const char *text, int64_t *ns)
{
	uint64_t whole, fraction = 0, scale = 1, unit;
	int digits = take_digits(&text, &whole), decimals = 0;

	if (digits < 0) {
		return false;
	}
	if (*text == '.') {
		text++;
		decimals = take_digits(&text, &fraction);
		if (decimals < 1 || decimals > 9) {
			return false;
		}
		for (int i = 0; i < decimals; i++) {
			scale *= 10;
		}
	}
	/* 10^8 s keeps every product below 2^63 */
	if (digits + decimals == 0 || !find_unit(text, &unit) || whole > 100000000) {
		return false;
	}
	*ns = (int64_t)(whole * unit + fraction * unit / scale);
	return true;
}

bool value_port_range(const char *text, uint16_t *first, uint16_t *last)
{
	uint64_t a, b;

	if (take_digits(&text, &a) <= 0) {
		return false;
	}
	b = a;
	if (*text == '-') {
		text++;
		if (take_digits(&text, &b) <= 0) {
			return false;
		}
	}
	if (*text || a < 1 || b > 65535 || a > b) {
		return false;
	}
	*first = (uint16_t)a;
	*last = (uint16_t)b;
	return true;
}

static bool copy_host(char *host, size_t size, const char *from, size_t n)
{
	if (n == 0 || n >= size) {
		return false;
	}
	memcpy(host, from, n);
	host[n] = '\0';
	return true;
}

bool value_endpoint(const char *text, char *host, size_t size, uint16_t *port)
{
	const char *colon = strchr(text, ':');
	const char *end;
	uint64_t number;

	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || !copy_host(host, size, text + 1, (size_t)(end - text - 1))) {
			return false;
		}
		if (end[1] == '\0') {
			return true;
		}
		colon = end + 1;
		if (*colon != ':') {
			return false;
		}
	} else if (!colon || strchr(colon + 1, ':')) {
		/* no colon, or several: a bare IPv6 address */
		return copy_host(host, size, text, strlen(text));
	} else if (!copy_host(host, size, text, (size_t)(colon - text))) {
		return false;
	}
	if (!value_number(colon + 1, 1, 65535, &number)) {
		return false;
	}
	*port = (uint16_t)number;
	return true;
}
