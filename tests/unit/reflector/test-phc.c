// SPDX-License-Identifier: BSD-2-Clause
/* Receive timestamps of network cards, with cards and clocks made up. */
#include "daemon/reflector/nic.h"
#include "daemon/reflector/phc.h"
#include "daemon/reflector/pool.h"
#include "tests/unit/reflector/fixture.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define S TS_NS_PER_S
#define WALL (INT64_C(1700000000) * S)
#define TAI (37 * S)

/* --- clocks --------------------------------------------------------------------------- */

START_TEST(best_sample_has_the_shortest_window)
{
	const struct phc_sample samples[] = {
		{ WALL, WALL + TAI, WALL + 900 },
		{ WALL + 1000, WALL + TAI, WALL + 900 }, /* set back: makes no sense */
		{ WALL + 2000, WALL + TAI, WALL + 2300 },
		{ WALL + 3000, WALL + TAI, WALL + 3301 },
		{ WALL + 4000, 0, WALL + 4001 }, /* a clock that does not run */
	};

	ck_assert_ptr_eq(phc_best(samples, 5), &samples[2]);
	ck_assert_ptr_eq(phc_best(samples, 1), &samples[0]);
	ck_assert_ptr_null(phc_best(&samples[1], 1));
	ck_assert_ptr_null(phc_best(samples, 0));
}
END_TEST

/* A clock with an offset and @ppb too fast, read at @second with a window of 200 ns. */
static struct phc_sample read_at(int64_t second, int64_t offset_ns, int64_t ppb)
{
	int64_t wall_ns = WALL + second * S;

	return (struct phc_sample){ wall_ns - 100, wall_ns + offset_ns + second * ppb,
				    wall_ns + 100 };
}

static struct phc_track follow(int seconds, int64_t ppb)
{
	struct phc_track t = { 0 };

	for (int i = 0; i < seconds; i++) {
		struct phc_sample s = read_at(i, TAI, ppb);

		ck_assert_int_eq(phc_is_known(&t), i >= 3);
		phc_follow(&t, &s, (struct mono){ i * S });
	}
	return t;
}

/* T-036: on the system's clock, also between comparisons and with a clock that goes wrong */
START_TEST(stamps_are_carried_over)
{
	static const int64_t rates[] = { 0, 50000, -50000, 900000 };

	for (int i = 0; i < 4; i++) {
		struct phc_track t = follow(5, rates[i]);

		ck_assert(phc_is_known(&t));
		for (int ms = -500; ms <= 1500; ms += 500) {
			int64_t passed_ns = ms * INT64_C(1000000);
			int64_t truth = WALL + 4 * S + passed_ns, error_ns;
			int64_t hardware = truth + TAI + 4 * rates[i] +
					   passed_ns / 1000 * rates[i] / 1000000;
			struct wall software = { truth + 20000 }, out;

			ck_assert(phc_convert(&t.now, hardware, software,
					      (struct mono){ 4 * S + (ms > 0 ? passed_ns : 0) },
					      &out, &error_ns));
			ck_assert_int_gt(error_ns, 0);
			/* two windows and a half, and the rounding of the rate */
			ck_assert_int_lt(error_ns, 3000);
			ck_assert_int_le(llabs(out.ns - truth), error_ns);
		}
	}
}
END_TEST

/* Also an error that grows while nothing is compared, and ends. */
START_TEST(stale_comparisons_do_not_count)
{
	struct phc_track t = follow(4, 0);
	int64_t error_ns, later_ns, hardware = WALL + 3 * S + TAI;
	struct wall software = { WALL + 3 * S + 1000 }, out;

	ck_assert(phc_convert(&t.now, hardware, software, (struct mono){ 3 * S }, &out, &error_ns));
	ck_assert(phc_convert(&t.now, hardware, software, (struct mono){ 5 * S }, &out, &later_ns));
	ck_assert_int_eq(later_ns, 3 * error_ns);
	ck_assert(phc_convert(&t.now, hardware, software, (struct mono){ 6 * S - 1 }, &out,
			      &error_ns));
	ck_assert(
		!phc_convert(&t.now, hardware, software, (struct mono){ 6 * S }, &out, &error_ns));
	/* a stamp that is not of this time at all */
	ck_assert(!phc_convert(&t.now, 1, software, (struct mono){ 3 * S }, &out, &error_ns));
	ck_assert(!phc_convert(&t.now, INT64_MAX / 2, software, (struct mono){ 3 * S }, &out,
			       &error_ns));
}
END_TEST

/* Not after the kernel's stamp, and not long before it. */
START_TEST(stamps_agree_with_the_kernel)
{
	struct phc_track t = follow(4, 0);
	int64_t truth = WALL + 3 * S, error_ns;
	struct mono now = { 3 * S };
	struct wall out;

	ck_assert(phc_convert(&t.now, truth + TAI, (struct wall){ truth + PHC_BEFORE_NS - 1000 },
			      now, &out, &error_ns));
	ck_assert(!phc_convert(&t.now, truth + TAI, (struct wall){ truth + PHC_BEFORE_NS + 1000 },
			       now, &out, &error_ns));
	/* within what is not sure: never later than the kernel's */
	ck_assert(phc_convert(&t.now, truth + TAI, (struct wall){ truth - PHC_AFTER_NS }, now, &out,
			      &error_ns));
	ck_assert_int_eq(out.ns, truth - PHC_AFTER_NS);
	ck_assert(!phc_convert(&t.now, truth + TAI,
			       (struct wall){ truth - PHC_AFTER_NS - error_ns - 1000 }, now, &out,
			       &error_ns));
}
END_TEST

/* A clock that was set, or was not read for long, is new. */
START_TEST(set_clocks_begin_anew)
{
	struct phc_track t = follow(4, 1000);
	struct phc_sample s = read_at(4, TAI + 5000000, 1000);

	phc_follow(&t, &s, (struct mono){ 4 * S });
	ck_assert(!phc_is_known(&t));
	s = read_at(5, TAI + 5000000, 1000);
	phc_follow(&t, &s, (struct mono){ 5 * S });
	ck_assert(!phc_is_known(&t));
	s = read_at(6, TAI + 5000000, 1000);
	phc_follow(&t, &s, (struct mono){ 6 * S });
	ck_assert(phc_is_known(&t));
	s = read_at(5, TAI + 5000000, 1000); /* back */
	phc_follow(&t, &s, (struct mono){ 7 * S });
	ck_assert(!phc_is_known(&t));
	t = follow(4, 1000);
	s = read_at(30, TAI, 1000);
	phc_follow(&t, &s, (struct mono){ 30 * S });
	ck_assert(!phc_is_known(&t));
	/* by an hour and by 50 years: no sums that overflow */
	t = follow(4, 0);
	s = read_at(4, -3600 * S, 0);
	phc_follow(&t, &s, (struct mono){ 4 * S });
	ck_assert(!phc_is_known(&t));
	s = (struct phc_sample){ WALL, INT64_MAX, WALL };
	phc_follow(&t, &s, (struct mono){ 5 * S });
	s = (struct phc_sample){ WALL, 1, WALL };
	phc_follow(&t, &s, (struct mono){ 6 * S });
	ck_assert(!phc_is_known(&t));
}
END_TEST

/* What changes about the rate counts as error. */
START_TEST(errors_are_seen)
{
	struct phc_track t = follow(4, 0);
	struct phc_sample s = read_at(4, TAI + 7000, 0);

	ck_assert_int_lt(t.now.error_ns, 1000);
	phc_follow(&t, &s, (struct mono){ 4 * S });
	ck_assert(phc_is_known(&t));
	ck_assert_int_ge(t.now.error_ns, 7000);
	ck_assert_int_lt(t.now.error_ns, 8000);
}
END_TEST

/* --- interfaces ----------------------------------------------------------------------- */

static struct {
	struct phc_link links[PHC_LINKS];
	int count, opened, failure;
	int64_t second, offset_ns;
	bool live; /* shows the time of this host */
} cards;

static int list_cards(void *context, struct phc_link *out, int most)
{
	memcpy(out, cards.links, sizeof(cards.links));
	return cards.count;
}

static int open_card(void *context, int clock)
{
	if (cards.failure) {
		return cards.failure;
	}
	cards.opened++;
	return 1000 + clock;
}

static int read_card(void *context, int fd, struct phc_sample *out, int most)
{
	ck_assert_int_ge(fd, 1000);
	if (cards.live) {
		int64_t now_ns = rig_wall_ns();

		*out = (struct phc_sample){ now_ns, now_ns + cards.offset_ns, now_ns };
	} else {
		*out = read_at(cards.second, cards.offset_ns, 0);
	}
	return 1;
}

static void close_card(void *context, int fd)
{
	cards.opened--;
}

static const struct phc_source source = {
	.list = list_cards, .open = open_card, .read = read_card, .close = close_card
};

static void deal(int count, bool on)
{
	memset(&cards, 0, sizeof(cards));
	cards.count = count;
	cards.offset_ns = TAI;
	for (int i = 0; i < PHC_LINKS; i++) {
		cards.links[i] =
			(struct phc_link){ .index = 7 + (unsigned)i, .clock = i, .on = on };
		snprintf(cards.links[i].name, IF_NAMESIZE, "eth%d", i);
	}
}

static struct sock_meta meta_of(unsigned link, int64_t second)
{
	return (struct sock_meta){ .stamped = true,
				   .stamp = { WALL + second * S + 5000 },
				   .hardware_ns = WALL + second * S + TAI,
				   .link = link };
}

static enum phc_use improve(struct phc *p, unsigned link, int64_t second, struct sock_meta *meta)
{
	*meta = meta_of(link, second);
	return phc_improve(p, meta, (struct mono){ second * S });
}

static void go_on(struct phc *p, int64_t seconds, bool rescan)
{
	for (int64_t i = 0; i < seconds; i++) {
		cards.second++;
		phc_round(p, rescan, (struct mono){ cards.second * S });
	}
}

START_TEST(nothing_without_cards)
{
	struct phc *p = (void *)1;
	struct sock_meta meta = meta_of(7, 3), before = meta;

	deal(0, true);
	ck_assert_int_eq(phc_new(&p, &source), 0);
	ck_assert_ptr_null(p);
	ck_assert_uint_eq(phc_usable(NULL), 0);
	ck_assert_uint_eq(phc_ready(NULL, (struct mono){ 0 }), 0);
	ck_assert_int_eq(phc_improve(NULL, &meta, (struct mono){ 3 * S }), PHC_NONE);
	ck_assert_int_eq(memcmp(&meta, &before, sizeof(meta)), 0);
	phc_free(NULL);
	cards.count = -EPERM;
	ck_assert_int_eq(phc_new(&p, &source), -EPERM);
}
END_TEST

START_TEST(table_of_interfaces)
{
	struct sock_meta meta;
	struct phc *p;
	char text[400];

	deal(2, true);
	cards.links[1].on = false;
	ck_assert_int_eq(phc_new(&p, &source), 0);
	ck_assert_uint_eq(phc_usable(p), 1);
	phc_describe(p, text, sizeof(text));
	ck_assert_str_eq(text, "eth0 (/dev/ptp0): its clock is being compared, "
			       "eth1 (/dev/ptp1): not switched on");
	ck_assert_int_eq(improve(p, 7, 0, &meta), PHC_NONE); /* not known yet */
	go_on(p, 4, false);
	ck_assert_uint_eq(phc_ready(p, (struct mono){ 4 * S }), 1);
	ck_assert_uint_eq(phc_ready(p, (struct mono){ 7 * S }), 0);
	ck_assert_int_eq(improve(p, 7, 4, &meta), PHC_USED);
	ck_assert_int_gt(meta.phc_error_ns, 0);
	ck_assert_int_le(llabs(meta.stamp.ns - (WALL + 4 * S)), meta.phc_error_ns);
	ck_assert_int_eq(improve(p, 8, 4, &meta), PHC_NONE);
	ck_assert_int_eq(improve(p, 0, 4, &meta), PHC_NONE);
	meta = meta_of(7, 4);
	meta.hardware_ns += S;
	ck_assert_int_eq(phc_improve(p, &meta, (struct mono){ 4 * S }), PHC_REFUSED);
	ck_assert_int_eq(meta.stamp.ns, WALL + 4 * S + 5000);
	ck_assert_int_eq(meta.phc_error_ns, 0);
	meta = meta_of(7, 4);
	meta.stamped = false; /* nothing to check it by */
	ck_assert_int_eq(phc_improve(p, &meta, (struct mono){ 4 * S }), PHC_NONE);
	/* the other one is switched on, this one off */
	cards.links[0].on = false;
	cards.links[1].on = true;
	go_on(p, 4, true);
	ck_assert_int_eq(improve(p, 7, 8, &meta), PHC_NONE);
	ck_assert_int_eq(improve(p, 8, 8, &meta), PHC_USED);
	phc_describe(p, text, sizeof(text));
	ck_assert_str_eq(text, "eth0 (/dev/ptp0): not switched on, eth1 (/dev/ptp1): in use");
	phc_describe(p, text, 20); /* cut */
	ck_assert_str_eq(text, "eth0 (/dev/ptp0): n");
	phc_free(p);
	ck_assert_int_eq(cards.opened, 0);
}
END_TEST

START_TEST(cards_come_and_go)
{
	struct sock_meta meta;
	char text[400];
	struct phc *p;

	deal(PHC_LINKS, true);
	cards.failure = -EACCES;
	ck_assert_int_eq(phc_new(&p, &source), 0);
	ck_assert_uint_eq(phc_usable(p), 0);
	phc_describe(p, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "eth0 (/dev/ptp0): Permission denied, eth1"));
	cards.failure = 0;
	go_on(p, 3, true);
	ck_assert_uint_eq(phc_usable(p), PHC_LINKS);
	ck_assert_int_eq(cards.opened, PHC_LINKS);
	ck_assert_int_eq(improve(p, 7 + PHC_LINKS - 1, 3, &meta), PHC_USED);
	/* the first is gone, another has its place */
	cards.links[0] = (struct phc_link){ .index = 99, .clock = 0, .on = true, .name = "new" };
	go_on(p, 3, true);
	ck_assert_int_eq(improve(p, 7, 6, &meta), PHC_NONE);
	ck_assert_int_eq(improve(p, 99, 6, &meta), PHC_USED);
	ck_assert_int_eq(cards.opened, PHC_LINKS);
	cards.count = -EMFILE; /* cannot be told: all stays */
	go_on(p, 1, true);
	ck_assert_int_eq(improve(p, 99, 7, &meta), PHC_USED);
	cards.count = 0;
	go_on(p, 1, true);
	ck_assert_int_eq(improve(p, 99, 8, &meta), PHC_NONE);
	ck_assert_int_eq(cards.opened, 0);
	phc_free(p);
}
END_TEST

/* --- the system ----------------------------------------------------------------------- */

/* Loopback and the like have no clock; what is there is well-formed. */
START_TEST(system_tells)
{
	struct phc_source system = nic_source();
	struct phc_link found[PHC_LINKS];
	int n = system.list(NULL, found, PHC_LINKS);
	int before = rig_descriptors();

	ck_assert_int_ge(n, 0);
	for (int i = 0; i < n; i++) {
		ck_assert_str_ne(found[i].name, "lo");
		ck_assert_uint_eq(if_nametoindex(found[i].name), found[i].index);
		ck_assert_int_ge(found[i].clock, 0);
	}
	ck_assert_int_eq(system.list(NULL, found, 0), 0);
	ck_assert_int_lt(system.open(NULL, 987654), 0);
	ck_assert_int_eq(rig_descriptors(), before);
}
END_TEST

START_TEST(answers_of_the_kernel)
{
	struct ptp_sys_offset_extended extended = { .n_samples = 2 };
	struct ptp_sys_offset plain = { .n_samples = 2 };
	struct phc_sample out[PTP_MAX_SAMPLES + 5];

	for (int i = 0; i < 5; i++) {
		plain.ts[i] = (struct ptp_clock_time){ .sec = 10 + i, .nsec = 5 };
	}
	for (int i = 0; i < 6; i++) {
		extended.ts[i / 3][i % 3] = (struct ptp_clock_time){ .sec = 20 + i, .nsec = 7 };
	}
	ck_assert_int_eq(nic_take_plain(&plain, out, 9), 2);
	ck_assert_int_eq(out[1].before_ns, 12 * S + 5);
	ck_assert_int_eq(out[1].phc_ns, 13 * S + 5);
	ck_assert_int_eq(out[1].after_ns, 14 * S + 5);
	ck_assert_int_eq(nic_take_extended(&extended, out, 9), 2);
	ck_assert_int_eq(out[1].before_ns, 23 * S + 7);
	ck_assert_int_eq(out[1].phc_ns, 24 * S + 7);
	ck_assert_int_eq(out[1].after_ns, 25 * S + 7);
	ck_assert_int_eq(nic_take_extended(&extended, out, 1), 1);
	plain.n_samples = extended.n_samples = 1000;
	ck_assert_int_eq(nic_take_plain(&plain, out, PTP_MAX_SAMPLES + 5), PTP_MAX_SAMPLES);
	ck_assert_int_eq(nic_take_extended(&extended, out, PTP_MAX_SAMPLES + 5), PTP_MAX_SAMPLES);
}
END_TEST

/* --- control messages ----------------------------------------------------------------- */

static void append(struct msghdr *m, int type, const void *data, size_t n)
{
	struct cmsghdr *c = (void *)((uint8_t *)m->msg_control + m->msg_controllen);

	ck_assert_uint_le(m->msg_controllen + CMSG_SPACE(n), SOCK_CONTROL_LEN);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), data, n);
	m->msg_controllen += CMSG_SPACE(n);
}

START_TEST(control_messages)
{
	struct timespec t[3] = { { 5, 6 }, { 0 }, { 42, 7 } };
	struct scm_ts_pktinfo info = { .if_index = 9, .pkt_length = 100 };
	uint8_t control[SOCK_CONTROL_LEN] __attribute__((aligned(16))) = { 0 };
	struct msghdr m = { .msg_control = control };
	struct sock_meta meta;

	append(&m, SCM_TIMESTAMPING_PKTINFO, &info, sizeof(info));
	append(&m, SCM_TIMESTAMPING, t, sizeof(t));
	sock_meta(&m, &meta);
	ck_assert(meta.stamped);
	ck_assert_int_eq(meta.stamp.ns, 5 * S + 6);
	ck_assert_int_eq(meta.hardware_ns, 42 * S + 7);
	ck_assert_uint_eq(meta.link, 9);
	ck_assert_int_eq(meta.phc_error_ns, 0);
	/* only the kernel's; cut; and a clock that shows nonsense */
	for (int i = 0; i < 4; i++) {
		static const struct timespec wrong[] = {
			{ 0, 0 }, { INT64_MAX, 0 }, { -1, 0 }, { 1, TS_NS_PER_S }
		};

		t[2] = wrong[i];
		m.msg_controllen = 0;
		append(&m, SCM_TIMESTAMPING_PKTINFO, &info, sizeof(info) - 1);
		append(&m, SCM_TIMESTAMPING, t, sizeof(t));
		sock_meta(&m, &meta);
		ck_assert(meta.stamped);
		ck_assert_int_eq(meta.hardware_ns, 0);
		ck_assert_uint_eq(meta.link, 0);
	}
	m.msg_controllen = 0;
	append(&m, SCM_TIMESTAMPING, t, sizeof(t) - 1);
	sock_meta(&m, &meta);
	ck_assert(!meta.stamped);
}
END_TEST

/* T-032: what the comparison of clocks leaves open is in the Error Estimate */
START_TEST(error_estimate)
{
	struct estimate e = { .synchronized = true, .maxerror_ns = 1000000 };
	struct ts_error error = ts_ee_decode(estimate_packet(&e, true, 2000000, false, TS_PTP));

	ck_assert(error.synchronized);
	ck_assert_int_eq(error.format, TS_PTP);
	ck_assert_int_ge(error.error_ns, 3000000 + ESTIMATE_KERNEL_NS);
	ck_assert_int_lt(error.error_ns, 3100000 + ESTIMATE_KERNEL_NS);
	error = ts_ee_decode(estimate_packet(&e, true, 2000000, true, TS_NTP));
	ck_assert_int_ge(error.error_ns, 3000000 + ESTIMATE_KERNEL_BATCH_NS);
	e = (struct estimate){ .maxerror_ns = -1, .fields = { [1] = { { 0x1234 } } } };
	ck_assert_uint_eq(estimate_packet(&e, true, 5, false, TS_NTP), TS_EE_UNKNOWN);
	ck_assert_uint_eq(estimate_packet(&e, true, 0, false, TS_NTP), 0x1234);
}
END_TEST

/* --- the whole way -------------------------------------------------------------------- */

static _Atomic int64_t card_ahead_ns; /* of the kernel's stamp; 0 = the card gives none */
static _Atomic unsigned given;

int __real_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t);
int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t);

/* As from a card: what the kernel would tell beside its own stamp. */
static void give_stamp(struct msghdr *m)
{
	const struct scm_ts_pktinfo info = { .if_index = 7 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct timespec t[3];
		int64_t ns;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING) {
			continue;
		}
		memcpy(t, CMSG_DATA(c), sizeof(t));
		ns = t[0].tv_sec * S + t[0].tv_nsec + TAI - card_ahead_ns;
		t[2] = (struct timespec){ ns / S, ns % S };
		memcpy(CMSG_DATA(c), t, sizeof(t));
		given++;
		append(m, SCM_TIMESTAMPING_PKTINFO, &info, sizeof(info));
		return;
	}
}

int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t)
{
	int got = __real_recvmmsg(fd, m, n, flags, t);

	for (int i = 0; card_ahead_ns && i < got; i++) {
		give_stamp(&m[i].msg_hdr);
	}
	return got;
}

static void make(bool hardware)
{
	struct reflector_config config = fixture_config();

	config.threads = 1;
	config.hardware_timestamps = hardware;
	config.cards = &source;
	fixture_make_with(&config);
}

static int flags_of(const struct udp_session *u)
{
	int flags = 0;
	socklen_t len = sizeof(flags);

	ck_assert_int_eq(getsockopt(u->fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, &len), 0);
	return flags;
}

/* Without a card nothing more is asked for than before, and no thread runs. */
START_TEST(asked_only_where_it_helps)
{
	const int plain = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	const int cards_too = plain | SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE |
			      SOF_TIMESTAMPING_OPT_PKTINFO;
	static struct fixture_end end;
	uint16_t port, local = 0;
	int fd = rig_sender(4, &local);
	struct session_spec spec = rig_spec(4, local);
	char text[100];

	deal(_i == 2, true);
	make(_i != 0);
	ck_assert_int_eq(flags_of(fixture_open(&spec, &end, &port)), _i == 2 ? cards_too : plain);
	ck_assert_uint_eq(reflector_hardware(fixture.r, text, sizeof(text)), _i == 2);
	ck_assert_int_eq(*text != '\0', _i == 2);
	close(fd);
}
END_TEST

static struct counters_values totals(void)
{
	struct counters_values t;

	reflector_totals(fixture.r, &t);
	return t;
}

/* T-036: T2 is the card's, on the clock of T3; where it cannot be, the kernel's. */
START_TEST(replies_with_hardware_stamps)
{
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);
	static struct fixture_end end;
	uint16_t port, local = 0;
	int fd = rig_sender(4, &local);
	struct session_spec spec = rig_spec(4, local);
	struct udp_session *u;

	deal(1, true);
	cards.live = true;
	make(true);
	u = fixture_start(&spec, &end, &port);
	while (!totals().n[COUNTER_HARDWARE_READY]) {
		ck_assert_int_lt(rig_mono_ns(), limit);
		rig_sleep_ms(10);
	}
	for (uint32_t i = 0; i < 30; i++) {
		const uint8_t *reply = fixture.reply.octets;
		int64_t sent_ns = rig_wall_ns();

		/* 2 ms before the kernel; a second before it; none */
		card_ahead_ns = i < 10 ? 2000000 : i < 20 ? S : 0;
		rig_send_seq(fd, 4, port, i);
		fixture_expect(fd, i, i);
		ck_assert_int_le(rig_ntp_ns(reply + 16), rig_ntp_ns(reply + 4));
		if (i < 10) {
			ck_assert_int_ge(rig_ntp_ns(reply + 16), sent_ns - 3000000);
		} else {
			ck_assert_int_ge(rig_ntp_ns(reply + 16), sent_ns - 10);
		}
	}
	ck_assert_uint_eq(given, 20);
	ck_assert_uint_eq(rig_count(u, COUNTER_HARDWARE_TIMESTAMPS), 10);
	ck_assert_uint_eq(rig_count(u, COUNTER_KERNEL_TIMESTAMPS), 20);
	ck_assert_uint_eq(rig_count(u, COUNTER_USER_TIMESTAMPS), 0);
	ck_assert_uint_eq(totals().n[COUNTER_HARDWARE_TIMESTAMPS], 10);
	ck_assert_uint_eq(totals().n[COUNTER_HARDWARE_REFUSED], 10);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("phc");
	TCase *pure = tcase_create("pure"), *whole = tcase_create("whole");
	SRunner *r;
	int failed;

	tcase_add_test(pure, best_sample_has_the_shortest_window);
	tcase_add_test(pure, stamps_are_carried_over);
	tcase_add_test(pure, stale_comparisons_do_not_count);
	tcase_add_test(pure, stamps_agree_with_the_kernel);
	tcase_add_test(pure, set_clocks_begin_anew);
	tcase_add_test(pure, errors_are_seen);
	tcase_add_test(pure, nothing_without_cards);
	tcase_add_test(pure, table_of_interfaces);
	tcase_add_test(pure, cards_come_and_go);
	tcase_add_test(pure, system_tells);
	tcase_add_test(pure, answers_of_the_kernel);
	tcase_add_test(pure, control_messages);
	tcase_add_test(pure, error_estimate);
	tcase_set_timeout(whole, 100);
	tcase_add_checked_fixture(whole, NULL, fixture_tear_down);
	tcase_add_loop_test(whole, asked_only_where_it_helps, 0, 3);
	tcase_add_test(whole, replies_with_hardware_stamps);
	suite_add_tcase(s, pure);
	suite_add_tcase(s, whole);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
