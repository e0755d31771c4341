// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/outcome.h"

#include "protocol/accept.h"
#include "protocol/quote.h"

#include <stdarg.h>

int outcome_refused(struct outcome *o, const char *carrier, uint8_t accept)
{
	*o = (struct outcome){ .kind = OUTCOME_REFUSED, .accept = accept, .carrier = carrier };
	snprintf(o->text, sizeof(o->text), "the server refused: %s carries Accept %u (%s)", carrier,
		 accept, accept_info(accept)->name);
	return OUTCOME_REFUSED;
}

int outcome_set(struct outcome *o, enum outcome_kind kind, unsigned category, const char *format,
		...)
{
	char text[sizeof(o->text)];
	va_list args;

	*o = (struct outcome){ .kind = kind, .category = category };
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)quote_clean(o->text, sizeof(o->text), text);
	return (int)kind;
}

void outcome_hint(struct outcome *o, const char *format, ...)
{
	char hint[sizeof(o->hint)];
	va_list args;

	va_start(args, format);
	vsnprintf(hint, sizeof(hint), format, args);
	va_end(args);
	(void)quote_clean(o->hint, sizeof(o->hint), hint);
}

unsigned outcome_code(const struct outcome *o)
{
	switch (o->kind) {
	case OUTCOME_REFUSED:
		return o->accept < ACCEPT_COUNT ? o->accept : ACCEPT_FAILURE;
	case OUTCOME_NO_ACCEPT:
		return o->category;
	case OUTCOME_OK:
	case OUTCOME_INCOMPLETE:
	case OUTCOME_LOCAL:
		break;
	}
	return ACCEPT_OK;
}

const char *outcome_name(enum outcome_kind kind)
{
	switch (kind) {
	case OUTCOME_OK:
		return "measured";
	case OUTCOME_REFUSED:
		return "refused";
	case OUTCOME_NO_ACCEPT:
		return "no-accept";
	case OUTCOME_INCOMPLETE:
		return "incomplete";
	case OUTCOME_LOCAL:
		return "local-error";
	}
	return "local-error";
}

int outcome_exit(const struct outcome *o)
{
	switch (o->kind) {
	case OUTCOME_OK:
		return OUTCOME_EXIT_OK;
	case OUTCOME_REFUSED:
		return OUTCOME_EXIT_REFUSED + (int)outcome_code(o);
	case OUTCOME_NO_ACCEPT:
		return OUTCOME_EXIT_NO_ACCEPT;
	case OUTCOME_INCOMPLETE:
		return OUTCOME_EXIT_INCOMPLETE;
	case OUTCOME_LOCAL:
		return OUTCOME_EXIT_LOCAL;
	}
	return OUTCOME_EXIT_LOCAL;
}

static void print_refusal(const struct outcome *o, FILE *to)
{
	const struct accept_info *info = accept_info(o->accept);

	if (o->accept >= ACCEPT_COUNT) {
		fprintf(to, "  Code:    %u, which is not assigned and reads as %u (%s)\n",
			o->accept, outcome_code(o), info->name);
	} else {
		fprintf(to, "  Code:    %u (%s)\n", o->accept, info->name);
	}
	fprintf(to, "  Message: %s\n", o->carrier);
	fprintf(to, "  Meaning: %s\n", info->meaning);
	fprintf(to, "  Causes:  %s\n", info->causes);
	fprintf(to, "  Remedy:  %s\n", info->action);
	fprintf(to, "  More:    twamp explain %u\n", outcome_code(o));
}

void outcome_print(const struct outcome *o, FILE *to)
{
	if (o->kind == OUTCOME_OK) {
		return;
	}
	fprintf(to, "twamp: %s\n", o->text);
	if (o->kind == OUTCOME_REFUSED) {
		print_refusal(o, to);
	}
	if (o->kind == OUTCOME_NO_ACCEPT) {
		fprintf(to, "  No Accept was received; by its kind this is category %u (%s).\n",
			o->category, accept_info(o->category)->name);
	}
	if (o->hint[0]) {
		fprintf(to, "  Remedy:  %s\n", o->hint);
	}
}
