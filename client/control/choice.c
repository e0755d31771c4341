// SPDX-License-Identifier: BSD-2-Clause
#include "client/control/choice.h"

#include "protocol/accept.h"
#include "protocol/mode.h"

#include <stdio.h>

/* By what they protect: packets and their times, packets, the control connection. */
static const uint32_t keyed[] = { MODE_ENCRYPTED, MODE_AUTHENTICATED, MODE_MIXED };

/* The security bit, or 0. */
static uint32_t choose_security(const struct access *a, uint32_t offered)
{
	if (a->mode != 0) {
		return a->mode & offered;
	}
	if (!a->key_file) {
		return MODE_UNAUTHENTICATED & offered;
	}
	for (size_t i = 0; i < sizeof(keyed) / sizeof(keyed[0]); i++) {
		if (offered & keyed[i]) {
			return keyed[i];
		}
	}
	return 0;
}

static int refuse_security(const struct access *a, uint32_t offered, struct outcome *out)
{
	char text[MODE_TEXT_LEN], why[64];

	snprintf(why, sizeof(why), "this client was told --mode %s",
		 a->mode ? mode_name(a->mode) : "auto");
	outcome_set(out, OUTCOME_NO_ACCEPT, ACCEPT_UNSUPPORTED,
		    "no mode in common: the server offers %s, %s",
		    mode_text(offered & MODE_SECURITY_MASK, text, sizeof(text)),
		    a->mode	  ? why
		    : a->key_file ? "this client has a key and does not go without by itself"
				  : "this client has no key and can do unauthenticated only");
	if (a->mode) {
		outcome_hint(out, "compare --mode with the setting modes of the server%s",
			     offered & MODE_KEYED_MASK ? "" : " and its keys");
	} else if (a->key_file) {
		outcome_hint(
			out,
			"find out why the server offers no mode with a key (its keys_file, its "
			"modes; its greeting may have been changed on its way); to measure "
			"without protection all the same: --mode unauthenticated");
	} else {
		outcome_hint(out,
			     "give the key that this client shares with the server: "
			     "--key-file; or allow unauthenticated in the modes of the server");
	}
	return OUTCOME_NO_ACCEPT;
}

static int refuse_features(uint32_t missing, uint32_t offered, struct outcome *out)
{
	char text[MODE_TEXT_LEN], features[MODE_TEXT_LEN];

	outcome_set(out, OUTCOME_NO_ACCEPT, ACCEPT_UNSUPPORTED,
		    "the server does not offer %s, only %s", mode_text(missing, text, sizeof(text)),
		    mode_text(offered & MODE_FEATURE_MASK, features, sizeof(features)));
	outcome_hint(out, "measure without it, or add it to the setting features of the server");
	return OUTCOME_NO_ACCEPT;
}

int choice_make(const struct access *a, uint32_t features, uint32_t offered, uint32_t *modes,
		struct outcome *out)
{
	uint32_t security = choose_security(a, offered);

	*modes = 0;
	if (security == 0) {
		return refuse_security(a, offered, out);
	}
	if (features & ~offered) {
		return refuse_features(features & ~offered, offered, out);
	}
	*modes = security | features;
	return OUTCOME_OK;
}
