// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/protocol/tlvcase.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUEST ".request"

static const struct vector *part(const struct vectors *v, const struct tlvcase *c, const char *what)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s.%s", c->name, what);
	return vectors_find(v, name);
}

static uint64_t number(const struct vectors *v, const struct tlvcase *c, const char *what,
		       uint64_t otherwise)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s.%s", c->name, what);
	return vectors_find(v, name) ? vectors_number(v, name) : otherwise;
}

static bool ends_a_request(const char *name)
{
	size_t n = strlen(name), tail = strlen(REQUEST);

	return n > tail && strcmp(name + n - tail, REQUEST) == 0;
}

size_t tlvcase_count(const struct vectors *v)
{
	size_t count = 0;

	for (size_t i = 0; i < v->count; i++) {
		count += ends_a_request(v->all[i].name);
	}
	return count;
}

static const struct vector *request(const struct vectors *v, size_t i)
{
	for (size_t at = 0; at < v->count; at++) {
		if (ends_a_request(v->all[at].name) && i-- == 0) {
			return &v->all[at];
		}
	}
	abort();
}

static uint64_t bits(const struct vector *list, uint64_t otherwise)
{
	uint64_t set = 0;

	for (size_t i = 0; list && i < list->n; i++) {
		set |= UINT64_C(1) << list->octets[i];
	}
	return list ? set : otherwise;
}

static bool is_ours(const void *host, const struct address *a)
{
	static const uint8_t v4[2][4] = { { 198, 51, 100, 10 }, { 198, 51, 100, 11 } };
	uint8_t v6[16];

	(void)host;
	(void)inet_pton(AF_INET6, "2001:db8:1::10", v6);
	return a->family == 6 ? !memcmp(a->ip, v6, 16)
			      : !memcmp(a->ip, v4[0], 4) || !memcmp(a->ip, v4[1], 4);
}

static void read_policy(const struct vectors *v, struct tlvcase *c)
{
	const struct vector *address = part(v, c, "address");
	struct tlvreply_policy *p = &c->policy;

	p->off = number(v, c, "off", 0);
	p->required = number(v, c, "required", 0);
	p->location = number(v, c, "no_location", 0) ? 0 : TLVREPLY_LOCATION_ALL;
	p->return_path = TLVREPLY_NO_REPLY | TLVREPLY_SAME_LINK | (address ? TLVREPLY_ADDRESS : 0);
	p->types = (uint32_t)bits(part(v, c, "types"), TLV_ALL_TYPES);
	p->dscp = bits(part(v, c, "dscp"), UINT64_MAX);
	if (address) {
		c->address = (struct prefix){ .family = address->n == 5 ? 4 : 6,
					      .bits = address->octets[0] };
		memcpy(c->address.ip, address->octets + 1, address->n - 1);
		p->addresses = &c->address;
		p->n_addresses = 1;
	}
}

static void read_ends(const struct vectors *v, struct tlvcase *c)
{
	bool v6 = number(v, c, "ipv6", 0) != 0;
	struct tlvreply_facts *f = &c->facts;

	f->from.family = f->to.family = v6 ? 6 : 4;
	f->from.port = 40000;
	f->to.port = 862;
	(void)inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? "2001:db8::7" : "192.0.2.7", f->from.ip);
	(void)inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? "2001:db8:1::10" : "198.51.100.10", f->to.ip);
	f->is_ours = is_ours;
}

static void read_session(const struct vectors *v, struct tlvcase *c)
{
	const struct vector *previous = part(v, c, "previous"), *highest = part(v, c, "highest");
	struct wire_in w = wire_in(c->request->octets, c->request->n);
	struct tlvreply_facts *f = &c->facts;

	f->sender_seq = wire_get32(&w);
	f->stateful = !number(v, c, "stateless", 0);
	f->own_seq = f->stateful ? (uint32_t)number(v, c, "own_seq", 3) : f->sender_seq;
	f->rx_count = (uint32_t)number(v, c, "rx_count", 3) + 1;
	f->tx_count = (uint32_t)number(v, c, "tx_count", 3) + 1;
	f->newest = !highest || (int32_t)(f->sender_seq - (uint32_t)number(v, c, "highest", 0)) > 0;
	if (previous) {
		w = wire_in(previous->octets, previous->n);
		f->previous.seq = wire_get32(&w);
		f->previous.ts = wire_get64(&w);
		f->previous.method = wire_get8(&w);
	}
}

void tlvcase_read(const struct vectors *v, size_t i, struct tlvcase *c)
{
	static char names[256][64];
	const struct vector *r = request(v, i), *key;

	memset(c, 0, sizeof(*c));
	(void)snprintf(names[i % 256], sizeof(names[0]), "%.*s",
		       (int)(strlen(r->name) - strlen(REQUEST)), r->name);
	c->name = names[i % 256];
	c->request = r;
	c->reply = part(v, c, "reply");
	c->auth = number(v, c, "auth", 0);
	c->ttl = 253;
	c->error_estimate = (uint16_t)number(v, c, "error_estimate", 0x8d22);
	key = part(v, c, "key");
	if (key) {
		mac_key_init(&c->key, key->octets, key->n);
		c->facts.keys[0] = &c->key;
	}
	read_policy(v, c);
	read_ends(v, c);
	read_session(v, c);
	c->facts.authenticated = c->auth;
	c->facts.tos = (uint8_t)number(v, c, "tos", 0);
	c->facts.link_id = (uint16_t)number(v, c, "member_link", 0);
	c->facts.sync = (uint8_t)number(v, c, "sync", TLVREPLY_SYNC_NTP);
	c->facts.method_in = (uint8_t)number(v, c, "t2_method", TLVREPLY_METHOD_SOFTWARE);
	c->facts.method_out = TLVREPLY_METHOD_SOFTWARE;
	c->sent_tos = (uint8_t)number(v, c, "sent_tos", 0);
	c->sent_same_link = number(v, c, "sent_same_link", 0);
	c->sent_from = part(v, c, "sent_from");
	c->sent_to = part(v, c, "sent_to");
}
