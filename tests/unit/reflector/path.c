// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/reflector/path.h"

struct path path_of(struct seed *seed)
{
	return (struct path){ .seed = seed,
			      .interval_ns = 10 * PATH_MS,
			      .delay_ns = 5 * PATH_MS,
			      .error_estimate = TS_EE_SYNC | 0x0101,
			      .ttl = 250 };
}

int64_t path_arrive(struct path *p, uint32_t seq, ts_wire t1, int64_t at_ns)
{
	struct forward_packet packet = {
		.seq = seq,
		.t1 = t1,
		.t2 = { .ns = PATH_START_NS + at_ns + p->clock_ns },
		.error_estimate = (uint16_t)(p->error_estimate |
					     (p->format == TS_PTP ? TS_EE_PTP : 0)),
		.has_ttl = true,
		.has_tos = !p->tos_untold,
		.ttl = p->ttl,
		.tos = p->tos,
		.clock_set = p->clock_set,
	};
	struct forward_step step;

	forward_take(&p->forward, &packet, &step);
	p->gaps += (uint64_t)step.flow.gaps;
	p->duplicates += step.flow.duplicate;
	p->reordered += step.flow.reordered;
	p->untimed += step.untimed;
	p->congested += step.congested;
	p->taken++;
	p->known += step.above_ns >= 0;
	return step.above_ns;
}

int64_t path_send(struct path *p)
{
	int64_t queue_ns = p->queue_ns ? (int64_t)(seed_next(p->seed) % (uint64_t)p->queue_ns) : 0;
	int64_t own_ns = p->now_ns + p->offset_ns - (int64_t)(p->drift * (double)p->now_ns);
	struct wall t1 = { .ns = PATH_START_NS + own_ns };
	int64_t at_ns = p->now_ns + p->delay_ns + queue_ns;

	p->now_ns += p->interval_ns;
	return path_arrive(p, p->seq++, ts_encode(p->format, t1), at_ns);
}

void path_send_many(struct path *p, unsigned n)
{
	while (n--) {
		(void)path_send(p);
	}
}

void path_lose(struct path *p, unsigned n)
{
	p->seq += n;
	p->now_ns += p->interval_ns * n;
}

struct forward_view path_view(const struct path *p)
{
	struct forward copy;
	struct forward_view v;

	forward_read(&p->forward, &copy);
	forward_view(&copy, &v);
	return v;
}
