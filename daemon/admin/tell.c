// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/tell.h"

#include "base/device.h"
#include "protocol/quote.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX 2048

void tell_put(json_t *to, const char *key, json_t *value)
{
	if (json_object_set_new_nocheck(to, key, value) < 0) {
		(void)json_object_set_new_nocheck(to, "incomplete", json_true());
	}
}

json_t *tell_time(struct wall at)
{
	time_t s = (time_t)(at.ns / TS_NS_PER_S);
	struct tm tm;
	char text[80];

	if (!at.ns || !gmtime_r(&s, &tm)) {
		return json_null();
	}
	(void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		       (int)(at.ns % TS_NS_PER_S / 1000000));
	return json_string_nocheck(text);
}

json_t *tell_address(const struct address *a)
{
	char text[ADDRESS_TEXT_LEN];

	return json_string_nocheck(a->port ? address_text(a, text, sizeof text)
					   : address_host_text(a, text, sizeof text));
}

json_t *tell_prefix(const struct prefix *p)
{
	char text[PREFIX_TEXT_LEN], *slash;

	slash = strchr(prefix_text(p, text), '/');
	if (slash && p->bits == (p->family == 4 ? 32 : 128)) {
		*slash = '\0';
	}
	return json_string_nocheck(text);
}

json_t *tell_key(const uint8_t key_id[static MSG_KEY_ID_LEN])
{
	char text[MSG_KEY_ID_LEN * QUOTE_WIDEST + 1];

	(void)quote_text(text, sizeof text, key_id, strnlen((const char *)key_id, MSG_KEY_ID_LEN));
	return json_string(text);
}

json_t *tell_number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

json_t *tell_device(uint32_t index)
{
	char text[DEVICE_TEXT_LEN];

	/* ", device vrf-red" */
	return tell_text(index ? device_text(index, text) + strlen(", device ") : "");
}

json_t *tell_text(const char *text)
{
	char clean[TEXT_MAX];

	(void)quote_clean(clean, sizeof clean, text);
	return json_string(clean);
}

json_t *tell_seconds(int64_t ns)
{
	return json_real((double)ns / 1e9);
}

json_t *tell_room(uint64_t used, uint64_t max)
{
	json_t *o = json_object();

	tell_put(o, "used", json_integer((json_int_t)used));
	tell_put(o, "max", max ? json_integer((json_int_t)max) : json_null());
	return o;
}
