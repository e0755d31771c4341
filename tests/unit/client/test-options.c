// SPDX-License-Identifier: BSD-2-Clause
/* The command line, and the values in it. */
#include "client/cli/options.h"
#include "client/show/dscp.h"
#include "protocol/mode.h"
#include "protocol/ts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_ARGS 32

static struct options o;
static char said[4096];

/* One string of words, as typed. */
static enum options_verdict parse(const char *line)
{
	static char words[512];
	char *argv[MAX_ARGS + 1] = { "twamp" }, *save = NULL;
	FILE *out = fmemopen(said, sizeof(said), "w");
	enum options_verdict verdict;
	int argc = 1;

	ck_assert_ptr_nonnull(out);
	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		ck_assert_int_lt(argc, MAX_ARGS);
		argv[argc++] = w;
	}
	verdict = options_parse(argc, argv, &o, out, out);
	fclose(out);
	return verdict;
}

START_TEST(defaults)
{
	ck_assert_int_eq(parse("controller probe.example.net"), OPTIONS_RUN);
	ck_assert_int_eq(o.command, COMMAND_CONTROLLER);
	ck_assert_str_eq(o.plan.host, "probe.example.net");
	ck_assert_uint_eq(o.plan.port, 862);
	ck_assert_uint_eq(o.plan.count, 100);
	ck_assert_int_eq(o.plan.interval_ns, 20000000);
	ck_assert(!o.plan.padding_given); /* see test-padding */
	ck_assert_uint_eq(o.access.mode, 0);
	ck_assert_ptr_null(o.access.key_file);
	ck_assert_ptr_null(o.access.key_id);
	ck_assert_uint_eq(o.plan.features, 0);
	ck_assert_uint_eq(o.access.max_count, 32768); /* */
	ck_assert_int_eq(o.plan.fill, PLAN_FILL_RANDOM); /* T-007 */
	ck_assert_uint_eq(o.plan.ttl, 255); /* T-006 */
	ck_assert_int_eq(o.plan.timeout_ns, 2 * TS_NS_PER_S);
	ck_assert_uint_eq(o.access.retries, 3);
	ck_assert_int_eq(o.access.retry_wait_ns, TS_NS_PER_S); /* S-13 */
}
END_TEST

START_TEST(everything)
{
	ck_assert_int_eq(
		parse("controller -6 -c 5 -i 100us --padding 0 --padding-fill zero --dscp af41 "
		      "--ttl 64 --port-range 20000-20009 [2001:db8::1]:8620 -q"),
		OPTIONS_RUN);
	ck_assert_int_eq(o.plan.family, AF_INET6);
	ck_assert_uint_eq(o.plan.count, 5);
	ck_assert_int_eq(o.plan.interval_ns, 100000);
	ck_assert(o.plan.padding_given);
	ck_assert_uint_eq(o.plan.padding, 0);
	ck_assert_int_eq(o.plan.fill, PLAN_FILL_ZERO);
	ck_assert_uint_eq(o.plan.dscp, 34);
	ck_assert_uint_eq(o.plan.ttl, 64);
	ck_assert_uint_eq(o.plan.first_port, 20000);
	ck_assert_uint_eq(o.plan.last_port, 20009);
	ck_assert_str_eq(o.plan.host, "2001:db8::1");
	ck_assert_uint_eq(o.plan.port, 8620);
	ck_assert(o.quiet);
}
END_TEST

START_TEST(modes_and_keys)
{
	static const struct {
		const char *name;
		uint32_t mode;
	} rows[] = { { "auto", 0 },
		     { "unauthenticated", MODE_UNAUTHENTICATED },
		     { "authenticated", MODE_AUTHENTICATED },
		     { "encrypted", MODE_ENCRYPTED },
		     { "mixed", MODE_MIXED } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "controller --mode %s --key-file k --key-id a --max-count 1024 h",
			 rows[i].name);
		ck_assert_int_eq(parse(line), OPTIONS_RUN);
		ck_assert_uint_eq(o.access.mode, rows[i].mode);
		ck_assert_str_eq(o.access.key_file, "k");
		ck_assert_str_eq(o.access.key_id, "a");
		ck_assert_uint_eq(o.access.max_count, 1024);
	}
}
END_TEST

START_TEST(features)
{
	static const struct {
		const char *option;
		uint32_t features;
	} rows[] = { { "--individual", MODE_INDIVIDUAL_CONTROL },
		     { "--reflect-octets Cafe", MODE_REFLECT_OCTETS },
		     { "--reflect-length 7", MODE_REFLECT_OCTETS },
		     { "--symmetrical", MODE_SYMMETRICAL_SIZE },
		     { "--dscp-ecn", MODE_DSCP_ECN },
		     { "--ptp", MODE_PTP },
		     { "--ptp --symmetrical", MODE_PTP | MODE_SYMMETRICAL_SIZE },
		     { "--all-features", MODE_FEATURE_MASK } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128];

		snprintf(line, sizeof(line), "controller %s h", rows[i].option);
		ck_assert_int_eq(parse(line), OPTIONS_RUN);
		ck_assert_uint_eq(o.plan.features, rows[i].features);
	}
	ck_assert_int_eq(parse("controller --reflect-octets 0aF9 --reflect-length 65000 h"),
			 OPTIONS_RUN);
	ck_assert_uint_eq(o.plan.reflect_octets, 0x0af9);
	ck_assert_uint_eq(o.plan.reflect_length, 65000);
	ck_assert_int_eq(parse("keygen probe-1"), OPTIONS_RUN);
	ck_assert_int_eq(o.command, COMMAND_KEYGEN);
	ck_assert_str_eq(o.topic, "probe-1");
}
END_TEST

START_TEST(without_control)
{
	ck_assert_int_eq(parse("sender --stamp --ssid 65535 --padding 4 h"), OPTIONS_RUN);
	ck_assert(o.plan.stamp);
	ck_assert_uint_eq(o.plan.ssid, 65535);
	ck_assert_int_eq(parse("sender --stamp --padding 0 h:5000"), OPTIONS_RUN);
	ck_assert_uint_eq(o.plan.port, 5000);
	ck_assert_int_eq(parse("sender --stamp --padding 65463 h"), OPTIONS_RUN);
	ck_assert_int_eq(parse("responder -4 -q --type stamp --stateful --allow 192.0.2.0/24 "
			       "--allow 2001:db8::/32 :5000"),
			 OPTIONS_RUN);
	ck_assert_int_eq(o.command, COMMAND_RESPONDER);
	ck_assert(o.plan.stamp && o.responder.stateful && o.quiet);
	ck_assert_int_eq(o.plan.family, AF_INET);
	ck_assert_uint_eq(o.responder.allow_count, 2);
	ck_assert_str_eq(o.plan.host, "");
	ck_assert_uint_eq(o.plan.port, 5000);
	ck_assert_int_eq(parse("responder --type twamp-light [::1]:6000"), OPTIONS_RUN);
	ck_assert(!o.plan.stamp);
	ck_assert_str_eq(o.plan.host, "::1");
	ck_assert_uint_eq(o.plan.port, 6000);
}
END_TEST

/* S-240..S-245, S-249, S-253 */
START_TEST(stamp_tlvs)
{
	const struct tlvsend *t = &o.plan.more.tlvs;

	ck_assert_int_eq(parse("sender --stamp --tlv cos=EF --tlv location --tlv extra-padding=9 "
			       "--tlv return-path=no-reply --padding 104 h"),
			 OPTIONS_RUN);
	ck_assert_uint_eq(t->types, TLV_BIT(TLV_CLASS_OF_SERVICE) | TLV_BIT(TLV_LOCATION) |
					    TLV_BIT(TLV_RETURN_PATH));
	ck_assert_uint_eq(t->dscp, 46);
	ck_assert_uint_eq(t->paddings, 2);
	ck_assert_uint_eq(t->padding[0], 9);
	ck_assert_uint_eq(t->padding[1], 100);
	ck_assert_int_eq(t->path, TLVSEND_NO_REPLY);
	ck_assert(!o.plan.more.authenticated);
	ck_assert_int_eq(o.plan.more.report_wait_ns, 3 * TS_NS_PER_S);
	ck_assert_uint_eq(o.plan.more.report_tries, 4);

	/* a key makes it authenticated, and TLVs are signed then, but not padding alone */
	ck_assert_int_eq(parse("sender --stamp --key-file k --dscp 10 --tlv cos h"), OPTIONS_RUN);
	ck_assert(o.plan.more.authenticated);
	ck_assert_uint_eq(t->types, TLV_BIT(TLV_CLASS_OF_SERVICE) | TLV_BIT(TLV_HMAC));
	ck_assert_uint_eq(t->dscp, 10);
	ck_assert_int_eq(parse("sender --stamp --key-file k --padding 100 h"), OPTIONS_RUN);
	ck_assert_uint_eq(t->types, 0);
	ck_assert_int_eq(parse("sender --stamp --key-file k --mode unauthenticated --tlv hmac h"),
			 OPTIONS_RUN);
	ck_assert(!o.plan.more.authenticated);

	ck_assert_int_eq(parse("sender --stamp --tlvs all h"), OPTIONS_RUN);
	ck_assert(!(t->types & (TLV_BIT(TLV_HMAC) | TLV_BIT(TLV_DESTINATION_NODE_ADDRESS))));
	ck_assert_int_eq(parse("sender --stamp --tlvs all --ssid 1 --key-file k h"), OPTIONS_RUN);
	ck_assert_uint_eq(t->types, TLV_ALL_TYPES & ~TLV_BIT(TLV_EXTRA_PADDING));
}
END_TEST

START_TEST(duration_is_a_count)
{
	ck_assert_int_eq(parse("sender --duration 10s -i 3ms h"), OPTIONS_RUN);
	ck_assert_uint_eq(o.plan.count, 3334);
	ck_assert_int_eq(parse("sender --count 0 --poisson --catch-up --no-spin h"), OPTIONS_RUN);
	ck_assert_uint_eq(o.plan.count, 0);
	ck_assert_int_eq(o.plan.schedule, SCHEDULE_POISSON);
	ck_assert(o.plan.catch_up && !o.plan.spin);
}
END_TEST

static const char *const bad_lines[] = {
	"controller --stamp h",
	"controller --type stamp h",
	"sender --ssid 1 h",
	"sender --stamp --ssid 65536 h",
	"sender --stamp --padding 3 h",
	"sender --stamp --padding 65464 h",
	"sender --tlv cos h",
	"sender --tlvs all h",
	"sender --key-file k h",
	"sender --ptp h",
	"sender --stamp --tlv nothing h",
	"sender --stamp --tlv cos=64 h",
	"sender --stamp --tlv location=1 h",
	"sender --stamp --tlv hmac h",
	"sender --stamp --tlv destination-node-address h",
	"sender --stamp --tlv return-path=192.0.2.0/24 h",
	"sender --stamp --tlv access-report=3:1 h",
	"sender --stamp --tlvs some h",
	"sender --stamp --mode mixed --key-file k h",
	"sender --stamp --mode authenticated h",
	"sender --stamp --no-ssid maybe h",
	"sender --stamp --ssid 65535 --sessions 2 h",
	"sender --stamp --padding 65463 --tlv cos h",
	"responder --key-file k :5000",
	"sender --allow 192.0.2.0/24 h",
	"responder",
	"responder :0",
	"responder :5000 :5001",
	"responder --type light :5000",
	"responder --allow 192.0.2.0/33 :5000",
	"responder --count 5 :5000",
	"",
	"nonsense",
	"controller",
	"controller a b",
	"controller --count",
	"controller --count 4294967296 h",
	"controller --duration 0 h",
	"controller --count -1 h",
	"controller --interval 9us h",
	"controller --dscp 64 h",
	"controller --ttl 256 h",
	"controller --padding 65494 h",
	"controller --sessions 10001 h",
	"sender --retries 1 h",
	"sender --retry-wait 1s h",
	"explain 1 2",
	"dscptable x",
	"dscptable --json",
	"controller --timeout 0 h",
	"controller --mode strong --key-file k h",
	"controller --mode ikev2 --key-file k h",
	"controller --mode dscp-ecn --key-file k h",
	"controller --mode h",
	"controller --mode encrypted h", /* without a key */
	"controller --mode authenticated h",
	"controller --mode mixed h",
	"controller --key-id a h",
	"controller --key-id #a --key-file k h",
	"controller --max-count 1023 h",
	"controller --max-count 2147483649 h",
	"controller --reflect-octets cafe0 h",
	"controller --reflect-octets caf h",
	"controller --reflect-octets -caf h",
	"controller --reflect-octets 0xca h",
	"controller --reflect-length 65001 h",
	"sender --mode unauthenticated h",
	"sender --individual h",
	"keygen",
	"keygen a b",
	"keygen #a",
	"keygen \377",
};

START_TEST(refused)
{
	ck_assert_int_eq(parse(bad_lines[_i]), OPTIONS_BAD);
	ck_assert_str_ne(said, "");
}
END_TEST

START_TEST(help_names_every_default_once)
{
	ck_assert_int_eq(parse("controller --help"), OPTIONS_DONE);
	ck_assert_ptr_nonnull(strstr(said, "--padding-fill KIND"));
	ck_assert_ptr_nonnull(strstr(said, "(default 20ms)"));
	ck_assert_int_eq(parse("sender --help"), OPTIONS_DONE);
	ck_assert_ptr_null(strstr(said, "--retries"));
	ck_assert_int_eq(parse("--version"), OPTIONS_DONE);
	ck_assert_ptr_nonnull(strstr(said, TWAMPD_VERSION));
}
END_TEST

START_TEST(dscp_names)
{
	uint8_t dscp;

	for (unsigned v = 0; v < 64; v++) {
		char number[4];

		snprintf(number, sizeof(number), "%u", v);
		ck_assert(dscp_parse(number, &dscp));
		ck_assert_uint_eq(dscp, v);
		if (dscp_name((uint8_t)v)) {
			ck_assert(dscp_parse(dscp_name((uint8_t)v), &dscp));
			ck_assert_uint_eq(dscp, v);
		}
	}
	ck_assert(!dscp_parse("64", &dscp));
	ck_assert(!dscp_parse("EFF", &dscp));
	ck_assert(!dscp_parse("", &dscp));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *c = tcase_create("command line");
	SRunner *runner;
	int failed;

	tcase_add_test(c, defaults);
	tcase_add_test(c, everything);
	tcase_add_test(c, modes_and_keys);
	tcase_add_test(c, features);
	tcase_add_test(c, without_control);
	tcase_add_test(c, stamp_tlvs);
	tcase_add_test(c, duration_is_a_count);
	tcase_add_loop_test(c, refused, 0, sizeof(bad_lines) / sizeof(bad_lines[0]));
	tcase_add_test(c, help_names_every_default_once);
	tcase_add_test(c, dscp_names);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
