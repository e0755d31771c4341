// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

int local_source(const struct plan *plan, int family, union endpoint *local, struct outcome *out)
{
	bool v6 = family == AF_INET6;

	memset(local, 0, sizeof(*local));
	local->any.sa_family = (sa_family_t)family;
	if (inet_pton(family, plan->source,
		      v6 ? (void *)&local->v6.sin6_addr : (void *)&local->v4.sin_addr) != 1) {
		outcome_set(out, OUTCOME_LOCAL, 0, "--source %.60s is no address of %s",
			    plan->source, v6 ? "IPv6" : "IPv4");
		outcome_hint(out, "check --source against the address of the host");
		return OUTCOME_LOCAL;
	}
	return OUTCOME_OK;
}

int local_towards(const struct plan *plan, const union endpoint *peer, union endpoint *local,
		  struct outcome *out)
{
	socklen_t len = sizeof(*local);
	int fd, r = OUTCOME_OK;

	memset(local, 0, sizeof(*local));
	if (plan->source) {
		return local_source(plan, peer->any.sa_family, local, out);
	}
	fd = socket(peer->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &peer->any, endpoint_len(peer)) < 0 ||
	    getsockname(fd, &local->any, &len) < 0) {
		r = outcome_set(out, OUTCOME_LOCAL, 0, "no local address towards %.80s: %s",
				plan->host, strerror(errno));
	}
	if (fd >= 0) {
		close(fd);
	}
	endpoint_set_port(local, 0);
	return r;
}

/* All ports of the range once, from a random one on. */
static int bind_in_range(const struct plan *plan, union endpoint *local, int fd)
{
	uint32_t size = (uint32_t)plan->last_port - plan->first_port + 1, start = 0;

	(void)getrandom(&start, sizeof(start), GRND_NONBLOCK);
	start %= size;
	for (uint32_t i = 0; i < size; i++) {
		endpoint_set_port(local, (uint16_t)(plan->first_port + (start + i) % size));
		if (bind(fd, &local->any, endpoint_len(local)) == 0) {
			return 0;
		}
		if (errno != EADDRINUSE) {
			return -errno;
		}
	}
	return -EADDRINUSE;
}

int local_bind_udp(const struct plan *plan, union endpoint *local, int *fd, struct outcome *out)
{
	char text[ENDPOINT_TEXT_LEN];
	socklen_t len = sizeof(*local);
	int s = socket(local->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = 0;

	if (s < 0) {
		return outcome_set(out, OUTCOME_LOCAL, 0, "UDP socket: %s", strerror(errno));
	}
	if (plan->first_port) {
		r = bind_in_range(plan, local, s);
	} else {
		endpoint_set_port(local, 0);
		r = bind(s, &local->any, endpoint_len(local)) < 0 ? -errno : 0;
	}
	if (r == 0 && getsockname(s, &local->any, &len) < 0) {
		r = -errno;
	}
	if (r < 0) {
		close(s);
		outcome_set(out, OUTCOME_LOCAL, 0, "cannot bind a UDP port on %s: %s",
			    endpoint_text(local, false, text), strerror(-r));
		outcome_hint(out, "%s",
			     r == -EADDRINUSE ? "widen --port-range, or use fewer --sessions"
					      : "check --source and --port-range");
		return OUTCOME_LOCAL;
	}
	*fd = s;
	return OUTCOME_OK;
}
