// SPDX-License-Identifier: BSD-2-Clause
/*
 * Known answers from tests/unit/vectors: text files with a line `name = hex` each, and
 * comments from # on. A vector or file that is missing or malformed ends the program with a
 * message, so that a test cannot pass without it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct vector {
	char *name;
	uint8_t *octets;
	size_t n;
};

struct vectors {
	struct vector *all;
	size_t count;
};

/** All vectors of a file, by its name without the folder. The caller frees them. */
struct vectors *vectors_load(const char *file);
void vectors_free(struct vectors *v);

/** NULL: there is none. */
const struct vector *vectors_find(const struct vectors *v, const char *name);

/** Never NULL. */
const struct vector *vectors_get(const struct vectors *v, const char *name);

/** The octets of a vector, which must be @n. */
const uint8_t *vectors_octets(const struct vectors *v, const char *name, size_t n);

/** A vector of 1 to 8 octets as an integer. */
uint64_t vectors_number(const struct vectors *v, const char *name);
