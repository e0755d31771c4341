// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/notes.h"

#include <stdarg.h>
#include <stdio.h>

void notes_add(struct notes *n, const char *format, ...)
{
	va_list args;

	if (n->n == NOTES_MAX) {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(n->text[n->n++], NOTES_LEN, format, args);
	va_end(args);
}
