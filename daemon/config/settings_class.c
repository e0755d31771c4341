// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/classes.h"
#include "protocol/mode.h"

#include <string.h>

const struct settings_class *settings_class_by_address(const struct settings *s,
						       const struct address *a)
{
	struct prefix host = { .family = a->family, .bits = a->family == 6 ? 128 : 32 };
	const struct settings_prefix *p;
	size_t low = 0, high = s->n_prefixes;

	if (!s->n_classes) {
		return &s->fallback;
	}
	memcpy(host.ip, a->ip, host.bits / 8);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&s->by_address[middle]->prefix, &host) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	/* What covers the address is the one before it, or covers that one. */
	p = low ? s->by_address[low - 1] : NULL;
	while (p && !prefix_covers(&p->prefix, &host)) {
		p = p->wider;
	}
	return p ? &s->classes[p->class] : NULL;
}

const struct settings_class *settings_class_by_key(const struct settings *s, const uint8_t *key_id,
						   size_t len)
{
	size_t low = 0, high = s->n_key_ids;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct settings_key_id *id = s->by_key_id[middle];
		int order = keys_compare_ids(key_id, len, id->id, id->len);

		if (!order) {
			return &s->classes[id->class];
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}

uint32_t settings_keyed_modes(const struct settings *s)
{
	uint32_t modes = 0;

	for (size_t i = 0; i < s->n_classes; i++) {
		const struct settings_class *c = &s->classes[i];

		if (c->n_key_ids) {
			modes |= (c->policy.modes & MODE_KEYED_MASK) | c->policy.features;
		}
	}
	return modes & MODE_KEYED_MASK ? modes : 0;
}
