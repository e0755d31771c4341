// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/page.h"

#include <assert.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define HASH_LEN (BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1)

/* Of what stands between two marks, as a browser does it. */
static void hash(const char *from, const char *to, char out[static HASH_LEN])
{
	const char *page = (const char *)page_html, *end;
	const char *begin = memmem(page, page_html_len, from, strlen(from));
	struct sha256_ctx ctx;
	uint8_t digest[SHA256_DIGEST_SIZE];

	assert(begin);
	begin += strlen(from);
	end = memmem(begin, page_html_len - (size_t)(begin - page), to, strlen(to));
	assert(end);
	sha256_init(&ctx);
	sha256_update(&ctx, (size_t)(end - begin), (const uint8_t *)begin);
	sha256_digest(&ctx, sizeof digest, digest);
	base64_encode_raw(out, sizeof digest, digest);
	out[HASH_LEN - 1] = '\0';
}

void page_policy(char to[static PAGE_POLICY_LEN])
{
	char style[HASH_LEN], script[HASH_LEN];

	hash("<style>", "</style>", style);
	hash("<script>", "</script>", script);
	(void)snprintf(to, PAGE_POLICY_LEN,
		       "default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; "
		       "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
		       "frame-ancestors 'none'",
		       style, script);
}
