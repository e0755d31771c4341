// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_page.h"

#include <stdbool.h>
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

void ctl_page_print(const json_t *result, const struct ctl_line *lines, FILE *to)
{
	int width = (int)widest(lines);

	width += width ? 2 : 0;
	for (; lines->label; lines++) {
		const json_t *of = lines->of ? ctl_value_at(result, lines->of) : result;
		const json_t *each;
		bool first = true;
		size_t i;

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
