// SPDX-License-Identifier: BSD-2-Clause
/* Receive timestamps of network cards, with cards and clocks made up. */
#include "daemon/reflector/inside.h"
#include "daemon/reflector/phc.h"
#include "tests/unit/reflector/fixture.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S TS_NS_PER_S
#define WALL (INT64_C(1700000000) * S)
#define TAI (37 * S)

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
		int64_t wall_ns = WALL + cards.second * S;

		*out = (struct phc_sample){ wall_ns - 100, wall_ns + cards.offset_ns,
					    wall_ns + 100 };
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

	tcase_add_test(pure, nothing_without_cards);
	tcase_add_test(pure, table_of_interfaces);
	tcase_add_test(pure, cards_come_and_go);
	tcase_add_test(pure, control_messages);
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
