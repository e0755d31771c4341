// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_answer.h"

#include "client/ctl/ctl_diff.h"
#include "client/ctl/ctl_socket.h"
#include "client/ctl/ctl_stale.h"
#include "client/ctl/ctl_yang.h"

#include <errno.h>
#include <string.h>

#define ITEM "{\"item\":"

struct answer {
	const struct ctl_options *o;
	FILE *out, *err;
	json_t *rows; /* NULL: items are printed as they come */
	bool any; /* item was printed */
	json_t *last; /* line */
};

static bool is_item(const char *line, size_t len)
{
	return len > sizeof ITEM && !memcmp(line, ITEM, sizeof ITEM - 1);
}

static void begin_items(struct answer *a)
{
	fprintf(a->out, a->any ? ",\n" : "{\"%s\":[\n", a->o->command->items);
	a->any = true;
}

/* JSON that is neither sorted nor cut goes through as it is. */
static int take_item(struct answer *a, const char *line, size_t len)
{
	json_t *item;

	if (!a->rows) {
		begin_items(a);
		(void)fwrite(line + sizeof ITEM - 1, 1, len - sizeof ITEM, a->out);
		return 0;
	}
	item = json_loadb(line, len, 0, NULL);
	if (!item || json_array_append(a->rows, json_object_get(item, "item"))) {
		json_decref(item);
		return -EBADMSG;
	}
	json_decref(item);
	return 0;
}

static int read_answer(struct answer *a, struct ctl_socket *s)
{
	char *line;
	size_t len;
	int rc;

	while (!(rc = ctl_socket_line(s, &line, &len))) {
		if (!is_item(line, len)) {
			a->last = json_loadb(line, len, 0, NULL);
			return json_is_object(a->last) ? 0 : -EBADMSG;
		}
		rc = take_item(a, line, len);
		if (rc < 0) {
			return rc;
		}
	}
	return rc;
}

/* --- what is shown -------------------------------------------------------------------------- */

static void cut(struct answer *a)
{
	const struct ctl_options *o = a->o;
	size_t n = json_array_size(a->rows);

	if (o->sort) {
		ctl_table_sort(a->rows, ctl_table_column(o->command->columns, o->sort));
	}
	while (o->top && n > o->top) {
		(void)json_array_remove(a->rows, --n);
	}
}

static void print_json_rows(struct answer *a)
{
	const json_t *row;
	size_t i;

	json_array_foreach(a->rows, i, row)
	{
		begin_items(a);
		(void)json_dumpf(row, a->out, JSON_COMPACT);
	}
}

static void print_json(struct answer *a, const json_t *result)
{
	const char *key;
	json_t *value;

	if (!a->o->command->items) {
		(void)json_dumpf(result, a->out, JSON_INDENT(2));
		fputc('\n', a->out);
		return;
	}
	if (a->rows) {
		print_json_rows(a);
	}
	if (!a->any) {
		fprintf(a->out, "{\"%s\":[", a->o->command->items);
	}
	fputs("]", a->out);
	json_object_foreach((json_t *)(uintptr_t)result, key, value)
	{
		fprintf(a->out, ",\n\"%s\":", key);
		(void)json_dumpf(value, a->out, JSON_COMPACT | JSON_ENCODE_ANY);
	}
	fputs("}\n", a->out);
}

static int show_result(struct answer *a, unsigned width)
{
	json_t *result = json_object_get(a->last, "result");
	const char *text = json_string_value(json_object_get(result, "text"));
	const struct ctl_command *c = a->o->command;

	if (a->rows) {
		cut(a);
	}
	if (c->stale) {
		ctl_stale(json_object_get(a->last, "result"));
	}
	if (c->diff) {
		return ctl_diff(a->o, result, a->err);
	}
	if (c->yang) {
		return ctl_yang(a->rows, result, a->out, a->err);
	}
	if (a->o->json) {
		print_json(a, result);
	} else {
		if (c->columns) {
			ctl_table_print(a->rows, c->columns, a->o->wide ? 0 : width, a->out);
		}
		if (c->page) {
			ctl_page_print(result, c->page, a->out);
		}
		if (c->text && text) {
			(void)fputs(text, a->out);
		}
	}
	return json_is_false(json_object_get(result, "ok")) ? CTL_EXIT_NO : CTL_EXIT_OK;
}

static int show_error(struct answer *a)
{
	const json_t *error = json_object_get(a->last, "error");
	const char *kind = json_string_value(json_object_get(error, "kind"));
	char text[CTL_VALUE_LEN * 4];

	if (a->o->json) {
		if (a->any) {
			fputs("]}\n", a->out);
		}
		(void)json_dumpf(json_object_get(a->last, "error"), a->out, JSON_INDENT(2));
		fputc('\n', a->out);
	}
	(void)snprintf(text, sizeof text, "%s",
		       json_string_value(json_object_get(error, "text")) ?: "no reason was given");
	fprintf(a->err, "twampctl: %s: %s\n", a->o->command->words, text);
	return kind && (!strcmp(kind, "bad-request") || !strcmp(kind, "unknown-command"))
		       ? CTL_EXIT_USAGE
		       : CTL_EXIT_NO;
}

static int show(struct answer *a, unsigned width)
{
	return json_is_true(json_object_get(a->last, "ok")) ? show_result(a, width) : show_error(a);
}

static int lost(struct answer *a, int rc)
{
	fprintf(a->err, "twampctl: %s: the answer of twampd is not complete: %s\n",
		a->o->command->words,
		rc == -EBADMSG	    ? "it is not what this twampctl understands"
		: rc == -ECONNRESET ? "it closed the connection"
				    : strerror(-rc));
	return CTL_EXIT_NOT_RUNNING;
}

int ctl_answer(const struct ctl_options *o, unsigned width, FILE *out, FILE *err)
{
	struct answer a = { .o = o, .out = out, .err = err };
	char why[CTL_WHY_LEN];
	struct ctl_socket s;
	int rc;

	if (ctl_socket_open(&s, o->path, why) < 0) {
		fprintf(err, "twampctl: %s\n", why);
		return CTL_EXIT_NOT_RUNNING;
	}
	if (o->command->items && (!o->json || o->sort || o->top || o->command->yang)) {
		a.rows = json_array();
	}
	rc = ctl_socket_ask(&s, o->command->verb, o->args);
	rc = rc < 0 ? rc : read_answer(&a, &s);
	rc = rc < 0 ? lost(&a, rc) : show(&a, width);
	json_decref(a.last);
	json_decref(a.rows);
	ctl_socket_close(&s);
	return rc;
}
