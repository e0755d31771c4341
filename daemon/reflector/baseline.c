// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/baseline.h"

#define NS_PER_S 1000000000.f
#define ERROR_MAX_PPM 100.
#define ROUNDING_NS 64.f /* what floats leave out in six minutes at 500 ppm */

/* A line through two of the points, or along the only one. */
struct line {
	float slope; /* ns per s */
	float rise_ns; /* over all of the points */
	float most_ns; /* a point is so far above it, at most */
};

void baseline_begin(struct baseline *b, int64_t t_ns, int64_t d_ns)
{
	SHARE(b->t_ns, t_ns);
	SHARE(b->d_ns, d_ns);
	SHARE(b->least.t_s, 0.f);
	SHARE(b->least.d_ns, 0.f);
	SHARE(b->above_ns, 0.f);
	SHARE(b->slope, 0.f);
	SHARE(b->n, 0);
	SHARE(b->shift, 0);
	SHARE(b->fitted, false);
}

/* The origin moves. */
static void shift_points(struct baseline *b, float t_s, float d_ns)
{
	for (unsigned i = 0; i < b->n; i++) {
		SHARE(b->points[i].t_s, b->points[i].t_s - t_s);
		SHARE(b->points[i].d_ns, b->points[i].d_ns - d_ns);
	}
	SHARE(b->least.t_s, b->least.t_s - t_s);
	SHARE(b->least.d_ns, b->least.d_ns - d_ns);
}

static struct line line_of(const struct baseline *b, const struct baseline_point *from,
			   const struct baseline_point *to)
{
	float first_s = b->points[0].t_s, span_s = b->points[b->n - 1].t_s - first_s;
	struct line l = { .slope = (to->d_ns - from->d_ns) / (to->t_s - from->t_s) };

	l.rise_ns = l.slope * span_s;
	l.rise_ns = l.rise_ns < 0 ? -l.rise_ns : l.rise_ns;
	for (unsigned i = 0; i < b->n; i++) {
		const struct baseline_point *p = &b->points[i];
		float above = p->d_ns - from->d_ns - l.slope * (p->t_s - from->t_s);

		l.most_ns = above > l.most_ns ? above : l.most_ns;
	}
	return l;
}

static bool is_below_all(const struct baseline *b, unsigned from, unsigned to)
{
	const struct baseline_point *p = b->points;
	float span_s = p[to].t_s - p[from].t_s;

	for (unsigned i = 0; i < b->n; i++) {
		float there = (p[i].d_ns - p[from].d_ns) * span_s;
		float line = (p[to].d_ns - p[from].d_ns) * (p[i].t_s - p[from].t_s);

		if (i != from && i != to && there < line - ROUNDING_NS * span_s) {
			return false;
		}
	}
	return span_s > 0;
}

/*
 * Of the lines below all points, the one that is nearest to them in sum: the edge of their lower
 * hull at the middle of their times. (Moon, Skelly, Towsley: Estimation and removal of clock skew
 * from network delay measurements, 1999.)
 */
static bool find_line(const struct baseline *b, struct line *out)
{
	const struct baseline_point *p = b->points;
	float middle_s = 0;

	for (unsigned i = 0; i < b->n; i++) {
		middle_s += p[i].t_s / (float)b->n;
	}
	for (unsigned from = 0; b->n >= BASELINE_FIT && from + 1 < b->n; from++) {
		for (unsigned to = from + 1; to < b->n; to++) {
			if (p[from].t_s <= middle_s && p[to].t_s >= middle_s &&
			    is_below_all(b, from, to)) {
				*out = line_of(b, &p[from], &p[to]);
				return true;
			}
		}
	}
	return false;
}

static bool is_lower(const struct baseline *b, const struct baseline_point *p,
		     const struct baseline_point *than)
{
	return p->d_ns - than->d_ns < b->slope * NS_PER_S * (p->t_s - than->t_s);
}

/* Windows of twice the length, of each pair the lower point. */
static void merge(struct baseline *b)
{
	for (unsigned i = 0; i < b->n / 2u; i++) {
		const struct baseline_point *p = &b->points[2 * i];
		struct baseline_point low = is_lower(b, p, p + 1) ? p[0] : p[1];

		SHARE(b->points[i].t_s, low.t_s);
		SHARE(b->points[i].d_ns, low.d_ns);
	}
	SHARE(b->n, (uint8_t)(b->n / 2));
	SHARE(b->shift, (uint8_t)(b->shift + 1));
}

static void add_point(struct baseline *b)
{
	if (b->n == BASELINE_POINTS && b->shift < BASELINE_SHIFT_MAX) {
		merge(b);
	} else if (b->n == BASELINE_POINTS) {
		for (unsigned i = 1; i < BASELINE_POINTS; i++) {
			SHARE(b->points[i - 1].t_s, b->points[i].t_s);
			SHARE(b->points[i - 1].d_ns, b->points[i].d_ns);
		}
		SHARE(b->n, BASELINE_POINTS - 1);
	}
	SHARE(b->points[b->n].t_s, b->least.t_s);
	SHARE(b->points[b->n].d_ns, b->least.d_ns);
	SHARE(b->n, (uint8_t)(b->n + 1));
}

/*
 * A line that is too steep is a way that changed, or noise: the slope stays. But if all points are
 * on it, the sender's clock is none.
 */
static void fit(struct baseline *b)
{
	struct line l;
	float limit = BASELINE_DRIFT_MAX * NS_PER_S;

	if (!find_line(b, &l)) {
		return;
	}
	if (l.slope <= limit && l.slope >= -limit) {
		SHARE(b->slope, l.slope / NS_PER_S);
		SHARE(b->fitted, true);
		SHARE(b->wild, (uint8_t)(b->wild ? b->wild - 1 : 0));
	} else if (l.most_ns < l.rise_ns / 8) {
		SHARE(b->points[0].t_s, b->points[b->n - 1].t_s);
		SHARE(b->points[0].d_ns, b->points[b->n - 1].d_ns);
		SHARE(b->n, 1);
		SHARE(b->slope, 0.f);
		SHARE(b->fitted, false);
		SHARE(b->wild, (uint8_t)(b->wild < 2 * BASELINE_WILD_MAX ? b->wild + 1 : b->wild));
	}
}

/* A window ends at @t_ns, which becomes the origin, with the line through the lowest point. */
static void close_window(struct baseline *b, int64_t t_ns)
{
	float now_s = (float)(t_ns - b->t_ns) / NS_PER_S, low_ns = 0;

	if (b->above_ns >= 0) {
		add_point(b);
		fit(b);
	}
	for (unsigned i = 0; i < b->n; i++) {
		const struct baseline_point *p = &b->points[i];
		float there = p->d_ns + b->slope * NS_PER_S * (now_s - p->t_s);

		low_ns = i == 0 || there < low_ns ? there : low_ns;
	}
	shift_points(b, now_s, low_ns);
	SHARE(b->t_ns, t_ns);
	SHARE(b->d_ns, b->d_ns + (int64_t)low_ns);
	SHARE(b->above_ns, -1.f);
}

int64_t baseline_at(const struct baseline *b, int64_t t_ns)
{
	return b->d_ns + (int64_t)(b->slope * (float)(t_ns - b->t_ns));
}

int64_t baseline_take(struct baseline *b, int64_t t_ns, int64_t d_ns)
{
	int64_t passed_ns = t_ns - b->t_ns, above_ns;

	if (passed_ns >= (int64_t)1000000000 << b->shift) {
		close_window(b, t_ns);
		passed_ns = 0;
	}
	above_ns = d_ns - baseline_at(b, t_ns);
	if (above_ns < 0) {
		shift_points(b, 0, (float)above_ns);
		SHARE(b->d_ns, b->d_ns + above_ns);
		above_ns = 0;
	}
	if (b->above_ns < 0 || (float)above_ns < b->above_ns || !above_ns) {
		SHARE(b->above_ns, (float)above_ns);
		SHARE(b->least.t_s, (float)passed_ns / NS_PER_S);
		SHARE(b->least.d_ns, (float)(d_ns - b->d_ns));
	}
	return above_ns;
}

bool baseline_drift(const struct baseline *b, double *ppm, double *error_ppm)
{
	struct line l;
	float span_s;

	if (!b->fitted || baseline_is_wild(b) || !find_line(b, &l)) {
		return false;
	}
	span_s = b->points[b->n - 1].t_s - b->points[0].t_s;
	*ppm = (double)b->slope * 1e6;
	*error_ppm = (double)l.most_ns / (double)span_s / 1e3;
	return *error_ppm <= ERROR_MAX_PPM;
}
