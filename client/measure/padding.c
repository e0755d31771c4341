// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/padding.h"

#include "protocol/pkt.h"

/* The least that a reply has room for without being cut to less than what is to be reflected. */
static uint32_t find_least(const struct plan *plan, uint32_t modes)
{
	const struct pkt_layout *l = pkt_layout(modes);
	uint32_t shift = l->reply_min - l->send_padding;
	uint32_t least = shift + plan->reflect_length;

	if (!(modes & MODE_REFLECT_OCTETS)) {
		return 0;
	}
	return least > plan->reflect_length ? least : plan->reflect_length + 1u;
}

uint32_t padding_octets(const struct plan *plan, uint32_t modes)
{
	const struct pkt_layout *l = pkt_layout(modes);
	uint32_t equal = l->reply_min - l->send_padding, least = find_least(plan, modes);

	if (plan->padding_given) {
		return plan->padding;
	}
	return equal > least ? equal : least;
}

int padding_check(const struct plan *plan, uint32_t modes, struct outcome *out)
{
	uint32_t padding = padding_octets(plan, modes), least = find_least(plan, modes);
	size_t octets = pkt_send_len(pkt_layout(modes), padding);

	if (padding < least) {
		return outcome_set(
			out, OUTCOME_LOCAL, 0,
			"%u octets of padding are too few to reflect %u of them: at least "
			"%u are needed in this mode",
			padding, plan->reflect_length, least);
	}
	if (octets > PKT_MAX_PAYLOAD_V4) {
		return outcome_set(
			out, OUTCOME_LOCAL, 0,
			"%u octets of padding make packets of %zu octets; %u fit into UDP", padding,
			octets, PKT_MAX_PAYLOAD_V4);
	}
	return OUTCOME_OK;
}
