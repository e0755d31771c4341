// SPDX-License-Identifier: BSD-2-Clause
#include "base/localaddr.h"

#include "base/device.h"
#include "base/endpoint.h"
#include "base/hashmap.h"
#include "base/siphash.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_PER_EVENT 8
#define BUFFER_OCTETS 32768 /* the kernel makes no larger pieces of a list */
#define FORGET_PER_READ 64
#define FORGET_PER_SECOND 4096
#define PROBE_PORT 9 /* nothing is sent */

/* An address of a device. */
struct entry {
	struct hashmap_node node;
	struct address ip;
	uint32_t device;
	uint8_t prefix_len; /* the same address may be there with several */
	uint64_t round; /* in which it was last told */
	struct entry *older, *newer; /* told before and after it */
};

/*
 * A round is a list of all from beginning to end, and what was told since. What was not in the
 * last complete round is gone, though its entry may still be there.
 */
struct localaddr {
	int fd;
	uint64_t seed[2];
	struct hashmap index;
	struct entry *oldest, *newest;
	uint64_t round, complete, changes;
	bool listing; /* a list is on its way */
	bool interrupted; /* it is of no use: changed meanwhile, or not all of it was heard */
	bool missed; /* something that the next complete list makes up for */
	uint8_t buffer[BUFFER_OCTETS];
};

/* --- the table ------------------------------------------------------------------------ */

static uint32_t hash(const struct localaddr *l, const struct address *ip)
{
	uint64_t words[3] = { 0 };

	memcpy(words, ip->ip, sizeof(ip->ip));
	words[2] = (uint64_t)ip->scope << 8 | ip->family;
	return (uint32_t)siphash(l->seed, words, 3);
}

static struct entry *entry_of(struct hashmap_node *n)
{
	return (struct entry *)(void *)n; /* its first member */
}
_Static_assert(offsetof(struct entry, node) == 0, "entry_of");

static void unlink_entry(struct localaddr *l, struct entry *e)
{
	*(e->older ? &e->older->newer : &l->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &l->newest) = e->older;
	e->older = e->newer = NULL;
}

static void touch(struct localaddr *l, struct entry *e)
{
	e->round = l->round;
	e->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = e;
	l->newest = e;
}

static void drop(struct localaddr *l, struct entry *e)
{
	hashmap_remove(&l->index, &e->node);
	unlink_entry(l, e);
	free(e);
	l->changes++;
}

static struct entry *find(const struct localaddr *l, const struct entry *like, uint32_t code)
{
	for (struct hashmap_node *n = hashmap_first(&l->index, code); n; n = n->next) {
		struct entry *e = entry_of(n);

		if (n->hash == code && address_same_host(&e->ip, &like->ip) &&
		    e->device == like->device && e->prefix_len == like->prefix_len) {
			return e;
		}
	}
	return NULL;
}

static bool has(const struct localaddr *l, const struct address *ip)
{
	uint32_t code = hash(l, ip);

	for (struct hashmap_node *n = hashmap_first(&l->index, code); n; n = n->next) {
		const struct entry *e = entry_of(n);

		if (n->hash == code && address_same_host(&e->ip, ip) && e->round >= l->complete) {
			return true;
		}
	}
	return false;
}

static void forget(struct localaddr *l, int most)
{
	while (most-- && l->oldest && l->oldest->round < l->complete) {
		drop(l, l->oldest);
	}
}

static void add(struct localaddr *l, const struct entry *like)
{
	uint32_t code = hash(l, &like->ip);
	struct entry *e = find(l, like, code);

	if (e) {
		unlink_entry(l, e);
		touch(l, e);
		return;
	}
	e = malloc(sizeof(*e));
	if (!e || hashmap_reserve(&l->index, l->index.count + 1)) {
		free(e);
		l->missed = l->interrupted = true;
		return;
	}
	*e = *like;
	hashmap_put(&l->index, &e->node, code);
	touch(l, e);
	l->changes++;
}

/* --- what the kernel tells ------------------------------------------------------------ */

/* The address itself: what IFA_ADDRESS has is that of the other end where there is a local one. */
static bool read_address(const uint8_t *at, size_t n, struct entry *out)
{
	struct ifaddrmsg m;
	struct rtattr a;
	bool local = false, any = false;
	size_t len;

	if (n < sizeof(m)) {
		return false;
	}
	memcpy(&m, at, sizeof(m));
	*out = (struct entry){ .device = m.ifa_index, .prefix_len = m.ifa_prefixlen };
	out->ip.family = m.ifa_family == AF_INET ? 4 : m.ifa_family == AF_INET6 ? 6 : 0;
	len = out->ip.family == 4 ? 4 : 16;
	for (size_t i = NLMSG_ALIGN(sizeof(m)); i + sizeof(a) <= n; i += RTA_ALIGN(a.rta_len)) {
		memcpy(&a, at + i, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > n - i) {
			return false;
		}
		if (a.rta_len - sizeof(a) != len ||
		    (a.rta_type != IFA_LOCAL && (a.rta_type != IFA_ADDRESS || local))) {
			continue;
		}
		memcpy(out->ip.ip, at + i + sizeof(a), len);
		local = a.rta_type == IFA_LOCAL;
		any = true;
	}
	if (out->ip.family == 6 && out->ip.ip[0] == 0xfe && (out->ip.ip[1] & 0xc0) == 0x80) {
		out->ip.scope = out->device;
	}
	return any && out->ip.family;
}

static void take_address(struct localaddr *l, const uint8_t *at, size_t n, bool gone)
{
	struct entry like, *e;

	if (!read_address(at, n, &like)) {
		return;
	}
	if (!gone) {
		add(l, &like);
		return;
	}
	e = find(l, &like, hash(l, &like.ip));
	if (e) {
		drop(l, e);
	}
}

static void end_list(struct localaddr *l, bool good)
{
	if (!l->listing) {
		return;
	}
	l->listing = false;
	if (good && !l->interrupted) {
		l->complete = l->round;
		l->missed = false;
	}
}

/* An error, or the end of a list, carries its error. */
static bool is_good(const uint8_t *at, size_t n)
{
	int error = 0;

	if (n >= sizeof(error)) {
		memcpy(&error, at, sizeof(error));
	}
	return !error;
}

void localaddr_take(struct localaddr *l, const uint8_t *messages, size_t n)
{
	struct nlmsghdr h;

	while (n >= sizeof(h)) {
		const uint8_t *at = messages + sizeof(h);
		size_t len;

		memcpy(&h, messages, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > n) {
			l->missed = l->interrupted = true;
			return;
		}
		len = h.nlmsg_len - sizeof(h);
		l->interrupted |= (h.nlmsg_flags & NLM_F_DUMP_INTR) && l->listing;
		if (h.nlmsg_type == NLMSG_DONE || h.nlmsg_type == NLMSG_ERROR) {
			end_list(l, is_good(at, len));
		} else if (h.nlmsg_type == RTM_NEWADDR || h.nlmsg_type == RTM_DELADDR) {
			take_address(l, at, len, h.nlmsg_type == RTM_DELADDR);
		}
		len = NLMSG_ALIGN(h.nlmsg_len);
		if (len >= n) {
			return;
		}
		messages += len;
		n -= len;
	}
}

/* False if there is nothing more. */
static bool read_once(struct localaddr *l)
{
	struct sockaddr_nl from = { 0 };
	struct iovec v = { l->buffer, sizeof(l->buffer) };
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &v, .msg_iovlen = 1
	};
	ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT);

	if (n <= 0) {
		if (n < 0 && errno == ENOBUFS) { /* too much at once: some of it is lost */
			l->missed = l->interrupted = true;
			return true;
		}
		return n < 0 && errno == EINTR;
	}
	if (m.msg_flags & MSG_TRUNC) {
		l->missed = l->interrupted = true;
	} else if (from.nl_pid == 0) { /* the kernel, and no other process */
		localaddr_take(l, l->buffer, (size_t)n);
	}
	return true;
}

void localaddr_read(struct localaddr *l)
{
	forget(l, FORGET_PER_READ);
	for (int i = 0; i < READS_PER_EVENT && l->fd >= 0 && read_once(l); i++) {
	}
}

static bool ask_for_all(struct localaddr *l)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg m;
	} request = { .h = { .nlmsg_len = sizeof(request),
			     .nlmsg_type = RTM_GETADDR,
			     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		      .m = { .ifa_family = AF_UNSPEC } };

	if (send(l->fd, &request, sizeof(request), MSG_DONTWAIT) < 0) {
		return false;
	}
	l->round++;
	l->listing = true;
	l->interrupted = false;
	return true;
}

void localaddr_refresh(struct localaddr *l)
{
	forget(l, FORGET_PER_SECOND);
	if (l->fd >= 0 && l->missed && !l->listing) {
		(void)ask_for_all(l);
	}
}

/* --- is it ours? ------------------------------------------------------------------------ */

/* To an address of its own a host sends from that address. */
static bool probe(const struct address *ip, uint32_t device)
{
	union endpoint to = endpoint_of(ip);
	struct address own;
	int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ours;

	if (fd < 0) {
		return false;
	}
	endpoint_set_port(&to, PROBE_PORT);
	ours = !device_bind(fd, device) && !connect(fd, &to.any, endpoint_len(&to)) &&
	       !endpoint_bound(fd, &own) && own.family == ip->family &&
	       !memcmp(own.ip, ip->ip, sizeof(own.ip));
	close(fd);
	return ours;
}

bool localaddr_is_complete(const struct localaddr *l)
{
	return l->complete && !l->missed;
}

bool localaddr_has(struct localaddr *l, const struct address *ip, uint32_t device)
{
	if (ip->family == 4 && ip->ip[0] == 127) {
		return true;
	}
	if (localaddr_is_complete(l)) {
		if (has(l, ip)) {
			return true;
		}
		localaddr_read(l); /* it may have come a moment ago */
		if (localaddr_is_complete(l)) {
			return has(l, ip);
		}
	}
	return probe(ip, device);
}

void localaddr_ipv4(const struct localaddr *l, uint8_t out[static 4])
{
	memset(out, 0, 4);
	for (const struct entry *e = l->oldest; e; e = e->newer) {
		if (e->ip.family == 4 && e->ip.ip[0] != 127 && e->round >= l->complete) {
			memcpy(out, e->ip.ip, 4);
			return;
		}
	}
}

/* --- life ----------------------------------------------------------------------------- */

static int open_socket(void)
{
	struct sockaddr_nl here = { .nl_family = AF_NETLINK,
				    .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&here, sizeof(here))) {
		close(fd);
		return -1;
	}
	return fd;
}

int localaddr_new(struct localaddr **out)
{
	struct localaddr *l = calloc(1, sizeof(*l));

	if (!l) {
		return -ENOMEM;
	}
	if (getrandom(l->seed, sizeof(l->seed), 0) != sizeof(l->seed)) {
		l->seed[0] = (uint64_t)(uintptr_t)l;
	}
	l->missed = true;
	l->fd = open_socket();
	if (l->fd >= 0 && ask_for_all(l)) {
		while (l->listing && read_once(l)) {
		}
	}
	*out = l;
	return 0;
}

void localaddr_free(struct localaddr *l)
{
	if (!l) {
		return;
	}
	while (l->oldest) {
		drop(l, l->oldest);
	}
	hashmap_wipe(&l->index);
	if (l->fd >= 0) {
		close(l->fd);
	}
	free(l);
}

int localaddr_fd(const struct localaddr *l)
{
	return l->fd;
}

uint64_t localaddr_changes(const struct localaddr *l)
{
	return l->changes;
}

void localaddr_each(const struct localaddr *l, unsigned most,
		    void (*each)(void *context, const struct address *a), void *context)
{
	for (const struct entry *e = l->oldest; e && most; e = e->newer, most--) {
		each(context, &e->ip);
	}
}
