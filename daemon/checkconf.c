// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/checkconf.h"

#include "daemon/config/keys.h"
#include "daemon/json.h"
#include "daemon/log/log.h"
#include "daemon/reflector/senders.h"
#include "daemon/server/hostcheck.h"
#include "daemon/server/running.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 50
#define STATUS_BAD 2

struct found {
	struct settings_fault fault; /* its texts are in @text */
	unsigned order; /* in which it was told */
	char text[2 * SETTINGS_ERROR_LEN];
};

struct check {
	const struct checkconf_options *o;
	const char *config;
	char derived[PATH_MAX];
	struct settings_error err;
	struct found found[SHOWN];
	const struct found *sorted[SHOWN];
	size_t n_found;
	struct settings *settings;
	struct running running;
	bool runs;
	char *flat;
	size_t n_changes;
};

/* --- what is told --- */

static const char *keep(struct found *f, size_t *len, const char *text)
{
	char *to = f->text + *len;
	size_t n = strlen(text) + 1;

	if (n > sizeof(f->text) - *len) {
		return "";
	}
	memcpy(to, text, n);
	*len += n;
	return to;
}

static void on_fault(void *to, const struct settings_fault *fault)
{
	struct check *c = to;
	struct found *f = &c->found[c->n_found];
	size_t len = 0;

	if (c->n_found == SHOWN) {
		return;
	}
	c->sorted[c->n_found] = f;
	f->order = (unsigned)c->n_found++;
	f->fault = *fault;
	f->fault.file = keep(f, &len, fault->file);
	f->fault.key = keep(f, &len, fault->key);
	f->fault.class = keep(f, &len, fault->class);
	f->fault.text = keep(f, &len, fault->text);
}

/* Of one file by line; errors before warnings; files in the order in which they were told. */
static int compare(const void *a, const void *b)
{
	const struct found *x = *(const struct found *const *)a;
	const struct found *y = *(const struct found *const *)b;

	if (x->fault.warning != y->fault.warning) {
		return x->fault.warning ? 1 : -1;
	}
	if (strcmp(x->fault.file, y->fault.file) != 0 || !x->fault.line || !y->fault.line) {
		return x->order < y->order ? -1 : 1;
	}
	if (x->fault.line != y->fault.line) {
		return x->fault.line < y->fault.line ? -1 : 1;
	}
	return (x->fault.column > y->fault.column) - (x->fault.column < y->fault.column);
}

static unsigned told(const struct check *c)
{
	return c->err.n + c->err.n_warnings;
}

/* --- for people --- */

static void show_faults(const struct check *c)
{
	char text[SETTINGS_ERROR_LEN];

	for (size_t i = 0; i < c->n_found; i++) {
		settings_fault_text(&c->sorted[i]->fault, text, sizeof(text));
		log_early("%s%s", c->sorted[i]->fault.warning ? "warning: " : "", text);
	}
	if (told(c) > c->n_found) {
		log_early("and %zu more", told(c) - c->n_found);
	}
}

static void show_change(void *to, const struct settings_change *change)
{
	(void)to;
	if (change->to && change->from) {
		printf("  %s = %.*s (now %.*s), %s\n", change->key, (int)change->to_len, change->to,
		       (int)change->from_len, change->from,
		       change->apply == SETTINGS_RESTART ? "after a restart" : "with a reload");
	} else if (change->to) {
		printf("  %s = %.*s (now not set), with a reload\n", change->key,
		       (int)change->to_len, change->to);
	} else {
		printf("  %s no longer set (now %.*s), with a reload\n", change->key,
		       (int)change->from_len, change->from);
	}
}

static void show_running(const struct check *c)
{
	unsigned n_keys = (unsigned)keys_count(c->settings->keys);

	if (c->n_changes) {
		printf("changes for the running twampd (%ld):\n", (long)c->running.pid);
		if (settings_changes(c->running.flat, c->flat, show_change, NULL)) {
			log_early("out of memory");
		}
	} else {
		printf("no changes for the running twampd (%ld)\n", (long)c->running.pid);
	}
	if (n_keys != c->running.n_keys) {
		printf("  %u keys (now %u), with a reload\n", n_keys, c->running.n_keys);
	}
}

/* What stateful ports may come to need: their tables are as large as they are set. */
static void print_memory(const struct settings *s)
{
	uint64_t senders = 0;

	for (size_t i = 0; i < s->n_light; i++) {
		senders += s->light[i].stateful ? s->light[i].max_senders : 0;
	}
	if (senders) {
		printf("light: up to %" PRIu64 " senders with numbers of their own, in %" PRIu64
		       " MB of memory\n",
		       senders, (senders * SENDERS_OCTETS + 999999) / 1000000);
	}
}

static void show_good(const struct check *c)
{
	const struct settings *s = c->settings;

	printf("%s: ok\n", c->o->candidate ? c->o->candidate : c->config);
	for (size_t i = 0; i < s->n_files; i++) {
		printf("%s%s", i ? ", " : "read: ", s->files[i]);
	}
	printf(": %zu settings\n", settings_count(s));
	if (s->keys) {
		printf("keys: %s: %zu\n", s->keys_path, keys_count(s->keys));
	}
	print_memory(s);
	if (c->runs && c->flat) {
		show_running(c);
	}
}

/* --- for programs --- */

static void write_faults(const struct check *c, struct json *j)
{
	json_open(j, "faults", '[');
	for (size_t i = 0; i < c->n_found; i++) {
		const struct settings_fault *f = &c->sorted[i]->fault;

		json_open(j, NULL, '{');
		json_text(j, "level", f->warning ? "warning" : "error");
		json_text(j, "file", f->file);
		if (f->line) {
			json_number(j, "line", f->line);
		}
		if (f->column) {
			json_number(j, "column", f->column);
		}
		if (*f->key) {
			json_text(j, "key", f->key);
		}
		if (*f->class) {
			json_text(j, "class", f->class);
		}
		json_text(j, "text", f->text);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_number(j, "more", told(c) - c->n_found);
}

static void write_change(void *to, const struct settings_change *change)
{
	struct json *j = to;

	json_open(j, NULL, '{');
	json_text(j, "key", change->key);
	if (change->from) {
		json_octets(j, "from", change->from, change->from_len);
	}
	if (change->to) {
		json_octets(j, "to", change->to, change->to_len);
	}
	json_text(j, "applies", change->apply == SETTINGS_RESTART ? "restart" : "reload");
	json_close(j, '}');
}

static void write_json(const struct check *c)
{
	const struct settings *s = c->settings;
	struct json j = { .to = stdout };

	json_open(&j, NULL, '{');
	json_text(&j, "result", !s ? "error" : c->err.n_warnings ? "warning" : "ok");
	json_text(&j, "config", c->config);
	write_faults(c, &j);
	if (s) {
		json_open(&j, "files", '[');
		for (size_t i = 0; i < s->n_files; i++) {
			json_text(&j, NULL, s->files[i]);
		}
		json_close(&j, ']');
		json_number(&j, "settings", settings_count(s));
		json_number(&j, "keys", keys_count(s->keys));
	}
	if (s && c->runs && c->flat) {
		json_open(&j, "running", '{');
		json_number(&j, "pid", (uint64_t)c->running.pid);
		json_number(&j, "keys", c->running.n_keys);
		json_open(&j, "changes", '[');
		if (settings_changes(c->running.flat, c->flat, write_change, &j)) {
			log_early("out of memory");
		}
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, '}');
	fputc('\n', stdout);
}

/* --- the check --- */

static size_t cut(const char *path, size_t len, const char *ending)
{
	size_t n = strlen(ending);

	return len >= n && !memcmp(path + len - n, ending, n) ? len - n : 0;
}

/* The settings file that @as belongs to: of NAME.conf.d/x.conf and NAME.keys NAME.conf, of
 * conf.d/x.conf twampd.conf; else @as itself. */
static void derive(const char *as, char out[static PATH_MAX])
{
	const char *slash = strrchr(as, '/');
	size_t dir = slash ? (size_t)(slash - as) : 0, len = strlen(as), stem;

	if (cut(as, dir, "/conf.d") || (dir == 6 && !memcmp(as, "conf.d", 6))) {
		(void)snprintf(out, PATH_MAX, "%.*stwampd.conf", (int)(dir - 6), as);
	} else if ((stem = cut(as, dir, ".conf.d"))) {
		(void)snprintf(out, PATH_MAX, "%.*s.conf", (int)stem, as);
	} else if ((stem = cut(as, len, ".keys"))) {
		(void)snprintf(out, PATH_MAX, "%.*s.conf", (int)stem, as);
	} else {
		(void)snprintf(out, PATH_MAX, "%s", as);
	}
}

static void count_change(void *to, const struct settings_change *change)
{
	size_t *n = to;

	(void)change;
	++*n;
}

static void compare_running(struct check *c)
{
	size_t size;
	FILE *f;

	c->runs = running_find(c->config, &c->running);
	f = c->runs ? open_memstream(&c->flat, &size) : NULL;
	if (!f) {
		return;
	}
	if (settings_flat(c->settings, NULL, f) | fclose(f) ||
	    settings_changes(c->running.flat, c->flat, count_change, &c->n_changes)) {
		free(c->flat);
		c->flat = NULL;
		return;
	}
}

static int look(struct check *c)
{
	const struct checkconf_options *o = c->o;
	struct hostcheck_facts facts;
	int r = settings_check(c->config, o->as, o->candidate, &c->settings, &c->err);

	if (r < 0) {
		log_early("out of memory");
	}
	if (r) {
		return r;
	}
	compare_running(c);
	if (o->live) {
		hostcheck_ask(&facts, c->config, c->runs ? &c->running : NULL);
		hostcheck_judge(c->settings, &facts, &c->err);
		hostcheck_wipe(&facts);
	}
	return 0;
}

int checkconf(const struct checkconf_options *o)
{
	struct check *c = calloc(1, sizeof(*c));
	int status = STATUS_BAD;

	if (!c) {
		log_early("out of memory");
		return STATUS_BAD;
	}
	c->o = o;
	c->config = o->config ? o->config : c->derived;
	if (!o->config) {
		derive(o->as, c->derived);
	}
	c->err.tell = on_fault;
	c->err.to = c;
	if (look(c) >= 0) {
		status = c->err.n || (o->strict && c->err.n_warnings) ? STATUS_BAD : 0;
		qsort(c->sorted, c->n_found, sizeof(c->sorted[0]), compare);
	}
	if (o->json) {
		write_json(c);
	} else {
		show_faults(c);
	}
	if (!o->json && c->settings && o->dump) {
		settings_dump(c->settings, stdout);
	} else if (!o->json && c->settings) {
		show_good(c);
	}
	running_wipe(&c->running);
	settings_unref(c->settings);
	free(c->flat);
	free(c);
	return status;
}
