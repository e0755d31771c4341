// SPDX-License-Identifier: BSD-2-Clause
/*
 * What each class of clients holds. A class is known by its name, so that its counters live on
 * over a reload.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/control/admit.h"
#include "daemon/reflector/police.h"

struct usage {
	char name[SETTINGS_CLASS_NAME_MAX + 1];
	struct admit_class admit; /* both handed out: stay where they are */
	struct police_total police;
	struct usage *next;
};

/** The entry of a class, made if there is none yet; NULL = no memory. Never freed before the
 * list: connections and sessions point to it. Names are the operator's, so it stays short. */
struct usage *usage_get(struct usage **list, const char *name);

void usage_free(struct usage **list);
