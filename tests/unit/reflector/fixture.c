// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/reflector/fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct fixture fixture;

const struct crypt_keys fixture_keys = { .aes = { 1, 2, 3 }, .hmac = { 4, 5, 6, [31] = 7 } };
const uint8_t fixture_sid[MSG_SID_LEN] = { 0xc0, 0, 2, 10, [15] = 0xd4 };

static void on_ended(void *context, void *owner, enum udp_end why, const struct udp_counters *c)
{
	struct fixture_end *e = owner;

	ck_assert_ptr_eq(context, &fixture);
	fixture.ends++;
	e->count++;
	e->why = why;
	e->received = rig_load(&c->received);
	e->reflected = rig_load(&c->reflected);
	e->early = rig_load(&c->dropped[UDP_DROP_EARLY]);
	e->late = rig_load(&c->dropped[UDP_DROP_LATE]);
	e->adds_up = rig_adds_up(c);
}

struct reflector_config fixture_config(void)
{
	return (struct reflector_config){ .threads = 2, .ended = on_ended, .context = &fixture };
}

void fixture_make(bool user_timestamps)
{
	struct reflector_config config = fixture_config();

	config.user_timestamps = user_timestamps;
	fixture_make_with(&config);
}

void fixture_make_with(const struct reflector_config *config)
{
	fixture.ends = 0;
	fixture.loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(fixture.loop);
	ck_assert_int_eq(reflector_new(&fixture.r, fixture.loop, config), 0);
}

uint16_t fixture_make_shared(unsigned threads, bool one_port)
{
	struct reflector_config config = { .threads = threads,
					   .ended = on_ended,
					   .context = &fixture };
	uint16_t first = (uint16_t)(FIRST + (unsigned)getpid() % 64 * 100);
	int error = -EADDRINUSE;

	fixture.ends = 0;
	fixture.loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(fixture.loop);
	for (int tries = 0; error == -EADDRINUSE && tries < 500; tries++) {
		first = first + threads < LAST ? (uint16_t)(first + threads) : FIRST;
		config.shared = (struct reflector_shared){ .on = true,
							   .port = one_port ? first : 0,
							   .port_first = first,
							   .port_last = LAST };
		error = reflector_new(&fixture.r, fixture.loop, &config);
	}
	ck_assert_int_eq(error, 0);
	return first;
}

void fixture_set_up(void)
{
	fixture_make(false);
}

void fixture_tear_down(void)
{
	reflector_free(fixture.r);
	ev_loop_destroy(fixture.loop);
}

void fixture_pump(int ends)
{
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);

	while (fixture.ends < ends) {
		ck_assert_int_lt(rig_mono_ns(), limit);
		ev_run(fixture.loop, EVRUN_NOWAIT);
		rig_sleep_ms(1);
	}
}

struct udp_session *fixture_open(const struct session_spec *spec, struct fixture_end *e,
				 uint16_t *port)
{
	struct udp_session *u = NULL;

	memset(e, 0, sizeof(*e));
	ck_assert_int_eq(udp_open(fixture.r, spec, FIRST, LAST, e, &u, port), 0);
	ck_assert_uint_ge(*port, FIRST);
	ck_assert_uint_le(*port, LAST);
	return u;
}

struct udp_session *fixture_start(const struct session_spec *spec, struct fixture_end *e,
				  uint16_t *port)
{
	struct udp_session *u = fixture_open(spec, e, port);

	ck_assert_int_eq(udp_start(u, &fixture_keys, fixture_sid), 0);
	return u;
}

int fixture_refused(struct session_spec spec, uint16_t first, uint16_t last)
{
	struct udp_session *u;
	uint16_t port;

	return udp_open(fixture.r, &spec, first, last, NULL, &u, &port);
}

void fixture_expect(int fd, uint32_t seq, uint32_t sender_seq)
{
	rig_receive(fd, &fixture.reply, RIG_WAIT_MS);
	ck_assert_int_ge(fixture.reply.len, 41);
	ck_assert_uint_eq(rig_get32(fixture.reply.octets), seq);
	ck_assert_uint_eq(rig_get32(fixture.reply.octets + 24), sender_seq);
}
