// SPDX-License-Identifier: BSD-2-Clause
/* Reflectors without control: packets, and who is answered. */
#include "protocol/stamp.h"
#include "tests/unit/reflector/lightrig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUIET_MS 100 /* for replies that must not come */
#define ANY_RATE "packet_rate = 0;"

static void expect_silence(int fd)
{
	rig_receive(fd, &lightrig.reply, QUIET_MS);
	ck_assert_int_eq(lightrig.reply.len, -1);
}

static const int families[] = { 4, 6 };

/* T-020 T-021 T-022 T-026 T-071 T-044 */
START_TEST(twamp_light)
{
	static const size_t lengths[] = { 14, 15, 40, 41, 42, 1472 };
	int family = families[_i], fd;
	uint16_t port = lightrig_free_port(family), own = 0;
	uint8_t packet[2000];

	lightrig_use(lightrig_entry(family, port, LIGHTRIG_TWAMP));
	fd = rig_sender(family, &own);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = lengths[i];

		lightrig_exchange(fd, family, port, n, 0xfffffff0u + (uint32_t)i);
		rig_fill(packet, n, 0xfffffff0u + (uint32_t)i, 0x0a0b);
		ck_assert_int_eq(lightrig.reply.len, n > 41 ? (ssize_t)n : 41);
		ck_assert_mem_eq(lightrig.reply.octets, packet, 4);
		ck_assert_mem_eq(lightrig.reply.octets + 24, packet, 14);
		ck_assert_uint_eq(lightrig.reply.octets[40], 64); /* what left this socket */
		ck_assert_int_eq(lightrig.reply.ttl, 255);
		if (n > 41) {
			ck_assert_mem_eq(lightrig.reply.octets + 41, packet + 14, n - 41);
		}
		ck_assert_int_le(rig_ntp_ns(lightrig.reply.octets + 16),
				 rig_ntp_ns(lightrig.reply.octets + 4));
	}
	rig_send(fd, family, port, packet, 13);
	lightrig_await_drop(COUNTER_DROP_SHORT, 1);
	expect_silence(fd);
	close(fd);
}
END_TEST

/* T-083 T-085 T-092 S-067: equal size from 44 on, the SSID comes back, and so does the rest */
START_TEST(stamp)
{
	static const size_t lengths[] = { 14, 43, 44, 45, 1400 };
	int family = families[_i], fd;
	uint16_t port = lightrig_free_port(family), own = 0;
	uint8_t packet[2000];

	lightrig_use(lightrig_entry(family, port, LIGHTRIG_STAMP "tlvs = false;"));
	fd = rig_sender(family, &own);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = lengths[i];

		lightrig_exchange(fd, family, port, n, 7);
		rig_fill(packet, n, 7, 0x0a0b);
		ck_assert_int_eq(lightrig.reply.len, n > 44 ? (ssize_t)n : 44);
		ck_assert_uint_eq(stamp_get_ssid(lightrig.reply.octets, 44), n >= 44 ? 0x8e8f : 0);
		ck_assert_mem_eq(lightrig.reply.octets + 24, packet, 14);
		if (n > 44) {
			ck_assert_mem_eq(lightrig.reply.octets + 44, packet + 44, n - 44);
		}
	}
	close(fd);
}
END_TEST

/* T-072 T-082: each sender counts for itself, whatever its own numbers are. */
START_TEST(stateful)
{
	uint16_t port = lightrig_free_port(4), own = 0, other = 0;
	uint32_t later = 0;
	int a, b;

	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP "stateful = true;"));
	a = rig_sender(4, &own);
	b = rig_sender(4, &other);
	for (uint32_t i = 0; i < 5; i++) {
		lightrig_exchange(a, 4, port, 41, 1000 + 2 * i);
		ck_assert_uint_eq(rig_get32(lightrig.reply.octets), i);
		ck_assert_uint_eq(rig_get32(lightrig.reply.octets + 24), 1000 + 2 * i);
		if (i % 2) {
			lightrig_exchange(b, 4, port, 41, 5);
			ck_assert_uint_eq(rig_get32(lightrig.reply.octets), i / 2);
		}
	}
	/* other settings of the same port: the numbers go on */
	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP "stateful = true; dscp = 10;"));
	do {
		lightrig_exchange(a, 4, port, 41, 0);
		ck_assert_uint_eq(rig_get32(lightrig.reply.octets), 5 + later++);
	} while (lightrig.reply.tos != 40);
	/* another kind of port: they begin anew */
	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP));
	lightrig_pump(1);
	lightrig_exchange(a, 4, port, 41, 77);
	ck_assert_uint_eq(rig_get32(lightrig.reply.octets), 77);
	ck_assert_uint_eq(lightrig.last.n[COUNTER_REFLECTED], 7 + later);
	close(a);
	close(b);
}
END_TEST

/* T-074 T-085 */
START_TEST(strangers)
{
	uint16_t port = lightrig_free_port(4), own = 0;
	uint8_t packet[44];
	int fd = rig_sender(4, &own);

	lightrig_use(
		lightrig_entry(4, port, "type = \"stamp\"; clients = [ \"127.0.0.2\", \"::1\" ];"));
	rig_fill(packet, sizeof(packet), 1, 0);
	rig_send(fd, 4, port, packet, sizeof(packet));
	rig_send(fd, 4, port, packet, 3);
	lightrig_await_drop(COUNTER_DROP_DENIED, 2);
	port = lightrig_free_port(4);
	lightrig_use(lightrig_entry(4, port, LIGHTRIG_STAMP "ssids = [ 5 ];"));
	rig_send(fd, 4, port, packet, sizeof(packet));
	rig_send(fd, 4, port, packet, 41);
	lightrig_await_drop(COUNTER_DROP_SSID, 2);
	expect_silence(fd);
	stamp_put_ssid(packet, 5);
	rig_send(fd, 4, port, packet, sizeof(packet));
	rig_receive(fd, &lightrig.reply, RIG_WAIT_MS);
	ck_assert_int_eq(lightrig.reply.len, 44);
	close(fd);
}
END_TEST

static void count_strangers(void *context, const struct stranger *s)
{
	*(uint64_t *)context += s->packets;
}

/* Also where the number of threads is that of the CPUs. */
START_TEST(strangers_of_all_threads)
{
	struct reflector_config config = { .ended = lightrig_on_ended };
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);
	uint16_t port = lightrig_free_port(4), own = 0;
	int fd = rig_sender(4, &own);
	uint64_t told = 0;

	reflector_free(lightrig.r);
	ck_assert_int_eq(reflector_new(&lightrig.r, lightrig.loop, &config), 0);
	lightrig_use(lightrig_entry(4, port, "type = \"stamp\"; clients = [ \"127.0.0.2\" ];"));
	while (!told) {
		ck_assert_int_lt(rig_mono_ns(), limit);
		rig_send_seq(fd, 4, port, 1);
		rig_sleep_ms(5);
		light_strangers(lightrig.r, count_strangers, &told);
	}
	close(fd);
}
END_TEST

/* one packet per second, of one address whatever its ports, or of all; a reload changes it */
START_TEST(rates)
{
	static const char *const keys[] = { LIGHTRIG_TWAMP "packet_rate = 1;",
					    LIGHTRIG_TWAMP "octet_rate = 41;",
					    LIGHTRIG_TWAMP ANY_RATE "total_packet_rate = 1;",
					    LIGHTRIG_TWAMP ANY_RATE "total_octet_rate = 41;" };
	uint16_t port = lightrig_free_port(4), own = 0, second = 0;
	int fd = rig_sender(4, &own), again = rig_sender(4, &second);
	struct sockaddr_in elsewhere = { .sin_family = AF_INET };
	int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.7", &elsewhere.sin_addr);
	ck_assert_int_eq(bind(other, (struct sockaddr *)&elsewhere, sizeof(elsewhere)), 0);
	lightrig_use(lightrig_entry(4, port, keys[_i]));
	reflector_halt(lightrig.r); /* they are read at once, however busy the host is */
	rig_send_seq(fd, 4, port, 1);
	rig_send_seq(fd, 4, port, 2);
	rig_send_seq(again, 4, port, 3);
	rig_send_seq(other, 4, port, 4);
	ck_assert_int_eq(reflector_go_on(lightrig.r), 0);
	lightrig_await_drop(COUNTER_DROP_POLICED, _i < 2 ? 2 : 3);
	if (_i < 2) {
		rig_receive(other, &lightrig.reply, RIG_WAIT_MS);
		ck_assert_int_eq(lightrig.reply.len, 41);
	}
	lightrig_use(lightrig_entry(4, port, ANY_RATE LIGHTRIG_TWAMP));
	do { /* until the threads have it */
		rig_send_seq(fd, 4, port, 5);
		rig_receive(fd, &lightrig.reply, 10);
	} while (lightrig.reply.len < 0);
	ck_assert_int_eq(lightrig.ended, 0); /* the same port */
	close(fd);
	close(again);
	close(other);
}
END_TEST

/* Who is drained is silent, whatever reload comes; the port stays. */
START_TEST(drain)
{
	uint16_t port = lightrig_free_port(4), own = 0;
	int fd = rig_sender(4, &own);

	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP "drain = true;"));
	lightrig_exchange(fd, 4, port, 41, 1);
	ck_assert_int_eq(lightrig.reply.len, 41);
	light_drain(lightrig.r, LIGHT_DRAIN_SET);
	rig_send_seq(fd, 4, port, 2);
	lightrig_await_drop(COUNTER_DROP_DRAINING, 1);
	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP "drain = true; dscp = 10;"));
	rig_send_seq(fd, 4, port, 3);
	lightrig_await_drop(COUNTER_DROP_DRAINING, 2);
	expect_silence(fd);
	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP));
	do { /* until the threads have it */
		rig_send_seq(fd, 4, port, 4);
		rig_receive(fd, &lightrig.reply, 10);
	} while (lightrig.reply.len < 0);
	light_drain(lightrig.r, LIGHT_DRAIN_ALL); /* without the setting */
	rig_send_seq(fd, 4, port, 4);
	lightrig_await_drop(COUNTER_DROP_DRAINING, 3);
	light_drain(lightrig.r, LIGHT_DRAIN_NONE);
	do { /* those that were answered late */
		lightrig_exchange(fd, 4, port, 41, 5);
		ck_assert_int_eq(lightrig.reply.len, 41);
	} while (rig_get32(lightrig.reply.octets) != 5);
	ck_assert_int_eq(lightrig.ended, 0); /* the same port */
	close(fd);
}
END_TEST

/* Between reflectors nothing goes to and fro. */
START_TEST(loops)
{
	uint16_t port = lightrig_free_port(4), second, own = 0, well_known = 862;
	uint8_t packet[41];
	char text[400];
	int fd, other;

	do {
		second = lightrig_free_port(4);
	} while (second == port);
	snprintf(text, sizeof(text),
		 "light = ( { address = \"127.0.0.1\"; port = %u; " LIGHTRIG_TWAMP
		 " }, { address = "
		 "\"127.0.0.9\"; port = %u; from_862 = true; " LIGHTRIG_STAMP " } );",
		 port, second);
	lightrig_use(lightrig_settings(text));
	/* from one of our ports: the sender has it at another address */
	other = rig_sender(4, &second);
	rig_send_seq(other, 4, port, 1);
	lightrig_await_drop(COUNTER_DROP_LOOP, 1);
	expect_silence(other);
	/* a reply, from whatever port */
	fd = rig_sender(4, &own);
	lightrig_exchange(fd, 4, port, 41, 1);
	ck_assert_int_eq(lightrig.reply.len, 41);
	rig_send(fd, 4, port, lightrig.reply.octets, 41);
	lightrig_await_drop(COUNTER_DROP_LOOP, 2);
	expect_silence(fd);
	close(fd);
	close(other);
	if (geteuid() != 0) {
		return;
	}
	fd = rig_sender(4, &well_known);
	rig_fill(packet, sizeof(packet), 1, 0);
	rig_send(fd, 4, port, packet, sizeof(packet));
	lightrig_await_drop(COUNTER_DROP_LOOP, 3);
	expect_silence(fd);
	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP "from_862 = true;"));
	lightrig_pump(1);
	lightrig_exchange(fd, 4, port, 41, 1);
	ck_assert_int_eq(lightrig.reply.len, 41);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("light");
	TCase *tc = tcase_create("light");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, lightrig_set_up, lightrig_tear_down);
	tcase_add_loop_test(tc, twamp_light, 0, 2);
	tcase_add_loop_test(tc, stamp, 0, 2);
	tcase_add_test(tc, stateful);
	tcase_add_test(tc, strangers);
	tcase_add_test(tc, strangers_of_all_threads);
	tcase_add_loop_test(tc, rates, 0, 4);
	tcase_add_test(tc, drain);
	tcase_add_test(tc, loops);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
