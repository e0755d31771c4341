// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/control/talk.h"

#include "tests/unit/protocol/vectors.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *file_of(const char *name)
{
	if (!strncmp(name, "greeting", 8) || !strncmp(name, "setup", 5) ||
	    !strncmp(name, "serverstart", 11)) {
		return "handshake.hex";
	}
	/* isc.unauth. is of the clear ones */
	if (!strncmp(name, "enc.", 4) || !strncmp(name, "isc.c2s.", 8) ||
	    !strncmp(name, "isc.s2c.", 8)) {
		return "cipher.hex";
	}
	return "control.hex";
}

static size_t put_vector(const char *name, uint8_t *out, size_t size)
{
	struct vectors *all = vectors_load(file_of(name));
	const struct vector *v = vectors_get(all, name);
	size_t n = v->n;

	ck_assert_uint_le(n, size);
	memcpy(out, v->octets, n);
	vectors_free(all);
	return n;
}

static size_t put_token(uint8_t *out, size_t size)
{
	uint8_t setup[MSG_SETUP_LEN];

	put_vector("setup.mode4", setup, sizeof(setup));
	ck_assert_uint_ge(size, MSG_TOKEN_LEN + MSG_BLOCK);
	memcpy(out, setup + 84, MSG_TOKEN_LEN + MSG_BLOCK);
	return MSG_TOKEN_LEN + MSG_BLOCK;
}

static size_t put_digits(const char *digits, uint8_t *out, size_t size)
{
	size_t n = 0;

	while (isxdigit((unsigned char)digits[0])) {
		char two[3] = { digits[0], digits[1], '\0' };

		ck_assert_msg(isxdigit((unsigned char)two[1]), "odd digits");
		ck_assert_uint_lt(n, size);
		out[n++] = (uint8_t)strtoul(two, NULL, 16);
		digits += 2;
	}
	if (*digits == '*') {
		size_t times = strtoul(digits + 1, NULL, 10);

		ck_assert_uint_eq(n, 1);
		ck_assert_uint_le(times, size);
		memset(out, out[0], times);
		n = times;
	}
	return n;
}

size_t talk_hex(const char *text, uint8_t *out, size_t size)
{
	char word[512];
	int used;
	size_t n = 0;

	while (sscanf(text, "%511s%n", word, &used) == 1) {
		text += used;
		if (!strcmp(word, "$token")) { /* Token and Client-IV of Set-Up-Response */
			n += put_token(out + n, size - n);
		} else if (word[0] == '$') {
			n += put_vector(word + 1, out + n, size - n);
		} else {
			n += put_digits(word, out + n, size - n);
		}
	}
	return n;
}
