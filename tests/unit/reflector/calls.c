// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/reflector/calls.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct calls calls;

void calls_fail(unsigned skip, unsigned times, int error)
{
	calls.sends = 0;
	calls.skip = skip;
	calls.times = times;
	calls.error = error;
}

static bool fails(void)
{
	unsigned nth = calls.sends++;

	if (nth < calls.skip || nth - calls.skip >= calls.times) {
		return false;
	}
	errno = calls.error;
	return true;
}

#define WRAPPED(type, name, parameters) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters

WRAPPED(int, recvmmsg, (int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t))
{
	calls.receives++;
	return __real_recvmmsg(fd, m, n, flags, t);
}

WRAPPED(ssize_t, send, (int fd, const void *octets, size_t n, int flags))
{
	return fails() ? -1 : __real_send(fd, octets, n, flags);
}

WRAPPED(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags))
{
	return fails() ? -1 : __real_sendmsg(fd, m, flags);
}

WRAPPED(int, sendmmsg, (int fd, struct mmsghdr *m, unsigned n, int flags))
{
	n = calls.partial && n > calls.partial ? calls.partial : n;
	return fails() ? -1 : __real_sendmmsg(fd, m, n, flags);
}

WRAPPED(void *, malloc, (size_t n))
{
	calls.allocations++;
	return __real_malloc(n);
}

WRAPPED(void *, calloc, (size_t n, size_t each))
{
	calls.allocations++;
	return __real_calloc(n, each);
}

WRAPPED(void *, realloc, (void *old, size_t n))
{
	calls.allocations++;
	return __real_realloc(old, n);
}

WRAPPED(void, free, (void *p))
{
	calls.allocations++;
	__real_free(p);
}

WRAPPED(int, pthread_mutex_lock, (pthread_mutex_t * m))
{
	calls.locks++;
	return __real_pthread_mutex_lock(m);
}
