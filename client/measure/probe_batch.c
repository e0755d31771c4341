// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/probe_batch.h"

#include <errno.h>
#include <stdlib.h>

#define OCTETS_MAX (4u << 20) /* of all replies of a batch */

struct probe_batch *probe_batch_new(size_t octets)
{
	struct probe_batch *b = calloc(1, sizeof(*b));
	size_t n = OCTETS_MAX / octets;

	if (!b) {
		return NULL;
	}
	b->octets = octets;
	b->n = n < PROBE_BATCH ? (unsigned)n : PROBE_BATCH;
	b->data = calloc(b->n, octets);
	if (!b->data) {
		free(b);
		return NULL;
	}
	for (unsigned i = 0; i < b->n; i++) {
		b->v[i] = (struct iovec){ .iov_base = b->data + i * octets, .iov_len = octets };
	}
	return b;
}

void probe_batch_free(struct probe_batch *b)
{
	if (b) {
		free(b->data);
		free(b);
	}
}

int probe_batch_receive(struct probe_batch *b, int fd, int flags)
{
	int n;

	for (unsigned i = 0; i < b->n; i++) {
		b->m[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i],
						   .msg_namelen = sizeof(b->from[i]),
						   .msg_iov = &b->v[i],
						   .msg_iovlen = 1,
						   .msg_control = &b->control[i],
						   .msg_controllen = sizeof(b->control[i]) };
	}
	n = recvmmsg(fd, b->m, b->n, MSG_DONTWAIT | flags, NULL);
	return n < 0 ? -errno : n;
}
