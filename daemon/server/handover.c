// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/handover.h"

#include "daemon/control/resume.h"
#include "daemon/reflector/light.h"
#include "daemon/reflector/siphash.h"
#include "daemon/server/conn.h"
#include "daemon/server/orders.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define MAGIC "TWAMPD-S"
#define VERSION 1 /* count it up with each change of what is carried */
#define PATIENCE_US (8 * UINT64_C(1000000)) /* for the service manager, below TimeoutStopSec= */
#define OCTETS_MAX ((off_t)1 << 30)
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define DETAIL_LEN 160

struct header {
	char magic[8];
	uint32_t version, reserved;
	uint64_t octets; /* that follow, with zeros up to a multiple of 8 */
	uint64_t checksum; /* of these */
};

static uint64_t checksum(const struct header *h)
{
	static const uint64_t seed[2] = { VERSION, UINT64_C(0x7477616d70642d73) };

	return siphash(seed, (const uint64_t *)(const void *)(h + 1), h->octets / sizeof(uint64_t));
}

/* --- what goes ------------------------------------------------------------------------ */

static void carry_conn(struct carry *k, struct conn *c)
{
	uint64_t cookie = passed_cookie(c->stream.fd);

	CARRY(k, cookie);
	resume_control(k, &c->control);
	stream_carry(k, &c->stream);
}

static void carry_all(struct carry *k, struct server *s)
{
	struct carry record;
	uint32_t n = 0;

	for (const struct conn *c = s->conns; c; c = c->next) {
		n += conn_at_rest(c);
	}
	CARRY(k, n);
	for (struct conn *c = s->conns; c; c = c->next) {
		if (conn_at_rest(c)) {
			record = carry_open(k);
			carry_conn(&record, c);
			orders_carry(&record, s, c);
			carry_close(k, &record);
		}
	}
	record = carry_open(k);
	orders_carry(&record, s, NULL);
	carry_close(k, &record);
}

static int fill(int fd, struct server *s, size_t octets)
{
	size_t all = sizeof(struct header) + octets;
	struct carry k = { .way = CARRY_SAVE, .left = octets };
	struct header *h;

	if (ftruncate(fd, (off_t)all) < 0) {
		return -errno;
	}
	h = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED) {
		return -errno;
	}
	(void)madvise(h, all, MADV_DONTDUMP);
	*h = (struct header){ .version = VERSION, .octets = octets };
	memcpy(h->magic, MAGIC, sizeof h->magic);
	k.at = (uint8_t *)(h + 1);
	carry_all(&k, s);
	h->checksum = checksum(h);
	munmap(h, all);
	if (k.bad) {
		return -EFAULT;
	}
	return fcntl(fd, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

/* The memory file with the state of all. Return descriptor or negative errno. */
static int save(struct server *s)
{
	struct carry k = { .way = CARRY_COUNT };
	int fd = memfd_create(PASSED_STATE, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc;

	if (fd < 0) {
		return -errno;
	}
	carry_all(&k, s);
	rc = fill(fd, s, (k.used + 7) / 8 * 8);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/* --- where it goes -------------------------------------------------------------------- */

struct lot {
	int to; /* a Unix stream */
	char kind;
	unsigned n;
	int fds[PASSED_LOT_MAX];
	int error; /* the first */
};

static void flush(struct lot *l)
{
	struct iovec octet = { &l->kind, 1 };
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof l->fds)];
	} control = { .octets = { 0 } };
	struct msghdr m = { .msg_iov = &octet,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_SPACE(l->n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (!l->n || l->error) {
		return;
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(l->n * sizeof(int));
	memcpy(CMSG_DATA(c), l->fds, l->n * sizeof(int));
	if (sendmsg(l->to, &m, MSG_DONTWAIT | MSG_NOSIGNAL) != 1) {
		l->error = -errno;
	}
	l->n = 0;
}

static void put(struct lot *l, int fd)
{
	if (fd < 0) {
		return;
	}
	l->fds[l->n++] = fd;
	if (l->n == PASSED_LOT_MAX) {
		flush(l);
	}
}

static int put_sockets(const struct server *s, int to)
{
	struct lot l = { .to = to, .kind = PASSED_LOT_COOKIE };

	for (const struct conn *c = s->conns; c; c = c->next) {
		put(&l, conn_at_rest(c) ? c->stream.fd : -1);
	}
	for (struct udp_session *u = udp_next(s->reflector, NULL); u;
	     u = udp_next(s->reflector, u)) {
		put(&l, udp_fd(u));
	}
	flush(&l);
	return l.error;
}

/* Those that the service manager listens on it has already. */
static int put_ports(const struct server *s, int to)
{
	struct lot l = { .to = to, .kind = PASSED_LOT_ADDRESS };
	int fds[2], fd;

	for (const struct listener *i = s->listeners; i && !s->passed.n_control; i = i->next) {
		put(&l, i->fd);
	}
	for (unsigned i = 0; reflector_shared_fds(s->reflector, i, fds); i++) {
		put(&l, fds[0]);
		put(&l, fds[1]);
	}
	for (size_t n = 0; (fd = light_fd(s->reflector, n)) >= 0; n++) {
		put(&l, fd);
	}
	flush(&l);
	return l.error;
}

/*
 * All sockets, waiting to be received from one: the service manager compares each descriptor that
 * it is given with each that it has, which takes it a minute for 8000 of them.
 */
static int pack(const struct server *s)
{
	int ends[2], octets = 1 << 24, rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		return -errno;
	}
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
	rc = put_sockets(s, ends[0]);
	rc = rc ? rc : put_ports(s, ends[0]);
	close(ends[0]);
	if (rc) {
		close(ends[1]);
		return rc;
	}
	return ends[1];
}

/* What hung up must not be thrown out: FDPOLL=0. */
static int store(const char *name, int fd)
{
	char text[80];
	int rc;

	snprintf(text, sizeof text, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	rc = sd_pid_notify_with_fds(0, 0, text, &fd, 1);
	return rc > 0 ? 0 : rc ? rc : -EOPNOTSUPP;
}

/* Nothing of an earlier attempt, or of a process that did not take it up, may come along. */
static void forget(void)
{
	(void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" PASSED_STATE);
	(void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" PASSED_SOCKETS);
}

static int give(struct server *s)
{
	int state = save(s), sockets = state < 0 ? state : pack(s);
	int rc = sockets < 0 ? sockets : store(PASSED_SOCKETS, sockets);

	rc = rc ? rc : store(PASSED_STATE, state);
	if (!rc) {
		rc = sd_notify_barrier(0, PATIENCE_US);
		rc = rc > 0 ? 0 : rc;
	}
	if (sockets >= 0) {
		close(sockets);
	}
	if (state >= 0) {
		close(state);
	}
	return rc;
}

static void say(struct server *s, enum log_event e, uint32_t connections, uint32_t sessions)
{
	char detail[DETAIL_LEN];

	snprintf(detail, sizeof detail, "%" PRIu32 " connection%s and %" PRIu32 " session%s",
		 connections, connections == 1 ? "" : "s", sessions, sessions == 1 ? "" : "s");
	server_say(s, e, detail);
}

bool handover_give(struct server *s)
{
	int rc;

	if (!getenv("NOTIFY_SOCKET")) {
		server_say(s, LOG_EVENT_HANDOVER_FAILED,
			   "no service manager (NOTIFY_SOCKET) to keep it");
		return false;
	}
	reflector_halt(s->reflector);
	forget();
	rc = give(s);
	if (!rc) {
		say(s, LOG_EVENT_HANDED_OVER, s->n_conns, s->admit.sessions);
		return true;
	}
	forget();
	server_say(s, LOG_EVENT_HANDOVER_FAILED, strerror(-rc));
	rc = reflector_go_on(s->reflector);
	if (rc < 0) {
		server_say(s, LOG_EVENT_HANDOVER_FAILED, strerror(-rc));
	}
	return false;
}

/* --- taking it up --------------------------------------------------------------------- */

struct taken {
	uint32_t connections, sessions, lost_connections, lost_sessions;
};

static struct conn *adopt_conn(struct server *s, struct carry *k)
{
	struct conn *c = calloc(1, sizeof *c);
	uint64_t cookie = 0;

	if (!c) {
		return NULL;
	}
	CARRY(k, cookie);
	stream_init(&c->stream, passed_socket(&s->passed, cookie));
	c->control.keyed = vault_take(&s->keyed);
	resume_control(k, &c->control);
	if (!(c->control.modes & MODE_KEYED_MASK)) {
		vault_give(&s->keyed, c->control.keyed);
		c->control.keyed = NULL;
	}
	stream_carry(k, &c->stream);
	if (!k->bad && c->stream.fd >= 0) {
		c->client = clients_get(s->clients, &c->control.remote, server_mono());
	}
	if (!c->client) {
		control_wipe(&c->control);
		vault_give(&s->keyed, c->control.keyed);
		stream_close(&c->stream);
		free(c);
		return NULL;
	}
	c->server = s;
	c->control.total = &s->admit;
	c->control.client = &c->client->admit;
	conn_enlist(c);
	if (c->control.counted) {
		c->control.charged = c->control.class;
		admit_connection_resume(&s->admit, c->control.charged, c->control.client);
	}
	return c;
}

static void resume_conn(struct conn *c)
{
	struct control_in in = { .kind = CONTROL_POLICY };

	resume_settle(&c->control, server_mono());
	crowd_sort(c);
	if (c->control.state == CONTROL_DERIVING) {
		(void)orders_derive(c, &in);
	}
	conn_feed(c, &in); /* for its deadline */
	conn_go_on(c);
}

static void take_connection(struct server *s, struct carry *k, struct taken *t)
{
	struct conn *c = adopt_conn(s, k);

	t->connections += c != NULL;
	t->lost_connections += !c;
	if (k->bad) {
		return;
	}
	orders_adopt(k, s, c, &t->sessions, &t->lost_sessions);
	if (c) {
		resume_conn(c);
	}
}

static bool load_all(struct server *s, struct carry *k)
{
	struct taken t = { 0 };
	struct carry record;
	char detail[DETAIL_LEN];
	uint32_t n = 0;

	CARRY(k, n);
	for (; n && !k->bad; n--) {
		record = carry_open(k);
		take_connection(s, &record, &t);
		carry_close(k, &record);
	}
	record = carry_open(k);
	orders_adopt(&record, s, NULL, &t.sessions, &t.lost_sessions);
	if (t.lost_connections || t.lost_sessions) {
		snprintf(detail, sizeof detail,
			 "%" PRIu32 " connections and %" PRIu32
			 " sessions: their sockets or ports are not there any more",
			 t.lost_connections, t.lost_sessions);
		server_say(s, LOG_EVENT_HANDOVER_LOST, detail);
	}
	say(s, LOG_EVENT_TAKEN_OVER, t.connections, t.sessions);
	return !k->bad && !record.bad;
}

/* What is wrong with the file, or NULL. */
static const char *look(int fd, size_t *octets)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS) {
		return "it is not a sealed memory file";
	}
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(struct header) ||
	    st.st_size > OCTETS_MAX) {
		return "its size cannot be";
	}
	*octets = (size_t)st.st_size;
	return NULL;
}

static const char *check(const struct header *h, size_t octets)
{
	if (memcmp(h->magic, MAGIC, sizeof h->magic) != 0) {
		return "it is not twampd's";
	}
	if (h->version != VERSION) {
		return "it is of another version";
	}
	if (h->octets != octets - sizeof *h || h->octets % sizeof(uint64_t) != 0 ||
	    h->checksum != checksum(h)) {
		return "it is damaged";
	}
	return NULL;
}

static const char *take(struct server *s, int fd)
{
	struct carry k = { .way = CARRY_LOAD };
	const struct header *h;
	size_t octets = 0;
	const char *fault = look(fd, &octets);
	void *map;

	if (fault) {
		return fault;
	}
	map = mmap(NULL, octets, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		return strerror(errno);
	}
	(void)madvise(map, octets, MADV_DONTDUMP);
	h = map;
	fault = check(h, octets);
	if (!fault) {
		k.at = (uint8_t *)map + sizeof *h;
		k.left = h->octets;
		fault = load_all(s, &k) ? NULL : "it ends too soon";
	}
	munmap(map, octets);
	return fault;
}

void handover_take(struct server *s)
{
	const char *fault = NULL;

	if (s->passed.any_left || s->passed.state >= 0) {
		/* Before it is read: who stumbles over it must not do so again and again. */
		forget();
		fault = s->passed.state < 0 ? "there are sockets without it"
					    : take(s, s->passed.state);
	}
	if (fault) {
		server_say(s, LOG_EVENT_HANDOVER_LOST, fault);
	}
	passed_free(&s->passed);
}
