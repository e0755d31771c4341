// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/kdf.h"

#include "base/vault.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WORKERS_MAX 16
#define ROUNDS_AT_ONCE 4096 /* about half a millisecond */

/* Stands for the passphrase of a KeyID that nobody has. */
static const uint8_t nobody[] = "no passphrase of anybody";

struct kdf_job {
	struct kdf_job *next;
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

struct kdf {
	struct ev_loop *loop;
	ev_async wakeup;
	kdf_done *done;
	unsigned most; /* jobs at once */
	unsigned jobs; /* main thread: submitted and not answered */
	struct vault vault; /* main thread: jobs */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct kdf_job *first, *last; /* waiting */
	struct kdf_job *finished;
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

/* What runs has priority over who is new: only time that nobody else wants is taken. */
static void step_back(void)
{
	struct sched_param none = { 0 };

	(void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
}

static void *run(void *arg)
{
	struct kdf *k = arg;

	step_back();
	pthread_mutex_lock(&k->lock);
	for (;;) {
		struct kdf_job *job = k->first;

		if (k->stop) {
			break;
		}
		if (!job) {
			pthread_cond_wait(&k->wake, &k->lock);
			continue;
		}
		k->first = job->next;
		pthread_mutex_unlock(&k->lock);
		derive(k, job);
		pthread_mutex_lock(&k->lock);
		job->next = k->finished;
		k->finished = job;
		ev_async_send(k->loop, &k->wakeup);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
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

	pthread_mutex_lock(&k->lock);
	list = k->finished;
	k->finished = NULL;
	pthread_mutex_unlock(&k->lock);
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
	sigset_t all, old;
	int rc = 0;

	if (!k) {
		return -ENOMEM;
	}
	k->loop = loop;
	k->done = done;
	k->most = queue;
	k->vault = vault_of(sizeof(struct kdf_job));
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->wake, NULL);
	ev_async_init(&k->wakeup, on_wakeup);
	k->wakeup.data = k;
	ev_async_start(loop, &k->wakeup);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (!rc && k->workers < workers && k->workers < WORKERS_MAX) {
		rc = -pthread_create(&k->threads[k->workers], NULL, run, k);
		if (!rc) {
			pthread_setname_np(k->threads[k->workers++], "twampd/kdf");
		}
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
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
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_broadcast(&k->wake);
	pthread_mutex_unlock(&k->lock);
	for (unsigned i = 0; i < k->workers; i++) {
		pthread_join(k->threads[i], NULL);
	}
	free_jobs(k, k->first);
	free_jobs(k, k->finished);
	ev_async_stop(k->loop, &k->wakeup);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
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
	pthread_mutex_lock(&k->lock);
	if (k->first) {
		k->last->next = job;
	} else {
		k->first = job;
	}
	k->last = job;
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->lock);
	*out = job;
	return 0;
}

void kdf_cancel(struct kdf_job *job)
{
	job->owner = NULL;
	job->cancelled = true;
}
