// SPDX-License-Identifier: BSD-2-Clause
/*
 * Values of settings as they are written in a file, for those who print and compare them. The
 * functions for each type are what the table of schema_types.c is made of.
 */
#pragma once

#include "daemon/config/schema.h"

/** The value of the row. */
void values_print(const struct schema_row *row, const struct schema_at *at, FILE *to);

/** All keys of the scope, a line each; comments tell what a class has from the server. */
void values_print_rows(const struct schema_at *at, FILE *to);

/** The class has this itself, not from the server. @row is one of SCHEMA_CLASS. */
bool values_is_set(const struct settings_class *c, const struct schema_row *row);

void values_print_listen(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_light(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_classes(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_file(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_cpus(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_ports(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_string(const struct schema_row *row, const struct schema_at *at, FILE *to);
bool values_no_string(const struct schema_row *row, const struct schema_at *at);
void values_print_name(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_prefixes(const struct schema_row *row, const struct schema_at *at, FILE *to);
bool values_no_prefixes(const struct schema_row *row, const struct schema_at *at);
void values_print_key_ids(const struct schema_row *row, const struct schema_at *at, FILE *to);
bool values_no_key_ids(const struct schema_row *row, const struct schema_at *at);
void values_print_address(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_host(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_senders(const struct schema_row *row, const struct schema_at *at, FILE *to);
void values_print_ssids(const struct schema_row *row, const struct schema_at *at, FILE *to);
bool values_no_ssids(const struct schema_row *row, const struct schema_at *at);
void values_print_light_rows(const struct schema_row *row, const struct schema_at *at, FILE *to);
bool values_no_light_rows(const struct schema_row *row, const struct schema_at *at);
void values_print_row_keys(const struct schema_row *row, const struct schema_at *at, FILE *to);
bool values_no_row_keys(const struct schema_row *row, const struct schema_at *at);
bool values_no_senders(const struct schema_row *row, const struct schema_at *at);
void values_print_returns(const struct schema_row *row, const struct schema_at *at, FILE *to);
bool values_no_returns(const struct schema_row *row, const struct schema_at *at);
void values_print_links(const struct schema_row *row, const struct schema_at *at, FILE *to);
bool values_no_links(const struct schema_row *row, const struct schema_at *at);
void values_print_text(const char *text, size_t len, FILE *to);
void values_print_numbers(const uint16_t *number, size_t n, FILE *to);
