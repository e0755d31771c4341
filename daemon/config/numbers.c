// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/numbers.h"

#include "protocol/mode.h"

#include <inttypes.h>
#include <string.h>

#define PERCENT 1000u /* thousandths */

/* Adds to the text in @buf what fits. */
static void add(char buf[static SCHEMA_TEXT_LEN], const char *before, const char *name)
{
	size_t len = strlen(buf);

	(void)snprintf(buf + len, SCHEMA_TEXT_LEN - len, "%s\"%s\"", before, name);
}

static void add_modes(char buf[static SCHEMA_TEXT_LEN], uint32_t modes)
{
	const char *before = "";

	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (!(modes & bit)) {
			continue;
		}
		add(buf, before, mode_name(bit));
		before = ", ";
	}
}

void numbers_accept_integer(const struct schema_row *row, enum schema_scope where,
			    char buf[static SCHEMA_TEXT_LEN])
{
	(void)snprintf(buf, SCHEMA_TEXT_LEN, "integer %u..%u", schema_min(row, where), row->max);
}

void numbers_accept_power(const struct schema_row *row, enum schema_scope where,
			  char buf[static SCHEMA_TEXT_LEN])
{
	(void)snprintf(buf, SCHEMA_TEXT_LEN, "power of two %u..%u", schema_min(row, where),
		       row->max);
}

void numbers_accept_choice(const struct schema_row *row, enum schema_scope where,
			   char buf[static SCHEMA_TEXT_LEN])
{
	const struct schema_choice *c = row->choices;

	add(buf, "one of ", c->name);
	while ((++c)->name) {
		add(buf, ", ", c->name);
	}
}

void numbers_accept_modes(const struct schema_row *row, enum schema_scope where,
			  char buf[static SCHEMA_TEXT_LEN])
{
	(void)snprintf(buf, SCHEMA_TEXT_LEN, "array of ");
	add_modes(buf, row->accepted);
}

void numbers_text_integer(const struct schema_row *row, uint64_t value,
			  char buf[static SCHEMA_TEXT_LEN])
{
	(void)snprintf(buf, SCHEMA_TEXT_LEN, "%" PRIu64, value);
}

/* Always with a point: so it is a percentage wherever it is read. */
void numbers_text_percent(const struct schema_row *row, uint64_t value,
			  char buf[static SCHEMA_TEXT_LEN])
{
	int len = snprintf(buf, SCHEMA_TEXT_LEN, "%" PRIu64 ".%03" PRIu64, value / PERCENT,
			   value % PERCENT);

	while (len > 1 && buf[len - 1] == '0' && buf[len - 2] != '.') {
		buf[--len] = '\0';
	}
}

void numbers_text_boolean(const struct schema_row *row, uint64_t value,
			  char buf[static SCHEMA_TEXT_LEN])
{
	(void)snprintf(buf, SCHEMA_TEXT_LEN, "%s", value ? "true" : "false");
}

void numbers_text_choice(const struct schema_row *row, uint64_t value,
			 char buf[static SCHEMA_TEXT_LEN])
{
	for (const struct schema_choice *c = row->choices; c->name; c++) {
		if (c->value == value) {
			add(buf, "", c->name);
		}
	}
}

/* At worst 10 digits and 53 pairs of them: 244 octets. */
void numbers_text_dscp(const struct schema_row *row, uint64_t value,
		       char buf[static SCHEMA_TEXT_LEN])
{
	const char *before = "[ ";

	if (value == SCHEMA_DSCP_ALL) {
		add(buf, "", "all");
		return;
	}
	if (!value) {
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "[ ]");
		return;
	}
	for (unsigned n = 0; n < 64; n++) {
		size_t len = strlen(buf);

		if (!(value >> n & 1)) {
			continue;
		}
		(void)snprintf(buf + len, SCHEMA_TEXT_LEN - len, "%s%u", before, n);
		before = ", ";
	}
	(void)snprintf(buf + strlen(buf), SCHEMA_TEXT_LEN - strlen(buf), " ]");
}

void numbers_text_reply_dscp(const struct schema_row *row, uint64_t value,
			     char buf[static SCHEMA_TEXT_LEN])
{
	if (value == SETTINGS_DSCP_COPY) {
		add(buf, "", "copy");
	} else {
		numbers_text_integer(row, value, buf);
	}
}

void numbers_text_modes(const struct schema_row *row, uint64_t value,
			char buf[static SCHEMA_TEXT_LEN])
{
	(void)snprintf(buf, SCHEMA_TEXT_LEN, "[ ");
	add_modes(buf, (uint32_t)value);
	(void)snprintf(buf + strlen(buf), SCHEMA_TEXT_LEN - strlen(buf), value ? " ]" : "]");
}

void numbers_accept_set(const struct schema_row *row, enum schema_scope where,
			char buf[static SCHEMA_TEXT_LEN])
{
	const struct schema_choice *c = row->choices;

	add(buf, "array of ", c->name);
	while ((++c)->name) {
		add(buf, ", ", c->name);
	}
}

void numbers_text_set(const struct schema_row *row, uint64_t value,
		      char buf[static SCHEMA_TEXT_LEN])
{
	const char *before = "[ ";

	for (const struct schema_choice *c = row->choices; c->name; c++) {
		if (value & c->value) {
			add(buf, before, c->name);
			before = ", ";
		}
	}
	(void)snprintf(buf + strlen(buf), SCHEMA_TEXT_LEN - strlen(buf), value ? " ]" : "[ ]");
}
