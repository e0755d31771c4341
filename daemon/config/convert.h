// SPDX-License-Identifier: BSD-2-Clause
/*
 * One setting of a file: its type and range checked, its value put where the row of the schema
 * says; or what is wrong with it, told with the name that struct apply has for it.
 */
#pragma once

#include "daemon/config/apply.h"
#include "protocol/prefix.h"

#include <libconfig.h>

/* Settings of the types that need no more than the row: schema_types.c. */
NODISCARD int convert_integer(struct apply *a, const config_setting_t *s,
			      const struct schema_row *row);
NODISCARD int convert_percent(struct apply *a, const config_setting_t *s,
			      const struct schema_row *row);
NODISCARD int convert_boolean(struct apply *a, const config_setting_t *s,
			      const struct schema_row *row);
NODISCARD int convert_choice(struct apply *a, const config_setting_t *s,
			     const struct schema_row *row);
NODISCARD int convert_dscp(struct apply *a, const config_setting_t *s,
			   const struct schema_row *row);
NODISCARD int convert_reply_dscp(struct apply *a, const config_setting_t *s,
				 const struct schema_row *row);
NODISCARD int convert_modes(struct apply *a, const config_setting_t *s,
			    const struct schema_row *row);
NODISCARD int convert_set(struct apply *a, const config_setting_t *s, const struct schema_row *row);
NODISCARD int convert_file(struct apply *a, const config_setting_t *s,
			   const struct schema_row *row);
NODISCARD int convert_cpus(struct apply *a, const config_setting_t *s,
			   const struct schema_row *row);
NODISCARD int convert_ports(struct apply *a, const config_setting_t *s,
			    const struct schema_row *row);

/** Where its value stands. */
struct settings_place convert_place(const struct apply *a, const config_setting_t *s);

/** "FILE:LINE:COLUMN: ..." of its name. Return SETTINGS_BAD. */
int convert_unknown(struct apply *a, const config_setting_t *s, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** The same of its value, unless the syntax of that was told already. Return SETTINGS_BAD. */
int convert_complain(struct apply *a, const config_setting_t *s, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** "KEY: this is a string, expected: integer 1..2". Return SETTINGS_BAD. */
int convert_wrong_type(struct apply *a, const config_setting_t *s, const struct schema_row *row);

/** What the row accepts is told with it. Return 0 or SETTINGS_BAD. */
NODISCARD int convert_number(struct apply *a, const config_setting_t *s,
			     const struct schema_row *row, long long min, long long max,
			     long long *out);
NODISCARD int convert_prefix(struct apply *a, const config_setting_t *s,
			     const struct schema_row *row, struct prefix *out);

/**
 * Each member of an array of row->min to row->max. @to is passed on.
 * Return 0, -ENOMEM or SETTINGS_BAD.
 */
NODISCARD int convert_each(struct apply *a, const config_setting_t *s, const struct schema_row *row,
			   int (*one)(struct apply *a, const config_setting_t *member,
				      const struct schema_row *row, void *to),
			   void *to);

/** "an integer" */
const char *convert_describe(const config_setting_t *s);
