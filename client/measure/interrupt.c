// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/interrupt.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LAST 4 /* signals; this one does not wait for anybody */

/* A signal handler reaches nothing else. */
static volatile sig_atomic_t count, heeded;
static int event = -1;

static void on_signal(int number)
{
	const uint64_t one = 1;
	int saved = errno;

	count++;
	if (count >= LAST) {
		_exit(128 + number);
	}
	(void)!write(event, &one, sizeof(one));
	errno = saved;
}

int interrupt_start(void)
{
	struct sigaction a = { .sa_handler = on_signal };

	if (event < 0) {
		event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
	if (event < 0 || sigaction(SIGINT, &a, NULL) < 0 || sigaction(SIGTERM, &a, NULL) < 0) {
		return -errno;
	}
	return event;
}

int interrupt_fd(void)
{
	return event;
}

int interrupt_count(void)
{
	return count - heeded;
}

void interrupt_clear(void)
{
	uint64_t value;

	heeded = count;
	(void)!read(event, &value, sizeof(value));
}

int interrupt_poll(int fd, short events, struct mono deadline)
{
	struct pollfd p[] = { { .fd = fd, .events = events }, { .fd = event, .events = POLLIN } };

	while (interrupt_count() == 0) {
		int64_t left = deadline.ns - clock_mono().ns;
		struct timespec t = { .tv_sec = left / TS_NS_PER_S, .tv_nsec = left % TS_NS_PER_S };
		int n;

		if (left <= 0) {
			return -ETIMEDOUT;
		}
		n = ppoll(p, 2, &t, NULL);
		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n > 0 && p[0].revents) {
			return 0;
		}
	}
	return -EINTR;
}
