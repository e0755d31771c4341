// SPDX-License-Identifier: BSD-2-Clause
#include "client/control/retry.h"

#include "protocol/accept.h"

bool retry_wanted(const struct outcome *o)
{
	return o->kind == OUTCOME_REFUSED && o->accept == ACCEPT_TEMPORARY;
}

int64_t retry_wait_ns(int64_t base_ns, unsigned n, uint64_t random)
{
	int64_t wait = base_ns < RETRY_CAP_NS ? base_ns : RETRY_CAP_NS;
	int64_t half;

	while (n-- > 0 && wait < RETRY_CAP_NS && wait > 0) {
		wait = wait < RETRY_CAP_NS / 2 ? wait * 2 : RETRY_CAP_NS;
	}
	half = wait / 2;
	return half + (int64_t)(random % (uint64_t)(wait - half + 1));
}
