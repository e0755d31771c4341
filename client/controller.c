// SPDX-License-Identifier: BSD-2-Clause
#include "client/controller.h"

#include "client/dialog.h"
#include "client/retry.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

/* A request per probe; each goes to the port that its Accept-Session names. */
static int request_sessions(struct measure *m, struct dialog *d)
{
	for (uint32_t i = 0; i < m->probe_count; i++) {
		struct probe *p = &m->probes[i];
		struct msg_accept_session accept;
		union endpoint reflector = d->peer;
		int r = dialog_request(d, m->options, endpoint_port(&p->local), &accept,
				       &m->outcome);

		if (r != OUTCOME_OK) {
			return r;
		}
		memcpy(p->sid, accept.sid, sizeof(p->sid));
		endpoint_set_port(&reflector, accept.port);
		r = probe_aim(p, m->options, &reflector, d->modes, &m->outcome);
		if (r != OUTCOME_OK) {
			return r;
		}
	}
	return OUTCOME_OK;
}

static int converse(struct measure *m, struct dialog *d)
{
	struct outcome stop;
	int r = dialog_open(d, m->options, &m->outcome);

	m->peer = d->peer;
	m->peer_known = d->fd >= 0;
	m->offered = d->offered;
	m->modes = d->modes;
	if (r == OUTCOME_OK) {
		r = measure_prepare(m, &d->local);
	}
	if (r == OUTCOME_OK) {
		r = request_sessions(m, d);
	}
	if (r == OUTCOME_OK) {
		r = dialog_start(d, &m->outcome);
	}
	if (r != OUTCOME_OK) {
		return r;
	}
	r = measure_run(m, d->fd); /* not before the Start-Ack: R-312, T-065 */
	/* A stop that cannot be sent changes no result: the server ends what has no connection. */
	if (m->end != SENDER_CONTROL_LOST && dialog_stop(d, m->probe_count, &stop) != OUTCOME_OK &&
	    !m->options->quiet) {
		fprintf(stderr, "twamp: %s\n", stop.text);
	}
	return r;
}

static void wait_ns(int64_t ns)
{
	struct timespec t = { .tv_sec = ns / TS_NS_PER_S, .tv_nsec = ns % TS_NS_PER_S };

	while (nanosleep(&t, &t) < 0 && errno == EINTR) {
	}
}

static void back_off(const struct measure *m, unsigned n)
{
	uint64_t random = 0;
	int64_t wait;

	(void)getrandom(&random, sizeof(random), GRND_NONBLOCK);
	wait = retry_wait_ns(m->options->retry_wait_ns, n, random);
	if (!m->options->quiet) {
		fprintf(stderr, "twamp: %s; retry %u of %u in %.3g s\n", m->outcome.text, n + 1,
			m->options->retries, (double)wait / 1e9);
	}
	wait_ns(wait);
}

void controller_run(struct measure *m)
{
	for (unsigned n = 0;; n++) {
		struct dialog d;

		m->outcome = (struct outcome){ .kind = OUTCOME_OK };
		m->attempts = n + 1;
		(void)converse(m, &d);
		dialog_close(&d);
		if (!retry_wanted(&m->outcome) || n >= m->options->retries) {
			return;
		}
		measure_reset(m);
		back_off(m, n);
	}
}
