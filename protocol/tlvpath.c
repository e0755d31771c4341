// SPDX-License-Identifier: BSD-2-Clause
/* The TLVs that say where the reply leaves from, and which way it goes. RFC 9503 */
#include "protocol/tlvreply.h"

/* Sub-TLVs of Return Path. RFC 9503 4.1 */
enum path {
	PATH_CONTROL = 1,
	PATH_ADDRESS = 2,
	PATH_MPLS = 3,
	PATH_SRV6 = 4,
};
#define SAME_LINK 1u /* of a Control Code: the lowest bit alone counts */

/* The address that is the whole Value. */
static struct address read_address(const struct tlvreply_work *w, const struct tlv *t)
{
	struct wire_in value = wire_in(w->octets + t->value, t->length);
	struct address a = { .family = t->length == 4 ? 4 : 6 };

	wire_get(&value, a.ip, t->length);
	return a;
}

/* S-160..S-164 */
enum tlvreply_flags tlvreply_DESTINATION_NODE_ADDRESS(struct tlvreply_work *w, const struct tlv *t)
{
	const struct tlvreply_facts *f = w->facts;
	struct address a = read_address(w, t);

	bool asked = address_same_host(&a, &f->to);

	if (address_is_unusable(&a) || (address_is_loopback(&a) && !f->loopback) ||
	    (!asked && !(f->is_ours && f->is_ours(f->host, &a)))) {
		return TLVREPLY_U;
	}
	if (a.family == f->to.family) {
		w->reply->from_set = true;
		w->reply->from = a;
		w->reply->from.port = f->to.port;
	}
	return TLVREPLY_OK;
}

/* --- Return Path --------------------------------------------------------------------------- */

static bool path_knows(uint8_t type)
{
	return type >= PATH_CONTROL && type <= PATH_SRV6;
}

static bool path_fits(const struct tlv *sub)
{
	if (sub->frame != TLV_WHOLE) {
		return false;
	}
	switch (sub->type) {
	case PATH_CONTROL:
		return sub->length == 4;
	case PATH_ADDRESS:
		return sub->length == 4 || sub->length == 16;
	case PATH_MPLS:
		return sub->length && sub->length % 4 == 0;
	case PATH_SRV6:
		return sub->length && sub->length % 16 == 0;
	default:
		return true;
	}
}

/* The first of each kind. */
struct path_subs {
	struct tlv control, address;
	bool has_control, has_address;
};

/* S-172: marks the sub-TLV that is wrong, and only that. False: there is one. */
static bool read_subs(struct tlvreply_work *w, const struct tlv *t, struct path_subs *subs)
{
	struct tlv_cursor c = tlv_cursor_within(w->octets, t->value, t->end);
	struct tlv sub;

	memset(subs, 0, sizeof(*subs));
	while (tlv_next(&c, &sub)) {
		if (!path_fits(&sub)) {
			bool known = sub.frame == TLV_FRAGMENT || path_knows(sub.type);

			w->octets[sub.at] = (uint8_t)(TLV_M | (known ? 0 : TLV_U));
			return false;
		}
		if (sub.type == PATH_CONTROL && !subs->has_control) {
			subs->has_control = true;
			subs->control = sub;
		} else if (sub.type == PATH_ADDRESS && !subs->has_address) {
			subs->has_address = true;
			subs->address = sub;
		}
	}
	return true;
}

/* S-165, S-166 */
static bool use_control(struct tlvreply_work *w, const struct tlv *sub)
{
	struct wire_in value = wire_in(w->octets + sub->value, sub->length);
	bool same_link = wire_get32(&value) & SAME_LINK;

	if (!(w->policy->return_path & (same_link ? TLVREPLY_SAME_LINK : TLVREPLY_NO_REPLY))) {
		return false;
	}
	if (same_link) {
		w->reply->same_link = true;
	} else {
		w->reply->verdict = TLVREPLY_SILENT;
	}
	return true;
}

/* S-168: our replies are not to be aimed at others. */
static bool may_go_to(const struct tlvreply_work *w, const struct address *to)
{
	struct prefix host = { .family = to->family, .bits = to->family == 4 ? 32 : 128 };
	const struct tlvreply_policy *p = w->policy;

	if (!(p->return_path & TLVREPLY_ADDRESS) || !w->facts->stateful || !w->facts->newest ||
	    !w->reply->key || address_is_unusable(to)) {
		return false;
	}
	memcpy(host.ip, to->ip, sizeof(host.ip));
	for (size_t i = 0; i < p->n_addresses; i++) {
		if (prefix_covers(&p->addresses[i], &host)) {
			return true;
		}
	}
	return false;
}

/* S-167, S-168 */
static bool use_address(struct tlvreply_work *w, const struct tlv *sub)
{
	struct address to = read_address(w, sub);

	to.port = w->facts->from.port;
	to.scope = w->facts->from.scope;
	if (address_same_host(&to, &w->facts->from)) {
		return true;
	}
	if (to.family != w->facts->from.family || !may_go_to(w, &to)) {
		return false;
	}
	w->reply->to_set = true;
	w->reply->to = to;
	return true;
}

/* S-165..S-173 */
enum tlvreply_flags tlvreply_RETURN_PATH(struct tlvreply_work *w, const struct tlv *t)
{
	struct tlv_cursor c = tlv_cursor_within(w->octets, t->value, t->end);
	struct path_subs subs;
	struct tlv sub;
	bool used = false;
	size_t which = 0;

	if (w->path_seen) { /* S-170 */
		return TLVREPLY_U;
	}
	w->path_seen = true;
	if (!read_subs(w, t, &subs)) {
		return TLVREPLY_M;
	}
	if (subs.has_control) { /* S-171: it wins */
		used = use_control(w, &subs.control);
		which = subs.control.at;
	} else if (subs.has_address) {
		used = use_address(w, &subs.address);
		which = subs.address.at;
	}
	while (tlv_next(&c, &sub)) {
		w->octets[sub.at] = used && sub.at == which ? 0 : TLV_U;
	}
	return used ? TLVREPLY_OK : TLVREPLY_U;
}
