// SPDX-License-Identifier: BSD-2-Clause
/*
 * The types of settings that are kept as a number: what each accepts, and a value as it is
 * written in a file. For the table of schema_types.c; @buf is "" before.
 */
#pragma once

#include "daemon/config/schema.h"

void numbers_accept_integer(const struct schema_row *row, enum schema_scope where,
			    char buf[static SCHEMA_TEXT_LEN]);
void numbers_accept_power(const struct schema_row *row, enum schema_scope where,
			  char buf[static SCHEMA_TEXT_LEN]);
void numbers_accept_choice(const struct schema_row *row, enum schema_scope where,
			   char buf[static SCHEMA_TEXT_LEN]);
void numbers_accept_modes(const struct schema_row *row, enum schema_scope where,
			  char buf[static SCHEMA_TEXT_LEN]);

void numbers_text_integer(const struct schema_row *row, uint64_t value,
			  char buf[static SCHEMA_TEXT_LEN]);
void numbers_text_percent(const struct schema_row *row, uint64_t value,
			  char buf[static SCHEMA_TEXT_LEN]);
void numbers_text_boolean(const struct schema_row *row, uint64_t value,
			  char buf[static SCHEMA_TEXT_LEN]);
void numbers_text_choice(const struct schema_row *row, uint64_t value,
			 char buf[static SCHEMA_TEXT_LEN]);
void numbers_text_dscp(const struct schema_row *row, uint64_t value,
		       char buf[static SCHEMA_TEXT_LEN]);
void numbers_text_reply_dscp(const struct schema_row *row, uint64_t value,
			     char buf[static SCHEMA_TEXT_LEN]);
void numbers_text_modes(const struct schema_row *row, uint64_t value,
			char buf[static SCHEMA_TEXT_LEN]);

/* Names of bits. */
void numbers_accept_set(const struct schema_row *row, enum schema_scope where,
			char buf[static SCHEMA_TEXT_LEN]);
void numbers_text_set(const struct schema_row *row, uint64_t value,
		      char buf[static SCHEMA_TEXT_LEN]);
