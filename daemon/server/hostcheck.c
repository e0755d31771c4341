// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/hostcheck.h"

#include "daemon/config/conf_error.h"
#include "daemon/reflector/udpsock.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#define SPARE_DESCRIPTORS 64 /* listeners, log, threads */

struct look {
	const struct settings *s;
	const struct hostcheck_facts *f;
	struct settings_error *to;
};

/* Where the key was set; the file as a whole if none sets it. */
static struct settings_place place_of(const struct look *l, const char *key,
				      const struct settings_class *class)
{
	struct settings_place at = settings_origin(l->s, key, class);

	if (!at.file) {
		at = (struct settings_place){ .file = l->f->config };
	}
	return at;
}

static const char *whose(const struct look *l)
{
	return l->f->service ? "the service" : "a process that is started here";
}

/* --- numbers -------------------------------------------------------------------------- */

static void look_at_descriptors(const struct look *l)
{
	const struct policy *p = &l->s->policy;
	bool each = l->s->ports_mode == SETTINGS_PORTS_PER_SESSION;
	uint64_t need = (each ? p->max_sessions : 0) + (uint64_t)p->max_connections +
			SPARE_DESCRIPTORS;
	const char *key = each ? "limits.max_sessions" : "limits.max_connections";
	struct settings_place at = place_of(l, key, NULL);

	if (need <= l->f->descriptors) {
		return;
	}
	conf_error_warn(l->to, &at, NULL,
			"%s: %u sessions and %u connections need %" PRIu64
			" open files, and %s may have %" PRIu64
			": raise LimitNOFILE= (systemctl edit %s.service), or lower the limits",
			key, p->max_sessions, p->max_connections, need, whose(l), l->f->descriptors,
			l->f->unit);
}

static void look_at_range(const struct look *l, const struct policy *p,
			  const struct settings_class *class)
{
	uint32_t ports = (uint32_t)p->port_last - p->port_first + 1;
	struct settings_place at = place_of(l, "limits.max_sessions", class);

	if (p->max_sessions <= ports) {
		return;
	}
	if (!settings_origin(l->s, "limits.max_sessions", class).file) {
		at = place_of(l, "ports.last", class);
	}
	conf_error_warn(
		l->to, &at, class ? class->name : NULL,
		"%slimits.max_sessions: %u sessions are more than the %u ports from %u to %u, "
		"which is all that one address has: widen ports, lower the limit, or set "
		"ports.mode = \"shared\"",
		class ? "clients." : "", p->max_sessions, ports, p->port_first, p->port_last);
}

static bool has_own(const struct settings *s, const char *key, const struct settings_class *c)
{
	struct settings_place own = settings_origin(s, key, c), all = settings_origin(s, key, NULL);

	return own.file && (own.line != all.line || own.column != all.column);
}

static void look_at_ports(const struct look *l)
{
	const struct settings *s = l->s;

	if (s->ports_mode == SETTINGS_PORTS_SHARED) {
		return;
	}
	look_at_range(l, &s->policy, NULL);
	for (size_t i = 0; i < s->n_classes; i++) {
		const struct settings_class *c = &s->classes[i];

		if (has_own(s, "ports.first", c) || has_own(s, "ports.last", c) ||
		    has_own(s, "limits.max_sessions", c)) {
			look_at_range(l, &c->policy, c);
		}
	}
}

static unsigned threads_of(const struct look *l)
{
	const struct settings *s = l->s;
	int cpus = CPU_COUNT(CPU_COUNT(&s->reflector_cpus) ? &s->reflector_cpus : &l->f->cpus);

	return s->reflector_threads ? s->reflector_threads : (unsigned)(cpus > 64 ? 64 : cpus);
}

static void look_at_shared(const struct look *l)
{
	const struct policy *p = &l->s->policy;
	uint32_t ports = (uint32_t)p->port_last - p->port_first + 1;
	struct settings_place at = place_of(l, "ports.mode", NULL);

	if (l->s->ports_mode != SETTINGS_PORTS_SHARED || l->s->shared_port ||
	    ports >= threads_of(l)) {
		return;
	}
	conf_error_warn(
		l->to, &at, NULL,
		"ports.mode: each of %u reflector threads has a shared port, and from %u to %u "
		"there are %u: widen ports, or set reflector.threads = %u",
		threads_of(l), p->port_first, p->port_last, ports, ports);
}

/* --- processors ----------------------------------------------------------------------- */

static void look_at_cpus(const struct look *l)
{
	struct settings_place at = place_of(l, "reflector.cpus", NULL);

	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &l->s->reflector_cpus) && !CPU_ISSET(cpu, &l->f->cpus)) {
			conf_error_warn(
				l->to, &at, NULL,
				"reflector.cpus: CPU %u is not there, or %s may not use it: "
				"name others (lscpu), or allow it (CPUAffinity=, "
				"AllowedCPUs=)",
				cpu, whose(l));
			return;
		}
	}
}

/* --- addresses ------------------------------------------------------------------------ */

/* An entry of listen or light. */
struct entry {
	const char *kind; /* "listen" */
	const struct address *address;
	const char *device;
	bool implied, freebind;
	const struct settings_place *place;
};

static void look_at_device(const struct look *l, const struct entry *e)
{
	struct settings_place at = e->place->file ? *e->place : place_of(l, e->kind, NULL);

	if (*e->device && !l->f->has_device(l->f->context, e->device)) {
		conf_error_warn(
			l->to, &at, NULL,
			"%s.device: there is no device \"%s\" on this host: make it first (ip "
			"link show), or start and reload fail",
			e->kind, e->device);
	}
}

static void look_at_address(const struct look *l, const struct entry *e)
{
	const struct hostcheck_facts *f = l->f;
	bool nonlocal = e->address->family == 6 ? f->nonlocal_v6 : f->nonlocal_v4;
	struct settings_place at = e->place->file ? *e->place : place_of(l, e->kind, NULL);
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(e->address->family == 6 ? AF_INET6 : AF_INET, e->address->ip, text,
			sizeof text);
	if (!e->implied && !e->freebind && !nonlocal && !address_is_any(e->address) &&
	    !f->has_address(f->context, e->address)) {
		conf_error_warn(l->to, &at, NULL,
				"%s.address: \"%s\" is no address of this host: add it first (ip "
				"address show), or set freebind = true",
				e->kind, text);
	}
}

static void look_at_port(const struct look *l, const struct entry *e)
{
	struct settings_place at = e->place->file ? *e->place : place_of(l, e->kind, NULL);

	if (l->f->low_ports || !e->address->port || e->address->port >= l->f->first_port) {
		return;
	}
	conf_error_warn(
		l->to, &at, NULL,
		"%s.port: port %u is below %u, and %s has neither CAP_NET_BIND_SERVICE nor a "
		"socket from the service manager: see twampd(8), or name a higher port",
		e->kind, e->address->port, l->f->first_port, whose(l));
}

static bool overlap(const struct settings_listen *a, const struct settings_listen *b)
{
	return a->address.port && a->address.port == b->address.port &&
	       a->address.family == b->address.family && !strcmp(a->device, b->device) &&
	       (address_is_any(&a->address) || address_is_any(&b->address));
}

static void look_at_overlap(const struct look *l, size_t i)
{
	const struct settings_listen *entry = &l->s->listen[i];

	for (size_t k = 0; k < i; k++) {
		if (overlap(entry, &l->s->listen[k])) {
			conf_error_warn(
				l->to, &entry->place, NULL,
				"listen: this overlaps the entry in line %u, and cannot be "
				"opened: 0.0.0.0 and :: are all addresses: name each port once",
				l->s->listen[k].place.line);
			return;
		}
	}
}

static void look_at_listen(const struct look *l)
{
	struct settings_place at = settings_origin(l->s, "listen", NULL);

	if (l->f->control_passed) {
		if (at.file) {
			conf_error_warn(l->to, &at, NULL,
					"listen: this is not used, because %s.socket passes the "
					"sockets: change ListenStream= there (systemctl edit "
					"%s.socket), or see twampd(8)",
					l->f->unit, l->f->unit);
		}
		return;
	}
	for (size_t i = 0; i < l->s->n_listen; i++) {
		const struct settings_listen *s = &l->s->listen[i];
		struct entry e = { "listen",   &s->address, s->device,
				   s->implied, s->freebind, &s->place };

		look_at_device(l, &e);
		look_at_address(l, &e);
		if (!i || s->place.line != s[-1].place.line ||
		    s->place.column != s[-1].place.column) { /* not the other family again */
			look_at_port(l, &e);
		}
		look_at_overlap(l, i);
	}
}

static void look_at_light(const struct look *l)
{
	for (size_t i = 0; i < l->s->n_light; i++) {
		const struct settings_light *s = &l->s->light[i];
		struct entry e = { "light",    &s->address, s->device,
				   s->implied, s->freebind, &s->place };

		look_at_device(l, &e);
		if (l->f->light_passed) { /* the socket unit may have this one */
			continue;
		}
		look_at_address(l, &e);
		if (!i || s->place.line != s[-1].place.line ||
		    s->place.column != s[-1].place.column) {
			look_at_port(l, &e);
		}
	}
}

/* --- the kernel ----------------------------------------------------------------------- */

static void look_at_kernel(const struct look *l)
{
	const struct policy *p = &l->s->policy;
	bool shared = l->s->ports_mode == SETTINGS_PORTS_SHARED;
	uint64_t entries = (uint64_t)p->max_sessions + p->max_connections;
	struct settings_place at = place_of(l, shared ? "ports.mode" : "light", NULL);

	if ((shared || l->s->n_light) && l->f->rmem_max && l->f->rmem_max < UDPSOCK_RCVBUF / 2) {
		conf_error_warn(
			l->to, &at, NULL,
			"%s: one port has the packets of many, and its receive buffer cannot "
			"be larger than %" PRIu64 " octets: sysctl net.core.rmem_max=%d",
			shared ? "ports.mode" : "light", l->f->rmem_max, UDPSOCK_RCVBUF / 2);
	}
	at = place_of(l, "limits.max_sessions", NULL);
	if (l->f->conntrack_max && entries > l->f->conntrack_max) {
		conf_error_warn(
			l->to, &at, NULL,
			"limits.max_sessions: connection tracking has room for %" PRIu64
			" entries, and %" PRIu64
			" sessions and connections may be there: take test packets out of it "
			"(notrack), or sysctl net.netfilter.nf_conntrack_max",
			l->f->conntrack_max, entries);
	}
}

void hostcheck_judge(const struct settings *s, const struct hostcheck_facts *f,
		     struct settings_error *to)
{
	const struct look l = { s, f, to };

	look_at_listen(&l);
	look_at_light(&l);
	look_at_descriptors(&l);
	look_at_ports(&l);
	look_at_shared(&l);
	look_at_cpus(&l);
	look_at_kernel(&l);
}
