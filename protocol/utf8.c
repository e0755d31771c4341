// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/utf8.h"

size_t utf8_decode(const uint8_t *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	size_t more;

	if (!len) {
		return 0;
	}
	more = *s < 0x80	     ? 0
	       : (*s & 0xe0) == 0xc0 ? 1
	       : (*s & 0xf0) == 0xe0 ? 2
	       : (*s & 0xf8) == 0xf0 ? 3
				     : len;
	if (more >= len) {
		return 0;
	}
	*code = more ? *s & (0x3fu >> more) : *s;
	for (size_t i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			return 0;
		}
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < least[more] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff)) {
		return 0;
	}
	return more + 1;
}
