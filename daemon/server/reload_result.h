// SPDX-License-Identifier: BSD-2-Clause
/*
 * What became of the last reload, or of the settings at the start.
 */
#pragma once

#include "protocol/ts.h"

#define RELOAD_WHY_LEN 800

enum reload_trouble {
	RELOAD_NONE,
	RELOAD_FAILED, /* the settings stay as they are */
	RELOAD_KEPT, /* after a restart: they stay as they were */
};

struct reload_result {
	enum reload_trouble trouble;
	char why[RELOAD_WHY_LEN]; /* "" = the settings of the files are in force */
	struct wall at;
	struct wall settings_since; /* those in force came to hold */
};
