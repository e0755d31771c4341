// SPDX-License-Identifier: BSD-2-Clause
/*
 * Options of STAMP beyond its base packet: TLVs, keys, what to do without SSID. The first ones
 * are called by rows of optrow.c: false if the text is not what they take.
 */
#pragma once

#include "client/cli/options.h"
#include "client/control/secret.h"

/** "NAME" or "NAME=VALUE" of --tlv; several times. */
bool opttlv_add(struct options *o, const char *text);

/** --tlvs all */
bool opttlv_all(struct options *o, const char *text);
bool opttlv_no_ssid(struct options *o, const char *text);
bool opttlv_key_format(struct options *o, const char *text);

/**
 * What follows from the options together: HMAC where it must be, padding, the mode. NULL, or what
 * does not go together.
 */
const char *opttlv_settle(struct options *o);

/** The key of --key-file, if it is given; its KeyID into @key_id. OUTCOME_OK or OUTCOME_LOCAL. */
NODISCARD int opttlv_load_key(struct options *o, struct mac_key *key,
			      char key_id[static KEYLINE_ID_MAX + 1], struct outcome *out);
