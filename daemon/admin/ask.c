// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/ask.h"

#include "daemon/admin/reply.h"
#include "protocol/quote.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 40 /* octets of what is foreign */

static bool wrong(char why[static ASK_WHY_LEN], const char *what, const char *foreign)
{
	char shown[4 * SHOWN + QUOTE_WIDEST];

	(void)quote_text(shown, sizeof shown, foreign, strnlen(foreign, SHOWN));
	(void)snprintf(why, ASK_WHY_LEN, "%s%s%s", what, *foreign ? ": " : "",
		       *foreign ? shown : "");
	return false;
}

static bool take_version(const json_t *v, char why[static ASK_WHY_LEN])
{
	if (v && (!json_is_integer(v) || json_integer_value(v) < 1)) {
		return wrong(why, "v is not a number from 1 on", "");
	}
	if (v && json_integer_value(v) > REPLY_VERSION) {
		(void)snprintf(why, ASK_WHY_LEN, "version %lld is unknown here, the newest is %d",
			       (long long)json_integer_value(v), REPLY_VERSION);
		return false;
	}
	return true;
}

static bool take_members(struct ask *a, char why[static ASK_WHY_LEN])
{
	const char *key;
	json_t *value;

	json_object_foreach(a->root, key, value)
	{
		if (!strcmp(key, "cmd")) {
			a->command = json_string_value(value);
		} else if (!strcmp(key, "args")) {
			a->args = value;
		} else if (strcmp(key, "v") != 0) {
			return wrong(why, "v, cmd and args expected, found", key);
		}
	}
	if (!a->command) {
		return wrong(why, "cmd is missing, or is not a string", "");
	}
	if (a->args && !json_is_object(a->args)) {
		return wrong(why, "args is not an object", "");
	}
	return take_version(json_object_get(a->root, "v"), why);
}

bool ask_parse(struct ask *a, const char *line, size_t len, char why[static ASK_WHY_LEN])
{
	json_error_t e;

	*a = (struct ask){ .root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &e) };
	if (!a->root) {
		(void)snprintf(why, ASK_WHY_LEN, "the line is not JSON, see column %d", e.column);
		return false;
	}
	if (!json_is_object(a->root)) {
		return wrong(why, "the line is not a JSON object", "");
	}
	return take_members(a, why);
}

void ask_wipe(struct ask *a)
{
	json_decref(a->root);
	*a = (struct ask){ 0 };
}

static bool is_of(const json_t *value, enum ask_type type)
{
	switch (type) {
	case ASK_TEXT:
		return json_is_string(value);
	case ASK_NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case ASK_FLAG:
		return json_is_boolean(value);
	}
	return false;
}

static const char *expected(enum ask_type type)
{
	switch (type) {
	case ASK_TEXT:
		return "a string is expected in the argument";
	case ASK_NUMBER:
		return "a number from 0 on is expected in the argument";
	case ASK_FLAG:
		return "true or false is expected in the argument";
	}
	return "";
}

static const struct ask_arg *find(const struct ask_arg *args, const char *name)
{
	for (; args && args->name; args++) {
		if (!strcmp(args->name, name)) {
			return args;
		}
	}
	return NULL;
}

bool ask_check(const struct ask *a, const struct ask_arg *args, char why[static ASK_WHY_LEN])
{
	const char *key;
	json_t *value;

	json_object_foreach(a->args, key, value)
	{
		const struct ask_arg *arg = find(args, key);

		if (!arg) {
			return wrong(why, "the command takes no such argument", key);
		}
		if (!is_of(value, arg->type)) {
			return wrong(why, expected(arg->type), key);
		}
	}
	for (; args && args->name; args++) {
		if (args->required && !json_object_get(a->args, args->name)) {
			return wrong(why, "an argument is missing", args->name);
		}
	}
	return true;
}

const char *ask_text(const struct ask *a, const char *name)
{
	return json_string_value(json_object_get(a->args, name));
}

uint64_t ask_number(const struct ask *a, const char *name, uint64_t otherwise)
{
	const json_t *value = json_object_get(a->args, name);

	return value ? (uint64_t)json_integer_value(value) : otherwise;
}

bool ask_flag(const struct ask *a, const char *name)
{
	return json_is_true(json_object_get(a->args, name));
}
