// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_page.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static unsigned widest(const struct ctl_line *lines)
{
	size_t n = 0;

	for (; lines->label; lines++) {
		n = strlen(lines->label) > n ? strlen(lines->label) : n;
	}
	return (unsigned)n;
}

static bool applies(const struct ctl_line *l, const json_t *in)
{
	bool absent = l->when && *l->when == '!';

	return !l->when || !ctl_value_is_set(ctl_value_at(in, l->when + absent)) == absent;
}

static bool put_line(const struct ctl_line *l, const json_t *in, bool first, int width, FILE *to)
{
	if (!applies(l, in)) {
		return false;
	}
	fprintf(to, "%-*s", width, first ? l->label : "");
	ctl_value_print(in, l->template, to);
	fputc('\n', to);
	return true;
}

static void put_members(const struct ctl_line *l, const json_t *of, int width, FILE *to)
{
	const char *key;
	json_t *value, *one;
	bool first = true;

	json_object_foreach((json_t *)(uintptr_t)of, key, value)
	{
		if (json_is_object(value)) { /* which has lines of its own */
			continue;
		}
		one = json_pack("{s:s,s:O}", "@", key, "@value", value);
		first &= !one || !put_line(l, one, first, width, to);
		json_decref(one);
	}
}

void ctl_page_print(const json_t *result, const struct ctl_line *lines, FILE *to)
{
	int width = (int)widest(lines);

	width += width ? 2 : 0;
	for (; lines->label; lines++) {
		const json_t *of = lines->of ? ctl_value_at(result, lines->of) : result;
		const json_t *each;
		bool first = true;
		size_t i;

		if (json_is_object(of) && strstr(lines->template, "{@}")) {
			put_members(lines, of, width, to);
			continue;
		}
		if (!json_is_array(of)) {
			if (of) {
				(void)put_line(lines, of, true, width, to);
			}
			continue;
		}
		json_array_foreach(of, i, each)
		{
			first &= !put_line(lines, each, first, width, to);
		}
	}
}
