// SPDX-License-Identifier: BSD-2-Clause
/* Room for the replies of one wake-up, shared by all probes of a loop. */
#pragma once

#include "base/endpoint.h"
#include "base/sock.h"

#include <sys/uio.h>

#define PROBE_BATCH 64 /* datagrams per call */

struct probe_batch {
	unsigned n; /* datagrams */
	size_t octets; /* of each */
	uint8_t *data;
	struct mmsghdr m[PROBE_BATCH];
	struct iovec v[PROBE_BATCH];
	union endpoint from[PROBE_BATCH];
	union {
		struct cmsghdr align;
		uint8_t octets[SOCK_CONTROL_LEN];
	} control[PROBE_BATCH];
};

/** For replies of up to @octets each. NULL: no memory. */
struct probe_batch *probe_batch_new(size_t octets);
void probe_batch_free(struct probe_batch *b);

/** Without waiting; @flags of recvmmsg. Datagrams received, or a negative errno. */
NODISCARD int probe_batch_receive(struct probe_batch *b, int fd, int flags);
