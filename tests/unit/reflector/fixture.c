// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/reflector/fixture.h"

#include "daemon/control/admit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct fixture fixture;

const struct crypt_keys fixture_keys = { .aes = { 1, 2, 3 }, .hmac = { 4, 5, 6, [31] = 7 } };
const uint8_t fixture_sid[MSG_SID_LEN] = { 0xc0, 0, 2, 10, [15] = 0xd4 };

static void on_ended(void *context, void *owner, enum udp_end why, const struct counters_values *c)
{
	struct fixture_end *e = owner;

	ck_assert_ptr_eq(context, &fixture);
	fixture.ends++;
	e->count++;
	e->why = why;
	e->received = c->n[COUNTER_RECEIVED];
	e->reflected = c->n[COUNTER_REFLECTED];
	e->early = c->n[COUNTER_DROP_EARLY];
	e->rcvbuf = c->n[COUNTER_DROP_RCVBUF];
	e->port_rcvbuf = c->n[COUNTER_PORT_RCVBUF];
	e->late = c->n[COUNTER_DROP_LATE];
	e->adds_up = rig_sums_up(c);
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

void fixture_check_refusals(void)
{
	static const uint8_t not_ours[][4] = { { 192, 0, 2, 1 },
					       { 127, 255, 255, 255 },
					       { 224, 0, 0, 1 } };
	struct session_spec s = rig_spec(4, 9999);

	for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++) {
		memcpy(s.local.ip, not_ours[i], 4);
		ck_assert_int_eq(fixture_refused(s, FIRST, LAST), -EADDRNOTAVAIL);
	}
	s = rig_spec(6, 9999);
	memcpy(s.local.ip, (uint8_t[]){ 0x20, 1, 0x0d, 0xb8 }, 4);
	ck_assert_int_eq(fixture_refused(s, FIRST, LAST), -EADDRNOTAVAIL);
	s = rig_spec(4, 9999);
	memcpy(s.remote.ip, (uint8_t[]){ 127, 255, 255, 255 }, 4);
	ck_assert_int_eq(fixture_refused(s, FIRST, LAST), -EDESTADDRREQ);
	memcpy(s.remote.ip, (uint8_t[]){ 192, 0, 2, 1 }, 4); /* from 127.0.0.1 */
	ck_assert_int_eq(admit_errno(fixture_refused(s, FIRST, LAST)), REASON_NO_ROUTE);
	s = rig_spec(4, 9999);
	s.padding = 65507 - 14 + 1;
	ck_assert_int_eq(fixture_refused(s, FIRST, LAST), -EMSGSIZE);
	s.padding = UINT32_MAX;
	ck_assert_int_eq(fixture_refused(s, FIRST, LAST), -EMSGSIZE);
}

void fixture_stop_and_timeout(struct udp_session *u, struct fixture_end *e, int fd, uint16_t port)
{
	int64_t stopped;

	udp_stop(u, 3600 * TS_NS_PER_S);
	rig_send_seq(fd, 4, port, 1);
	fixture_expect(fd, 0, 1);
	stopped = rig_mono_ns();
	udp_stop(u, 300 * 1000000); /* the earliest counts */
	udp_stop(u, INT64_MAX);
	fixture_pump(1);
	ck_assert_int_ge(rig_mono_ns() - stopped, 300 * 1000000);
	ck_assert_int_eq(e->why, UDP_END_TIMEOUT);
	ck_assert_uint_eq(e->reflected, 1);
}

void fixture_refwait(struct session_spec spec, struct fixture_end *e, int fd, int neighbour)
{
	uint8_t packet[13] = { 0 };
	uint16_t port;
	int64_t last;

	spec.refwait_ns = 2500 * INT64_C(1000000); /* far more than the 300 ms that follow */
	fixture_start(&spec, e, &port);
	rig_sleep_ms(300);
	last = rig_mono_ns();
	rig_send_seq(fd, 4, port, 1);
	fixture_expect(fd, 0, 1);
	while (!fixture.ends) {
		ck_assert_int_lt(rig_mono_ns() - last, RIG_WAIT_MS * INT64_C(1000000));
		rig_send(fd, 4, port, packet, sizeof(packet));
		if (neighbour >= 0) {
			rig_send_seq(neighbour, 4, port, 2);
		}
		ev_run(fixture.loop, EVRUN_NOWAIT);
		rig_sleep_ms(20);
	}
	ck_assert_int_eq(e->why, UDP_END_REFWAIT);
	ck_assert_int_ge(rig_mono_ns() - last, spec.refwait_ns);
	ck_assert_uint_eq(e->reflected, 1);
}

void fixture_race(struct udp_session *u, unsigned i, int64_t timeout_ns)
{
	udp_stop(u, timeout_ns); /* no ev_run yet: all are still valid here */
	if (i % 2) {
		udp_stop(u, 0);
	}
	if (i % 4 == 0) {
		udp_end(u);
		udp_end(u);
	}
	ck_assert(rig_count(u, COUNTER_RECEIVED) <= 2);
}

void fixture_expect(int fd, uint32_t seq, uint32_t sender_seq)
{
	rig_receive(fd, &fixture.reply, RIG_WAIT_MS);
	ck_assert_int_ge(fixture.reply.len, 41);
	ck_assert_uint_eq(rig_get32(fixture.reply.octets), seq);
	ck_assert_uint_eq(rig_get32(fixture.reply.octets + 24), sender_seq);
}
