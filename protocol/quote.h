// SPDX-License-Identifier: BSD-2-Clause
/*
 * Text that somebody else wrote (a KeyID, a line of a file, the name of a device), made fit to be
 * shown: printable UTF-8 passes, and everything that a terminal could obey, that turns the order
 * of what is read, or that nobody can see is escaped: \x1b for octets, \u{202e} for characters.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define QUOTE_WIDEST 12 /* of one character: two \u0000 in JSON */

/**
 * To stand between quotation marks: these and the backslash are escaped as well, so that nothing
 * reads like something else. @from may hold anything, zeros too.
 * @size  more than 0; what does not fit is left out, an escape is never cut
 * Return the length; @to is terminated.
 */
size_t quote_text(char *to, size_t size, const void *from, size_t len);

/** The same for a whole line, which may have quotation marks of its own, and text in it that was
 * quoted before: that does not change. */
size_t quote_clean(char *to, size_t size, const char *from);

/** To stand between quotation marks in JSON (RFC 8259): the same is escaped, in its way. An octet
 * that is no UTF-8 becomes the character of that number. */
size_t quote_json(char *to, size_t size, const void *from, size_t len);
