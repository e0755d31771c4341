// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/metrics.h"

#include "base/device.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define STAMPS "_timestamps"
#define ENTRY_LEN (ADDRESS_TEXT_LEN + DEVICE_TEXT_LEN)

/* "kernel_timestamps": one of several sources. */
static bool is_source(const struct counters_row *row)
{
	size_t len = strlen(row->name), end = strlen(STAMPS);

	return len > end && !strcmp(row->name + len - end, STAMPS);
}

static const char *source_of(const struct counters_row *row, char buf[static METRICS_NAME_LEN])
{
	(void)snprintf(buf, METRICS_NAME_LEN, "%.*s", (int)(strlen(row->name) - strlen(STAMPS)),
		       row->name);
	return buf;
}

char *metrics_name(const struct counters_row *row, const char *of,
		   char buf[static METRICS_NAME_LEN])
{
	const char *unit = row->unit;

	if (!strcmp(unit, row->name)) {
		unit = "reflector";
	}
	if (!strcmp(unit, "octets")) { /* "received_octets"; Prometheus counts bytes */
		(void)snprintf(buf, METRICS_NAME_LEN, "twampd_%s%.*s_bytes", of,
			       (int)strcspn(row->name, "_"), row->name);
		return buf;
	}
	(void)snprintf(buf, METRICS_NAME_LEN, "twampd_%s%s_%s", of, unit, row->name);
	return buf;
}

/* A name that stands for one family, not for a sample in a common one. */
static bool is_family(const struct counters_row *row, unsigned who)
{
	return (row->who & who) && row->kind != COUNTERS_DROP && !is_source(row);
}

static void begin(struct exposition *e, const struct counters_row *row, const char *name)
{
	char help[300];
	bool gauge = row->kind == COUNTERS_GAUGE || row->kind == COUNTERS_BALANCE;

	(void)snprintf(help, sizeof help, "%c%s.", toupper((unsigned char)row->meaning[0]),
		       row->meaning + 1);
	exposition_family(e, name, gauge ? EXPOSITION_GAUGE : EXPOSITION_COUNTER, NULL, help);
}

/* --- sessions --- */

static void write_drops(struct exposition *e, const struct counters_values *v)
{
	exposition_family(e, "twampd_packets_dropped", EXPOSITION_COUNTER, NULL,
			  "Test packets of sessions that were not answered, by reason.");
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		const struct counters_row *row = &counters_rows[i];

		if (row->kind == COUNTERS_DROP && (row->who & COUNTERS_THREAD)) {
			exposition_number(e, EXPOSITION_LABELS({ "reason", row->name }), v->n[i]);
		}
	}
}

static void write_stamps(struct exposition *e, const struct counters_values *v)
{
	char source[METRICS_NAME_LEN];

	exposition_family(e, "twampd_timestamps", EXPOSITION_COUNTER, NULL,
			  "Replies of sessions by the source of their receive time (T2).");
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		const struct counters_row *row = &counters_rows[i];

		if (is_source(row) && (row->who & COUNTERS_THREAD)) {
			exposition_number(e,
					  EXPOSITION_LABELS({ "source", source_of(row, source) }),
					  v->n[i]);
		}
	}
}

static void write_totals(struct exposition *e, const struct counters_values *v)
{
	char name[METRICS_NAME_LEN];

	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		const struct counters_row *row = &counters_rows[i];

		if (is_family(row, COUNTERS_THREAD | COUNTERS_TOTAL)) {
			begin(e, row, metrics_name(row, "", name));
			exposition_number(e, NULL, v->n[i]);
		}
	}
	write_drops(e, v);
	write_stamps(e, v);
}

/* --- Light --- */

static const char *entry_of(const struct light_info *l, char buf[static ENTRY_LEN])
{
	char address[ADDRESS_TEXT_LEN], device[DEVICE_TEXT_LEN];

	(void)snprintf(buf, ENTRY_LEN, "%s%s", address_text(&l->address, address, sizeof address),
		       device_text(l->device, device));
	return buf;
}

static const char *type_of(const struct light_info *l)
{
	return l->stamp ? "stamp" : "twamp-light";
}

static void write_results(struct exposition *e, const struct light_info *l)
{
	char entry[ENTRY_LEN];

	(void)entry_of(l, entry);
	exposition_number(e,
			  EXPOSITION_LABELS({ "entry", entry }, { "type", type_of(l) },
					    { "result", "reflected" }),
			  l->sums.n[COUNTER_REFLECTED]);
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		const struct counters_row *row = &counters_rows[i];

		if (row->kind == COUNTERS_DROP && (row->who & COUNTERS_LIGHT)) {
			exposition_number(e,
					  EXPOSITION_LABELS({ "entry", entry },
							    { "type", type_of(l) },
							    { "result", row->name }),
					  l->sums.n[i]);
		}
	}
}

static void write_light_stamps(struct exposition *e, const struct light_info *l)
{
	char entry[ENTRY_LEN], source[METRICS_NAME_LEN];

	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		const struct counters_row *row = &counters_rows[i];

		if (is_source(row) && (row->who & COUNTERS_LIGHT)) {
			exposition_number(e,
					  EXPOSITION_LABELS({ "entry", entry_of(l, entry) },
							    { "source", source_of(row, source) }),
					  l->sums.n[i]);
		}
	}
}

static void write_light(struct exposition *e, const struct metrics *m)
{
	char name[METRICS_NAME_LEN], entry[ENTRY_LEN];

	exposition_family(e, "twampd_light_packets", EXPOSITION_COUNTER, NULL,
			  "Test packets of TWAMP Light and STAMP by entry of light and by what "
			  "became of them: reflected, or why not.");
	for (size_t i = 0; i < m->n_lights; i++) {
		write_results(e, &m->lights[i]);
	}
	exposition_family(e, "twampd_light_timestamps", EXPOSITION_COUNTER, NULL,
			  "Replies of TWAMP Light and STAMP by the source of their receive time "
			  "(T2).");
	for (size_t i = 0; i < m->n_lights; i++) {
		write_light_stamps(e, &m->lights[i]);
	}
	for (size_t k = 0; k < COUNTER_COUNT; k++) {
		const struct counters_row *row = &counters_rows[k];

		if (k == COUNTER_REFLECTED || !is_family(row, COUNTERS_LIGHT)) {
			continue;
		}
		begin(e, row, metrics_name(row, "light_", name));
		for (size_t i = 0; i < m->n_lights; i++) {
			exposition_number(
				e,
				EXPOSITION_LABELS({ "entry", entry_of(&m->lights[i], entry) },
						  { "type", type_of(&m->lights[i]) }),
				m->lights[i].sums.n[k]);
		}
	}
}

/* --- classes --- */

/* Of many classes those that had packets. */
static bool is_told(const struct metrics *m, size_t i)
{
	return m->n_classes <= METRICS_ALL_CLASSES || m->sums[i].n.n[COUNTER_RECEIVED];
}

static void write_class_number(struct exposition *e, const struct metrics *m, size_t i, uint64_t n)
{
	if (is_told(m, i)) {
		exposition_number(e, EXPOSITION_LABELS({ "class", m->classes[i].name }), n);
	}
}

static void write_class_drops(struct exposition *e, const struct metrics *m)
{
	exposition_family(e, "twampd_class_packets_dropped", EXPOSITION_COUNTER, NULL,
			  "Test packets of the sessions of the class that were not answered.");
	for (size_t i = 0; i < m->n_classes; i++) {
		write_class_number(e, m, i, counters_dropped(&m->sums[i].n));
	}
}

void metrics_write_classes(struct exposition *e, const struct metrics *m)
{
	char name[METRICS_NAME_LEN];

	for (size_t k = 0; k < COUNTER_COUNT; k++) {
		const struct counters_row *row = &counters_rows[k];

		if (!is_family(row, COUNTERS_THREAD) || !(row->who & COUNTERS_SESSION)) {
			continue;
		}
		begin(e, row, metrics_name(row, "class_", name));
		for (size_t i = 0; i < m->n_classes; i++) {
			write_class_number(e, m, i, m->sums[i].n.n[k]);
		}
	}
	write_class_drops(e, m);
}

#define OCTAVE 4u /* cells of struct spread */
#define OCTAVES (SPREAD_CELLS / OCTAVE)
_Static_assert(SPREAD_CELLS % OCTAVE == 0, "a bucket for each octave");

void metrics_write_forward(struct exposition *e, const struct metrics *m)
{
	double bounds[OCTAVES - 1];

	for (unsigned i = 0; i < OCTAVES - 1; i++) {
		bounds[i] = (double)spread_from_ns((i + 1) * OCTAVE) / 1e9;
	}
	exposition_family(e, "twampd_forward_delay_variation_seconds", EXPOSITION_HISTOGRAM,
			  "seconds",
			  "Delay of test packets on the way here, above the least of their "
			  "session, by class.");
	for (size_t i = 0; i < m->n_classes; i++) {
		uint64_t counts[OCTAVES] = { 0 };

		if (!is_told(m, i)) {
			continue;
		}
		for (unsigned k = 0; k < SPREAD_CELLS; k++) {
			counts[k / OCTAVE] += m->sums[i].delays[k];
		}
		exposition_histogram(e, EXPOSITION_LABELS({ "class", m->classes[i].name }), bounds,
				     counts, OCTAVES - 1, (double)m->sums[i].delays_ns / 1e9);
	}
}

void metrics_write_counters(struct exposition *e, const struct metrics *m)
{
	write_totals(e, &m->status.totals);
	write_light(e, m);
}
