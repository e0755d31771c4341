// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_yang.h"

#include "client/ctl/ctl_answer.h"

#include <string.h>

/* The list that stands in @in, made if it is not there. */
static json_t *list_of(json_t *in, const char *name)
{
	json_t *list = json_object_get(in, name);

	if (!list) {
		list = json_array();
		(void)json_object_set_new(in, name, list);
	}
	return list;
}

int ctl_yang(json_t *rows, json_t *result, FILE *out, FILE *err)
{
	json_t *yang = json_object_get(result, "yang");
	json_t *twamp = json_object_get(yang, "ietf-twamp:twamp");
	json_int_t left_out = json_integer_value(json_object_get(result, "left_out"));
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *name = json_string_value(json_object_get(row, "list"));
		bool sessions = name && !strcmp(name, "test-session");
		json_t *in = json_object_get(twamp, sessions ? "session-reflector" : "server");

		if (name) {
			(void)json_array_append(list_of(in, name), json_object_get(row, "entry"));
		}
	}
	(void)json_dumpf(yang, out, JSON_INDENT(2));
	fputc('\n', out);
	if (left_out) {
		fprintf(err,
			"twampctl: %" JSON_INTEGER_FORMAT
			" sessions are left out: the model has no ports below 49152\n",
			left_out);
	}
	return CTL_EXIT_OK;
}
