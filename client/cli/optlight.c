// SPDX-License-Identifier: BSD-2-Clause
#include "client/cli/optlight.h"

#include "base/value.h"

#include <string.h>

bool optlight_ssid(struct options *o, const char *text)
{
	uint64_t number;

	if (!value_number(text, 0, UINT16_MAX, &number)) {
		return false;
	}
	o->plan.ssid = (uint16_t)number;
	o->ssid_given = true;
	return true;
}

bool optlight_type(struct options *o, const char *text)
{
	o->plan.stamp = strcmp(text, "stamp") == 0;
	return o->plan.stamp || strcmp(text, "twamp-light") == 0;
}

bool optlight_allow(struct options *o, const char *text)
{
	if (o->responder.allow_count == RESPONDER_MAX_ALLOW) {
		return false;
	}
	return prefix_parse(text, &o->responder.allow[o->responder.allow_count++]) == NULL;
}

bool optlight_endpoint(struct options *o, const char *text)
{
	uint64_t number;

	if (*text != ':' || text[1] == ':') {
		return value_endpoint(text, o->plan.host, sizeof(o->plan.host), &o->plan.port);
	}
	if (!value_number(text + 1, 1, UINT16_MAX, &number)) {
		return false;
	}
	o->plan.host[0] = '\0';
	o->plan.port = (uint16_t)number;
	return true;
}
