// SPDX-License-Identifier: BSD-2-Clause
/*
 * The crypto floor: verify a sender packet and protect the reply, with bare nettle, and
 * nothing else. yard-crypto authenticated|encrypted SECONDS prints ns of CPU per packet.
 */
#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK 16
#define SEND_COVERED 32 /* encrypted mode; authenticated: one block in both directions */
#define REPLY_COVERED 96
#define PER_CLOCK 256

struct keys {
	struct aes128_ctx encrypt, decrypt;
	struct hmac_sha1_ctx hmac;
};

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void encrypt(struct keys *k, int encrypted, uint8_t *at, size_t n)
{
	uint8_t iv[BLOCK] = { 0 };

	if (encrypted) {
		cbc_encrypt(&k->encrypt, (nettle_cipher_func *)aes128_encrypt, BLOCK, iv, n, at, at);
	} else {
		aes128_encrypt(&k->encrypt, BLOCK, at, at);
	}
}

static int open_send(struct keys *k, int encrypted, uint8_t *p)
{
	uint8_t tag[BLOCK], iv[BLOCK] = { 0 };
	size_t n = encrypted ? SEND_COVERED : BLOCK;

	if (encrypted) {
		cbc_decrypt(&k->decrypt, (nettle_cipher_func *)aes128_decrypt, BLOCK, iv, n, p, p);
	} else {
		aes128_decrypt(&k->decrypt, BLOCK, p, p);
	}
	hmac_sha1_update(&k->hmac, n, p);
	hmac_sha1_digest(&k->hmac, sizeof(tag), tag);
	return memeql_sec(tag, p + 32, sizeof(tag));
}

static void seal_reply(struct keys *k, int encrypted, uint8_t *p)
{
	size_t n = encrypted ? REPLY_COVERED : BLOCK;

	hmac_sha1_update(&k->hmac, n, p);
	hmac_sha1_digest(&k->hmac, BLOCK, p + 96);
	encrypt(k, encrypted, p, n);
}

int main(int argc, char **argv)
{
	uint8_t key[32], packet[48], work[48], reply[112] = { 0 };
	struct keys k;
	unsigned long count = 0, good = 0;
	double begin, end, limit;
	int encrypted;

	if (argc != 3) {
		fprintf(stderr, "usage: yard-crypto authenticated|encrypted SECONDS\n");
		return 2;
	}
	encrypted = !strcmp(argv[1], "encrypted");
	limit = atof(argv[2]) * 1e9;
	for (size_t i = 0; i < sizeof(key); i++) {
		key[i] = (uint8_t)(i * 37 + 11);
	}
	aes128_set_encrypt_key(&k.encrypt, key);
	aes128_set_decrypt_key(&k.decrypt, key);
	hmac_sha1_set_key(&k.hmac, sizeof(key), key);
	memset(packet, 7, sizeof(packet));
	hmac_sha1_update(&k.hmac, encrypted ? SEND_COVERED : BLOCK, packet);
	hmac_sha1_digest(&k.hmac, BLOCK, packet + 32);
	encrypt(&k, encrypted, packet, SEND_COVERED);
	begin = cpu_ns();
	do {
		for (int i = 0; i < PER_CLOCK; i++, count++) {
			memcpy(work, packet, sizeof(work));
			good += (unsigned long)open_send(&k, encrypted, work);
			memcpy(reply + 48, work, 32);
			reply[0] = (uint8_t)i;
			seal_reply(&k, encrypted, reply);
		}
		end = cpu_ns();
	} while (end - begin < limit);
	if (good != count) {
		fprintf(stderr, "the HMAC does not fit\n");
		return 1;
	}
	printf("%.1f\n", (end - begin) / (double)count);
	return 0;
}
