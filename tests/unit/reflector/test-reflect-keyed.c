// SPDX-License-Identifier: BSD-2-Clause
/*
 * Test packets of the authenticated and encrypted modes. The sender is this program: it seals and
 * opens with crypt.h and finds the fields by the tables of the RFCs, not by pkt.h.
 * RFC 4656 4.1.2, RFC 5357 4.1.2, 4.2.1, RFC 6038 5, RFC 7750 2.2, RFC 8186 2.3
 */
#include "daemon/reflector/reflect.h"
#include "tests/unit/protocol/vectors.h"
#include "tests/unit/reflector/fixture.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEN 150 /* of most packets here */
#define EVERY_BIT(bit, from, to) \
	size_t bit = 8 * (from); \
	bit < 8 * (size_t)(to); \
	bit++

static struct worker w;
static struct udp_session u;
static struct crypt_test server, client;
static uint16_t sender_port, port;
static int sender, keeper;
static struct rig_reply reply;

static void set_up(void)
{
	struct session_spec spec;

	memset(&u, 0, sizeof(u));
	sender_port = 0;
	sender = rig_sender(4, &sender_port);
	spec = rig_spec(4, sender_port);
	spec.modes |= MODE_DSCP_ECN; /* or the socket would not ask for the TOS octet */
	rig_make_worker(&w, &keeper);
	for (int i = 0; i < 4; i++) { /* whatever the stamp and the batch */
		w.estimate.fields[i / 2][i % 2][TS_NTP] = 0x8123;
		w.estimate.fields[i / 2][i % 2][TS_PTP] = 0xc456;
	}
	u.fd = rig_session_socket(&spec, &port);
	u.party.sums = &w.totals;
	crypt_test_init(&server, &fixture_keys, fixture_sid);
	crypt_test_init(&client, &fixture_keys, fixture_sid);
}

static void tear_down(void)
{
	ck_assert(rig_session_adds_up(&u));
	rig_free_worker(&w, keeper);
	close(sender);
	close(u.fd);
}

/* As udp_open does. */
static void use(uint32_t modes)
{
	u.party.rules = reflection_session(modes, &server);
}

/* A packet in the clear: Sequence Number, and everything else something. */
static void compose(uint8_t *out, size_t n, uint32_t seq)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = (uint8_t)(0x40 + i);
	}
	for (int i = 0; i < 4; i++) {
		out[i] = (uint8_t)(seq >> (24 - 8 * i));
	}
}

/* On a busy machine loopback takes its time: turn until so many more have been read. */
static void reflect(uint64_t packets)
{
	uint64_t until = rig_count(&u, COUNTER_RECEIVED) + packets;

	while (rig_count(&u, COUNTER_RECEIVED) < until) {
		struct pollfd p = { .fd = u.fd, .events = POLLIN };

		ck_assert_int_eq(poll(&p, 1, RIG_WAIT_MS), 1);
		ck_assert_int_eq(ownport_burst(&w, &u), REFLECT_EMPTY);
	}
}

static void send_sealed(uint32_t seq, size_t n)
{
	uint8_t packet[LEN];

	compose(packet, n, seq);
	crypt_pkt_seal_send(&client, u.party.rules.encrypted, packet);
	rig_send(sender, 4, port, packet, n);
	reflect(1);
}

static void expect_reply(uint32_t seq, uint32_t sender_seq, ssize_t n)
{
	rig_receive(sender, &reply, RIG_WAIT_MS);
	ck_assert_int_eq(reply.len, n);
	ck_assert_int_eq(
		crypt_pkt_open_reply(&client, u.party.rules.encrypted, reply.octets, (size_t)n), 0);
	ck_assert_uint_eq(rig_get32(reply.octets), seq);
	ck_assert_uint_eq(rig_get32(reply.octets + 48), sender_seq);
}

/* --- every octet ---------------------------------------------------------------------- */

static const uint32_t every_mode[] = {
	MODE_AUTHENTICATED,
	MODE_AUTHENTICATED | MODE_PTP,
	MODE_AUTHENTICATED | MODE_DSCP_ECN,
	MODE_AUTHENTICATED | MODE_DSCP_ECN | MODE_PTP,
	MODE_AUTHENTICATED | MODE_SYMMETRICAL_SIZE,
	MODE_AUTHENTICATED | MODE_SYMMETRICAL_SIZE | MODE_DSCP_ECN | MODE_PTP,
	MODE_ENCRYPTED,
	MODE_ENCRYPTED | MODE_PTP,
	MODE_ENCRYPTED | MODE_DSCP_ECN,
	MODE_ENCRYPTED | MODE_DSCP_ECN | MODE_PTP,
	MODE_ENCRYPTED | MODE_SYMMETRICAL_SIZE,
	MODE_ENCRYPTED | MODE_SYMMETRICAL_SIZE | MODE_DSCP_ECN | MODE_PTP,
	MODE_ENCRYPTED | MODE_REFLECT_OCTETS | MODE_INDIVIDUAL_CONTROL,
};

static void check_time(const uint8_t *at, bool ptp)
{
	if (ptp) {
		ck_assert_int_le(llabs((long long)rig_get32(at) - rig_wall_ns() / TS_NS_PER_S), 60);
		ck_assert_uint_lt(rig_get32(at + 4), 1000000000);
	} else {
		ck_assert_int_le(llabs(rig_ntp_ns(at) - rig_wall_ns()), 60 * TS_NS_PER_S);
	}
}

/* Every octet, RFC 5357 4.2.1. */
static void check_octets(const uint8_t *sent, uint32_t modes, uint8_t tos)
{
	size_t padding = modes & MODE_SYMMETRICAL_SIZE ? 112 : 48;
	uint8_t expected[LEN] = { [80] = 66 };

	memcpy(expected, (uint8_t[]){ 9, 8, 7, 6 }, 4);
	memcpy(expected + 16, reply.octets + 16, 8); /* T3 */
	memcpy(expected + 24,
	       modes & MODE_PTP ? (uint8_t[]){ 0xc4, 0x56 } : (uint8_t[]){ 0x81, 0x23 }, 2);
	memcpy(expected + 32, reply.octets + 32, 8); /* T2 */
	memcpy(expected + 48, sent, 4);
	memcpy(expected + 64, sent + 16, 8);
	memcpy(expected + 72, sent + 24, 2);
	expected[81] = modes & MODE_DSCP_ECN ? tos : 0;
	memcpy(expected + 96, reply.octets + 96, 16); /* HMAC, verified */
	memcpy(expected + 112, sent + padding, LEN - 112);
	for (size_t i = 0; i < LEN; i++) {
		ck_assert_msg(reply.octets[i] == expected[i], "octet %zu: %02x, expected %02x", i,
			      reply.octets[i], expected[i]);
	}
}

/* T-010..T-013 T-022 T-031 T-043..T-045, R-211 R-213 R-214 R-215 R-217; T-004: the sender's MBZ
 * is not zero, and covered as it is */
START_TEST(octets)
{
	uint32_t modes = every_mode[_i];
	int ttl = 66, tos = 0x29;
	uint8_t packet[LEN], wire[LEN];

	setsockopt(sender, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	setsockopt(sender, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	use(modes);
	u.party.hot.seq = 0x09080706;
	compose(packet, LEN, 0xa1b2c3d4);
	memcpy(wire, packet, LEN);
	crypt_pkt_seal_send(&client, u.party.rules.encrypted, wire);
	rig_send(sender, 4, port, wire, LEN);
	reflect(1);
	expect_reply(0x09080706, 0xa1b2c3d4, LEN); /* as long as what came */
	check_time(reply.octets + 16, modes & MODE_PTP);
	check_time(reply.octets + 32, modes & MODE_PTP);
	ck_assert_int_ge(memcmp(reply.octets + 16, reply.octets + 32, 8), 0); /* T3 >= T2 */
	check_octets(packet, modes, 0x29);
}
END_TEST

/* T-010 T-011 T-012: what the HMAC of a reply covers: T3 in the encrypted mode, not in the other */
START_TEST(covered)
{
	bool encrypted = _i;
	uint8_t copy[LEN];

	use(encrypted ? MODE_ENCRYPTED : MODE_AUTHENTICATED);
	send_sealed(5, LEN);
	rig_receive(sender, &reply, RIG_WAIT_MS);
	ck_assert_int_eq(reply.len, LEN);
	for (EVERY_BIT(bit, 0, LEN)) {
		bool hmac = bit / 8 >= 96 && bit / 8 < 112;
		bool good = !hmac && bit / 8 >= (encrypted ? 96 : 16);

		memcpy(copy, reply.octets, LEN);
		copy[bit / 8] = (uint8_t)(copy[bit / 8] ^ 1u << bit % 8);
		if ((crypt_pkt_open_reply(&client, encrypted, copy, LEN) == 0) != good) {
			ck_abort_msg("bit %zu", bit);
		}
	}
	/* the sender's timestamp can be read, or cannot: octets 64..71 */
	compose(copy, LEN, 5);
	ck_assert_int_eq(!memcmp(reply.octets + 64, copy + 16, 8), !encrypted);
}
END_TEST

/* The packets of another implementation, with its keys. R-216 T-001 T-002 T-014 */
START_TEST(known_packet)
{
	struct vectors *in = vectors_load("inputs.hex"), *all = vectors_load("test-cipher.hex");
	const struct vector *good = vectors_get(all, _i ? "test.enc.sender.wire.pad64"
							: "test.auth.sender.wire.pad64");
	const struct vector *bad = vectors_get(all, "neg.test.enc.sender.bad_hmac");
	struct crypt_keys keys;

	memcpy(keys.aes, vectors_octets(in, "in.aes_session_key", 16), 16);
	memcpy(keys.hmac, vectors_octets(in, "in.hmac_session_key", 32), 32);
	crypt_test_init(&server, &keys, vectors_octets(in, "in.sid", 16));
	crypt_test_init(&client, &keys, vectors_octets(in, "in.sid", 16));
	use(_i ? MODE_ENCRYPTED : MODE_AUTHENTICATED);
	rig_send(sender, 4, port, bad->octets, bad->n);
	reflect(1);
	rig_expect_silence(sender, 0);
	rig_send(sender, 4, port, good->octets, good->n);
	reflect(1);
	expect_reply(0, 7, 112);
	ck_assert_mem_eq(reply.octets + 64, ((uint8_t[]){ 0xee, 0xae, 0x31, 1, 0x80, 0, 0, 0 }), 8);
	ck_assert_mem_eq(reply.octets + 72, ((uint8_t[]){ 0x8d, 0x87 }), 2);
	vectors_free(in);
	vectors_free(all);
}
END_TEST

/* --- what is not the sender's --------------------------------------------------------- */

/* T-042 R-172: every bit that the HMAC covers, and of itself: dropped, and nothing has changed */
START_TEST(flipped)
{
	uint8_t packet[LEN], copy[LEN];
	uint64_t dropped = 0, reflected = 0;
	struct mono last = { 0 };

	use(_i ? MODE_ENCRYPTED : MODE_AUTHENTICATED);
	compose(packet, LEN, 1);
	crypt_pkt_seal_send(&client, u.party.rules.encrypted, packet);
	for (EVERY_BIT(bit, 0, LEN)) {
		size_t at = bit / 8;
		bool good = at >= 48 || (!u.party.rules.encrypted && at >= 16 && at < 32);

		memcpy(copy, packet, LEN);
		copy[at] = (uint8_t)(copy[at] ^ 1u << bit % 8);
		rig_send(sender, 4, port, copy, LEN);
		reflect(1);
		rig_receive(sender, &reply, good ? RIG_WAIT_MS : 0);
		if (good != (reply.len == LEN) ||
		    (!good && u.party.hot.last_packet.ns != last.ns)) {
			ck_abort_msg("bit %zu: %zd octets", bit, reply.len);
		}
		last = u.party.hot.last_packet;
		reflected += good;
		dropped += !good;
	}
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_HMAC), dropped);
	ck_assert_uint_eq(rig_count(&u, COUNTER_REFLECTED), reflected);
	ck_assert_uint_eq(u.party.hot.seq, reflected);
	send_sealed(77, LEN);
	expect_reply((uint32_t)reflected, 77, LEN);
}
END_TEST

/* T-042: the keys of another session, another connection, the other mode, or none */
START_TEST(other_keys)
{
	static const uint8_t other_sid[MSG_SID_LEN] = { 0xc0, 0, 2, 10, [15] = 0xd5 };
	struct crypt_keys keys = fixture_keys;
	struct crypt_test right = client;
	uint8_t packet[LEN];

	use(_i ? MODE_ENCRYPTED : MODE_AUTHENTICATED);
	crypt_test_init(&client, &fixture_keys, other_sid);
	send_sealed(1, LEN);
	keys.aes[15] ^= 1;
	crypt_test_init(&client, &keys, fixture_sid);
	send_sealed(2, LEN);
	keys = fixture_keys;
	keys.hmac[0] ^= 0x80;
	crypt_test_init(&client, &keys, fixture_sid);
	send_sealed(3, LEN);
	client = right;
	compose(packet, LEN, 4);
	rig_send(sender, 4, port, packet, LEN);
	crypt_pkt_seal_send(&client, !u.party.rules.encrypted, packet);
	rig_send(sender, 4, port, packet, LEN);
	reflect(2);
	/* our own reply, sent back */
	send_sealed(5, LEN);
	rig_receive(sender, &reply, RIG_WAIT_MS);
	ck_assert_int_eq(reply.len, LEN);
	rig_send(sender, 4, port, reply.octets, LEN);
	reflect(1);
	rig_expect_silence(sender, 0);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_HMAC), 6);
	ck_assert_uint_eq(u.party.hot.seq, 1);
}
END_TEST

/* T-020: below 48, even if what is there is right; T-021 T-026: from 48 on, 112 at least */
START_TEST(lengths)
{
	uint8_t packet[48];

	use((_i ? MODE_ENCRYPTED : MODE_AUTHENTICATED) | MODE_SYMMETRICAL_SIZE);
	compose(packet, sizeof(packet), 1);
	crypt_pkt_seal_send(&client, u.party.rules.encrypted, packet);
	for (size_t n = 0; n < sizeof(packet); n++) {
		rig_send(sender, 4, port, packet, n);
	}
	reflect(sizeof(packet));
	rig_expect_silence(sender, 0);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_SHORT), sizeof(packet));
	ck_assert_int_eq(u.party.hot.last_packet.ns, 0);
	for (uint32_t n = 48; n <= LEN; n++) {
		send_sealed(n, n);
		expect_reply(n - 48, n, n < 112 ? 112 : (ssize_t)n);
	}
}
END_TEST

/* Replay: each one is answered, with a number of its own, and counted. T-046 */
START_TEST(replayed)
{
	use(_i ? MODE_ENCRYPTED : MODE_AUTHENTICATED);
	for (uint32_t i = 0; i < 5; i++) {
		send_sealed(3, LEN);
		expect_reply(i, 3, LEN);
	}
	ck_assert_uint_eq(rig_count(&u, COUNTER_DUPLICATES), 4);
}
END_TEST

/* Many in one call: each has its own HMAC and number. */
START_TEST(burst)
{
	uint8_t packet[LEN];

	use(_i ? MODE_ENCRYPTED : MODE_AUTHENTICATED);
	for (uint32_t i = 0; i < 40; i++) {
		compose(packet, LEN, i);
		crypt_pkt_seal_send(&client, u.party.rules.encrypted, packet);
		packet[3] = (uint8_t)(packet[3] ^ (i % 4 == 3)); /* every fourth is damaged */
		rig_send(sender, 4, port, packet, LEN);
	}
	reflect(40);
	for (uint32_t i = 0, seq = 0; i < 40; i++) {
		if (i % 4 != 3) {
			expect_reply(seq++, i, LEN);
		}
	}
	rig_expect_silence(sender, 0);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_HMAC), 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reflect-keyed");
	TCase *hand = tcase_create("by hand"), *many = tcase_create("many");
	SRunner *r;
	int failed;

	tcase_set_timeout(hand, 120);
	tcase_add_checked_fixture(hand, set_up, tear_down);
	tcase_add_loop_test(hand, octets, 0, (int)(sizeof(every_mode) / sizeof(every_mode[0])));
	tcase_add_loop_test(hand, known_packet, 0, 2);
	tcase_add_loop_test(hand, lengths, 0, 2);
	tcase_add_loop_test(hand, replayed, 0, 2);
	tcase_add_loop_test(hand, burst, 0, 2);
	tcase_set_tags(many, "many");
	tcase_set_timeout(many, 120);
	tcase_add_checked_fixture(many, set_up, tear_down);
	tcase_add_loop_test(many, covered, 0, 2);
	tcase_add_loop_test(many, flipped, 0, 2);
	tcase_add_loop_test(many, other_keys, 0, 2);
	suite_add_tcase(s, hand);
	suite_add_tcase(s, many);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
