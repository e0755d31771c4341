// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/reach.h"

#include "base/clock.h"
#include "client/measure/interrupt.h"
#include "client/measure/local.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_NS (INT64_C(2) * TS_NS_PER_S) /* while another address is left */
#define KNOCK_NS TS_NS_PER_S

static int tell_interrupt(struct outcome *out, const char *when)
{
	return outcome_set(out, OUTCOME_INCOMPLETE, 0, "interrupted %s", when);
}

/*
 * getaddrinfo() that an interrupt ends. It goes on by itself then, in memory that stays: the
 * process is about to end.
 */
static int resolve(const char *host, const struct addrinfo *hints, struct addrinfo **list)
{
	struct gaicb *request = calloc(1, sizeof(*request));
	int r = EAI_MEMORY;

	if (!request) {
		return r;
	}
	request->ar_name = host;
	request->ar_request = hints;
	r = getaddrinfo_a(GAI_NOWAIT, &request, 1, NULL);
	while (r == 0 && gai_error(request) == EAI_INPROGRESS) {
		if (interrupt_count() > 0 && gai_cancel(request) != EAI_CANCELED) {
			return EAI_INTR;
		}
		(void)gai_suspend((const struct gaicb *const[]){ request }, 1,
				  &(struct timespec){ .tv_nsec = 100000000 });
	}
	r = r == 0 ? gai_error(request) : r;
	*list = request->ar_result;
	free(request);
	return r;
}

/* IPv4-mapped addresses are reached by IPv4, and so are numeric ones in brackets. */
static void copy_address(union endpoint *to, const struct addrinfo *from, uint16_t port)
{
	union endpoint any = { 0 };
	struct address a;

	memcpy(&any, from->ai_addr,
	       from->ai_addrlen < sizeof(any) ? from->ai_addrlen : sizeof(any));
	a = endpoint_address(&any);
	a.port = port;
	*to = endpoint_of(&a);
}

/* Names of the host; failures go to @out. */
static int list_names(const struct plan *plan, int type, struct addrinfo **list,
		      struct outcome *out)
{
	struct addrinfo hints = { .ai_family = plan->family, .ai_socktype = type };
	int r;

	/* Without a name there is nobody to wait for. */
	hints.ai_flags = AI_NUMERICHOST;
	if (getaddrinfo(plan->host, NULL, &hints, list) == 0) {
		return OUTCOME_OK;
	}
	hints.ai_flags = AI_ADDRCONFIG;
	r = resolve(plan->host, &hints, list);
	if (r == EAI_NONAME || r == EAI_ADDRFAMILY || r == EAI_NODATA) {
		/* AI_ADDRCONFIG hides ::1 on hosts without any global address. A mapped address is
		 * one of IPv6 to the system, whatever -4 says. */
		hints.ai_flags = 0;
		hints.ai_family = strncasecmp(plan->host, "::ffff:", 7) == 0 ? AF_UNSPEC
									     : plan->family;
		r = resolve(plan->host, &hints, list);
	}
	if (r == EAI_INTR || r == EAI_CANCELED) {
		return tell_interrupt(out, "while looking up the name");
	}
	if (r != 0) {
		outcome_set(out, OUTCOME_LOCAL, 0, "%.80s: %s", plan->host,
			    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		outcome_hint(out, "check the name or address%s",
			     plan->family == AF_UNSPEC ? "" : ", and -4 or -6 against it");
		return OUTCOME_LOCAL;
	}
	return OUTCOME_OK;
}

int reach_look_up(const struct plan *plan, int type, struct reach *r, struct outcome *out)
{
	int wanted = plan->family;
	struct addrinfo *list = NULL;
	int verdict = list_names(plan, type, &list, out);

	*r = (struct reach){ .n = 0 };
	if (verdict != OUTCOME_OK) {
		return verdict;
	}
	if (plan->source) {
		wanted = strchr(plan->source, ':') ? AF_INET6 : AF_INET;
	}
	for (const struct addrinfo *a = list; a && r->n < REACH_MAX; a = a->ai_next) {
		union endpoint *to = &r->list[r->n];

		copy_address(to, a, plan->port);
		r->n += (wanted == AF_UNSPEC || to->any.sa_family == wanted) &&
			(plan->family == AF_UNSPEC || to->any.sa_family == plan->family);
	}
	freeaddrinfo(list);
	if (r->n == 0) {
		outcome_set(out, OUTCOME_LOCAL, 0, "%.80s has no address of the family of %.60s",
			    plan->host, plan->source ? plan->source : "-4 or -6");
		outcome_hint(out, "check --source, -4 and -6 against the addresses of the host");
		return OUTCOME_LOCAL;
	}
	return OUTCOME_OK;
}

/* --- TCP ---------------------------------------------------------------------------------- */

/* Bounded connect of a nonblocking socket: 0 or a negative errno. */
static int connect_bounded(int fd, const union endpoint *peer, int64_t timeout_ns)
{
	struct mono deadline = { clock_mono().ns + timeout_ns };
	int error = 0, r;
	socklen_t len = sizeof(error);

	if (connect(fd, &peer->any, endpoint_len(peer)) == 0) {
		return 0;
	}
	if (errno != EINPROGRESS) {
		return -errno;
	}
	r = interrupt_poll(fd, POLLOUT, deadline);
	if (r < 0) {
		return r;
	}
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? -errno : -error;
}

static int explain_connect(const struct plan *plan, const union endpoint *peer, int error,
			   struct outcome *out)
{
	char text[ENDPOINT_TEXT_LEN];
	const char *why = error == -ETIMEDOUT ? "timed out" : strerror(-error);

	if (error == -EINTR) {
		return tell_interrupt(out, "while connecting");
	}
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
		return OUTCOME_NO_ACCEPT;
	}
	outcome_hint(
		out,
		"check the route to the server and that no firewall drops TCP %u or the UDP range "
		"of the server; on the server look with: ss -ltn 'sport = :%u'",
		plan->port, plan->port);
	return OUTCOME_NO_ACCEPT;
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
		r = local_source(plan, peer->any.sa_family, &source, out);
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
		r = explain_connect(plan, peer, r, out);
		goto fail;
	}
	*fd = s;
	return OUTCOME_OK;
fail:
	close(s);
	return r;
}

int reach_connect(const struct plan *plan, int64_t timeout_ns, int *fd, struct notes *notes,
		  struct outcome *out)
{
	struct reach all;
	int r = reach_look_up(plan, SOCK_STREAM, &all, out);

	for (unsigned i = 0; r == OUTCOME_OK && i < all.n; i++) {
		bool others = i + 1 < all.n;

		r = connect_one(plan, &all.list[i],
				others && timeout_ns > PATIENCE_NS ? PATIENCE_NS : timeout_ns, fd,
				out);
		if (r == OUTCOME_OK) {
			*out = (struct outcome){ .kind = OUTCOME_OK };
			return r;
		}
		if (others && r != OUTCOME_INCOMPLETE) {
			notes_add(notes, "%s; the next address was tried", out->text);
			r = OUTCOME_OK;
		}
	}
	return r;
}

/* --- UDP ---------------------------------------------------------------------------------- */

/* 0 if something came back; else a negative errno, -ETIMEDOUT for silence. */
static int knock_one(const struct plan *plan, const uint8_t *packet, size_t octets,
		     const union endpoint *peer, struct outcome *out)
{
	struct mono deadline = { clock_mono().ns + KNOCK_NS };
	union endpoint local = { 0 };
	uint8_t octet;
	int s = socket(peer->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = s < 0 ? -errno : 0;

	if (r == 0 && plan->source) {
		r = local_source(plan, peer->any.sa_family, &local, out) == OUTCOME_OK
			    ? 0
			    : -EADDRNOTAVAIL;
		r = r == 0 && bind(s, &local.any, endpoint_len(&local)) < 0 ? -errno : r;
	}
	if (r == 0 &&
	    (connect(s, &peer->any, endpoint_len(peer)) < 0 || send(s, packet, octets, 0) < 0)) {
		r = -errno;
	}
	r = r == 0 ? interrupt_poll(s, POLLIN, deadline) : r;
	r = r == 0 && recv(s, &octet, sizeof(octet), MSG_TRUNC) < 0 ? -errno : r;
	if (s >= 0) {
		close(s);
	}
	return r;
}

int reach_knock(const struct plan *plan, const uint8_t *packet, size_t octets, union endpoint *peer,
		struct notes *notes, struct outcome *out)
{
	char text[ENDPOINT_TEXT_LEN];
	struct reach all;
	int r = reach_look_up(plan, SOCK_DGRAM, &all, out);

	for (unsigned i = 0; r == OUTCOME_OK && i < all.n; i++) {
		int error = 0;

		*peer = all.list[i];
		if (i + 1 < all.n) {
			error = knock_one(plan, packet, octets, peer, out);
		}
		if (error == 0) {
			return OUTCOME_OK;
		}
		if (error == -EINTR) {
			return tell_interrupt(out, "while looking for an address that answers");
		}
		notes_add(notes, "%s: %s; the next address was tried",
			  endpoint_text(peer, true, text),
			  error == -ETIMEDOUT ? "no reply" : strerror(-error));
	}
	return r;
}
