// SPDX-License-Identifier: BSD-2-Clause
/* What the server calls, instead of the real: linked before the archives. */
#include "daemon/reflector/light.h"
#include "tests/unit/server/lobby.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARED_PORT 50000

struct reflector fake_reflector;
struct fake_kdf fake_kdf;

/* --- the reflector --------------------------------------------------------------------- */

static struct udp_session *add(struct reflector *r, const struct session_spec *spec, void *owner)
{
	struct udp_session *u = calloc(1, sizeof *u);

	ck_assert_ptr_nonnull(u);
	u->spec = *spec;
	u->owner = owner;
	u->fd = -1;
	u->next = r->first;
	if (u->next) {
		u->next->prev = u;
	}
	r->first = u;
	r->n++;
	return u;
}

struct udp_session *udp_rival(const struct reflector *r, const struct session_spec *spec,
			      const struct udp_session *u)
{
	for (u = u ? u->next : r->first; u; u = u->next) {
		if (r->shared && address_same_port(&u->spec.remote, &spec->remote) && !u->ending) {
			return (struct udp_session *)u;
		}
	}
	return NULL;
}

int udp_open(struct reflector *r, const struct session_spec *spec, uint16_t port_first,
	     uint16_t port_last, void *owner, struct udp_session **out, uint16_t *port)
{
	int error = r->open_error;

	r->open_error = 0;
	ck_assert_uint_le(port_first, port_last);
	if (!error && udp_rival(r, spec, NULL)) {
		error = -EEXIST;
	}
	if (error) {
		return error;
	}
	*out = add(r, spec, owner);
	(*out)->port = *port = r->shared ? SHARED_PORT : (uint16_t)(port_first + r->next_port++);
	return 0;
}

int udp_start(struct udp_session *u, const struct crypt_keys *keys,
	      const uint8_t sid[static MSG_SID_LEN])
{
	int error = fake_reflector.start_error;

	fake_reflector.start_error = 0;
	u->started = !error;
	return error;
}

void udp_stop(struct udp_session *u, int64_t timeout_ns)
{
	u->stop_ns = timeout_ns;
}

void udp_end(struct udp_session *u)
{
	u->ending = true;
}

void udp_police(struct udp_session *u, struct police_total *total)
{
	u->total = total;
}

struct udp_session *udp_next(const struct reflector *r, const struct udp_session *u)
{
	return u ? u->next : r->first;
}

void *udp_owner(const struct udp_session *u)
{
	return u->owner;
}

int udp_fd(const struct udp_session *u)
{
	return u->fd;
}

void udp_carry(struct carry *c, struct udp_session *u)
{
	CARRY(c, u->n.n[COUNTER_RECEIVED]);
}

int udp_adopt(struct reflector *r, const struct session_spec *spec, uint16_t port, int fd,
	      struct carry *c, void *owner, struct police_total *total, struct udp_session **out)
{
	struct udp_session *u;

	if (r->open_error) {
		if (fd >= 0) {
			close(fd);
		}
		return r->open_error;
	}
	u = add(r, spec, owner);
	u->port = port;
	u->fd = fd;
	u->total = total;
	udp_carry(c, u);
	*out = u;
	return 0;
}

void udp_class(struct udp_session *u, struct class_sums *sums)
{
	u->sums = sums;
}

void udp_forward(const struct udp_session *u, struct forward *out)
{
	*out = u->forward;
}

struct class_sums *reflector_class(const struct reflector *r)
{
	(void)r;
	return class_sums_new(1);
}

void udp_counters(const struct udp_session *u, struct counters_values *out)
{
	*out = u->n;
}

void reflector_carry(struct carry *c, struct reflector *r)
{
	(void)c;
	(void)r;
}

int reflector_shared_fd(const struct reflector *r, unsigned i)
{
	(void)r;
	(void)i;
	return -1;
}

int light_fd(const struct reflector *r, size_t n)
{
	(void)r;
	(void)n;
	return -1;
}

void fake_end(struct conns *cs, struct udp_session *u, enum udp_end why)
{
	session_orders_session_ended(cs, u->owner, why, &u->n);
	*(u->prev ? &u->prev->next : &fake_reflector.first) = u->next;
	if (u->next) {
		u->next->prev = u->prev;
	}
	fake_reflector.n--;
	if (u->fd >= 0) {
		close(u->fd);
	}
	free(u);
}

unsigned fake_settle(struct conns *cs)
{
	unsigned n = 0;

	for (struct udp_session *u = fake_reflector.first, *next; u; u = next) {
		next = u->next;
		if (u->ending) {
			fake_end(cs, u, UDP_END_ORDERED);
			n++;
		}
	}
	return n;
}

/* --- key derivation --------------------------------------------------------------------- */

int kdf_submit(struct kdf *k, const struct kdf_request *r, void *owner, struct kdf_job **out)
{
	int error = fake_kdf.error;

	(void)k;
	fake_kdf.error = 0;
	if (error) {
		return error;
	}
	fake_kdf.submitted++;
	fake_kdf.last = (struct kdf_job){ owner, r->key };
	*out = &fake_kdf.last;
	return 0;
}

void kdf_cancel(struct kdf_job *job)
{
	job->owner = NULL;
	fake_kdf.cancelled++;
}

/* --- the log ---------------------------------------------------------------------------- */

static unsigned said[LOG_EVENT_COUNT];
static char details[LOG_EVENT_COUNT][200];

bool log_event(struct log *l, enum log_event e, const struct log_args *args)
{
	(void)l;
	said[e]++;
	(void)snprintf(details[e], sizeof details[e], "%s", args->detail ? args->detail : "");
	return true;
}

void log_say(struct log *l, enum log_event e, const char *detail)
{
	(void)log_event(l, e, &(struct log_args){ .detail = detail });
}

struct prefix log_client(const struct log *l, const struct address *a)
{
	struct prefix p = { .family = a->family, .bits = a->family == 4 ? 32 : 56 };

	(void)l;
	memcpy(p.ip, a->ip, sizeof p.ip);
	return p;
}

void log_be_patient(struct log *l)
{
	(void)l;
}

void fake_forget(void)
{
	memset(said, 0, sizeof said);
	fake_reflector = (struct reflector){ 0 };
	fake_kdf = (struct fake_kdf){ 0 };
}

unsigned fake_said(enum log_event e)
{
	return said[e];
}

const char *fake_detail(enum log_event e)
{
	return details[e];
}
