// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/kdf.h"

#include "base/thread.h"
#include "base/vault.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS_MAX 16
#define NICER 5 /* beside one busy process: a quarter of the CPU */
#define ROUNDS_AT_ONCE 4096 /* about half a millisecond */

/* Stands for the passphrase of a KeyID that nobody has. */
static const uint8_t nobody[] = "no passphrase of anybody";

struct kdf_job {
	struct kdf_job *next; /* among those that are done */
	void *owner; /* main thread; NULL = cancelled */
	_Atomic bool cancelled; /* the worker need not begin */
	struct settings *settings; /* main thread */
	const struct key *key;
	uint8_t challenge[CRYPT_CHALLENGE_LEN], salt[CRYPT_SALT_LEN], token[CRYPT_TOKEN_LEN];
	uint32_t count;
	bool granted;
	struct crypt_kdf derived; /* worker */
	struct crypt_keys keys;
};

/* No lock: the workers run when others leave them the time, and one that is stopped while it holds
 * a lock would stop the main thread, too. */
struct kdf {
	struct ev_loop *loop;
	ev_async wakeup;
	kdf_done *done;
	unsigned most; /* jobs at once */
	unsigned jobs; /* main thread: submitted and not answered */
	struct vault vault; /* main thread: jobs */
	struct kdf_job **ring; /* of @most: what is not taken yet is not overwritten */
	uint64_t put; /* main thread: into the ring, ever */
	_Atomic uint64_t taken; /* ever; never more than were put, which is what waiting sees to */
	sem_t waiting;
	struct kdf_job *_Atomic finished; /* the last first */
	_Atomic bool stop;
	unsigned workers;
	pthread_t threads[WORKERS_MAX];
};

/* Gives up between two batches of rounds when nobody wants the answer any more. */
static void derive(const struct kdf *k, struct kdf_job *job)
{
	const uint8_t *secret = job->key ? job->key->passphrase : nobody;
	size_t len = job->key ? job->key->passphrase_len : sizeof nobody - 1;
	struct crypt_kdf *d = &job->derived;
	bool done = false;

	crypt_kdf_init(d, secret, len, job->salt, job->count);
	while (!done && !job->cancelled && !k->stop) {
		done = crypt_kdf_run(d, ROUNDS_AT_ONCE);
	}
	job->granted = done && !crypt_token_open(job->token, d->key, job->challenge, &job->keys) &&
		       job->key;
	crypt_kdf_wipe(d);
}

/*
 * What runs has priority over who is new. But a quarter of a CPU that somebody else keeps busy is
 * theirs: with nothing but what is left over (SCHED_IDLE) a login takes seconds there.
 */
static void step_back(void)
{
	struct sched_param none = { 0 };

	(void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
	(void)!nice(NICER); /* Linux: this thread */
}

static void hand_back(struct kdf *k, struct kdf_job *job)
{
	struct kdf_job *before = atomic_load_explicit(&k->finished, memory_order_relaxed);

	do {
		job->next = before;
	} while (!atomic_compare_exchange_weak_explicit(
		&k->finished, &before, job, memory_order_release, memory_order_relaxed));
	ev_async_send(k->loop, &k->wakeup);
}

static void *run(void *arg)
{
	struct kdf *k = arg;

	step_back();
	for (;;) {
		struct kdf_job *job;

		while (sem_wait(&k->waiting) < 0) {
		}
		if (k->stop) {
			return NULL;
		}
		job = k->ring[atomic_fetch_add(&k->taken, 1) % k->most];
		derive(k, job);
		hand_back(k, job);
	}
}

static void free_jobs(struct kdf *k, struct kdf_job *job)
{
	while (job) {
		struct kdf_job *next = job->next;

		settings_unref(job->settings);
		vault_give(&k->vault, job);
		job = next;
	}
}

static void on_wakeup(struct ev_loop *loop, ev_async *a, int events)
{
	struct kdf *k = a->data;
	struct kdf_job *list, *turned = NULL;

	list = atomic_exchange_explicit(&k->finished, NULL, memory_order_acquire);
	while (list) { /* oldest first */
		struct kdf_job *next = list->next;

		list->next = turned;
		turned = list;
		list = next;
	}
	for (struct kdf_job *job = turned; job; job = job->next) {
		k->jobs--;
		if (job->owner) {
			k->done(job->owner, job->granted ? &job->keys : NULL, job->key);
		}
	}
	free_jobs(k, turned);
}

int kdf_new(struct kdf **out, struct ev_loop *loop, unsigned workers, unsigned queue,
	    kdf_done *done)
{
	struct kdf *k = calloc(1, sizeof *k);
	int rc = 0;

	if (k) {
		k->ring = calloc(queue, sizeof(struct kdf_job *));
	}
	if (!k || !k->ring) {
		free(k);
		return -ENOMEM;
	}
	k->loop = loop;
	k->done = done;
	k->most = queue;
	k->vault = vault_of(sizeof(struct kdf_job));
	sem_init(&k->waiting, 0, 0);
	ev_async_init(&k->wakeup, on_wakeup);
	k->wakeup.data = k;
	ev_async_start(loop, &k->wakeup);
	while (!rc && k->workers < workers && k->workers < WORKERS_MAX) {
		rc = thread_start(&k->threads[k->workers], "twampd/kdf", run, k);
		k->workers += !rc;
	}
	if (rc) {
		kdf_free(k);
		return rc;
	}
	*out = k;
	return 0;
}

void kdf_free(struct kdf *k)
{
	if (!k) {
		return;
	}
	k->stop = true;
	for (unsigned i = 0; i < k->workers; i++) {
		sem_post(&k->waiting);
	}
	for (unsigned i = 0; i < k->workers; i++) {
		pthread_join(k->threads[i], NULL);
	}
	for (uint64_t i = k->taken; i < k->put; i++) {
		k->ring[i % k->most]->next = NULL;
		free_jobs(k, k->ring[i % k->most]);
	}
	free_jobs(k, k->finished);
	ev_async_stop(k->loop, &k->wakeup);
	sem_destroy(&k->waiting);
	free(k->ring);
	free(k);
}

int kdf_submit(struct kdf *k, const struct kdf_request *r, void *owner, struct kdf_job **out)
{
	struct kdf_job *job;

	if (k->jobs >= k->most) {
		return -EAGAIN;
	}
	job = vault_take(&k->vault);
	if (!job) {
		return -ENOMEM;
	}
	job->owner = owner;
	job->settings = settings_ref(r->settings);
	job->key = r->key;
	job->count = r->count;
	memcpy(job->challenge, r->challenge, sizeof job->challenge);
	memcpy(job->salt, r->salt, sizeof job->salt);
	memcpy(job->token, r->token, sizeof job->token);
	k->jobs++;
	k->ring[k->put++ % k->most] = job;
	sem_post(&k->waiting);
	*out = job;
	return 0;
}

void kdf_cancel(struct kdf_job *job)
{
	job->owner = NULL;
	job->cancelled = true;
}
