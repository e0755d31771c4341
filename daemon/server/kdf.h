// SPDX-License-Identifier: BSD-2-Clause
/*
 * Key derivation off the main loop: PBKDF2 takes milliseconds, which every other client would
 * wait for. A few worker threads, a bounded queue, answers on the main loop. R-022
 */
#pragma once

#include "daemon/config/keys.h"
#include "daemon/config/settings.h"
#include "protocol/crypt.h"

#include <ev.h>

struct kdf;
struct kdf_job;

/* The outcome, called on the main loop. @keys is NULL when the Token was not right, and is wiped
 * after the call; @known: there is a key of that KeyID. Not called for a job that was cancelled. */
typedef void kdf_done(void *owner, const struct crypt_keys *keys, bool known);

struct kdf_request {
	struct settings *settings; /* the job holds a reference: @key lives in it */
	const struct key *key; /* NULL = unknown KeyID: takes as long and is denied */
	const uint8_t *challenge, *salt, *token;
	uint32_t count;
};

/** Return 0 or negative errno. */
NODISCARD int kdf_new(struct kdf **out, struct ev_loop *loop, unsigned workers, unsigned queue,
		      kdf_done *done);

/** Drops what waits, ends the threads. NULL ok. */
void kdf_free(struct kdf *k);

/** Return 0 with *out for kdf_cancel; -EAGAIN when the queue is full; -ENOMEM. */
NODISCARD int kdf_submit(struct kdf *k, const struct kdf_request *r, void *owner,
			 struct kdf_job **out);

/** The owner is gone: no answer is wanted any more. */
void kdf_cancel(struct kdf_job *job);
