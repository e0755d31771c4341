// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the fuzz targets have in common. A target is one file with the entry below: under
 * libFuzzer (meson -Dfuzz=true) it is given new octets for ever, otherwise replay.c gives it the
 * files of its corpus, as a plain test. What must hold and does not ends the process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** One input, of any octets. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(...) \
	do { \
		if (!(__VA_ARGS__)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
				#__VA_ARGS__); \
			abort(); \
		} \
	} while (0)

/* The input as a row of choices; behind its end there are zeros. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t input_octet(struct input *i)
{
	if (!i->left) {
		return 0;
	}
	i->left--;
	return *i->at++;
}

static inline void input_fill(struct input *i, void *to, size_t n)
{
	size_t have = n < i->left ? n : i->left;

	if (have) {
		memcpy(to, i->at, have);
	}
	memset((uint8_t *)to + have, 0, n - have);
	i->at += have;
	i->left -= have;
}

static inline uint16_t input_16(struct input *i)
{
	uint16_t high = input_octet(i);

	return (uint16_t)(high << 8 | input_octet(i));
}

static inline uint32_t input_32(struct input *i)
{
	uint32_t high = input_16(i);

	return high << 16 | input_16(i);
}

static inline uint64_t input_64(struct input *i)
{
	uint64_t high = input_32(i);

	return high << 32 | input_32(i);
}

/* Memory of exactly @n octets, so that AddressSanitizer sees one more. The caller frees it. */
static inline uint8_t *input_take(struct input *i, size_t n)
{
	uint8_t *octets = malloc(n ? n : 1);

	MUST(octets);
	input_fill(i, octets, n);
	return octets;
}
