// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/party.h"

/* Each packet that was received was answered or dropped; what the kernel did not take was both. */
void party_read(const struct party *p, struct counters_values *out)
{
	uint64_t answered = atomic_load_explicit(&p->hot.answered, memory_order_relaxed);
	uint64_t *n = out->n;

	counters_read(&p->rare, out);
	n[COUNTER_RECEIVED] = answered + counters_dropped(out) - n[COUNTER_DROP_TX];
	n[COUNTER_REFLECTED] = answered - n[COUNTER_DROP_TX];
	n[COUNTER_KERNEL_TIMESTAMPS] = answered - n[COUNTER_HARDWARE_TIMESTAMPS] -
				       n[COUNTER_USER_TIMESTAMPS];
}

uint64_t party_get(const struct party *p, enum counter i)
{
	struct counters_values v;

	party_read(p, &v);
	return v.n[i];
}

static bool is_derived(enum counter i)
{
	return i == COUNTER_RECEIVED || i == COUNTER_REFLECTED || i == COUNTER_KERNEL_TIMESTAMPS;
}

void party_add(struct party *p, const struct counters_values *v)
{
	uint64_t answered = v->n[COUNTER_REFLECTED] + v->n[COUNTER_DROP_TX];

	for (int i = 0; i < COUNTER_COUNT; i++) {
		if (!is_derived((enum counter)i)) {
			counters_add(&p->rare, (enum counter)i, v->n[i]);
		}
	}
	atomic_store_explicit(&p->hot.answered,
			      atomic_load_explicit(&p->hot.answered, memory_order_relaxed) +
				      answered,
			      memory_order_relaxed);
}
