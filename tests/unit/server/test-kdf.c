// SPDX-License-Identifier: BSD-2-Clause
/* Key derivation off the loop. Run it under ThreadSanitizer, too. */
#include "daemon/server/kdf.h"
#include "tests/unit/protocol/vectors.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define QUEUE 8
#define SLOW 60000 /* rounds: a job is not done before the next line is */
#define WAIT_S 60

/* To stop a worker in the middle of a wake-up. */
void __real_ev_async_send(struct ev_loop *l, ev_async *a);
void __wrap_ev_async_send(struct ev_loop *l, ev_async *a);
static _Atomic bool stop_wakeups, stopped;

void __wrap_ev_async_send(struct ev_loop *l, ev_async *a)
{
	while (stop_wakeups) {
		stopped = true;
		poll(NULL, 0, 1);
	}
	__real_ev_async_send(l, a);
}

/* Who wants an answer. */
struct asker {
	struct kdf_job *job;
	int answers;
	unsigned order; /* of all answers: 1, 2, ... */
	bool granted, known;
	struct crypt_keys keys;
	struct asker *cancels; /* when it has its answer */
	struct asker *submits;
};

static struct ev_loop *loop;
static struct kdf *kdf;
static struct settings *settings;
static struct vectors *inputs, *cipher;
static unsigned refs, answers;
static struct key right, wrong;
static struct kdf_request request;
static struct crypt_keys expected;

static void on_done(void *owner, const struct crypt_keys *keys, bool known)
{
	struct asker *a = owner;

	a->job = NULL;
	a->answers++;
	a->order = ++answers;
	a->granted = keys != NULL;
	a->known = known;
	if (keys) {
		a->keys = *keys;
	}
	if (a->cancels && a->cancels->job) {
		kdf_cancel(a->cancels->job);
		a->cancels->job = NULL;
	}
	if (a->submits) {
		ck_assert_int_eq(kdf_submit(kdf, &request, a->submits, &a->submits->job), 0);
	}
}

static void make(unsigned workers)
{
	ck_assert_int_eq(kdf_new(&kdf, loop, workers, QUEUE, on_done), 0);
}

static void set_up(void)
{
	const struct vector *pass;

	inputs = vectors_load("inputs.hex");
	cipher = vectors_load("cipher.hex");
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(settings_load(NULL, &settings, NULL), 0);
	refs = settings->refs;
	answers = 0;
	pass = vectors_get(inputs, "in.passphrase");
	right = (struct key){ .passphrase = pass->octets, .passphrase_len = pass->n };
	wrong = (struct key){ .passphrase = pass->octets, .passphrase_len = pass->n - 1 };
	memcpy(expected.aes, vectors_octets(inputs, "in.aes_session_key", 16), 16);
	memcpy(expected.hmac, vectors_octets(inputs, "in.hmac_session_key", 32), 32);
	request = (struct kdf_request){
		.settings = settings,
		.key = &right,
		.challenge = vectors_octets(inputs, "in.challenge", 16),
		.salt = vectors_octets(inputs, "in.salt", 16),
		.token = vectors_octets(cipher, "token.cipher", 64),
		.count = (uint32_t)vectors_number(inputs, "in.count"),
	};
	kdf = NULL;
}

static void tear_down(void)
{
	kdf_free(kdf);
	ck_assert_uint_eq(settings->refs, refs); /* no job holds one */
	settings_unref(settings);
	ev_loop_destroy(loop);
	vectors_free(inputs);
	vectors_free(cipher);
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Until so many answers have come. */
static void pump(unsigned n)
{
	int64_t limit = clock_ns(CLOCK_MONOTONIC) + WAIT_S * INT64_C(1000000000);

	while (answers < n) {
		ck_assert_int_lt(clock_ns(CLOCK_MONOTONIC), limit);
		ev_run(loop, EVRUN_NOWAIT);
		poll(NULL, 0, 1);
	}
	ck_assert_uint_eq(answers, n);
}

static void submit(struct asker *a)
{
	ck_assert_int_eq(kdf_submit(kdf, &request, a, &a->job), 0);
	ck_assert_ptr_nonnull(a->job);
}

/* Until all jobs are done with: as many as fit are taken again, and answered. */
static void drain(void)
{
	static struct asker more[QUEUE];
	int64_t limit = clock_ns(CLOCK_MONOTONIC) + WAIT_S * INT64_C(1000000000);

	request.count = 1;
	for (int i = 0; i < QUEUE;) {
		ck_assert_int_lt(clock_ns(CLOCK_MONOTONIC), limit);
		if (kdf_submit(kdf, &request, &more[i], &more[i].job) == 0) {
			i++;
		} else {
			ev_run(loop, EVRUN_NOWAIT);
		}
	}
}

/* the keys of the vectors */
START_TEST(right_key)
{
	struct asker a = { 0 };

	make(2);
	submit(&a);
	ck_assert_uint_eq(settings->refs, refs + 1); /* the key lives in them */
	ck_assert_int_eq(a.answers, 0);
	pump(1);
	ck_assert(a.granted && a.known);
	ck_assert_mem_eq(&a.keys, &expected, sizeof(expected));
	ck_assert_uint_eq(settings->refs, refs);
}
END_TEST

/* wrong secret, damaged Token, other Challenge, Salt or Count */
START_TEST(wrong_key)
{
	uint8_t token[CRYPT_TOKEN_LEN];
	struct kdf_request r[5];
	struct asker a[5] = { 0 };

	make(2);
	memcpy(token, request.token, sizeof(token));
	token[0] ^= 1;
	for (int i = 0; i < 5; i++) {
		r[i] = request;
	}
	r[0].key = &wrong;
	r[1].token = token;
	r[2].challenge = request.salt;
	r[3].salt = request.challenge;
	r[4].count = request.count * 2;
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(kdf_submit(kdf, &r[i], &a[i], &a[i].job), 0);
	}
	memset(token, 0, sizeof(token)); /* a copy was taken */
	pump(5);
	for (int i = 0; i < 5; i++) {
		ck_assert(!a[i].granted);
		ck_assert(a[i].known);
	}
}
END_TEST

/* denied, also to who knows what stands for the passphrase of nobody */
START_TEST(unknown_key)
{
	static const char nobody[] = "no passphrase of anybody";
	uint8_t dk[CRYPT_AES_KEY_LEN], token[CRYPT_TOKEN_LEN];
	struct asker a[2] = { 0 };

	make(2);
	request.key = NULL;
	submit(&a[0]);
	crypt_derive(dk, nobody, strlen(nobody), request.salt, request.count);
	crypt_token_seal(token, dk, request.challenge, &expected);
	request.token = token;
	submit(&a[1]);
	pump(2);
	for (int i = 0; i < 2; i++) {
		ck_assert(!a[i].granted);
		ck_assert(!a[i].known);
	}
}
END_TEST

/* R-017 R-243: it costs as much to be unknown as to be wrong. Of CPU time, the least of some. */
START_TEST(unknown_takes_as_long)
{
	int64_t least[2] = { INT64_MAX, INT64_MAX };

	make(1);
	request.count = 4 * SLOW;
	for (unsigned i = 0; i < 10; i++) {
		struct asker a = { 0 };
		int64_t begin = clock_ns(CLOCK_PROCESS_CPUTIME_ID), took;

		request.key = i % 2 ? &wrong : NULL;
		submit(&a);
		pump(i + 1);
		took = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
		least[i % 2] = took < least[i % 2] ? took : least[i % 2];
	}
	ck_assert_int_lt(least[0], 2 * least[1]);
	ck_assert_int_lt(least[1], 2 * least[0]);
}
END_TEST

/* bounded; room again when answers were given */
START_TEST(queue_full)
{
	struct asker a[QUEUE + 1] = { 0 };

	make(1);
	request.count = SLOW;
	for (int i = 0; i < QUEUE; i++) {
		submit(&a[i]);
	}
	ck_assert_int_eq(kdf_submit(kdf, &request, &a[QUEUE], &a[QUEUE].job), -EAGAIN);
	ck_assert_uint_eq(settings->refs, refs + QUEUE);
	pump(QUEUE);
	submit(&a[QUEUE]);
	pump(QUEUE + 1);
	for (int i = 0; i <= QUEUE; i++) {
		ck_assert_int_eq(a[i].answers, 1);
	}
}
END_TEST

/* Answers come in the order of the questions, also when several are taken at once. */
START_TEST(in_order)
{
	struct asker a[QUEUE] = { 0 };

	make(1);
	request.count = 1;
	for (int i = 0; i < QUEUE; i++) {
		submit(&a[i]);
	}
	poll(NULL, 0, 50);
	pump(QUEUE);
	for (unsigned i = 0; i < QUEUE; i++) {
		ck_assert_uint_eq(a[i].order, i + 1);
	}
}
END_TEST

/* Many threads, many rounds: each gets its own answer. */
START_TEST(many)
{
	struct asker a[QUEUE];
	unsigned n = 0;

	make(100); /* more than there will be */
	for (int round = 0; round < 200; round++) {
		memset(a, 0, sizeof(a));
		request.count = 2048;
		for (int i = 0; i < QUEUE; i++) {
			request.key = i % 3 == 0 ? &right : i % 3 == 1 ? &wrong : NULL;
			submit(&a[i]);
		}
		n += QUEUE;
		pump(n);
		for (int i = 0; i < QUEUE; i++) {
			ck_assert_int_eq(a[i].answers, 1);
			ck_assert(a[i].granted == (i % 3 == 0));
			ck_assert(a[i].known == (i % 3 != 2));
		}
	}
}
END_TEST

/* Who has gone gets no answer; its place is free when the work is done, and not before. */
START_TEST(cancelled)
{
	struct asker a[QUEUE] = { 0 };

	make(2);
	request.count = SLOW;
	for (int i = 0; i < QUEUE; i++) {
		submit(&a[i]);
	}
	for (int i = 0; i < QUEUE; i += 2) {
		kdf_cancel(a[i].job);
	}
	ck_assert_int_eq(kdf_submit(kdf, &request, &a[0], &a[0].job), -EAGAIN);
	pump(QUEUE / 2);
	for (int i = 0; i < QUEUE; i++) {
		ck_assert_int_eq(a[i].answers, i % 2);
	}
	drain();
	pump(QUEUE / 2 + QUEUE);
}
END_TEST

/* From within an answer: a connection that goes takes its neighbour's along, or asks again. */
START_TEST(cancelled_and_submitted_meanwhile)
{
	struct asker a[4] = { 0 };

	make(1);
	request.count = 1;
	a[0].cancels = &a[1];
	a[2].submits = &a[3];
	for (int i = 0; i < 3; i++) {
		submit(&a[i]);
	}
	poll(NULL, 0, 50); /* so that one batch has all of them */
	pump(3);
	ck_assert_int_eq(a[0].answers, 1);
	ck_assert_int_eq(a[1].answers, 0);
	ck_assert_int_eq(a[2].answers, 1);
	ck_assert_int_eq(a[3].answers, 1);
}
END_TEST

/* The end while jobs wait, run and are done with: nobody is called, nothing is left. */
START_TEST(freed_with_jobs)
{
	for (unsigned workers = 1; workers <= 2; workers++) {
		struct asker a[QUEUE] = { 0 };

		make(workers);
		for (int i = 0; i < QUEUE; i++) {
			request.count = i < 2 ? 1 : SLOW;
			submit(&a[i]);
		}
		kdf_cancel(a[3].job);
		poll(NULL, 0, 5);
		kdf_free(kdf);
		kdf = NULL;
		ck_assert_uint_eq(settings->refs, refs);
		ev_run(loop, EVRUN_NOWAIT);
		ck_assert_uint_eq(answers, 0);
	}
	kdf_free(NULL);
}
END_TEST

/* The main thread goes on while a worker, which anybody may keep from its CPU, wakes it up. */
START_TEST(no_lock_across_a_wakeup)
{
	struct asker a[3] = { 0 };

	make(2);
	request.count = 1;
	stop_wakeups = true;
	submit(&a[0]);
	while (!stopped) {
		poll(NULL, 0, 1);
	}
	submit(&a[1]); /* it would wait for ever */
	kdf_cancel(a[1].job);
	submit(&a[2]);
	stop_wakeups = false;
	pump(2);
}
END_TEST

/* Beside a busy process a derivation has its share: with what is left over it would take ages. */
START_TEST(busy_cpu)
{
	struct asker a = { 0 };
	int64_t begin, alone;
	struct rusage used;
	cpu_set_t one;
	pid_t busy;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	make(1);
	request.count = 8 * SLOW;
	begin = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	submit(&a);
	pump(1);
	alone = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
	busy = fork();
	if (!busy) {
		for (;;) {
		}
	}
	submit(&a);
	pump(2);
	kill(busy, SIGKILL);
	ck_assert_int_eq(wait4(busy, NULL, 0, &used), busy);
	/* What the busy one had of the CPU meanwhile, whoever else is on this machine: three times as much */
	ck_assert_int_lt(used.ru_utime.tv_sec * 1000000000L + used.ru_utime.tv_usec * 1000L +
			 used.ru_stime.tv_sec * 1000000000L + used.ru_stime.tv_usec * 1000L, 20 * alone);
}
END_TEST

/* Nothing asked, nothing answered. */
START_TEST(idle)
{
	make(4);
	ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(answers, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kdf");
	TCase *tc = tcase_create("kdf");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 200);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, right_key);
	tcase_add_test(tc, wrong_key);
	tcase_add_test(tc, unknown_key);
	tcase_add_test(tc, unknown_takes_as_long);
	tcase_add_test(tc, queue_full);
	tcase_add_test(tc, in_order);
	tcase_add_test(tc, many);
	tcase_add_test(tc, cancelled);
	tcase_add_test(tc, cancelled_and_submitted_meanwhile);
	tcase_add_test(tc, freed_with_jobs);
	tcase_add_test(tc, no_lock_across_a_wakeup);
	tcase_add_test(tc, busy_cpu);
	tcase_add_test(tc, idle);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
