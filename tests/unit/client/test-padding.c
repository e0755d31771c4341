// SPDX-License-Identifier: BSD-2-Clause
/* Padding: the defaults make both directions equal, and there is room for what is reflected. */
#include "client/measure/padding.h"
#include "protocol/mode.h"
#include "protocol/pkt.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(defaults)
{
	static const struct {
		uint32_t modes;
		uint32_t octets;
	} rows[] = { { MODE_UNAUTHENTICATED, 27 },
		     { MODE_MIXED, 27 },
		     { MODE_UNAUTHENTICATED | MODE_DSCP_ECN, 30 },
		     { MODE_AUTHENTICATED, 64 },
		     { MODE_ENCRYPTED, 64 },
		     { MODE_ENCRYPTED | MODE_DSCP_ECN, 64 },
		     { MODE_MIXED | MODE_SYMMETRICAL_SIZE, 0 },
		     { MODE_MIXED | MODE_SYMMETRICAL_SIZE | MODE_DSCP_ECN, 2 },
		     { MODE_ENCRYPTED | MODE_SYMMETRICAL_SIZE, 0 } }; /* */
	struct outcome out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan plan = { .reflect_length = 2 };

		ck_assert_uint_eq(padding_octets(&plan, rows[i].modes), rows[i].octets);
		ck_assert_int_eq(padding_check(&plan, rows[i].modes, &out), OUTCOME_OK);
	}
}
END_TEST

/* T-024, by what it says rather than by its numbers: the reply of the same length has L octets. */
START_TEST(room_to_reflect)
{
	static const uint32_t security[] = { MODE_UNAUTHENTICATED, MODE_ENCRYPTED };
	struct outcome out;

	for (uint32_t i = 0; i < 8; i++) {
		uint32_t modes = security[i & 1] | MODE_REFLECT_OCTETS |
				 (i & 2 ? MODE_SYMMETRICAL_SIZE : 0u) |
				 (i & 4 ? MODE_DSCP_ECN : 0u);
		const struct pkt_layout *l = pkt_layout(modes);

		for (uint16_t length = 0; length < 300; length++) {
			struct plan plan = { .reflect_length = length };
			uint32_t padding = padding_octets(&plan, modes);
			size_t reply = pkt_reply_len(l, pkt_send_len(l, padding));

			ck_assert_int_eq(padding_check(&plan, modes, &out), OUTCOME_OK);
			ck_assert_uint_lt(length, padding);
			ck_assert_uint_ge(reply, (size_t)l->reply_min + length);
			plan.padding_given = true;
			plan.padding = padding;
			ck_assert_int_eq(padding_check(&plan, modes, &out), OUTCOME_OK);
			plan.padding = padding - 1;
			ck_assert_int_eq(padding_check(&plan, modes, &out), OUTCOME_LOCAL);
		}
	}
}
END_TEST

START_TEST(given)
{
	struct plan plan = { .padding_given = true, .padding = 0, .reflect_length = 2 };
	struct outcome out;

	ck_assert_uint_eq(padding_octets(&plan, MODE_ENCRYPTED), 0);
	ck_assert_int_eq(padding_check(&plan, MODE_ENCRYPTED, &out), OUTCOME_OK);
	plan.padding = PKT_MAX_PAYLOAD_V4 - 48;
	ck_assert_int_eq(padding_check(&plan, MODE_ENCRYPTED, &out), OUTCOME_OK);
	ck_assert_int_eq(padding_check(&plan, MODE_ENCRYPTED | MODE_SYMMETRICAL_SIZE, &out),
			 OUTCOME_LOCAL);
	plan.padding++;
	ck_assert_int_eq(padding_check(&plan, MODE_ENCRYPTED, &out), OUTCOME_LOCAL);
	ck_assert_ptr_nonnull(strstr(out.text, "65507"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("padding");
	TCase *c = tcase_create("padding");
	SRunner *runner;
	int failed;

	tcase_add_test(c, defaults);
	tcase_add_test(c, room_to_reflect);
	tcase_add_test(c, given);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
