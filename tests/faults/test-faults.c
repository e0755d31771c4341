// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whatever allocation of the daemon fails, it goes on or refuses: a scripted conversation with start,
 * reload, keyed modes, individual control, Light and a restart without loss is held once for each
 * allocation, which fails. Then another client must be served as if nothing had happened. The same
 * for sockets, threads and what else the system may refuse. R-122
 */
#include "tests/faults/faultpeer.h"
#include "tests/faults/keeper.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 8 /* they wait more than they work */
#define HAND_OVER (SIGRTMIN + 1)
#define KEEN_MS (FAULTPEER_WAIT_S * 1000) /* for what must be answered */
#define BRIEF_MS 200 /* for what may be lost by the fault */
#define MANY 600 /* SIDs, for answers that need more room than the usual ones */

static const uint32_t individual = MODE_UNAUTHENTICATED | MODE_INDIVIDUAL_CONTROL;

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* Only between the fault and its end something may be lost. */
static int wait_ms(const struct keeper *k)
{
	return faults_hit(k->faults) && !atomic_load(&k->faults->over) ? BRIEF_MS : KEEN_MS;
}

/* A session ends while its client sends a long message: its Timeout is 10 ms. Where that takes longer, it
 * ends behind the message. */
static bool end_meanwhile(struct faultpeer *p)
{
	bool good = faultpeer_stop(p) && faultpeer_stop_many(p, MANY);

	pause_ms(25);
	return good && faultpeer_stop_many_rest(p, MANY);
}

static bool talk_clearly(const struct keeper *k)
{
	struct faultpeer p;
	bool good = faultpeer_open(&p, &k->control, individual, NULL, NULL) &&
		    faultpeer_request(&p, 0.01, 0) && faultpeer_request(&p, 0.01, k->also) &&
		    faultpeer_start(&p) &&
		    faultpeer_exchange(p.udp, p.session[0].port, wait_ms(k)) && end_meanwhile(&p);

	faultpeer_close(&p);
	return good;
}

static bool open_keyed(const struct keeper *k, struct faultpeer *p, uint32_t mode)
{
	return faultpeer_open(p, &k->control, mode, "probe", "one two three") &&
	       faultpeer_request(p, 5, 0) && faultpeer_start(p);
}

static bool talk_secretly(const struct keeper *k)
{
	struct faultpeer p, stranger;
	bool good = open_keyed(k, &p, MODE_ENCRYPTED) && faultpeer_stop(&p);

	(void)faultpeer_open(&stranger, &k->control, MODE_AUTHENTICATED, "probe", "wrong");
	faultpeer_close(&p);
	faultpeer_close(&stranger);
	return good;
}

static bool ask_light(const struct keeper *k, uint16_t to)
{
	uint16_t port;
	int fd = faultpeer_udp(&port);
	bool good = faultpeer_exchange(fd, to, wait_ms(k));

	close(fd);
	return good;
}

/* What may be refused or cut off, but must not end the daemon. True if nothing was. */
static bool hold(struct keeper *k)
{
	struct faultpeer kept, waiting;
	bool good = talk_clearly(k);

	good &= talk_secretly(k);
	good &= ask_light(k, k->light);
	keeper_reload(k);
	good &= ask_light(k, k->light) && ask_light(k, k->other_light);
	good &= open_keyed(k, &kept, MODE_MIXED);
	good &= faultpeer_open(&waiting, &k->control, MODE_UNAUTHENTICATED, NULL, NULL) &&
		faultpeer_request(&waiting, 0, k->also);
	keeper_end(k, HAND_OVER);
	if (keeper_start(k)) {
		good &= faultpeer_stop(&kept) && faultpeer_request(&kept, 0, 0);
		good &= faultpeer_start(&waiting) &&
			faultpeer_exchange(waiting.udp, waiting.session[0].port, wait_ms(k)) &&
			faultpeer_stop(&waiting);
		good &= ask_light(k, k->light);
	} else {
		good = false;
	}
	faultpeer_close(&kept);
	faultpeer_close(&waiting);
	return good;
}

/* False if there is no fault with this number. */
static bool try(struct keeper *k)
{
	bool good = keeper_start(k) && hold(k), failed = faults_end(k->faults);

	if (!failed && !good) {
		keeper_die(k, "something failed although nothing was made to fail");
	}
	if (!k->pid && !keeper_start(k)) { /* as a service manager would do */
		keeper_die(k, "it does not start again");
	}
	if (!talk_clearly(k) || !talk_secretly(k) || !ask_light(k, k->light)) {
		keeper_die(k, "who comes after the fault is not served");
	}
	keeper_end(k, SIGTERM);
	return failed;
}

static struct keeper keeper;

static void on_stuck(void)
{
	keeper_die(&keeper, "a client waits in vain");
}

static void work(enum faults_kind kind, unsigned first, unsigned step, unsigned times)
{
	struct faults *f = faults_new();
	unsigned n = first, all;

	faultpeer_stuck = on_stuck;
	keeper_init(&keeper, f);
	do {
		faults_reset(f, kind, n, times);
		n += step;
	} while (try(&keeper));
	all = atomic_load(&f->counted);
	keeper_wipe(&keeper);
	printf("%u to %u, every %u, %u at once: the daemon goes on\n", first, all, step, times);
	exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	enum faults_kind kind = argc > 1 && !strcmp(argv[1], "system") ? FAULTS_SYSTEM
								       : FAULTS_MEMORY;
	unsigned times = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	unsigned stride = (times + 1) / 2; /* of a row that fails, the next one fails a half */
	unsigned only = argc > 3 ? (unsigned)atoi(argv[3]) : 0; /* to look into one */
	int failed = 0, status;

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < (only ? 1 : WORKERS); i++) {
		if (!fork()) {
			work(kind, only ? only : 1 + i * stride,
			     only ? 1000000 : WORKERS * stride, times);
		}
	}
	while (wait(&status) > 0) {
		failed |= status;
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
