// SPDX-License-Identifier: BSD-2-Clause
#include "client/cli/keygen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Base32 of RFC 4648 6 in small letters: no letter looks like a digit of it. */
static void write_base32(char *to, const uint8_t random[static KEYGEN_RANDOM_OCTETS])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (size_t i = 0; i < KEYGEN_PASSPHRASE_LEN; i++) {
		size_t bit = i * 5;
		unsigned two = (unsigned)random[bit / 8] << 8;

		two |= bit / 8 + 1 < KEYGEN_RANDOM_OCTETS ? random[bit / 8 + 1] : 0;
		to[i] = letters[two >> (11 - bit % 8) & 31];
	}
	to[KEYGEN_PASSPHRASE_LEN] = '\0';
}

void keygen_line(char line[static KEYGEN_LINE_LEN], const char *key_id,
		 const uint8_t random[static KEYGEN_RANDOM_OCTETS])
{
	size_t n = strnlen(key_id, KEYLINE_ID_MAX);

	memcpy(line, key_id, n);
	line[n] = ' ';
	write_base32(line + n + 1, random);
	memcpy(line + n + 1 + KEYGEN_PASSPHRASE_LEN, "\n", 2);
}

/* Not through stdio, whose buffers keep what they have seen. */
static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int keygen_write(int fd, const char *key_id)
{
	uint8_t random[KEYGEN_RANDOM_OCTETS];
	char line[KEYGEN_LINE_LEN];
	int r;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		return -EIO;
	}
	keygen_line(line, key_id, random);
	r = write_all(fd, line, strlen(line));
	explicit_bzero(random, sizeof(random));
	explicit_bzero(line, sizeof(line));
	return r;
}
