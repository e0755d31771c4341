// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/cpus.h"

/* A number from *at on; *at is behind it then. */
static bool take(const char **at, unsigned *out)
{
	const char *start = *at;

	*out = 0;
	while (**at >= '0' && **at <= '9' && *out < CPU_SETSIZE) {
		*out = *out * 10 + (unsigned)(*(*at)++ - '0');
	}
	return *at > start && *out < CPU_SETSIZE;
}

bool cpus_parse(const char *text, cpu_set_t *out)
{
	const char *at = text;

	CPU_ZERO(out);
	while (*text) { /* left below, at the end */
		unsigned first, last;

		if (!take(&at, &first)) {
			return false;
		}
		last = first;
		if (*at == '-') {
			at++;
			if (!take(&at, &last) || last < first) {
				return false;
			}
		}
		for (unsigned cpu = first; cpu <= last; cpu++) {
			CPU_SET(cpu, out);
		}
		if (!*at) {
			break;
		}
		if (*at++ != ',') {
			return false;
		}
	}
	return true;
}

static bool is_in(const cpu_set_t *cpus, unsigned cpu)
{
	return cpu < CPU_SETSIZE && CPU_ISSET(cpu, cpus);
}

void cpus_print(const cpu_set_t *cpus, FILE *to)
{
	const char *before = "";

	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		unsigned last = cpu;

		if (!is_in(cpus, cpu)) {
			continue;
		}
		while (is_in(cpus, last + 1)) {
			last++;
		}
		fprintf(to, "%s%u", before, cpu);
		if (last > cpu) {
			fprintf(to, "-%u", last);
		}
		before = ",";
		cpu = last;
	}
}
