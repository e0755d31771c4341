// SPDX-License-Identifier: BSD-2-Clause
/* The sample and the manual page say what the schema does. */
#include "tests/unit/config/test-settings.h"

#include <stdlib.h>
#include <unistd.h>

#define SAMPLE SOURCE_ROOT "/conf/twampd.conf"
#define MANUAL SOURCE_ROOT "/man/twampd.conf.5"
#define KEYS_MAX 200

char *slurp(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "re");

	ck_assert_ptr_nonnull(text);
	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

/* The next part of a line, up to two spaces or its end. */
static char *part(char **at)
{
	char *start = *at, *end = strstr(start, "  ");

	ck_assert_ptr_nonnull(start);
	if (end) {
		*end = '\0';
	}
	*at = end ? end + 2 : NULL;
	return start;
}

size_t schema_lines(char **text, struct schema_line *lines, size_t max)
{
	char *save, *line;
	size_t size, n = 0;
	FILE *f = open_memstream(text, &size);

	ck_assert_ptr_nonnull(f);
	settings_schema(f);
	ck_assert_int_eq(fclose(f), 0);
	for (line = strtok_r(*text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		ck_assert_uint_lt(n, max);
		lines[n].key = part(&line);
		lines[n].accepts = part(&line);
		lines[n].preset = part(&line);
		lines[n].apply = part(&line);
		lines[n].help = part(&line);
		ck_assert_ptr_null(line);
		ck_assert_str_ne(lines[n].help, "");
		n++;
	}
	ck_assert_uint_ge(n, 95);
	return n;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

/* The key is in @text between its group's name and the group's end, once, as "#name = value;". */
static void find_in_sample(const char *text, const struct schema_line *l)
{
	const char *point = strchr(l->key, '.');
	const char *begin = text, *end = text + strlen(text), *name = point ? point + 1 : l->key;
	char wanted[512], head[64], *group;

	if (!strncmp(l->key, "clients.", 8) || !strncmp(l->key, "listen.", 7) ||
	    !strncmp(l->key, "light.", 6)) {
		(void)snprintf(wanted, sizeof(wanted), "\n#   %s: %s; %s; applies %s.\n", l->key,
			       l->accepts, l->preset, l->apply);
		ck_assert_msg(count(text, wanted) == 1, "conf/twampd.conf needs once: %s", wanted);
		(void)snprintf(wanted, sizeof(wanted), "#   %s: ", l->key);
		ck_assert_uint_eq(count(text, wanted), 1);
		return;
	}
	if (point) {
		(void)snprintf(head, sizeof(head), "\n%.*s = {\n", (int)(point - l->key), l->key);
		ck_assert_uint_eq(count(text, head), 1);
		begin = strstr(text, head);
		end = strstr(begin, "\n};\n");
		ck_assert_ptr_nonnull(end);
	}
	group = strndup(begin, (size_t)(end - begin) + (point != NULL));
	ck_assert_ptr_nonnull(group);
	ck_assert(!strncmp(l->preset, "default ", 8));
	(void)snprintf(wanted, sizeof(wanted), "# %s; %s; applies %s.\n%s#%s = %s;\n", l->accepts,
		       l->preset, l->apply, point ? "\t" : "", name, l->preset + 8);
	ck_assert_msg(count(group, wanted) == 1, "conf/twampd.conf needs once: %s", wanted);
	(void)snprintf(wanted, sizeof(wanted), "#%s = ", name);
	ck_assert_uint_eq(count(group, wanted), 1);
	free(group);
}

START_TEST(sample_has_each_key)
{
	char *text = slurp(SAMPLE), *schema;
	struct schema_line lines[KEYS_MAX];
	size_t n = schema_lines(&schema, lines, KEYS_MAX);

	for (size_t i = 0; i < n; i++) {
		find_in_sample(text, &lines[i]);
	}
	free(schema);
	free(text);
}
END_TEST

/* As it is, and with every key taken out of its comment. */
START_TEST(sample_gives_defaults)
{
	char *text = slurp(SAMPLE);
	struct settings *s = load_good(text);
	size_t keys = 0;

	assert_defaults(s);
	settings_unref(s);
	for (char *c = text; *c; c++) {
		if (*c == '#' && c[1] > ' ' && (c == text || c[-1] == '\n' || c[-1] == '\t')) {
			*c = ' ';
			keys++;
		}
	}
	ck_assert_uint_ge(keys, 42);
	s = load_good(text);
	assert_defaults(s);
	settings_unref(s);
	/* They were really read: a value changed in this text changes the settings. */
	memcpy(strstr(text, "max_sessions = 10000"), "max_sessions = 10001", 20);
	s = load_good(text);
	ck_assert_uint_eq(s->policy.max_sessions, 10001);
	settings_unref(s);
	free(text);
}
END_TEST

/* The example of classes in the sample is a good one. */
START_TEST(sample_example)
{
	char *text = slurp(SAMPLE), *from = strstr(text, "#   clients = (\n"), *to;
	struct settings *s;

	ck_assert_ptr_nonnull(from);
	to = strstr(from, "#   );\n");
	ck_assert_ptr_nonnull(to);
	strcpy(to + 6, "\n");
	for (char *c = from; *c; c++) {
		*c = *c == '#' ? ' ' : *c;
	}
	write_keys("probe-1 one\nprobe-2 two\n");
	s = load_good(from);
	ck_assert_uint_eq(s->n_classes, 2);
	ck_assert_uint_eq(s->n_key_ids, 2);
	settings_unref(s);
	free(text);
}
END_TEST

START_TEST(manual_has_each_key)
{
	char *text = slurp(MANUAL), *schema;
	struct schema_line lines[KEYS_MAX];
	size_t n = schema_lines(&schema, lines, KEYS_MAX);

	for (size_t i = 0; i < n; i++) {
		char wanted[512];
		const char *item, *next;

		(void)snprintf(wanted, sizeof(wanted), "\n.It Ic %s\n", lines[i].key);
		ck_assert_msg(count(text, wanted) == 1, "twampd.conf.5 needs once: %s", wanted);
		item = strstr(text, wanted);
		next = strstr(item + 1, "\n.It ");
		(void)snprintf(wanted, sizeof(wanted), "\n.Pp\n%s; %s; applies %s.\n",
			       lines[i].accepts, lines[i].preset, lines[i].apply);
		item = strstr(item, wanted);
		ck_assert_msg(item && (!next || item < next), "twampd.conf.5, %s needs: %s",
			      lines[i].key, wanted);
	}
	/* And no key that is not there. */
	ck_assert_uint_eq(count(text, "\n.It Ic "), n);
	free(schema);
	free(text);
}
END_TEST

TCase *manual_cases(void)
{
	TCase *manual = tcase_create("manual");

	tcase_add_checked_fixture(manual, room_set_up, room_tear_down);
	tcase_add_test(manual, sample_has_each_key);
	tcase_add_test(manual, sample_gives_defaults);
	tcase_add_test(manual, sample_example);
	tcase_add_test(manual, manual_has_each_key);
	return manual;
}
