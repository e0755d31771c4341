// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/mac.h"

#include "protocol/traces.h"

#include <nettle/memops.h>

void mac_key_init(struct mac_key *k, const void *octets, size_t n)
{
	hmac_sha256_set_key(&k->ready, n, octets);
	traces_clear();
}

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *read_hex(struct mac_key *k, const uint8_t *digits, size_t n)
{
	const char *fault = NULL;
	uint8_t octets[MAC_KEY_MAX];

	for (size_t i = 0; i < n / 2; i++) {
		int high = digit_of(digits[2 * i]), low = digit_of(digits[2 * i + 1]);

		if (high < 0 || low < 0) {
			fault = "has something else than hex digits";
			break;
		}
		octets[i] = (uint8_t)(high << 4 | low);
	}
	if (!fault) {
		mac_key_init(k, octets, n / 2);
	}
	explicit_bzero(octets, sizeof(octets));
	return fault;
}

const char *mac_key_read(struct mac_key *k, const uint8_t *passphrase, size_t n, bool hex)
{
	if (hex && n % 2 != 0) {
		return "has an odd number of hex digits";
	}
	if (n / (hex ? 2 : 1) < MAC_KEY_MIN) {
		return hex ? "means a key of less than 16 octets (32 hex digits)"
			   : "is shorter than 16 octets";
	}
	if (n / (hex ? 2 : 1) > MAC_KEY_MAX) {
		return "is longer than 1024 octets";
	}
	if (hex) {
		return read_hex(k, passphrase, n);
	}
	mac_key_init(k, passphrase, n);
	return NULL;
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
