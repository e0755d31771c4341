// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/inside.h"
#include "daemon/server/cgroup.h"
#include "daemon/server/class_use.h"
#include "protocol/carry.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The counters of a class are found again by its name, and stay where they are. */
START_TEST(by_name)
{
	enum { N = 100 };
	struct class_use *list = NULL, *made[N];
	struct class_uses all = { 0 };
	char name[SETTINGS_CLASS_NAME_MAX + 1], longest[SETTINGS_CLASS_NAME_MAX + 1];

	for (int i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "c%d", i);
		made[i] = class_use_get(&list, name);
		ck_assert_ptr_nonnull(made[i]);
		ck_assert_uint_eq(made[i]->admit.connections + made[i]->admit.sessions, 0);
		made[i]->admit.sessions = (uint32_t)i;
	}
	for (int i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "c%d", i);
		ck_assert_ptr_eq(class_use_get(&list, name), made[i]);
		ck_assert_uint_eq(made[i]->admit.sessions, (uint32_t)i);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	made[0] = class_use_get(&list, longest);
	ck_assert_str_eq(made[0]->name, longest);
	ck_assert_ptr_eq(class_use_get(&list, longest), made[0]);
	longest[sizeof(longest) - 2] = '\0';
	ck_assert_ptr_ne(class_use_get(&list, longest), made[0]);
	all.list = list;
	class_use_free(&all);
	ck_assert_ptr_null(all.list);
	class_use_free(&all);
}
END_TEST

/* Settings with these classes and a rate for each. */
static void make(struct settings *s, struct settings_class *classes, size_t n, const char *names)
{
	*s = (struct settings){ .classes = classes, .n_classes = n };
	strcpy(s->fallback.name, "default");
	for (size_t i = 0; i < n; i++) {
		classes[i] = (struct settings_class){ .name = { names[i] } };
		classes[i].policy.total_packet_rate = (uint32_t)(i + 1);
	}
}

/* The settings that hold have an entry for each class, and nobody's is one of its own. */
START_TEST(of_settings)
{
	struct settings_class old_classes[2], new_classes[2];
	struct settings old, next;
	struct class_uses u = { 0 };
	struct class_use *a, *b;

	make(&old, old_classes, 2, "ab");
	make(&next, new_classes, 2, "ca");
	ck_assert_int_eq(class_use_prepare(&u, &old), 0);
	class_use_apply(&u, &old);
	a = class_use_of(&u, &old, &old_classes[0]);
	b = class_use_of(&u, &old, &old_classes[1]);
	ck_assert_str_eq(a->name, "a");
	ck_assert_uint_eq(b->police.packet_rate, 2);
	ck_assert_str_eq(class_use_of(&u, &old, &old.fallback)->name, "default");
	ck_assert_ptr_eq(class_use_of(&u, &old, NULL), &u.nobody);
	/* prepared, but something else fails: all is as before */
	ck_assert_int_eq(class_use_prepare(&u, &next), 0);
	ck_assert_ptr_eq(class_use_of(&u, &old, &old_classes[0]), a);
	ck_assert_uint_eq(a->police.packet_rate, 1);
	ck_assert_int_eq(class_use_prepare(&u, &next), 0);
	class_use_apply(&u, &next);
	ck_assert_ptr_eq(class_use_of(&u, &next, &new_classes[1]), a);
	ck_assert_uint_eq(a->police.packet_rate, 2);
	ck_assert_uint_eq(b->police.packet_rate, 2); /* what still runs there keeps its rate */
	class_use_free(&u);
}
END_TEST

/* Whatever this machine has: a share that can be, or unknown. */
START_TEST(control_group)
{
	struct cgroup *c;
	double used, pressure;

	ck_assert_int_eq(cgroup_new(&c), 0);
	used = cgroup_memory_used(c);
	pressure = cgroup_memory_pressure(c);
	cgroup_free(c);
	cgroup_free(NULL);
	ck_assert(used == -1 || (used > 0 && used <= 110));
	ck_assert(pressure == -1 || (pressure >= 0 && pressure <= 100));
}
END_TEST

/* The tallies of classes go on, also of those that the settings have no more. */
START_TEST(tallies_go_on)
{
	uint8_t octets[4096];
	struct carry k = { .way = CARRY_SAVE, .at = octets, .left = sizeof(octets) };
	struct class_uses u = { 0 }, next = { 0 };
	struct reflector r = { .count = 2 };
	struct class_sums_values v = { 0 };
	struct class_sums *sums;

	sums = class_use_sums(class_use_get(&u.list, "a"), &r);
	ck_assert_ptr_nonnull(sums);
	ck_assert_ptr_eq(class_use_sums(class_use_get(&u.list, "a"), &r), sums);
	counters_add(&class_sums_row(sums, 1)->n, COUNTER_GAPS, 11);
	class_row_delay(class_sums_row(sums, 0), 1000000);
	class_row_delay(class_sums_row(sums, 1), 3000000);
	class_use_get(&u.list, "a")->tally.refused[REASON_NO_PORT] = 5;
	class_use_get(&u.list, "b")->tally.connections = 7;
	u.nobody.tally.refused[REASON_NO_CLASS] = 9;
	class_use_carry(&k, &u, &r);
	ck_assert(!k.bad);
	k = (struct carry){ .way = CARRY_LOAD, .at = octets, .left = k.used };
	(void)class_use_get(&next.list, "b"); /* of the settings that hold now */
	class_use_carry(&k, &next, &r);
	ck_assert(!k.bad && !k.left);
	class_sums_read(class_use_get(&next.list, "a")->sums, &v);
	ck_assert_uint_eq(v.n.n[COUNTER_GAPS], 11);
	ck_assert_uint_eq(v.delays[spread_cell(1000000)], 1);
	ck_assert_uint_eq(v.delays[spread_cell(3000000)], 1);
	ck_assert_uint_eq(v.delays_ns, 4000000);
	ck_assert_uint_eq(class_use_get(&next.list, "a")->tally.refused[REASON_NO_PORT], 5);
	ck_assert_uint_eq(class_use_get(&next.list, "b")->tally.connections, 7);
	ck_assert_uint_eq(next.nobody.tally.refused[REASON_NO_CLASS], 9);
	class_use_free(&u);
	class_use_free(&next);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("usage");
	TCase *tc = tcase_create("usage");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, by_name);
	tcase_add_test(tc, of_settings);
	tcase_add_test(tc, control_group);
	tcase_add_test(tc, tallies_go_on);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
