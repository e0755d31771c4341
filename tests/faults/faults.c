// SPDX-License-Identifier: BSD-2-Clause
#include "tests/faults/faults.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>

static struct faults *under_test;

struct faults *faults_new(void)
{
	void *p = mmap(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		abort();
	}
	return p;
}

void faults_reset(struct faults *f, enum faults_kind kind, unsigned first, unsigned times)
{
	f->kind = kind;
	f->first = first;
	f->times = times;
	atomic_store(&f->counted, 0);
	atomic_store(&f->over, false);
}

void faults_begin(struct faults *f)
{
	under_test = f;
}

bool faults_hit(const struct faults *f)
{
	return atomic_load(&f->counted) >= f->first;
}

bool faults_end(struct faults *f)
{
	atomic_store(&f->over, true);
	return faults_hit(f);
}

static bool fails(enum faults_kind kind, int error)
{
	struct faults *f = under_test;
	unsigned n;

	if (!f || f->kind != kind) {
		return false;
	}
	n = atomic_fetch_add(&f->counted, 1) + 1;
	if (n < f->first || n - f->first >= f->times || atomic_load(&f->over)) {
		return false;
	}
	errno = error;
	return true;
}

#define WRAPPED(type, name, parameters) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters

/* --- memory ------------------------------------------------------------------------------- */

WRAPPED(void *, malloc, (size_t n))
{
	return fails(FAULTS_MEMORY, ENOMEM) ? NULL : __real_malloc(n);
}

WRAPPED(void *, calloc, (size_t n, size_t each))
{
	return fails(FAULTS_MEMORY, ENOMEM) ? NULL : __real_calloc(n, each);
}

WRAPPED(void *, realloc, (void *old, size_t n))
{
	return fails(FAULTS_MEMORY, ENOMEM) ? NULL : __real_realloc(old, n);
}

WRAPPED(char *, strdup, (const char *text))
{
	return fails(FAULTS_MEMORY, ENOMEM) ? NULL : __real_strdup(text);
}

int __wrap_asprintf(char **to, const char *format, ...);
__attribute__((format(printf, 2, 3))) int __wrap_asprintf(char **to, const char *format, ...)
{
	va_list args;
	int n;

	if (fails(FAULTS_MEMORY, ENOMEM)) {
		return -1;
	}
	va_start(args, format);
	n = vasprintf(to, format, args);
	va_end(args);
	return n;
}

/* --- the rest ----------------------------------------------------------------------------- */

WRAPPED(int, socket, (int domain, int type, int protocol))
{
	return fails(FAULTS_SYSTEM, EMFILE) ? -1 : __real_socket(domain, type, protocol);
}

WRAPPED(int, socketpair, (int domain, int type, int protocol, int ends[2]))
{
	return fails(FAULTS_SYSTEM, EMFILE) ? -1 : __real_socketpair(domain, type, protocol, ends);
}

WRAPPED(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len))
{
	return fails(FAULTS_SYSTEM, ENOBUFS) ? -1 : __real_setsockopt(fd, level, name, value, len);
}

WRAPPED(int, accept4, (int fd, struct sockaddr *from, socklen_t *len, int flags))
{
	return fails(FAULTS_SYSTEM, EMFILE) ? -1 : __real_accept4(fd, from, len, flags);
}

WRAPPED(int, memfd_create, (const char *name, unsigned flags))
{
	return fails(FAULTS_SYSTEM, EMFILE) ? -1 : __real_memfd_create(name, flags);
}

WRAPPED(int, ftruncate, (int fd, off_t octets))
{
	return fails(FAULTS_SYSTEM, ENOSPC) ? -1 : __real_ftruncate(fd, octets);
}

WRAPPED(void *, mmap, (void *at, size_t n, int protection, int flags, int fd, off_t from))
{
	return fails(FAULTS_SYSTEM, ENOMEM) ? MAP_FAILED
					    : __real_mmap(at, n, protection, flags, fd, from);
}

WRAPPED(int, pthread_create,
	(pthread_t * t, const pthread_attr_t *a, void *(*run)(void *), void *arg))
{
	return fails(FAULTS_SYSTEM, EAGAIN) ? EAGAIN : __real_pthread_create(t, a, run, arg);
}

WRAPPED(ssize_t, getrandom, (void *to, size_t n, unsigned flags))
{
	return fails(FAULTS_SYSTEM, EINTR) ? -1 : __real_getrandom(to, n, flags);
}
