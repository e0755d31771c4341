// SPDX-License-Identifier: BSD-2-Clause
#include "client/show/explain.h"

#include "base/value.h"
#include "protocol/accept.h"

#include <errno.h>
#include <string.h>

/* What the client says when no message came; no server sends it (S-2, S-12). */
#define LOCAL_KEY "no-accept-received"

static void print_code(unsigned code, FILE *to)
{
	const struct accept_info *info = accept_info(code);

	if (code >= ACCEPT_COUNT) {
		fprintf(to, "Accept %u is not assigned; it reads as 1 (RFC 4656 3.3).\n\n", code);
		code = ACCEPT_FAILURE;
	}
	fprintf(to, "Accept %u: %s\n", code, info->name);
	fprintf(to, "  Meaning: %s\n  Causes:  %s\n  Action:  %s\n", info->meaning, info->causes,
		info->action);
	fprintf(to, "  Reasons of the server:\n");
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const struct reason_info *r = reason_info((enum reason)i);

		if (r->code == code) {
			fprintf(to, "    %-28s %s\n", r->key, r->text);
		}
	}
}

static void print_reason(const struct reason_info *r, FILE *to)
{
	fprintf(to, "%s: %s\n", r->key, r->text);
	fprintf(to, "  Accept:  %u (%s)\n", (unsigned)r->code, accept_info(r->code)->name);
	fprintf(to, "  Meaning: %s\n  Action:  %s\n", accept_info(r->code)->meaning, r->remedy);
}

static void print_local(FILE *to)
{
	fprintf(to, LOCAL_KEY
		": the client ended before any message with an Accept arrived\n"
		"  Accept:  none; the client counts it as category 1 or 3 (exit status 20)\n"
		"  Meaning: The connection was refused, timed out or closed, or what came was\n"
		"           not TWAMP, or the modes of both ends do not match.\n"
		"  Action:  On the server: ss -ltn 'sport = :862'. Then look at the firewalls\n"
		"           between (TCP 862 and the UDP range of the server), and compare the\n"
		"           modes of both ends.\n");
}

int explain_print(const char *topic, FILE *to)
{
	uint64_t number;

	if (!topic) {
		for (unsigned code = 0; code < ACCEPT_COUNT; code++) {
			print_code(code, to);
			fputc('\n', to);
		}
		return 0;
	}
	if (value_number(topic, 0, 255, &number)) {
		print_code((unsigned)number, to);
		return 0;
	}
	if (strcmp(topic, LOCAL_KEY) == 0) {
		print_local(to);
		return 0;
	}
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const struct reason_info *r = reason_info((enum reason)i);

		if (strcmp(topic, r->key) == 0) {
			print_reason(r, to);
			return 0;
		}
	}
	return -ENOENT;
}
