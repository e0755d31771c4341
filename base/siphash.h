// SPDX-License-Identifier: BSD-2-Clause
/*
 * SipHash-1-3 of whole words: for tables whose keys come from whoever can send a packet. With a
 * random seed nobody can aim at one bucket.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

static inline uint64_t siphash_rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static inline void siphash_mix(uint64_t v[static 4])
{
	v[0] += v[1];
	v[1] = siphash_rotate(v[1], 13) ^ v[0];
	v[0] = siphash_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = siphash_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = siphash_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = siphash_rotate(v[1], 17) ^ v[2];
	v[2] = siphash_rotate(v[2], 32);
}

static inline uint64_t siphash(const uint64_t seed[static 2], const uint64_t *words, size_t n)
{
	uint64_t v[4] = { seed[0] ^ UINT64_C(0x736f6d6570736575),
			  seed[1] ^ UINT64_C(0x646f72616e646f6d),
			  seed[0] ^ UINT64_C(0x6c7967656e657261),
			  seed[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t last = (uint64_t)n * 8 << 56;

	for (size_t i = 0; i <= n; i++) {
		uint64_t word = i < n ? words[i] : last;

		v[3] ^= word;
		siphash_mix(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++) {
		siphash_mix(v);
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
