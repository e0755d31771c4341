// SPDX-License-Identifier: BSD-2-Clause
#include "base/sock.h"

#include "base/clock.h"
#include "base/endpoint.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define PROOF_TRIES 25
#define PROOF_WAIT_MS 10

/* One packet from the socket to itself. 1 = stamped, 0 = not, negative errno = did not come. */
static int try_stamp(int fd)
{
	uint8_t payload[1] = { 0 }, control[SOCK_CONTROL_LEN] __attribute__((aligned(16)));
	struct iovec iov = { payload, sizeof(payload) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct wall before = clock_wall();
	struct sock_meta meta;

	if (send(fd, payload, sizeof(payload), 0) < 0) {
		return -errno;
	}
	if (poll(&p, 1, PROOF_WAIT_MS) <= 0 || recvmsg(fd, &m, 0) < 0) {
		return -EAGAIN;
	}
	sock_meta(&m, &meta);
	return meta.stamped && meta.stamp.ns >= before.ns && meta.stamp.ns <= clock_wall().ns;
}

/* The kernel turns stamping on a moment after it was asked to: not every packet has it. */
static bool prove(const struct address *loopback)
{
	union endpoint self;
	struct address bound;
	int fd = sock_make(loopback->family == 4 ? AF_INET : AF_INET6);
	bool seen = false;

	if (fd < 0) {
		return false;
	}
	if (!sock_ask_stamps(fd) || sock_bind(fd, loopback, 0) || endpoint_bound(fd, &bound)) {
		goto out;
	}
	self = endpoint_of(&bound);
	if (connect(fd, &self.any, endpoint_len(&self))) {
		goto out;
	}
	for (int i = 0; i < PROOF_TRIES && !seen; i++) {
		int result = try_stamp(fd);

		seen = result == 1;
		if (result == 0) {
			poll(NULL, 0, 1);
		}
	}
out:
	close(fd);
	return seen;
}

bool sock_prove_stamps(void)
{
	struct address v4 = { .family = 4, .ip = { 127, 0, 0, 1 } };
	struct address v6 = { .family = 6, .ip = { [15] = 1 } };

	return prove(&v4) || prove(&v6);
}
