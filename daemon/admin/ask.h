// SPDX-License-Identifier: BSD-2-Clause
/*
 * What somebody asks on the socket: one line of JSON, {"v":1,"cmd":"sessions","args":{...}}, and
 * what is wrong with it in words. Everything in it is foreign.
 */
#pragma once

#include "protocol/wire.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASK_LINE_MAX 4096 /* octets, with the newline */
#define ASK_WHY_LEN 200

struct ask {
	json_t *root; /* owns the others */
	const char *command;
	json_t *args; /* an object */
};

enum ask_type {
	ASK_TEXT,
	ASK_NUMBER, /* 0.. */
	ASK_FLAG,
};

/* An argument that a command takes. */
struct ask_arg {
	const char *name; /* NULL ends the list */
	enum ask_type type;
	bool required;
};

/** Return true, or false with @why. ask_wipe() in any case. */
NODISCARD bool ask_parse(struct ask *a, const char *line, size_t len, char why[static ASK_WHY_LEN]);
void ask_wipe(struct ask *a);

/** All are known, of their type, and those that are required are there. @args NULL: there are none. */
NODISCARD bool ask_check(const struct ask *a, const struct ask_arg *args,
			 char why[static ASK_WHY_LEN]);

/* After ask_check(). What is not there is NULL, @otherwise, or false. */
const char *ask_text(const struct ask *a, const char *name);
uint64_t ask_number(const struct ask *a, const char *name, uint64_t otherwise);
bool ask_flag(const struct ask *a, const char *name);
