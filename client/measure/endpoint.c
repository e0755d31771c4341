// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/endpoint.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

socklen_t endpoint_len(const union endpoint *e)
{
	return e->any.sa_family == AF_INET6 ? sizeof(e->v6) : sizeof(e->v4);
}

uint16_t endpoint_port(const union endpoint *e)
{
	return ntohs(e->any.sa_family == AF_INET6 ? e->v6.sin6_port : e->v4.sin_port);
}

void endpoint_set_port(union endpoint *e, uint16_t port)
{
	if (e->any.sa_family == AF_INET6) {
		e->v6.sin6_port = htons(port);
	} else {
		e->v4.sin_port = htons(port);
	}
}

const char *endpoint_text(const union endpoint *e, bool port, char buf[static ENDPOINT_TEXT_LEN])
{
	char host[ENDPOINT_TEXT_LEN - 10] = "?";

	(void)getnameinfo(&e->any, endpoint_len(e), host, sizeof(host), NULL, 0, NI_NUMERICHOST);
	if (!port) {
		snprintf(buf, ENDPOINT_TEXT_LEN, "%s", host);
	} else if (e->any.sa_family == AF_INET6) {
		snprintf(buf, ENDPOINT_TEXT_LEN, "[%s]:%u", host, endpoint_port(e));
	} else {
		snprintf(buf, ENDPOINT_TEXT_LEN, "%s:%u", host, endpoint_port(e));
	}
	return buf;
}

bool endpoint_equal(const union endpoint *a, const union endpoint *b)
{
	if (a->any.sa_family != b->any.sa_family || endpoint_port(a) != endpoint_port(b)) {
		return false;
	}
	if (a->any.sa_family == AF_INET6) {
		return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
	}
	return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

/* Names of @host into *list; failures go to @out. */
static int look_up(const char *host, int family, int type, bool numeric, struct addrinfo **list,
		   struct outcome *out)
{
	struct addrinfo hints = { .ai_family = family,
				  .ai_socktype = type,
				  .ai_flags = numeric ? AI_NUMERICHOST : AI_ADDRCONFIG };
	int r = getaddrinfo(host, NULL, &hints, list);

	if (r == EAI_NONAME && !numeric) {
		/* AI_ADDRCONFIG hides ::1 on hosts without any global address */
		hints.ai_flags = 0;
		r = getaddrinfo(host, NULL, &hints, list);
	}
	if (r != 0) {
		outcome_set(out, OUTCOME_LOCAL, 0, "%.80s: %s", host,
			    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		outcome_hint(out, "check the name or address%s",
			     family == AF_UNSPEC ? "" : ", and -4 or -6 against it");
		return OUTCOME_LOCAL;
	}
	return OUTCOME_OK;
}

static void copy_address(union endpoint *to, const struct addrinfo *from, uint16_t port)
{
	memset(to, 0, sizeof(*to));
	memcpy(&to->storage, from->ai_addr,
	       from->ai_addrlen < sizeof(to->storage) ? from->ai_addrlen : sizeof(to->storage));
	endpoint_set_port(to, port);
}

int endpoint_resolve(const struct plan *plan, union endpoint *to, struct outcome *out)
{
	struct addrinfo *list = NULL;
	int r = look_up(plan->host, plan->family, SOCK_DGRAM, false, &list, out);

	if (r == OUTCOME_OK) {
		copy_address(to, list, plan->port);
		freeaddrinfo(list);
	}
	return r;
}

/* --source into *local, in the family of the peer. */
static int find_source(const struct plan *plan, int family, union endpoint *local,
		       struct outcome *out)
{
	struct addrinfo *list = NULL;
	int r = look_up(plan->source, family, SOCK_DGRAM, true, &list, out);

	if (r == OUTCOME_OK) {
		copy_address(local, list, 0);
		freeaddrinfo(list);
	}
	return r;
}

/* Bounded connect of a nonblocking socket: 0 or a negative errno. */
static int connect_bounded(int fd, const union endpoint *peer, int64_t timeout_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int64_t deadline = clock_mono().ns + timeout_ns;
	int error = 0;
	socklen_t len = sizeof(error);

	if (connect(fd, &peer->any, endpoint_len(peer)) == 0) {
		return 0;
	}
	if (errno != EINPROGRESS) {
		return -errno;
	}
	for (;;) {
		int64_t left = deadline - clock_mono().ns;
		int n;

		if (left <= 0) {
			return -ETIMEDOUT;
		}
		n = poll(&p, 1, (int)(left / 1000000) + 1);
		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n > 0) {
			break;
		}
	}
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? -errno : -error;
}

static void explain_connect(const struct plan *plan, const union endpoint *peer, int error,
			    struct outcome *out)
{
	char text[ENDPOINT_TEXT_LEN];
	const char *why = error == -ETIMEDOUT ? "timed out" : strerror(-error);

	if (error == -ECONNREFUSED) {
		why = "refused";
	}
	outcome_set(out, OUTCOME_NO_ACCEPT, 1, "connection to %s (TCP port %u) %s%s",
		    endpoint_text(peer, true, text), plan->port,
		    error == -ETIMEDOUT || error == -ECONNREFUSED ? "" : "failed: ", why);
	if (error == -ECONNREFUSED) {
		outcome_hint(
			out,
			"nothing listens there, or a firewall rejects it; on the server look with: "
			"ss -ltn 'sport = :%u'; then check that firewalls let through TCP %u and "
			"the UDP range of the server",
			plan->port, plan->port);
		return;
	}
	outcome_hint(
		out,
		"check the route to the server and that no firewall drops TCP %u or the UDP range "
		"of the server; on the server look with: ss -ltn 'sport = :%u'",
		plan->port, plan->port);
}

/* One address: OUTCOME_OK with the socket, or the failure in @out. */
static int connect_one(const struct plan *plan, const union endpoint *peer, int64_t timeout_ns,
		       int *fd, struct outcome *out)
{
	union endpoint source;
	int one = 1, r;
	int s = socket(peer->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (s < 0) {
		return outcome_set(out, OUTCOME_LOCAL, 0, "TCP socket: %s", strerror(errno));
	}
	if (plan->source) {
		r = find_source(plan, peer->any.sa_family, &source, out);
		if (r != OUTCOME_OK) {
			goto fail;
		}
		if (bind(s, &source.any, endpoint_len(&source)) < 0) {
			r = outcome_set(out, OUTCOME_LOCAL, 0, "--source %.60s: %s", plan->source,
					strerror(errno));
			goto fail;
		}
	}
	(void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	r = connect_bounded(s, peer, timeout_ns);
	if (r < 0) {
		explain_connect(plan, peer, r, out);
		r = OUTCOME_NO_ACCEPT;
		goto fail;
	}
	*fd = s;
	return OUTCOME_OK;
fail:
	close(s);
	return r;
}

int endpoint_connect(const struct plan *plan, int64_t timeout_ns, int *fd, struct outcome *out)
{
	struct addrinfo *list = NULL;
	int r = look_up(plan->host, plan->family, SOCK_STREAM, false, &list, out);

	if (r != OUTCOME_OK) {
		return r;
	}
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		union endpoint peer;

		copy_address(&peer, a, plan->port);
		r = connect_one(plan, &peer, timeout_ns, fd, out);
		if (r == OUTCOME_OK) {
			break;
		}
	}
	freeaddrinfo(list);
	return r;
}

int endpoint_local(const struct plan *plan, const union endpoint *peer, union endpoint *local,
		   struct outcome *out)
{
	socklen_t len = sizeof(*local);
	int fd, r = OUTCOME_OK;

	memset(local, 0, sizeof(*local));
	if (plan->source) {
		return find_source(plan, peer->any.sa_family, local, out);
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

int endpoint_bind_udp(const struct plan *plan, union endpoint *local, int *fd, struct outcome *out)
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
