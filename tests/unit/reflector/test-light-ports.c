// SPDX-License-Identifier: BSD-2-Clause
/* The ports of reflectors without control: settings that change while packets come, ports that are in
 * use, and sockets that somebody else opened. */
#include "daemon/reflector/lightpath.h"
#include "tests/unit/reflector/lightrig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define QUIET_MS 100 /* for replies that must not come */
#define RELOADS 40
#define ANY_RATE "packet_rate = 0;"

/* Nothing has changed, and nothing is left over. */
START_TEST(port_in_use)
{
	uint16_t port = lightrig_free_port(4), taken = 0, own = 0;
	int fd = rig_sender(4, &taken), sender = rig_sender(4, &own), before;
	struct light_plan *plan;
	struct settings_listen fault;
	struct settings *s;
	char text[400];

	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP));
	lightrig_exchange(sender, 4, port, 41, 1);
	before = rig_descriptors();
	snprintf(text, sizeof(text),
		 "light = ( { address = \"127.0.0.1\"; port = %u; " LIGHTRIG_STAMP
		 " }, { address = "
		 "\"127.0.0.1\"; port = %u; " LIGHTRIG_TWAMP " } );",
		 port, taken);
	s = lightrig_settings(text);
	ck_assert_int_eq(light_prepare(lightrig.r, s, &plan, &fault), -EADDRINUSE);
	settings_unref(s);
	ck_assert_uint_eq(fault.address.port, taken);
	ck_assert_int_eq(rig_descriptors(), before);
	lightrig_exchange(sender, 4, port, 41, 2);
	ck_assert_int_eq(lightrig.reply.len, 41); /* LIGHTRIG_TWAMP Light, not LIGHTRIG_STAMP */
	close(fd);
	close(sender);
}
END_TEST

static void count_unused(void *context, const struct address *at, uint32_t device)
{
	++*(int *)context;
	ck_assert_uint_eq(at->ip[0], 127);
	ck_assert_uint_eq(device, 0);
}

static void expect_unused(int wanted)
{
	int n = 0;

	light_walk_unused(lightrig.r, count_unused, &n);
	ck_assert_int_eq(n, wanted);
}

static void note_passed(void *context, const struct light_info *info)
{
	ck_assert(info->passed);
}

/*
 * A socket that somebody else opened: answers while an entry means it, by one thread and so with
 * one series of numbers; it stays open without one, and what came meanwhile is never answered.
 */
START_TEST(passed)
{
	uint16_t port = 0, own = 0;
	int fds[] = { rig_sender(4, &port) }, sender = rig_sender(4, &own), before;
	struct reflector_config config = { .threads = LIGHTRIG_THREADS,
					   .ended = lightrig_on_ended,
					   .light_ended = lightrig_on_light_ended,
					   .light_fds = fds,
					   .n_light_fds = 1 };

	reflector_free(lightrig.r);
	ck_assert_int_eq(reflector_new(&lightrig.r, lightrig.loop, &config), 0);
	before = rig_descriptors();
	expect_unused(1);
	rig_send_seq(sender, 4, port, 9); /* before it was stamped: T2 is not known */
	for (int round = 0; round < 3; round++) {
		lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP "stateful = true;"));
		expect_unused(0);
		light_walk(lightrig.r, note_passed, NULL);
		ck_assert_int_eq(rig_descriptors(), before);
		for (uint32_t i = 0; i < 5; i++) {
			lightrig_exchange(sender, 4, port, 41, 100 + i);
			ck_assert_uint_eq(rig_get32(lightrig.reply.octets), i);
			ck_assert_uint_eq(rig_get32(lightrig.reply.octets + 24), 100 + i);
		}
		lightrig_use(lightrig_settings("light = ( );"));
		lightrig_pump(round + 1);
		expect_unused(1);
		ck_assert_int_eq(rig_descriptors(), before);
		rig_send_seq(sender, 4, port, 7);
	}
	rig_expect_silence(sender, QUIET_MS);
	ck_assert_uint_eq(lightrig_totals().n[COUNTER_USER_TIMESTAMPS], 0);
	close(sender);
	reflector_free(lightrig.r); /* it may ask epoll about it until then */
	lightrig.r = NULL;
	close(fds[0]);
}
END_TEST

/* An entry of another address does not take it, and the port is not free for that one. */
START_TEST(passed_elsewhere)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	socklen_t len = sizeof(any);
	int fds[] = { socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	struct reflector_config config = { .threads = LIGHTRIG_THREADS,
					   .ended = lightrig_on_ended,
					   .light_fds = fds,
					   .n_light_fds = 1 };
	struct settings_listen fault;
	struct light_plan *plan;
	struct settings *s;

	ck_assert_int_eq(bind(fds[0], (struct sockaddr *)&any, len), 0);
	ck_assert_int_eq(getsockname(fds[0], (struct sockaddr *)&any, &len), 0);
	reflector_free(lightrig.r);
	ck_assert_int_eq(reflector_new(&lightrig.r, lightrig.loop, &config), 0);
	s = lightrig_entry(4, ntohs(any.sin_port), LIGHTRIG_TWAMP);
	ck_assert_int_eq(light_prepare(lightrig.r, s, &plan, &fault), -EADDRINUSE);
	settings_unref(s);
	close(fds[0]);
}
END_TEST

static void count_fresh(void *context, const struct light_info *info)
{
	*(int *)context += info->fresh;
}

struct flood {
	uint16_t port;
	_Atomic bool quit;
	uint64_t sent, answered;
};

static void *flood(void *arg)
{
	struct flood *f = arg;
	uint16_t own = 0;
	int fd = rig_sender(4, &own);
	struct rig_reply answer;

	while (!atomic_load(&f->quit)) {
		uint8_t packet[41];

		rig_fill(packet, sizeof(packet), (uint32_t)f->sent++, 0);
		rig_send(fd, 4, f->port, packet, sizeof(packet));
		rig_receive(fd, &answer, RIG_WAIT_MS);
		f->answered += answer.len == 41;
	}
	close(fd);
	return NULL;
}

/* Settings come and go while packets do: of a port that stays none is lost. */
START_TEST(reloads)
{
	static struct flood f;
	uint16_t port = lightrig_free_port(4), second;
	int before, fresh = 0, seen = 0;
	char text[400];
	pthread_t t;

	do {
		second = lightrig_free_port(4);
	} while (second == port);
	lightrig_use(lightrig_entry(4, port, ANY_RATE LIGHTRIG_TWAMP));
	light_walk(lightrig.r, count_fresh, &fresh);
	ck_assert_int_eq(fresh, 1);
	before = rig_descriptors();
	f = (struct flood){ .port = port };
	ck_assert_int_eq(pthread_create(&t, NULL, flood, &f), 0);
	for (int i = 0; i < RELOADS; i++) {
		snprintf(text, sizeof(text),
			 "light = ( { address = \"127.0.0.1\"; port = %u; dscp = %d; " ANY_RATE
				 LIGHTRIG_TWAMP
			 " }, { address = \"127.0.0.1\"; port = %u; stateful = %s; " LIGHTRIG_STAMP
			 " } );",
			 port, i, second, i % 2 ? "true" : "false");
		lightrig_use(i % 4 == 3 ? lightrig_entry(4, port, ANY_RATE LIGHTRIG_TWAMP)
					: lightrig_settings(text));
		light_walk(lightrig.r, count_fresh, &seen);
		ev_run(lightrig.loop, EVRUN_NOWAIT);
		rig_sleep_ms(i % 3);
	}
	lightrig_use(lightrig_entry(4, port, ANY_RATE LIGHTRIG_TWAMP));
	lightrig_pump(RELOADS * 3 / 4);
	ck_assert_int_eq(lightrig.ended, RELOADS * 3 / 4);
	ck_assert_int_eq(seen, RELOADS * 3 / 4);
	atomic_store(&f.quit, true);
	pthread_join(t, NULL);
	ck_assert_uint_gt(f.sent, 0);
	ck_assert_uint_eq(f.answered, f.sent);
	for (int i = 0; lightrig_totals().n[COUNTER_REFLECTED] < f.sent && i < RIG_WAIT_MS; i++) {
		rig_sleep_ms(1); /* counters follow the packets */
	}
	ck_assert_uint_eq(lightrig_totals().n[COUNTER_REFLECTED], f.sent);
	ck_assert_int_eq(rig_descriptors(), before);
	lightrig_use(lightrig_settings(""));
	lightrig_pump(lightrig.ended + 1);
	ck_assert_uint_eq(lightrig.last.n[COUNTER_REFLECTED], f.sent);
	ck_assert_uint_eq(light_count(lightrig.r), 0);
}
END_TEST

/* Two of the CPUs that we may use; false if there is only one. */
static bool choose_cpus(int cpus[2], cpu_set_t *both)
{
	cpu_set_t all;
	int n = 0;

	CPU_ZERO(both);
	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	for (unsigned i = 0; i < CPU_SETSIZE && n < 2; i++) {
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, both);
			cpus[n++] = (int)i;
		}
	}
	return n == 2;
}

static bool kernel_steers(void)
{
	struct utsname u;

	return !uname(&u) && strverscmp(u.release, "6.2") >= 0;
}

static uint64_t received_by(unsigned thread)
{
	const struct light_entry *e = lightrig.r->light_view->entries[0];
	struct counters_values v;

	party_read(&e->ports[thread].party, &v);
	return v.n[COUNTER_RECEIVED];
}

static void exchange_on(int cpu, uint16_t port)
{
	uint16_t own = 0;
	cpu_set_t set;
	int fd = rig_sender(4, &own);

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	lightrig_exchange(fd, 4, port, 41, 1);
	close(fd);
}

/* Without numbers of ours the thread on the CPU where a packet arrives answers it: on loopback that is
 * the sender's. With them a sender stays where its numbers are. */
START_TEST(packets_of_a_cpu)
{
	struct reflector_config config = { .threads = LIGHTRIG_THREADS,
					   .ended = lightrig_on_ended,
					   .light_ended = lightrig_on_light_ended };
	uint16_t port = lightrig_free_port(4);
	int cpus[2];

	if (!choose_cpus(cpus, &config.cpus) || !kernel_steers()) {
		printf("packets_of_a_cpu: not done, one CPU or a kernel before 6.2\n");
		return;
	}
	reflector_free(lightrig.r);
	ck_assert_int_eq(reflector_new(&lightrig.r, lightrig.loop, &config), 0);
	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP));
	for (unsigned i = 0; i < 32; i++) {
		exchange_on(cpus[i % 2], port);
		ck_assert_uint_eq(received_by(i % 2), i / 2 + 1);
	}
	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP "stateful = true;"));
	for (unsigned i = 0; i < 32; i++) {
		exchange_on(cpus[0], port);
	}
	ck_assert_uint_gt(received_by(1), 0); /* by the hash, half of 32 */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("light-ports");
	TCase *tc = tcase_create("light-ports");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, lightrig_set_up, lightrig_tear_down);
	tcase_add_test(tc, port_in_use);
	tcase_add_test(tc, passed);
	tcase_add_test(tc, passed_elsewhere);
	tcase_add_test(tc, reloads);
	tcase_add_test(tc, packets_of_a_cpu);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
