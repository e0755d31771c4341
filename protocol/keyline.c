// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/keyline.h"

#include "protocol/utf8.h"

#include <stdio.h>
#include <string.h>

static const char mark[] = "\xef\xbb\xbf"; /* U+FEFF */
#define MARK_LEN (sizeof mark - 1)

struct keyline_text keyline_begin(const void *text, size_t len)
{
	struct keyline_text t = { text, (const uint8_t *)text + len, 0 };

	if (len >= MARK_LEN && !memcmp(text, mark, MARK_LEN)) {
		t.at += MARK_LEN;
	}
	return t;
}

/* White space, control characters, and what turns the direction of text or has no width. */
static bool is_invisible(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	       (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0xfeff;
}

const char *keyline_id_fault(const void *key_id, size_t len)
{
	const uint8_t *at = key_id;
	uint32_t c;
	size_t n;

	if (!len) {
		return "is empty";
	}
	if (len > KEYLINE_ID_MAX) {
		return "is longer than 80 octets";
	}
	if (*at == '#') {
		return "begins with #, as comments do";
	}
	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(at + i, len - i, &c);
		if (!n) {
			return "is not UTF-8";
		}
		if (is_invisible(c)) {
			return "has white space, a control character or an invisible one in it";
		}
	}
	return NULL;
}
_Static_assert(KEYLINE_ID_MAX == 80, "named in the text above");

/* C-051: what a terminal cannot enter. Return what is wrong, or NULL. */
static const char *passphrase_fault(const uint8_t *s, size_t len)
{
	if (!len) {
		return "there is no passphrase behind the KeyID";
	}
	if (s[len - 1] == '\r') {
		return "this line ends with a carriage return, expected: a line feed alone";
	}
	if (len > KEYLINE_PASSPHRASE_MAX) {
		return "the passphrase is longer than 1024 octets";
	}
	for (size_t i = 0; i < len; i++) {
		if (s[i] < 0x20 || s[i] == 0x7f) {
			return "there is a control character in the passphrase";
		}
	}
	return NULL;
}
_Static_assert(KEYLINE_PASSPHRASE_MAX == 1024, "named in the text above");

static size_t count(const uint8_t *s, size_t len, bool blanks)
{
	size_t n = 0;

	while (n < len && (s[n] == ' ' || s[n] == '\t') == blanks) {
		n++;
	}
	return n;
}

static enum keyline_result refuse(char fault[static KEYLINE_FAULT_LEN], const char *text)
{
	(void)snprintf(fault, KEYLINE_FAULT_LEN, "%s", text);
	return KEYLINE_FAULT;
}

/* One line without its end. KEYLINE_END = there is nothing in it. */
static enum keyline_result take(const uint8_t *s, size_t len, struct key *out,
				char fault[static KEYLINE_FAULT_LEN])
{
	size_t blanks = count(s, len < KEYLINE_MAX ? len : KEYLINE_MAX, true);
	const char *wrong;

	if (len > KEYLINE_MAX) {
		return refuse(fault, "too long, at most 2048 octets expected");
	}
	if (blanks == len || s[blanks] == '#') {
		return KEYLINE_END;
	}
	if (blanks) {
		return refuse(fault, "white space before the KeyID, expected: none");
	}
	out->key_id = s;
	out->key_id_len = count(s, len, false);
	out->passphrase = s + out->key_id_len;
	out->passphrase += count(out->passphrase, len - out->key_id_len, true);
	out->passphrase_len = (size_t)(s + len - out->passphrase);
	wrong = keyline_id_fault(out->key_id, out->key_id_len);
	if (wrong) {
		(void)snprintf(fault, KEYLINE_FAULT_LEN,
			       "the KeyID %s, expected: KeyID, white space, passphrase", wrong);
		return KEYLINE_FAULT;
	}
	wrong = passphrase_fault(out->passphrase, out->passphrase_len);
	return wrong ? refuse(fault, wrong) : KEYLINE_ENTRY;
}
_Static_assert(KEYLINE_MAX == 2048, "named in the text above");

enum keyline_result keyline_next(struct keyline_text *t, struct key *out,
				 char fault[static KEYLINE_FAULT_LEN])
{
	enum keyline_result result = KEYLINE_END;

	while (result == KEYLINE_END && t->at < t->end) {
		const uint8_t *line = t->at, *stop = memchr(line, '\n', (size_t)(t->end - line));

		stop = stop ? stop : t->end;
		t->at = stop < t->end ? stop + 1 : t->end;
		out->line = ++t->line;
		result = take(line, (size_t)(stop - line), out, fault);
	}
	return result;
}
