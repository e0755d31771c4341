// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/responder_sock.h"

#include "base/clock.h"

#include <errno.h>
#include <unistd.h>

/* T-047 TTL 255. Without the kernel's stamps T2 is read by this program. */
int responder_sock_open(const union endpoint *local)
{
	int fd = sock_make(local->any.sa_family);
	int error;

	if (fd < 0) {
		return fd;
	}
	error = sock_set(fd, local->any.sa_family, 255, 0, SOCK_TELL_TOS | SOCK_TELL_LOCAL);
	if (!error && bind(fd, &local->any, endpoint_len(local)) < 0) {
		error = -errno;
	}
	if (error) {
		close(fd);
		return error;
	}
	(void)sock_ask_stamps(fd);
	return fd;
}

int responder_sock_receive(int fd, uint8_t *to, size_t size, struct responder_packet *p)
{
	uint8_t control[SOCK_CONTROL_LEN] __attribute__((aligned(16)));
	struct iovec v = { .iov_base = to, .iov_len = size };
	struct msghdr m = { .msg_name = &p->from,
			    .msg_namelen = sizeof(p->from),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;

	memset(&p->from, 0, sizeof(p->from));
	n = recvmsg(fd, &m, 0);
	if (n < 0) {
		return -errno;
	}
	p->octets = (size_t)n;
	sock_meta(&m, &p->meta);
	p->t2 = p->meta.stamped ? p->meta.stamp : clock_wall();
	return 0;
}

int responder_sock_send(int fd, struct responder_packet *p, const uint8_t *from, size_t n)
{
	struct iovec v = { .iov_base = (void *)from, .iov_len = n };
	struct msghdr m = { .msg_name = &p->from, .msg_namelen = endpoint_len(&p->from) };
	struct sock_return back;

	sock_answer(&back, &m, &p->meta, p->meta.tos & 0xfc); /* its DSCP, and no ECN */
	back.to.msg_iov = &v;
	back.to.msg_iovlen = 1;
	return sendmsg(fd, &back.to, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
