// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/reflector/lightrig.h"

#include "daemon/reflector/inside.h"
#include "daemon/reflector/lightpath.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lightrig lightrig;

void lightrig_on_ended(void *context, void *owner, enum udp_end why,
		       const struct counters_values *c)
{
	ck_abort_msg("there is no session");
}

void lightrig_on_light_ended(void *context, const struct light_info *info)
{
	lightrig.ended++;
	lightrig.last = info->sums;
	ck_assert_uint_eq(lightrig.last.n[COUNTER_RECEIVED],
			  lightrig.last.n[COUNTER_REFLECTED] + counters_dropped(&lightrig.last));
}

void lightrig_set_up(void)
{
	struct reflector_config config = { .threads = LIGHTRIG_THREADS,
					   .ended = lightrig_on_ended,
					   .light_ended = lightrig_on_light_ended };

	lightrig.ended = 0;
	lightrig.loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(lightrig.loop);
	ck_assert_int_eq(reflector_new(&lightrig.r, lightrig.loop, &config), 0);
}

void lightrig_tear_down(void)
{
	reflector_free(lightrig.r);
	ev_loop_destroy(lightrig.loop);
}

uint16_t lightrig_free_port(int family)
{
	uint16_t port = 0;

	close(rig_sender(family, &port));
	return port;
}

struct settings *lightrig_settings(const char *text)
{
	char path[] = "/tmp/test-light.XXXXXX";
	struct settings_error err = { .text = "" };
	struct settings *s = NULL;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ck_assert_msg(settings_load(path, &s, &err) == 0, "%s", err.text);
	unlink(path);
	return s;
}

struct settings *lightrig_entry(int family, uint16_t port, const char *keys)
{
	char text[512];

	snprintf(text, sizeof(text), "light = ( { address = \"%s\"; port = %u; %s } );",
		 family == 4 ? "127.0.0.1" : "::1", port, keys);
	return lightrig_settings(text);
}

/* A thread in the midst of a burst goes on by the settings that there were. */
static void await_threads(void)
{
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);
	const struct reflector *r = lightrig.r;

	for (unsigned i = 0; r->light_view && i < r->count; i++) {
		const struct light_worker *w = r->workers[i].light;

		while (w && atomic_load_explicit(&w->adopted, memory_order_acquire) <
				    r->light_view->generation) {
			ck_assert_int_lt(rig_mono_ns(), limit);
			rig_sleep_ms(1);
		}
	}
}

void lightrig_use(struct settings *s)
{
	struct light_plan *plan;
	struct settings_listen fault;

	ck_assert_int_eq(light_prepare(lightrig.r, s, &plan, &fault), 0);
	light_apply(lightrig.r, plan);
	await_threads();
	settings_unref(s);
}

void lightrig_pump(int ends)
{
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);

	while (lightrig.ended < ends) {
		ck_assert_int_lt(rig_mono_ns(), limit);
		ev_run(lightrig.loop, EVRUN_NOWAIT);
		rig_sleep_ms(1);
	}
}

struct counters_values lightrig_totals(void)
{
	struct counters_values t;

	light_totals(lightrig.r, &t);
	return t;
}

void lightrig_await_drop(enum counter d, uint64_t n)
{
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);

	while (lightrig_totals().n[d] < n) {
		ck_assert_int_lt(rig_mono_ns(), limit);
		rig_sleep_ms(1);
	}
	ck_assert_uint_eq(lightrig_totals().n[d], n);
}

void lightrig_exchange(int fd, int family, uint16_t port, size_t len, uint32_t seq)
{
	uint8_t packet[2000];

	rig_fill(packet, len, seq, 0x0a0b);
	rig_send(fd, family, port, packet, len);
	rig_receive(fd, &lightrig.reply, RIG_WAIT_MS);
}
