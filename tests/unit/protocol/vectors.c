// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/protocol/vectors.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static void *need(void *p)
{
	if (!p) {
		fail("vectors: out of memory");
	}
	return p;
}

static unsigned digit(char c, const char *name)
{
	if (!isxdigit((unsigned char)c)) {
		fail("vectors: '%c' in the value of %s", c, name);
	}
	return isdigit((unsigned char)c) ? (unsigned)(c - '0')
					 : (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

static struct vector parse(char *line, const char *file)
{
	struct vector r;
	char *save = NULL;
	char *name = strtok_r(line, " \t\n", &save);
	char *equals = strtok_r(NULL, " \t\n", &save);
	char *value = strtok_r(NULL, " \t\n", &save);
	size_t digits;

	if (!equals || strcmp(equals, "=") != 0 || !value || strtok_r(NULL, " \t\n", &save)) {
		fail("vectors: %s: malformed line that starts with %s", file, name);
	}
	digits = strlen(value);
	if (digits % 2 != 0) {
		fail("vectors: %s: odd number of digits in %s", file, name);
	}
	r.n = digits / 2;
	r.name = need(strdup(name));
	r.octets = need(malloc(r.n));
	for (size_t i = 0; i < r.n; i++) {
		r.octets[i] = (uint8_t)(digit(value[2 * i], name) << 4 |
					digit(value[2 * i + 1], name));
	}
	return r;
}

const struct vector *vectors_find(const struct vectors *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->all[i].name, name) == 0) {
			return &v->all[i];
		}
	}
	return NULL;
}

struct vectors *vectors_load(const char *file)
{
	struct vectors *v = need(calloc(1, sizeof(*v)));
	char *line = NULL;
	size_t size = 0;
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", VECTORS_DIR, file);
	f = fopen(path, "r");
	if (!f) {
		fail("vectors: cannot open %s", path);
	}
	while (getline(&line, &size, f) >= 0) {
		struct vector one;

		line[strcspn(line, "#")] = '\0';
		if (line[strspn(line, " \t\n")] == '\0') {
			continue;
		}
		one = parse(line, file);
		if (vectors_find(v, one.name)) {
			fail("vectors: %s: %s is there twice", file, one.name);
		}
		v->all = need(realloc(v->all, (v->count + 1) * sizeof(*v->all)));
		v->all[v->count++] = one;
	}
	if (ferror(f)) {
		fail("vectors: cannot read %s", path);
	}
	free(line);
	(void)fclose(f);
	return v;
}

void vectors_free(struct vectors *v)
{
	if (!v) {
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		free(v->all[i].name);
		free(v->all[i].octets);
	}
	free(v->all);
	free(v);
}

const struct vector *vectors_get(const struct vectors *v, const char *name)
{
	const struct vector *found = vectors_find(v, name);

	if (!found) {
		fail("vectors: there is no %s", name);
	}
	return found;
}

const uint8_t *vectors_octets(const struct vectors *v, const char *name, size_t n)
{
	const struct vector *found = vectors_get(v, name);

	if (found->n != n) {
		fail("vectors: %s has %zu octets, not %zu", name, found->n, n);
	}
	return found->octets;
}

uint64_t vectors_number(const struct vectors *v, const char *name)
{
	const struct vector *found = vectors_get(v, name);
	uint64_t r = 0;

	if (found->n == 0 || found->n > sizeof(r)) {
		fail("vectors: %s is no number", name);
	}
	for (size_t i = 0; i < found->n; i++) {
		r = r << 8 | found->octets[i];
	}
	return r;
}
