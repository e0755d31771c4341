// SPDX-License-Identifier: BSD-2-Clause
/* What is made readable: modes, addresses, codes, into buffers of any size. */
#include "protocol/accept.h"
#include "protocol/address.h"
#include "protocol/mode.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	MUST(n < size);
	for (size_t i = 0; i < n; i++) {
		MUST(text[i] >= 0x20 && text[i] < 0x7f);
	}
}

static void check_modes(struct input *input)
{
	uint32_t modes = input_32(input);
	size_t size = input_octet(input);
	char *text = malloc(size ? size : 1);

	MUST(text);
	MUST(mode_text(modes, text, size) == text);
	if (size) {
		check_text(text, size);
	}
	if (size >= MODE_TEXT_LEN) {
		MUST(strlen(text) < size - 1);
	}
	free(text);
}

static void check_address(struct input *input)
{
	struct address a = { .family = input_octet(input) % 2 ? 4 : 6 };
	size_t size = input_octet(input);
	char *text = malloc(size ? size : 1);

	MUST(text);
	a.port = input_16(input);
	a.scope = input_32(input);
	input_fill(input, a.ip, a.family == 4 ? 4 : 16);
	MUST(address_same_host(&a, &a));
	MUST(!address_is_any(&a) || address_is_unusable(&a));
	MUST(!address_is_link_local(&a) || a.family == 6);
	if (size) {
		MUST(address_text(&a, text, (uint32_t)size) == text);
		check_text(text, size);
	}
	free(text);
}

static void check_name(struct input *input)
{
	size_t n = input->left;
	char *name = malloc(n + 1);
	uint32_t bit;

	MUST(name);
	input_fill(input, name, n);
	name[n] = '\0';
	bit = mode_by_name(name);
	MUST(!(bit & (bit - 1)));
	if (bit) {
		MUST(!strcmp(mode_name(bit), name));
	}
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint32_t code = input_32(&input);
	const struct accept_info *info = accept_info(code);

	MUST(info && info->name && info->meaning && info->causes && info->action);
	MUST(code < ACCEPT_COUNT || info == accept_info(ACCEPT_FAILURE));
	check_modes(&input);
	check_address(&input);
	check_name(&input);
	return 0;
}
