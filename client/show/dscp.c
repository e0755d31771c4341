// SPDX-License-Identifier: BSD-2-Clause
#include "client/show/dscp.h"

#include "base/value.h"

#include <strings.h>

/* The first name of a value is the one that is printed. */
static const struct {
	const char *name;
	uint8_t value;
	const char *use;
} table[] = {
	{ "CS0", 0, "default, best effort" },
	{ "BE", 0, "other name of CS0" },
	{ "DF", 0, "other name of CS0" },
	{ "LE", 1, "lower effort (RFC 8622)" },
	{ "CS1", 8, "class selector 1" },
	{ "AF11", 10, "assured forwarding 1, low drop" },
	{ "AF12", 12, "assured forwarding 1, medium drop" },
	{ "AF13", 14, "assured forwarding 1, high drop" },
	{ "CS2", 16, "class selector 2" },
	{ "AF21", 18, "assured forwarding 2, low drop" },
	{ "AF22", 20, "assured forwarding 2, medium drop" },
	{ "AF23", 22, "assured forwarding 2, high drop" },
	{ "CS3", 24, "class selector 3" },
	{ "AF31", 26, "assured forwarding 3, low drop" },
	{ "AF32", 28, "assured forwarding 3, medium drop" },
	{ "AF33", 30, "assured forwarding 3, high drop" },
	{ "CS4", 32, "class selector 4" },
	{ "AF41", 34, "assured forwarding 4, low drop" },
	{ "AF42", 36, "assured forwarding 4, medium drop" },
	{ "AF43", 38, "assured forwarding 4, high drop" },
	{ "CS5", 40, "class selector 5" },
	{ "VA", 44, "voice admit (RFC 5865)" },
	{ "EF", 46, "expedited forwarding" },
	{ "CS6", 48, "class selector 6, network control" },
	{ "CS7", 56, "class selector 7" },
};
#define TABLE_COUNT (sizeof(table) / sizeof(table[0]))

bool dscp_parse(const char *text, uint8_t *dscp)
{
	uint64_t number;

	for (size_t i = 0; i < TABLE_COUNT; i++) {
		if (strcasecmp(text, table[i].name) == 0) {
			*dscp = table[i].value;
			return true;
		}
	}
	if (!value_number(text, 0, 63, &number)) {
		return false;
	}
	*dscp = (uint8_t)number;
	return true;
}

const char *dscp_name(uint8_t dscp)
{
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		if (table[i].value == dscp) {
			return table[i].name;
		}
	}
	return NULL;
}

void dscp_print_table(FILE *to)
{
	fprintf(to, "%-5s %4s %6s %6s  %s\n", "Name", "DSCP", "binary", "octet", "Use");
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		unsigned v = table[i].value;
		char bits[7];

		for (int bit = 0; bit < 6; bit++) {
			bits[bit] = v & (32u >> bit) ? '1' : '0';
		}
		bits[6] = '\0';
		fprintf(to, "%-5s %4u %6s   0x%02x  %s\n", table[i].name, v, bits, v << 2,
			table[i].use);
	}
}
