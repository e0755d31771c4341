// SPDX-License-Identifier: BSD-2-Clause
/* JSON (RFC 8259), written as it goes. Octets that are not UTF-8 become U+FFFD. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *to;
	bool follows; /* something stands before what comes next */
};

/* @key  NULL in an array, and outermost */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_text(struct json *j, const char *key, const char *text);
void json_octets(struct json *j, const char *key, const char *text, size_t len);
void json_number(struct json *j, const char *key, uint64_t value);
