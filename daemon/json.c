// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/json.h"

#include "protocol/utf8.h"

#include <inttypes.h>
#include <string.h>

static void put(struct json *j, const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text, *end = at + len;

	fputc('"', j->to);
	while (at < end) {
		uint32_t code;
		size_t n = utf8_decode(at, (size_t)(end - at), &code);

		if (!n) {
			fputs("\\ufffd", j->to);
			n = 1;
		} else if (code == '"' || code == '\\') {
			fprintf(j->to, "\\%c", (char)code);
		} else if (code < 0x20 || code == 0x7f) {
			fprintf(j->to, "\\u%04" PRIx32, code);
		} else {
			(void)fwrite(at, 1, n, j->to);
		}
		at += n;
	}
	fputc('"', j->to);
}

static void begin(struct json *j, const char *key)
{
	if (j->follows) {
		fputc(',', j->to);
	}
	j->follows = true;
	if (key) {
		put(j, key, strlen(key));
		fputc(':', j->to);
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	fputc(bracket, j->to);
	j->follows = false;
}

void json_close(struct json *j, char bracket)
{
	fputc(bracket, j->to);
	j->follows = true;
}

void json_octets(struct json *j, const char *key, const char *text, size_t len)
{
	begin(j, key);
	put(j, text, len);
}

void json_text(struct json *j, const char *key, const char *text)
{
	json_octets(j, key, text, strlen(text));
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	fprintf(j->to, "%" PRIu64, value);
}
