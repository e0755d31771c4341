// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the tests of crypt.h share: the inputs of the known answers.
 */
#pragma once

#include "protocol/crypt.h"
#include "tests/unit/protocol/vectors.h"

#include <check.h>

static inline struct crypt_keys test_keys(const struct vectors *inputs)
{
	struct crypt_keys k;

	memcpy(k.aes, vectors_octets(inputs, "in.aes_session_key", sizeof(k.aes)), sizeof(k.aes));
	memcpy(k.hmac, vectors_octets(inputs, "in.hmac_session_key", sizeof(k.hmac)),
	       sizeof(k.hmac));
	return k;
}

static inline void flip(uint8_t *octets, size_t bit)
{
	octets[bit / 8] = (uint8_t)(octets[bit / 8] ^ 1u << bit % 8);
}

static inline void assert_zeros(const void *what, size_t n)
{
	const uint8_t *octets = what;

	for (size_t i = 0; i < n; i++) {
		if (octets[i] != 0) {
			ck_abort_msg("octet %zu of %zu is not wiped", i, n);
		}
	}
}

/** Run a suite of one case and return what main returns. */
static inline int test_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
