// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/filter.h"

#include <string.h>

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool parse_sid(const char *text, uint8_t sid[static MSG_SID_LEN])
{
	for (size_t i = 0; i < MSG_SID_LEN; i++) {
		int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);

		if (low < 0) {
			return false;
		}
		sid[i] = (uint8_t)(high << 4 | low);
	}
	return !text[2 * MSG_SID_LEN];
}

bool filter_init(struct filter *f, struct task *t)
{
	const char *client = ask_text(&t->ask, "client"), *sid = ask_text(&t->ask, "sid"), *wrong;

	*f = (struct filter){ .by_client = client,
			      .by_sid = sid,
			      .class = ask_text(&t->ask, "class"),
			      .key = ask_text(&t->ask, "key") };
	if (sid && !parse_sid(sid, f->sid)) {
		reply_error(t->reply, REPLY_BAD_REQUEST, "sid: 32 hexadecimal digits are expected");
		return false;
	}
	wrong = client ? prefix_parse(client, &f->client) : NULL;
	if (wrong) {
		reply_error(t->reply, REPLY_BAD_REQUEST,
			    "client: it %s; an address or prefix is expected", wrong);
		return false;
	}
	(void)prefix_mask(&f->client);
	return true;
}

bool filter_takes_prefix(const struct filter *f, const struct prefix *p)
{
	/* An address of a client that is a prefix stands for that client, too. */
	return !f->by_client || prefix_covers(&f->client, p) || prefix_covers(p, &f->client);
}

bool filter_takes_address(const struct filter *f, const struct address *a)
{
	struct prefix one = { .family = a->family, .bits = a->family == 4 ? 32 : 128 };

	memcpy(one.ip, a->ip, sizeof one.ip);
	return !f->by_client || prefix_covers(&f->client, &one);
}

bool filter_takes_class(const struct filter *f, const char *class)
{
	return !f->class || !strcmp(f->class, class);
}

bool filter_takes_key(const struct filter *f, const uint8_t key_id[static MSG_KEY_ID_LEN])
{
	size_t len = f->key ? strlen(f->key) : 0;

	return !f->key || (len <= MSG_KEY_ID_LEN && !memcmp(f->key, key_id, len) &&
			   (len == MSG_KEY_ID_LEN || !key_id[len]));
}

bool filter_takes_sid(const struct filter *f, const uint8_t sid[static MSG_SID_LEN])
{
	return !f->by_sid || !memcmp(f->sid, sid, MSG_SID_LEN);
}
