// SPDX-License-Identifier: BSD-2-Clause
/* Reflectors without control: packets, and settings that change while packets come. */
#include "daemon/reflector/light.h"
#include "protocol/stamp.h"
#include "tests/unit/reflector/rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 2
#define QUIET_MS 100 /* for replies that must not come */
#define RELOADS 40

static struct ev_loop *loop;
static struct reflector *r;
static int ended;
static struct light_sums last; /* of the port that ended last */

static void on_ended(void *context, void *owner, enum udp_end why, const struct udp_counters *c)
{
	ck_abort_msg("there is no session");
}

static uint64_t drops(const struct light_sums *s)
{
	uint64_t n = 0;

	for (int d = 0; d < LIGHT_DROP_COUNT; d++) {
		n += s->dropped[d];
	}
	return n;
}

static void on_light_ended(void *context, const struct light_info *info)
{
	ended++;
	last = info->sums;
	ck_assert_uint_eq(last.received, last.reflected + drops(&last));
}

static void set_up(void)
{
	struct reflector_config config = { .threads = THREADS,
					   .ended = on_ended,
					   .light_ended = on_light_ended };

	ended = 0;
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(reflector_new(&r, loop, &config), 0);
}

static void tear_down(void)
{
	reflector_free(r);
	ev_loop_destroy(loop);
}

/* A port that nobody has at the moment. */
static uint16_t free_port(int family)
{
	uint16_t port = 0;

	close(rig_sender(family, &port));
	return port;
}

static struct settings *settings_of(const char *text)
{
	char path[] = "/tmp/test-light.XXXXXX";
	struct settings_error err = { "" };
	struct settings *s = NULL;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ck_assert_msg(settings_load(path, &s, &err) == 0, "%s", err.text);
	unlink(path);
	return s;
}

/* One entry on loopback with these further keys. */
static struct settings *entry(int family, uint16_t port, const char *keys)
{
	char text[512];

	snprintf(text, sizeof(text), "light = ( { address = \"%s\"; port = %u; %s } );",
		 family == 4 ? "127.0.0.1" : "::1", port, keys);
	return settings_of(text);
}

static void use(struct settings *s)
{
	struct light_plan *plan;
	struct settings_listen fault;

	ck_assert_int_eq(light_prepare(r, s, &plan, &fault), 0);
	light_apply(r, plan);
	settings_unref(s);
}

#define LOCAL "clients = [ \"127.0.0.0/8\", \"::1\" ];"
#define TWAMP "type = \"twamp-light\";" LOCAL
#define STAMP "type = \"stamp\";" LOCAL

static void pump(int ends)
{
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);

	while (ended < ends) {
		ck_assert_int_lt(rig_mono_ns(), limit);
		ev_run(loop, EVRUN_NOWAIT);
		rig_sleep_ms(1);
	}
}

static struct light_sums totals(void)
{
	struct light_sums t;

	light_totals(r, &t);
	return t;
}

/* Counters follow the packets. */
static void await_drop(enum light_drop d, uint64_t n)
{
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);

	while (totals().dropped[d] < n) {
		ck_assert_int_lt(rig_mono_ns(), limit);
		rig_sleep_ms(1);
	}
	ck_assert_uint_eq(totals().dropped[d], n);
}

static struct rig_reply reply;

static void exchange(int fd, int family, uint16_t port, size_t len, uint32_t seq)
{
	uint8_t packet[2000];

	rig_fill(packet, len, seq, 0x0a0b);
	rig_send(fd, family, port, packet, len);
	rig_receive(fd, &reply, RIG_WAIT_MS);
}

static void expect_silence(int fd)
{
	rig_receive(fd, &reply, QUIET_MS);
	ck_assert_int_eq(reply.len, -1);
}

static const int families[] = { 4, 6 };

/* T-020 T-021 T-022 T-026 T-071 T-044 */
START_TEST(twamp_light)
{
	static const size_t lengths[] = { 14, 15, 40, 41, 42, 1472 };
	int family = families[_i], fd;
	uint16_t port = free_port(family), own = 0;
	uint8_t packet[2000];

	use(entry(family, port, TWAMP));
	fd = rig_sender(family, &own);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = lengths[i];

		exchange(fd, family, port, n, 0xfffffff0u + (uint32_t)i);
		rig_fill(packet, n, 0xfffffff0u + (uint32_t)i, 0x0a0b);
		ck_assert_int_eq(reply.len, n > 41 ? (ssize_t)n : 41);
		ck_assert_mem_eq(reply.octets, packet, 4);
		ck_assert_mem_eq(reply.octets + 24, packet, 14);
		ck_assert_uint_eq(reply.octets[40], 64); /* what left this socket */
		ck_assert_int_eq(reply.ttl, 255);
		if (n > 41) {
			ck_assert_mem_eq(reply.octets + 41, packet + 14, n - 41);
		}
		ck_assert_int_le(rig_ntp_ns(reply.octets + 16), rig_ntp_ns(reply.octets + 4));
	}
	rig_send(fd, family, port, packet, 13);
	await_drop(LIGHT_DROP_SHORT, 1);
	expect_silence(fd);
	close(fd);
}
END_TEST

/* T-083 T-085 T-092: equal size from 44 on, the SSID comes back, and so does the rest */
START_TEST(stamp)
{
	static const size_t lengths[] = { 14, 43, 44, 45, 1400 };
	int family = families[_i], fd;
	uint16_t port = free_port(family), own = 0;
	uint8_t packet[2000];

	use(entry(family, port, STAMP));
	fd = rig_sender(family, &own);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = lengths[i];

		exchange(fd, family, port, n, 7);
		rig_fill(packet, n, 7, 0x0a0b);
		ck_assert_int_eq(reply.len, n > 44 ? (ssize_t)n : 44);
		ck_assert_uint_eq(stamp_get_ssid(reply.octets, 44), n >= 44 ? 0x8e8f : 0);
		ck_assert_mem_eq(reply.octets + 24, packet, 14);
		if (n > 44) {
			ck_assert_mem_eq(reply.octets + 44, packet + 44, n - 44);
		}
	}
	close(fd);
}
END_TEST

/* T-072 T-082: each sender counts for itself, whatever its own numbers are. */
START_TEST(stateful)
{
	uint16_t port = free_port(4), own = 0, other = 0;
	uint32_t later = 0;
	int a, b;

	use(entry(4, port, TWAMP "stateful = true;"));
	a = rig_sender(4, &own);
	b = rig_sender(4, &other);
	for (uint32_t i = 0; i < 5; i++) {
		exchange(a, 4, port, 41, 1000 + 2 * i);
		ck_assert_uint_eq(rig_get32(reply.octets), i);
		ck_assert_uint_eq(rig_get32(reply.octets + 24), 1000 + 2 * i);
		if (i % 2) {
			exchange(b, 4, port, 41, 5);
			ck_assert_uint_eq(rig_get32(reply.octets), i / 2);
		}
	}
	/* other settings of the same port: the numbers go on */
	use(entry(4, port, TWAMP "stateful = true; dscp = 10;"));
	do {
		exchange(a, 4, port, 41, 0);
		ck_assert_uint_eq(rig_get32(reply.octets), 5 + later++);
	} while (reply.tos != 40);
	/* another kind of port: they begin anew */
	use(entry(4, port, TWAMP));
	pump(1);
	exchange(a, 4, port, 41, 77);
	ck_assert_uint_eq(rig_get32(reply.octets), 77);
	ck_assert_uint_eq(last.reflected, 7 + later);
	close(a);
	close(b);
}
END_TEST

/* T-074 T-085 */
START_TEST(strangers)
{
	uint16_t port = free_port(4), own = 0;
	uint8_t packet[44];
	int fd = rig_sender(4, &own);

	use(entry(4, port, "type = \"stamp\"; clients = [ \"127.0.0.2\", \"::1\" ];"));
	rig_fill(packet, sizeof(packet), 1, 0);
	rig_send(fd, 4, port, packet, sizeof(packet));
	rig_send(fd, 4, port, packet, 3);
	await_drop(LIGHT_DROP_DENIED, 2);
	port = free_port(4);
	use(entry(4, port, STAMP "ssids = [ 5 ];"));
	rig_send(fd, 4, port, packet, sizeof(packet));
	rig_send(fd, 4, port, packet, 41);
	await_drop(LIGHT_DROP_SSID, 2);
	expect_silence(fd);
	stamp_put_ssid(packet, 5);
	rig_send(fd, 4, port, packet, sizeof(packet));
	rig_receive(fd, &reply, RIG_WAIT_MS);
	ck_assert_int_eq(reply.len, 44);
	close(fd);
}
END_TEST

/* Between reflectors nothing goes to and fro. */
START_TEST(loops)
{
	uint16_t port = free_port(4), second, own = 0, well_known = 862;
	uint8_t packet[41];
	char text[400];
	int fd, other;

	do {
		second = free_port(4);
	} while (second == port);
	snprintf(text, sizeof(text),
		 "light = ( { address = \"127.0.0.1\"; port = %u; " TWAMP " }, { address = "
		 "\"127.0.0.9\"; port = %u; from_862 = true; " STAMP " } );",
		 port, second);
	use(settings_of(text));
	/* from one of our ports: the sender has it at another address */
	other = rig_sender(4, &second);
	rig_send_seq(other, 4, port, 1);
	await_drop(LIGHT_DROP_LOOP, 1);
	expect_silence(other);
	/* a reply, from whatever port */
	fd = rig_sender(4, &own);
	exchange(fd, 4, port, 41, 1);
	ck_assert_int_eq(reply.len, 41);
	rig_send(fd, 4, port, reply.octets, 41);
	await_drop(LIGHT_DROP_LOOP, 2);
	expect_silence(fd);
	close(fd);
	close(other);
	if (geteuid() != 0) {
		return;
	}
	fd = rig_sender(4, &well_known);
	rig_fill(packet, sizeof(packet), 1, 0);
	rig_send(fd, 4, port, packet, sizeof(packet));
	await_drop(LIGHT_DROP_LOOP, 3);
	expect_silence(fd);
	use(entry(4, port, TWAMP "from_862 = true;"));
	pump(1);
	exchange(fd, 4, port, 41, 1);
	ck_assert_int_eq(reply.len, 41);
	close(fd);
}
END_TEST

/* Nothing has changed, and nothing is left over. */
START_TEST(port_in_use)
{
	uint16_t port = free_port(4), taken = 0, own = 0;
	int fd = rig_sender(4, &taken), sender = rig_sender(4, &own), before;
	struct light_plan *plan;
	struct settings_listen fault;
	struct settings *s;
	char text[400];

	use(entry(4, port, TWAMP));
	exchange(sender, 4, port, 41, 1);
	before = rig_descriptors();
	snprintf(text, sizeof(text),
		 "light = ( { address = \"127.0.0.1\"; port = %u; " STAMP " }, { address = "
		 "\"127.0.0.1\"; port = %u; " TWAMP " } );",
		 port, taken);
	s = settings_of(text);
	ck_assert_int_eq(light_prepare(r, s, &plan, &fault), -EADDRINUSE);
	settings_unref(s);
	ck_assert_uint_eq(fault.address.port, taken);
	ck_assert_int_eq(rig_descriptors(), before);
	exchange(sender, 4, port, 41, 2);
	ck_assert_int_eq(reply.len, 41); /* TWAMP Light, not STAMP */
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

	light_walk_unused(r, count_unused, &n);
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
	struct reflector_config config = { .threads = THREADS,
					   .ended = on_ended,
					   .light_ended = on_light_ended,
					   .light_fds = fds,
					   .n_light_fds = 1 };

	reflector_free(r);
	ck_assert_int_eq(reflector_new(&r, loop, &config), 0);
	before = rig_descriptors();
	expect_unused(1);
	rig_send_seq(sender, 4, port, 9); /* before it was stamped: T2 is not known */
	for (int round = 0; round < 3; round++) {
		use(entry(4, port, TWAMP "stateful = true;"));
		expect_unused(0);
		light_walk(r, note_passed, NULL);
		ck_assert_int_eq(rig_descriptors(), before);
		for (uint32_t i = 0; i < 5; i++) {
			exchange(sender, 4, port, 41, 100 + i);
			ck_assert_uint_eq(rig_get32(reply.octets), i);
			ck_assert_uint_eq(rig_get32(reply.octets + 24), 100 + i);
		}
		use(settings_of("light = ( );"));
		pump(round + 1);
		expect_unused(1);
		ck_assert_int_eq(rig_descriptors(), before);
		rig_send_seq(sender, 4, port, 7);
	}
	expect_silence(sender);
	ck_assert_uint_eq(totals().user_timestamps, 0);
	close(sender);
	reflector_free(r); /* it may ask epoll about it until then */
	r = NULL;
	close(fds[0]);
}
END_TEST

/* An entry of another address does not take it, and the port is not free for that one. */
START_TEST(passed_elsewhere)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	socklen_t len = sizeof(any);
	int fds[] = { socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	struct reflector_config config = {
		.threads = THREADS, .ended = on_ended, .light_fds = fds, .n_light_fds = 1
	};
	struct settings_listen fault;
	struct light_plan *plan;
	struct settings *s;

	ck_assert_int_eq(bind(fds[0], (struct sockaddr *)&any, len), 0);
	ck_assert_int_eq(getsockname(fds[0], (struct sockaddr *)&any, &len), 0);
	reflector_free(r);
	ck_assert_int_eq(reflector_new(&r, loop, &config), 0);
	s = entry(4, ntohs(any.sin_port), TWAMP);
	ck_assert_int_eq(light_prepare(r, s, &plan, &fault), -EADDRINUSE);
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
	uint16_t port = free_port(4), second;
	int before, fresh = 0, seen = 0;
	char text[400];
	pthread_t t;

	do {
		second = free_port(4);
	} while (second == port);
	use(entry(4, port, TWAMP));
	light_walk(r, count_fresh, &fresh);
	ck_assert_int_eq(fresh, 1);
	before = rig_descriptors();
	f = (struct flood){ .port = port };
	ck_assert_int_eq(pthread_create(&t, NULL, flood, &f), 0);
	for (int i = 0; i < RELOADS; i++) {
		snprintf(text, sizeof(text),
			 "light = ( { address = \"127.0.0.1\"; port = %u; dscp = %d; " TWAMP
			 " }, { address = \"127.0.0.1\"; port = %u; stateful = %s; " STAMP " } );",
			 port, i, second, i % 2 ? "true" : "false");
		use(i % 4 == 3 ? entry(4, port, TWAMP) : settings_of(text));
		light_walk(r, count_fresh, &seen);
		ev_run(loop, EVRUN_NOWAIT);
		rig_sleep_ms(i % 3);
	}
	use(entry(4, port, TWAMP));
	pump(RELOADS * 3 / 4);
	ck_assert_int_eq(ended, RELOADS * 3 / 4);
	ck_assert_int_eq(seen, RELOADS * 3 / 4);
	atomic_store(&f.quit, true);
	pthread_join(t, NULL);
	ck_assert_uint_gt(f.sent, 0);
	ck_assert_uint_eq(f.answered, f.sent);
	for (int i = 0; totals().reflected < f.sent && i < RIG_WAIT_MS; i++) {
		rig_sleep_ms(1); /* counters follow the packets */
	}
	ck_assert_uint_eq(totals().reflected, f.sent);
	ck_assert_int_eq(rig_descriptors(), before);
	use(settings_of(""));
	pump(ended + 1);
	ck_assert_uint_eq(last.reflected, f.sent);
	ck_assert_uint_eq(light_count(r), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("light");
	TCase *tc = tcase_create("light");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, twamp_light, 0, 2);
	tcase_add_loop_test(tc, stamp, 0, 2);
	tcase_add_test(tc, stateful);
	tcase_add_test(tc, strangers);
	tcase_add_test(tc, loops);
	tcase_add_test(tc, port_in_use);
	tcase_add_test(tc, passed);
	tcase_add_test(tc, passed_elsewhere);
	tcase_add_test(tc, reloads);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
