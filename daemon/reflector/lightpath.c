// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/lightpath.h"

#include "daemon/reflector/ownhost.h"
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
static bool is_too_much(const struct light_port *p, const struct settings_row *row,
			const struct address *remote, size_t n, struct mono now)
{
	const struct throttle_rates rates = { row->packet_rate == SETTINGS_ROW_RATE
						      ? p->rules->packet_rate
						      : (uint32_t)row->packet_rate,
					      p->rules->octet_rate };
	struct police_total *total = p->party.total;
	struct police none = { 0 };

	if ((rates.packet_rate || rates.octet_rate) &&
	    !throttle_take(p->throttle, remote, &rates, n, now)) {
		return true;
	}
	return police_is_on(&none, total) && !police_take(&none, total, n, now);
}

static bool is_draining(const struct light_port *p)
{
	const struct reflector *r = p->owner->worker->reflector;
	enum light_drain which = atomic_load_explicit(&r->draining, memory_order_relaxed);

	return which == LIGHT_DRAIN_ALL || (which == LIGHT_DRAIN_SET && p->rules->drain);
}

/* The packet itself. */
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
	return is_draining(port) ? COUNTER_DROP_DRAINING : COUNTER_NONE;
}

/* S-021 S-023 S-027: either key of the row; nothing is kept of what has neither. */
static bool is_signed(const struct light_port *port, struct reflect_packet *p,
		      const struct settings_row *row, const struct reflect_pass *now)
{
	struct police none = { 0 };

	if (police_is_on(&none, port->unverified) &&
	    !police_take(&none, port->unverified, p->len, now->mono)) {
		return false;
	}
	for (unsigned i = 0; i < row->n_keys; i++) {
		if (stamp_opens(row->keys[i], p->octets, p->len)) {
			p->key = row->keys[i];
			return true;
		}
	}
	return false;
}

/* S-028: address, length, row, HMAC, rate. */
static enum counter judge(struct worker *w, struct reflect_packet *p,
			  const struct reflect_pass *now)
{
	struct light_port *port = port_of(p->party);
	struct address remote = remote_of(p);
	const struct settings_row *row;
	enum counter fault;
	bool allowed;

	row = settings_light_row(port->rules, &remote,
				 reflection_ssid(&p->party->rules, p->octets, p->len), &allowed);
	if (!allowed) { /* T-074 */
		strangers_note(&port->owner->strangers, &remote, port->address.port);
		return COUNTER_DROP_DENIED;
	}
	fault = look(port, p, remote.port);
	if (fault != COUNTER_NONE) {
		return fault;
	}
	if (!row) { /* T-085 */
		return COUNTER_DROP_SSID;
	}
	p->row = row;
	if (port->rules->mode == SETTINGS_LIGHT_AUTHENTICATED && !is_signed(port, p, row, now)) {
		strangers_note(&port->owner->forgers, &remote, port->address.port);
		return COUNTER_DROP_HMAC;
	}
	return is_too_much(port, row, &remote, p->len, now->mono) ? COUNTER_DROP_POLICED
								  : COUNTER_NONE;
}

/* Whoever had no packet for long enough may make room, others may not: else strangers could make
 * everybody begin anew. */
static struct senders_known *find_sender(struct light_port *port, const struct reflect_packet *p,
					 const struct reflect_pass *now)
{
	struct address remote = remote_of(p);
	struct senders_key key = { .scope = remote.scope, .port = remote.port };
	struct senders_known *sender;
	bool evicted;

	memcpy(key.remote, remote.ip, sizeof(key.remote));
	memcpy(key.local, p->meta.local, sizeof(key.local));
	key.ssid = reflection_ssid(&p->party->rules, p->octets, p->len);
	sender = senders_find(port->table, &key, now->mono, &evicted);
	if (!sender) {
		party_count(p->party, COUNTER_STATELESS, 1);
	} else if (evicted) {
		party_count(p->party, COUNTER_EVICTED, 1);
	}
	return sender;
}

/* T-071, T-082: without state the sender's own number. T-072: else one of ours. */
static uint32_t number(struct worker *w, struct reflect_packet *p, const struct pkt_send *sent,
		       const struct reflect_pass *now)
{
	struct light_port *port = port_of(p->party);
	struct senders_known *sender = port->table ? find_sender(port, p, now) : NULL;
	struct forward_packet packet = reflect_forward(w, p, sent);
	struct forward_step step;

	p->known = sender;
	if (!sender) {
		return sent->seq;
	}
	p->newest = !sender->forward.flow.any ||
		    (int32_t)(sent->seq - sender->forward.flow.max) > 0;
	forward_take(&sender->forward, &packet, &step);
	party_count_forward(p->party, &step);
	sender->rx_count++;
	sender->duplicates += step.any && step.flow.duplicate;
	return sender->seq++;
}

/* --- TLVs ------------------------------------------------------------------------------- */

static bool is_ours(const void *host, const struct address *a)
{
	return ownhost_has(host, a);
}

/* S-121: what the kernel says of the clock comes first. */
static uint8_t sync_of(const struct worker *w, const struct light_view *view)
{
	if (!w->estimate.synchronized) {
		return TLVREPLY_SYNC_LOCAL;
	}
	if (view->settings->clock_source == SETTINGS_CLOCK_AUTO) {
		return w->estimate.pps ? TLVREPLY_SYNC_GNSS : TLVREPLY_SYNC_NTP;
	}
	return (uint8_t)view->settings->clock_source;
}

/* S-184 */
static uint16_t link_of(const struct light_port *port, uint32_t device)
{
	for (size_t i = 0; port->links && i < port->links->n; i++) {
		if (port->links->link[i].device == device) {
			return port->links->link[i].id;
		}
	}
	return 0;
}

static void tell_session(struct tlvreply_facts *f, const struct reflect_packet *p, uint32_t seq)
{
	const struct senders_known *sender = p->known;

	if (!sender) {
		return;
	}
	f->stateful = true;
	f->newest = p->newest;
	f->rx_count = sender->rx_count;
	f->tx_count = seq + 1;
	if (sender->t3_ns) {
		f->previous.method = TLVREPLY_METHOD_SOFTWARE;
		f->previous.seq = seq - 1;
		f->previous.ts = ts_encode(reflection_format(&p->party->rules, p->len),
					   (struct wall){ .ns = sender->t3_ns });
	}
}

static void ask(struct worker *w, const struct reflect_packet *p, const struct pkt_send *sent,
		uint32_t seq, struct tlvreply_facts *f)
{
	const struct light_port *port = port_of(p->party);
	const struct settings_row *row = p->row;

	*f = (struct tlvreply_facts){
		.authenticated = p->key != NULL,
		.keys = { p->key ? p->key : row->keys[0], p->key ? NULL : row->keys[1] },
		.sender_seq = sent->seq,
		.own_seq = seq,
		.from = remote_of(p),
		.to = { .family = p->meta.family, .port = port->address.port },
		.tos = p->meta.tos,
		.link_id = link_of(port, p->meta.arrival),
		.sync = sync_of(w, port->owner->view),
		.method_in = p->meta.phc_error_ns ? TLVREPLY_METHOD_CARD : TLVREPLY_METHOD_SOFTWARE,
		.method_out = TLVREPLY_METHOD_SOFTWARE,
		.host = w->reflector->hosts,
	};
	if (f->host && !*port->rules->device) { /* S-160: in a VRF only the one that was asked */
		f->is_ours = is_ours;
	}
	memcpy(f->to.ip, p->meta.local, sizeof(f->to.ip));
	f->loopback = address_is_loopback(&f->from);
	tell_session(f, p, seq);
}

static void count_access(struct counters *c, enum tlvreply_access access)
{
	switch (access) {
	case TLVREPLY_ACCESS_NONE:
		break;
	case TLVREPLY_ACCESS_AVAILABLE:
		counters_add(c, COUNTER_ACCESS_AVAILABLE, 1);
		break;
	case TLVREPLY_ACCESS_UNAVAILABLE:
		counters_add(c, COUNTER_ACCESS_UNAVAILABLE, 1);
		break;
	case TLVREPLY_ACCESS_OTHER:
		counters_add(c, COUNTER_ACCESS_OTHER, 1);
		break;
	}
}

/* S-032: without a reply the number is free again. */
static enum counter told(struct worker *w, const struct reflect_packet *p, const struct tlvreply *t)
{
	struct counters *c = &p->party->rare;
	struct senders_known *sender = p->known;

	if (sender && t->verdict != TLVREPLY_SEND) {
		sender->seq--;
	}
	switch (t->verdict) {
	case TLVREPLY_SILENT:
		return COUNTER_DROP_NO_REPLY;
	case TLVREPLY_MEMBER_LINK:
		if (sender) { /* not of this session at all */
			sender->rx_count--;
		}
		return COUNTER_DROP_MEMBER_LINK;
	case TLVREPLY_SEND:
		break;
	}
	if (t->unrecognized) {
		counters_add(c, COUNTER_TLV_UNRECOGNIZED, 1);
	}
	if (t->malformed) {
		counters_add(c, COUNTER_TLV_MALFORMED, 1);
	}
	if (t->integrity) {
		counters_add(c, COUNTER_TLV_INTEGRITY, 1);
	}
	count_access(c, t->access);
	return COUNTER_NONE;
}

static int64_t *note(const struct reflect_packet *p)
{
	struct senders_known *sender = p->known;

	if (!sender) {
		return NULL;
	}
	sender->tx_count++;
	return &sender->t3_ns;
}

static const struct reflect_way light_way = {
	.names = true,
	.whose = whose,
	.judge = judge,
	.number = number,
	.ask = ask,
	.told = told,
	.note = note,
};

/* The kernel tells for which sizes and routes it does not cut up runs. */
void lightpath_obey(struct light_port *p, const struct settings_light *rules,
		    const struct light_links *links)
{
	p->rules = rules;
	p->links = links;
	p->party.rules = reflection_light(rules->type == SETTINGS_LIGHT_STAMP,
					  rules->mode == SETTINGS_LIGHT_AUTHENTICATED);
	p->party.rules.format = rules->timestamps;
	p->party.rules.tlvs = rules->tlv.off ? NULL : &rules->tlv;
	p->party.copy_tos = rules->dscp == SETTINGS_DSCP_COPY;
	p->party.tos = p->party.copy_tos ? 0 : (uint8_t)(rules->dscp << 2);
	p->party.run_octets = UINT32_MAX;
	p->party.many = true;
	p->party.refused = p->refused;
}

void lightpath_burst(struct light_port *p)
{
	struct reflect_source s = { .way = &light_way, .fd = p->fd, .context = p };

	(void)reflect_burst(p->owner->worker, &s);
}
