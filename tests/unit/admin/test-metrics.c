// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/metrics.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *manual; /* docs/metrics.md */
static bool write_manual;

#define TABLE_HEAD "| name | type | labels | what it is |\n|---|---|---|---|\n"

/* Something of everything. */
static void fill(struct metrics *m, size_t n_classes)
{
	static const char *const keys[VIEW_MEASURES] = {
		"overload.loop_lag",	    "overload.reflector_busy", "overload.memory_used",
		"overload.memory_pressure", "overload.send_drops",     "overload.receive_drops"
	};
	static const struct policy policy = { .max_sessions = 7, .max_connections = 8 };

	*m = (struct metrics){ .threads = 2, .cpu_s = { 1.5, 0.25 }, .log_left_out = 3 };
	for (size_t i = 0; i < VIEW_MEASURES; i++) {
		m->measures[i] = (struct view_measure){
			.key = keys[i], .unit = "ms", .value = i ? (double)i * 50 : -1, .limit = 100
		};
	}
	m->measures[1].above = true;
	m->classes = calloc(n_classes, sizeof(*m->classes));
	m->lights = calloc(1, sizeof(*m->lights));
	m->sums = calloc(n_classes, sizeof(*m->sums));
	ck_assert(m->classes && m->lights && m->sums);
	m->n_classes = n_classes;
	m->n_lights = 1;
	for (size_t i = 0; i < n_classes; i++) {
		(void)snprintf(m->classes[i].name, sizeof(m->classes[i].name), "c%zu", i);
		m->classes[i].policy = &policy;
	}
	m->classes[0].sessions = 5;
	m->classes[0].tally.refused[REASON_MAX_SESSIONS] = 9;
	m->classes[0].tally.requests[4] = 9;
	m->lights[0].address = (struct address){ .family = 4, .ip = { 192, 0, 2, 1 }, .port = 862 };
	m->lights[0].stamp = true;
	m->lights[0].sums.n[COUNTER_DROP_DENIED] = 11;
	m->status.totals.n[COUNTER_DROP_RCVBUF] = 12;
	m->status.totals.n[COUNTER_HARDWARE_TIMESTAMPS] = 13;
	m->status.clock_error_ms = -1;
	m->sums[0].n.n[COUNTER_RECEIVED_OCTETS] = 14;
	m->sums[0].n.n[COUNTER_DROP_HMAC] = 15;
	m->sums[0].n.n[COUNTER_DROP_EARLY] = 1;
	m->sums[0].delays[0] = 3;
	m->sums[0].delays[SPREAD_CELLS - 1] = 2;
	m->sums[0].delays_ns = 1500000000;
}

static char *write_all(size_t n_classes, bool limits_temporary)
{
	struct exposition e;
	struct metrics m;

	fill(&m, n_classes);
	m.limits_temporary = limits_temporary;
	exposition_init(&e, true);
	for (unsigned part = 0; metrics_write(&e, &m, part); part++) {
	}
	ck_assert_int_eq(exposition_end(&e), 0);
	metrics_wipe(&m);
	return e.text;
}

static void has(const char *text, const char *line)
{
	ck_assert_msg(strstr(text, line), "not there: %s", line);
}

START_TEST(samples)
{
	char *text = write_all(2, false);

	has(text, "\ntwampd_sessions{class=\"c0\"} 5\n");
	has(text, "\ntwampd_class_sessions_limit{class=\"c1\"} 7\n");
	has(text, "\ntwampd_refused_total{class=\"c0\",accept=\"4\",reason=\"max-sessions\"} 9\n");
	has(text, "\ntwampd_refused_total{class=\"c1\",accept=\"1\",reason=\"no-class\"} 0\n");
	has(text, "\ntwampd_session_requests_total{class=\"c0\",accept=\"4\"} 9\n");
	has(text, "\ntwampd_light_packets_total{entry=\"192.0.2.1:862\",type=\"stamp\","
		  "result=\"denied\"} 11\n");
	has(text, "\ntwampd_packets_dropped_total{reason=\"rcvbuf\"} 12\n");
	has(text, "\ntwampd_timestamps_total{source=\"hardware\"} 13\n");
	has(text, "\ntwampd_reflector_cpu_seconds_total{thread=\"0\"} 1.5\n");
	has(text, "\ntwampd_overload{measure=\"reflector_busy\"} 1\n");
	has(text, "\ntwampd_reflector_busy_ratio 0.5\n");
	has(text, "\ntwampd_loop_lag_seconds NaN\n"); /* unknown */
	has(text, "\ntwampd_clock_error_seconds NaN\n");
	has(text, "\ntwampd_log_lines_left_out_total 3\n");
	has(text, "\ntwampd_class_received_bytes_total{class=\"c0\"} 14\n");
	has(text, "\ntwampd_class_packets_dropped_total{class=\"c0\"} 16\n");
	has(text, "\ntwampd_forward_delay_variation_seconds_bucket{class=\"c0\",le=\"1.6384e-05\"} "
		  "3\n");
	has(text, "\ntwampd_forward_delay_variation_seconds_bucket{class=\"c0\",le=\"+Inf\"} 5\n");
	has(text, "\ntwampd_forward_delay_variation_seconds_sum{class=\"c0\"} 1.5\n");
	free(text);
}
END_TEST

/* What a limit answers is the operator's choice. */
START_TEST(codes)
{
	char *text = write_all(1, true);

	has(text, "\ntwampd_refused_total{class=\"c0\",accept=\"5\",reason=\"max-sessions\"} 9\n");
	has(text, "\ntwampd_refused_total{class=\"c0\",accept=\"1\",reason=\"no-class\"} 0\n");
	free(text);
}
END_TEST

/* A thousand classes do not make a sample of each with each reason. */
START_TEST(many_classes)
{
	char *text = write_all(1000, false);

	has(text, "\ntwampd_refused_total{class=\"c0\",accept=\"4\",reason=\"max-sessions\"} 9\n");
	ck_assert_ptr_null(strstr(text, "twampd_refused_total{class=\"c1\""));
	ck_assert_uint_lt(strlen(text), 1u << 20);
	free(text);
}
END_TEST

/* Each counter has a name of its own that Prometheus takes. */
START_TEST(names)
{
	char name[METRICS_NAME_LEN], other[METRICS_NAME_LEN];

	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		(void)metrics_name(&counters_rows[i], "", name);
		ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		for (size_t k = 0; k < i; k++) {
			(void)metrics_name(&counters_rows[k], "", other);
			ck_assert_str_ne(name, other);
		}
	}
	ck_assert_str_eq(metrics_name(&counters_rows[COUNTER_RECEIVED], "light_", name),
			 "twampd_light_packets_received");
	ck_assert_str_eq(metrics_name(&counters_rows[COUNTER_SESSIONS], "", name),
			 "twampd_reflector_sessions");
}
END_TEST

static char *slurp(const char *path)
{
	static char text[1 << 20];
	FILE *f = fopen(path, "r");

	ck_assert_msg(f, "%s", path);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	return text;
}

/* "`class`, `reason`": the names of the labels of a family, as its first sample has them. */
static void put_labels(FILE *to, const char *text, const char *name, const char *type)
{
	const char *end, *at, *comma = "";
	char start[130];

	(void)snprintf(start, sizeof(start), "\n%s%s{", name,
		       !strcmp(type, "counter")	    ? "_total"
		       : !strcmp(type, "histogram") ? "_count"
						    : "");
	at = strstr(text, start);
	if (!at) {
		return;
	}
	at += strlen(start);
	for (end = at + strcspn(at, "}\n"); at < end; at = strchr(strchr(at, '"') + 1, '"') + 2) {
		fprintf(to, "%s`%.*s`", comma, (int)strcspn(at, "="), at);
		comma = ", ";
	}
}

/* The table of the page: a row for each family, as it is called in a query. */
static char *make_table(void)
{
	char *text = write_all(1, false), *table = NULL, name[100], type[20], help[400], start[130];
	size_t size;
	FILE *to = open_memstream(&table, &size);

	fputs(TABLE_HEAD, to);
	for (char *at = text; (at = strstr(at, "# TYPE ")); at++) {
		ck_assert_int_eq(sscanf(at, "# TYPE %99s %19s", name, type), 2);
		(void)snprintf(start, sizeof(start), "# HELP %s ", name);
		ck_assert_msg(strstr(text, start), "%s", name);
		ck_assert_int_eq(sscanf(strstr(text, start) + strlen(start), "%399[^\n]", help), 1);
		fprintf(to, "| `%s%s` | %s | ", name, strcmp(type, "counter") ? "" : "_total",
			type);
		put_labels(to, text, name, type);
		fprintf(to, " | %s |\n", help);
	}
	(void)fclose(to);
	free(text);
	return table;
}

/* "--write" makes it so. */
START_TEST(manual_has_the_table)
{
	char *table = make_table(), *page = slurp(manual), *old = strstr(page, TABLE_HEAD);
	FILE *f;

	ck_assert_ptr_nonnull(old);
	if (!write_manual) {
		ck_assert_msg(
			!strcmp(old, table),
			"docs/metrics.md is not up to date: build/tests/unit/admin/test-metrics "
			"docs/metrics.md --write");
	} else {
		f = fopen(manual, "w");
		ck_assert_ptr_nonnull(f);
		fprintf(f, "%.*s%s", (int)(old - page), page, table);
		ck_assert_int_eq(fclose(f), 0);
	}
	free(table);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("metrics");
	TCase *tc = tcase_create("metrics");
	SRunner *r = srunner_create(suite);
	int failed;

	manual = argv[1];
	write_manual = argc > 2 && !strcmp(argv[2], "--write");
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, samples);
	tcase_add_test(tc, codes);
	tcase_add_test(tc, many_classes);
	tcase_add_test(tc, names);
	tcase_add_test(tc, manual_has_the_table);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
