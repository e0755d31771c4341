// SPDX-License-Identifier: BSD-2-Clause
/*
 * The limit behind a refusal: what is held, what is allowed, whose limit it is, and where in the
 * files it stands.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/control/control.h"

/* Under which rules a connection stands. */
struct reached_rules {
	const struct settings *settings; /* that hold; the class is in them */
	const struct settings_class *class; /* NULL = none */
	const struct policy *policy;
};

#define REACHED_TEXT_LEN 32
#define REACHED_SETTING_LEN 300

struct reached {
	char now[REACHED_TEXT_LEN]; /* "" = this is no number of things held */
	char limit[REACHED_TEXT_LEN];
	char setting[REACHED_SETTING_LEN]; /* "limits.max_sessions, /etc/twampd/twampd.conf:12" */
};

/** False if the reason is no limit of the settings. */
bool reached_find(enum reason r, const struct control *c, const struct reached_rules *rules,
		  struct reached *out);
