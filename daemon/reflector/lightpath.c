// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/lightpath.h"

#include "daemon/reflector/reflect.h"
#include "protocol/stamp.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>

#define WELL_KNOWN_PORT 862

static struct light_port *port_of(struct party *p)
{
	return (struct light_port *)(void *)((char *)p - offsetof(struct light_port, party));
}

/* As it stands, IPv4-mapped or not; scopes also where they say nothing. */
static struct address remote_of(const struct reflect_packet *p)
{
	const struct sockaddr_in *v4 = p->header->msg_name;
	const struct sockaddr_in6 *v6 = p->header->msg_name;
	struct address a = { 0 };

	if (v4->sin_family == AF_INET) {
		a.family = 4;
		a.port = ntohs(v4->sin_port);
		memcpy(a.ip, &v4->sin_addr, 4);
	} else {
		a.family = 6;
		a.port = ntohs(v6->sin6_port);
		a.scope = v6->sin6_scope_id;
		memcpy(a.ip, &v6->sin6_addr, 16);
	}
	return a;
}

/* Nobody gains by aiming at one of these: see find_group of reflect.c, and party.h. */
static uint32_t mix(const struct address *remote, const struct sock_meta *meta)
{
	uint64_t words[4], all = remote->port;

	memcpy(words, remote->ip, sizeof(remote->ip));
	memcpy(words + 2, meta->local, sizeof(meta->local));
	for (int i = 0; i < 4; i++) {
		all = (all ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		all ^= all >> 32;
	}
	return (uint32_t)all;
}

static void whose(struct worker *w, void *context, struct reflect_packet *p, unsigned n)
{
	struct light_port *port = context;

	for (unsigned i = 0; i < n; i++) {
		struct address remote = remote_of(&p[i]);

		p[i].party = &port->party;
		p[i].code = mix(&remote, &p[i].meta);
	}
}

/*
 * A packet from a reflector would go to and fro for ever: never from one of our other ports, from
 * the port that it is sent to and from the well-known one only if the settings want it, and never a
 * reply, whatever its port is (reflect_check).
 */
static bool is_loop(const struct light_port *p, uint16_t port)
{
	const struct light_view *view = p->owner->view;

	if (!port) {
		return true;
	}
	if (port == WELL_KNOWN_PORT || port == p->address.port) {
		return !p->rules->from_862;
	}
	return view->own[port / 64] >> (port % 64) & 1;
}

/* Last of all: what has no answer in any case costs a sender nothing. */
static bool is_too_much(const struct light_port *p, const struct address *remote, size_t n,
			struct mono now)
{
	const struct throttle_rates rates = { p->rules->packet_rate, p->rules->octet_rate };
	struct police none = { 0 };

	if ((rates.packet_rate || rates.octet_rate) &&
	    !throttle_take(p->throttle, remote, &rates, n, now)) {
		return true;
	}
	return police_is_on(&none, p->total) && !police_take(&none, p->total, n, now);
}

static bool is_draining(const struct light_port *p)
{
	const struct reflector *r = p->owner->worker->reflector;

	return p->rules->drain && atomic_load_explicit(&r->draining, memory_order_relaxed);
}

/* The packet itself; T-085 an SSID that is not one of the settings. */
static enum counter look(const struct light_port *port, const struct reflect_packet *p,
			 uint16_t remote_port)
{
	enum counter fault = reflect_check(p);

	if (fault == COUNTER_DROP_TRUNCATED) {
		return fault;
	}
	if (!p->meta.unicast) {
		return COUNTER_DROP_DESTINATION;
	}
	if (fault != COUNTER_NONE) {
		return fault;
	}
	if (is_loop(port, remote_port)) {
		return COUNTER_DROP_LOOP;
	}
	if (port->rules->n_ssids &&
	    !settings_light_knows(port->rules, stamp_get_ssid(p->octets, p->len))) {
		return COUNTER_DROP_SSID;
	}
	return is_draining(port) ? COUNTER_DROP_DRAINING : COUNTER_NONE;
}

static enum counter judge(struct worker *w, struct reflect_packet *p,
			  const struct reflect_pass *now)
{
	struct light_port *port = port_of(p->party);
	struct address remote = remote_of(p);
	enum counter fault;

	if (!settings_light_allows(port->rules, &remote)) { /* T-074 */
		strangers_note(&port->owner->strangers, &remote, port->address.port);
		return COUNTER_DROP_DENIED;
	}
	fault = look(port, p, remote.port);
	if (fault == COUNTER_NONE && is_too_much(port, &remote, p->len, now->mono)) {
		return COUNTER_DROP_POLICED;
	}
	return fault;
}

/* T-071, T-082: without state the sender's own number. T-072: else one of ours. */
static uint32_t number(struct worker *w, const struct reflect_packet *p,
		       const struct pkt_send *sent, const struct reflect_pass *now)
{
	struct light_port *port = port_of(p->party);
	struct address remote = remote_of(p);
	struct senders_key key = { .scope = remote.scope, .port = remote.port };
	struct senders_known *sender;
	struct forward_packet packet = reflect_forward(w, p, sent);
	struct forward_step step;
	bool evicted;

	if (!port->table) {
		return sent->seq;
	}
	memcpy(key.remote, remote.ip, sizeof(key.remote));
	memcpy(key.local, p->meta.local, sizeof(key.local));
	key.ssid = p->party->rules.stamp ? stamp_get_ssid(p->octets, p->len) : 0;
	sender = senders_find(port->table, &key, &evicted);
	step = forward_take(&sender->forward, &packet);
	party_count_forward(p->party, &step);
	if (evicted) {
		counters_add(&p->party->counters, COUNTER_EVICTED, 1);
	}
	return sender->seq++;
}

static const struct reflect_way light_way = {
	.names = true,
	.whose = whose,
	.judge = judge,
	.number = number,
};

/* The kernel tells for which sizes and routes it does not cut up runs. */
void lightpath_obey(struct light_port *p, const struct settings_light *rules)
{
	p->rules = rules;
	p->party.rules = reflection_light(rules->type == SETTINGS_LIGHT_STAMP, false);
	p->party.copy_tos = rules->dscp == SETTINGS_DSCP_COPY;
	p->party.tos = p->party.copy_tos ? 0 : (uint8_t)(rules->dscp << 2);
	p->party.run_octets = UINT32_MAX;
	p->party.refused = p->refused;
}

void lightpath_burst(struct light_port *p)
{
	struct reflect_source s = { .way = &light_way, .fd = p->fd, .context = p };

	(void)reflect_burst(p->owner->worker, &s);
}
