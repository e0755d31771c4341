// SPDX-License-Identifier: BSD-2-Clause
/*
 * What each class of clients holds. A class is known by its name, so that its counters live on
 * over a reload.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/control/admit.h"
#include "daemon/reflector/class_sums.h"
#include "daemon/reflector/police.h"
#include "daemon/server/refusals.h"

struct carry;
struct reflector;

struct class_use {
	char name[SETTINGS_CLASS_NAME_MAX + 1];
	struct admit_class admit; /* both handed out: stay where they are */
	struct police_total police;
	struct refusals_tally tally;
	struct class_sums *sums; /* of its sessions; NULL before the first one */
	struct class_use *next;
};

struct class_uses {
	struct class_use *list; /* names are the operator's, so it stays short */
	struct class_use nobody; /* of what runs for clients that are in no class any more */
	struct class_use **of,
		**next; /* a row for each class of the settings: that hold, that may come */
};

/** The entry of a class, made if there is none yet; NULL = no memory. Never freed before the
 * list: connections and sessions point to it. */
struct class_use *class_use_get(struct class_use **list, const char *name);

/** Have an entry for each class of @next, in case these come to hold. Return 0 or -ENOMEM. */
NODISCARD int class_use_prepare(struct class_uses *u, const struct settings *next);

/** They do, with the rates of their classes. */
void class_use_apply(struct class_uses *u, const struct settings *now);

/** The entry of a class of the settings that hold; of nobody for NULL. */
struct class_use *class_use_of(struct class_uses *u, const struct settings *now,
			       const struct settings_class *class);

/** What its sessions bring, made if there is none yet; NULL = no memory. */
struct class_sums *class_use_sums(struct class_use *u, const struct reflector *r);

/**
 * Their tallies and sums, for the next process. What it has no memory for is forgotten.
 * @r  halted
 */
void class_use_carry(struct carry *k, struct class_uses *u, const struct reflector *r);

void class_use_free(struct class_uses *u);
