// SPDX-License-Identifier: BSD-2-Clause
/* Which of many somebody wants to see: by client, class and key. */
#pragma once

#include "daemon/admin/task.h"
#include "protocol/address.h"
#include "protocol/msg.h"
#include "protocol/prefix.h"

struct filter {
	bool by_client;
	struct prefix client;
	const char *class; /* NULL = any; lives as long as the question */
	const char *key;
	bool by_sid;
	uint8_t sid[MSG_SID_LEN];
};

/* Arguments that a filter understands. */
#define FILTER_CLIENT \
	{ \
		"client", ASK_TEXT, false \
	}
#define FILTER_CLASS \
	{ \
		"class", ASK_TEXT, false \
	}
#define FILTER_KEY \
	{ \
		"key", ASK_TEXT, false \
	}
#define FILTER_SID \
	{ \
		"sid", ASK_TEXT, true \
	}

/** Those of the question that there are. False: the error is in the reply. */
NODISCARD bool filter_init(struct filter *f, struct task *t);

bool filter_takes_address(const struct filter *f, const struct address *a);
bool filter_takes_prefix(const struct filter *f, const struct prefix *p);
bool filter_takes_class(const struct filter *f, const char *class);
bool filter_takes_sid(const struct filter *f, const uint8_t sid[static MSG_SID_LEN]);
bool filter_takes_key(const struct filter *f, const uint8_t key_id[static MSG_KEY_ID_LEN]);
