// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/cgroup.h"

#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOT "/sys/fs/cgroup"

/* Open one of the files of our control group (unified hierarchy); NULL if it is not there. */
static FILE *open_group_file(const char *name)
{
	char line[300], path[400];
	FILE *f = fopen("/proc/self/cgroup", "re");
	bool found = false;

	if (!f) {
		return NULL;
	}
	while (!found && fgets(line, sizeof line, f)) {
		found = !strncmp(line, "0::", 3);
	}
	fclose(f);
	if (!found) {
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	snprintf(path, sizeof path, ROOT "%s/%s", line + 3, name);
	return fopen(path, "re");
}

/* What stands behind @key at the beginning of a line; -1 if there is none. */
static double read_number(const char *name, const char *key)
{
	char line[200];
	size_t len = strlen(key);
	double value = -1;
	FILE *f = open_group_file(name);

	if (!f) {
		return -1;
	}
	while (value < 0 && fgets(line, sizeof line, f)) {
		if (!strncmp(line, key, len) && line[len] >= '0' && line[len] <= '9') {
			value = strtod(line + len, NULL);
		}
	}
	fclose(f);
	return value;
}

static double read_used(void)
{
	double limit = read_number("memory.max", ""); /* or the word "max" */
	double current, cache;

	if (limit <= 0) {
		return -1;
	}
	current = read_number("memory.current", "");
	cache = read_number("memory.stat", "inactive_file "); /* can be dropped at once */
	if (current < 0) {
		return -1;
	}
	return 100. * (cache > 0 && cache < current ? current - cache : current) / limit;
}

/* --- the thread ----------------------------------------------------------------------- */

struct cgroup {
	pthread_t thread;
	sem_t end;
	_Atomic double used, pressure;
};

static void look(struct cgroup *c)
{
	c->used = read_used();
	c->pressure = read_number("memory.pressure", "some avg10=");
}

static void *run(void *arg)
{
	struct cgroup *c = arg;
	struct timespec until;

	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		if (!sem_clockwait(&c->end, CLOCK_MONOTONIC, &until)) {
			return NULL;
		}
		look(c);
	}
}

int cgroup_new(struct cgroup **out)
{
	struct cgroup *c = calloc(1, sizeof *c);
	int rc;

	if (!c) {
		return -ENOMEM;
	}
	look(c);
	sem_init(&c->end, 0, 0);
	rc = thread_start(&c->thread, "twampd/memory", run, c);
	if (rc) {
		sem_destroy(&c->end);
		free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void cgroup_free(struct cgroup *c)
{
	if (!c) {
		return;
	}
	sem_post(&c->end);
	pthread_join(c->thread, NULL);
	sem_destroy(&c->end);
	free(c);
}

double cgroup_memory_used(const struct cgroup *c)
{
	return c->used;
}

double cgroup_memory_pressure(const struct cgroup *c)
{
	return c->pressure;
}
