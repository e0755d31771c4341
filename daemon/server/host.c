// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/host.h"

#include "base/localaddr.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static void on_change(struct ev_loop *loop, ev_io *w, int events)
{
	localaddr_read(w->data);
}

int host_init(struct host *h, struct ev_loop *loop)
{
	int rc = localaddr_new(&h->addresses);

	if (rc < 0) {
		return rc;
	}
	h->loop = loop;
	ev_io_init(&h->io, on_change, localaddr_fd(h->addresses), EV_READ);
	h->io.data = h->addresses;
	if (localaddr_fd(h->addresses) >= 0) {
		ev_io_start(loop, &h->io);
	}
	return 0;
}

void host_wipe(struct host *h)
{
	if (h->addresses) {
		ev_io_stop(h->loop, &h->io);
	}
	localaddr_free(h->addresses);
	h->addresses = NULL;
}

void host_tick(struct host *h)
{
	localaddr_refresh(h->addresses);
}

const struct localaddr *host_changed(struct host *h)
{
	uint64_t now = localaddr_changes(h->addresses);

	if (now == h->told) {
		return NULL;
	}
	h->told = now;
	return h->addresses;
}

bool host_has(struct host *h, const struct address *a, uint32_t device)
{
	return localaddr_has(h->addresses, a, device);
}

void host_ipv4(const struct host *h, uint8_t out[static 4])
{
	localaddr_ipv4(h->addresses, out);
}

/* answer with the DSCP of the client's SYN. A socket of both families has IPv4, too. */
static void copy_dscp(int fd)
{
	uint8_t syn[256];
	socklen_t len = sizeof syn;
	int tos;

	if (getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len) < 0 ||
	    len < sizeof(struct iphdr)) {
		return;
	}
	if (syn[0] >> 4 == 4) {
		tos = syn[1] & 0xfc;
	} else {
		tos = (syn[0] << 4 | syn[1] >> 4) & 0xfc;
	}
	if (!tos) {
		return;
	}
	if (syn[0] >> 4 == 4) {
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
	} else {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
	}
}

void host_tune_tcp(int fd)
{
	int on = 1, idle = 60, interval = 15, tries = 4;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
	copy_dscp(fd);
}
