// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/mac.h"

#include "protocol/traces.h"

#include <nettle/memops.h>

void mac_key_init(struct mac_key *k, const void *octets, size_t n)
{
	hmac_sha256_set_key(&k->ready, n, octets);
	traces_clear();
}

void mac_key_wipe(struct mac_key *k)
{
	explicit_bzero(k, sizeof(*k));
}

void mac_sum(const struct mac_key *k, const struct mac_text *text, uint8_t out[static MAC_LEN])
{
	struct hmac_sha256_ctx own = k->ready;

	hmac_sha256_update(&own, text->head_len, text->head);
	if (text->tail_len) {
		hmac_sha256_update(&own, text->tail_len, text->tail);
	}
	hmac_sha256_digest(&own, MAC_LEN, out);
	explicit_bzero(&own, sizeof(own));
}

bool mac_fits(const struct mac_key *k, const struct mac_text *text,
	      const uint8_t mac[static MAC_LEN])
{
	uint8_t right[MAC_LEN];

	mac_sum(k, text, right);
	return memeql_sec(right, mac, MAC_LEN) != 0;
}
