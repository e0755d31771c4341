// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/quote.h"

#include <check.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

static size_t encode(uint32_t c, uint8_t out[static 4])
{
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i; i--, c >>= 6) {
		out[i] = (uint8_t)(0x80 | (c & 0x3f));
	}
	out[0] = (uint8_t)(lead[n] | c);
	return n;
}

static bool passes(uint32_t c)
{
	uint8_t in[4];
	char out[32];
	size_t n = encode(c, in);

	return quote_text(out, sizeof(out), in, n) == n && !memcmp(out, in, n);
}

/* every octet alone */
START_TEST(every_octet)
{
	for (unsigned octet = 0; octet < 256; octet++) {
		uint8_t in = (uint8_t)octet;
		char out[16], wanted[16];

		if (octet == '"' || octet == '\\') {
			(void)snprintf(wanted, sizeof(wanted), "\\%c", (char)octet);
		} else if (octet >= 0x20 && octet < 0x7f) {
			(void)snprintf(wanted, sizeof(wanted), "%c", (char)octet);
		} else {
			(void)snprintf(wanted, sizeof(wanted), "\\x%02x", octet);
		}
		ck_assert_uint_eq(quote_text(out, sizeof(out), &in, 1), strlen(wanted));
		ck_assert_str_eq(out, wanted);
	}
}
END_TEST

/* Every two octets give ASCII, or a character that is valid UTF-8 and can be seen. */
START_TEST(every_pair)
{
	for (unsigned pair = 0; pair < 0x10000; pair++) {
		uint8_t in[2] = { (uint8_t)(pair >> 8), (uint8_t)pair };
		char out[32];

		(void)quote_text(out, sizeof(out), in, 2);
		for (const char *s = out; *s; s++) {
			uint8_t c = (uint8_t)*s;

			bool whole = strlen(out) == 2 && in[0] >= 0xc2 && in[0] < 0xe0 &&
				     in[1] >= 0x80 && in[1] < 0xc0;

			if (c < 0x20 || c == 0x7f || (c >= 0x80 && !whole)) {
				ck_abort_msg("%02x %02x", in[0], in[1]);
			}
		}
	}
}
END_TEST

static const struct {
	const char *in;
	size_t len;
	const char *out;
} table[] = {
#define ROW(in, out) \
	{ \
		in, sizeof(in) - 1, out \
	}
	ROW("", ""),
	ROW("probe 1", "probe 1"),
	ROW("K\xc3\xb6ln \xe6\xb8\xac\xe8\xa9\xa6 \xf0\x9f\x8c\x8d",
	    "K\xc3\xb6ln \xe6\xb8\xac\xe8\xa9\xa6 \xf0\x9f\x8c\x8d"),
	ROW("a\0b", "a\\x00b"),
	ROW("\033[2J", "\\x1b[2J"),
	ROW("\xc2\x9b"
	    "2J",
	    "\\u{9b}2J"),
	ROW("\xc2\x85", "\\u{85}"), /* next line */
	ROW("a\nb\r\tc\x7f", "a\\x0ab\\x0d\\x09c\\x7f"),
	ROW("\xe2\x80\xae"
	    "drowssap",
	    "\\u{202e}drowssap"),
	ROW("\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c", "\\u{2066}\\u{200f}\\u{61c}"),
	ROW("pro\xe2\x80\x8b"
	    "be",
	    "pro\\u{200b}be"),
	ROW("\xef\xbb\xbfprobe", "\\u{feff}probe"),
	ROW("e\xcc\x81", "e\\u{301}"), /* a mark without a width */
	ROW("\xc2\xa0\xe3\x80\x80\xe2\x80\xa8", "\\u{a0}\\u{3000}\\u{2028}"),
	ROW("\xee\x80\x80\xf3\xa0\x81\xa1", "\\u{e000}\\u{e0061}"),
	ROW("\xf4\x8f\xbf\xbf", "\\u{10ffff}"),
	ROW("say \"hi\" \\x41", "say \\\"hi\\\" \\\\x41"),
	/* not UTF-8 */
	ROW("\x80", "\\x80"),
	ROW("\xff\xfe", "\\xff\\xfe"),
	ROW("\xc0\xaf", "\\xc0\\xaf"), /* overlong */
	ROW("\xc1\x81", "\\xc1\\x81"),
	ROW("\xe0\x80\xaf", "\\xe0\\x80\\xaf"),
	ROW("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"),
	ROW("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"),
	ROW("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"),
	ROW("\xed\xa0\x80", "\\xed\\xa0\\x80"), /* surrogates */
	ROW("\xed\xbf\xbf", "\\xed\\xbf\\xbf"),
	ROW("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"), /* above U+10FFFF */
	ROW("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"),
	ROW("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"),
	/* cut short */
	ROW("\xc3", "\\xc3"),
	ROW("\xe2\x82", "\\xe2\\x82"),
	ROW("\xf0\x9f\x8c", "\\xf0\\x9f\\x8c"),
	ROW("\xe2\x82z", "\\xe2\\x82z"),
	ROW("\xc3\xc3\xb6", "\\xc3\xc3\xb6"),
#undef ROW
};

START_TEST(texts)
{
	char out[128];
	size_t n = quote_text(out, sizeof(out), table[_i].in, table[_i].len);

	ck_assert_str_eq(out, table[_i].out);
	ck_assert_uint_eq(n, strlen(table[_i].out));
}
END_TEST

/* What is quoted can be cleaned as often as one likes; a line keeps its own quotation marks. */
START_TEST(lines)
{
	char once[128], twice[128];

	(void)quote_text(once, sizeof(once), table[_i].in, table[_i].len);
	(void)quote_clean(twice, sizeof(twice), once);
	ck_assert_str_eq(twice, once);
	(void)quote_clean(once, sizeof(once), "a \"b\" C:\\d \033\xc2\x9b\xff");
	ck_assert_str_eq(once, "a \"b\" C:\\d \\x1b\\u{9b}\\xff");
}
END_TEST

/* JSON says the same in its own way. */
START_TEST(json)
{
	static const char in[] = "a\"\\\033\xc2\x9b\xe2\x80\xae\xff\0\xc3\xb6\xf3\xa0\x81\xa1";
	char out[128];

	(void)quote_json(out, sizeof(out), in, sizeof(in) - 1);
	ck_assert_str_eq(out, "a\\\"\\\\\\u001b\\u009b\\u202e\\u00ff\\u0000\xc3\xb6"
			      "\\udb40\\udc61");
}
END_TEST

/* The C library's own idea of every character: none passes that takes no room, and all letters
 * that take room do. Libraries do not agree on U+1171E, which once took none. */
START_TEST(every_character)
{
	/* Marks of newer Unicode versions, whether this library knows them or not. */
	ck_assert(!passes(0x0ece) && !passes(0x10efd) && !passes(0x11f00) && !passes(0x1e08f));
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		return;
	}
	for (uint32_t c = 0x80; c < 0x110000; c++) {
		bool filler = c == 0x115f || c == 0x3164 || c == 0xffa0 || c == 0x1171e;
		int width = wcwidth((wchar_t)c);

		if (c >= 0xd800 && c < 0xe000) {
			continue;
		}
		if (passes(c) ? !width : width > 0 && iswalnum((wint_t)c) && !filler) {
			ck_abort_msg("U+%04X is %d wide", c, width);
		}
	}
	for (uint32_t c = 0x80; c < 0xa0; c++) {
		ck_assert(!passes(c));
	}
	for (uint32_t c = 0x202a; c < 0x202f; c++) {
		ck_assert(!passes(c) && !passes(c + 0x3c)); /* U+2066..U+206A */
	}
}
END_TEST

/* Never cut in the middle, always terminated. */
START_TEST(short_of_room)
{
	static const char in[] = "a\033\xc3\xb6\xe2\x80\xae";
	static const size_t ends[] = { 0, 1, 5, 7, 15 };
	char out[24];

	for (size_t size = 1; size < sizeof(out); size++) {
		size_t n, wanted = 0;

		memset(out, 'z', sizeof(out));
		n = quote_text(out, size, in, sizeof(in) - 1);
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
			wanted = ends[i] < size ? ends[i] : wanted;
		}
		ck_assert_uint_eq(n, wanted);
		ck_assert_int_eq(out[n], '\0');
		ck_assert_int_eq(out[size], 'z');
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quote");
	TCase *tcase = tcase_create("quote");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, every_octet);
	tcase_add_test(tcase, every_pair);
	tcase_add_loop_test(tcase, texts, 0, (int)(sizeof(table) / sizeof(table[0])));
	tcase_add_loop_test(tcase, lines, 0, (int)(sizeof(table) / sizeof(table[0])));
	tcase_add_test(tcase, json);
	tcase_add_test(tcase, every_character);
	tcase_add_test(tcase, short_of_room);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
