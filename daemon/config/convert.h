// SPDX-License-Identifier: BSD-2-Clause
/*
 * One setting of a file: its type and range checked, its value put where the row of the schema
 * says; or what is wrong with it, told with the name that struct apply has for it.
 */
#pragma once

#include "daemon/config/apply.h"

#include <libconfig.h>

/** For every type but lists and what is in a class only. Return 0, -ENOMEM or SETTINGS_BAD. */
NODISCARD int convert_put(struct apply *a, const config_setting_t *s, const struct schema_row *row);

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

/**
 * The name of a network device into @out, which stays "" without @s. Whether there is such a
 * device is not asked: it may come later. Return 0 or SETTINGS_BAD.
 */
NODISCARD int convert_device(struct apply *a, const config_setting_t *s, const char *key,
			     char out[static SETTINGS_DEVICE_LEN]);

/** true or false into @out, which stays as it is without @s. Return 0 or SETTINGS_BAD. */
NODISCARD int convert_flag(struct apply *a, const config_setting_t *s, const char *key, bool *out);

/** "an integer" */
const char *convert_describe(const config_setting_t *s);
