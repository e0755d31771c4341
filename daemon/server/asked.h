// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which setting asked for what cannot be had, and what to do about it: the end of a message.
 */
#pragma once

#include "daemon/config/settings.h"

#define ASKED_LEN 256

/**
 * " (light of FILE:LINE)". @entry: its place, if it is an entry of a list; NULL ok. Returns @buf.
 */
const char *asked_text(const struct settings *settings, const char *key,
		       const struct settings_place *entry, char buf[static ASKED_LEN]);

/**
 * Why @fault, an entry of @key ("listen", "light"), cannot be listened on.
 * @error   negative errno
 * @passed  the service manager opened sockets for Light ports
 */
void asked_explain(int error, const char *key, const struct settings_listen *fault,
		   const struct settings *settings, bool passed, char *why, size_t size);
