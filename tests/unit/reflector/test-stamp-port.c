// SPDX-License-Identifier: BSD-2-Clause
/* STAMP on a Light port: keys, rows of senders, TLVs, and what a reload changes of them. */
#include "protocol/stamp.h"
#include "protocol/tlvread.h"
#include "protocol/tlvsend.h"
#include "tests/unit/reflector/lightrig.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#define OLD "old key of more than sixteen octets"
#define NEW "new key of more than sixteen octets"
#define LOCAL "clients = [ \"127.0.0.0/8\" ];"
#define AUTH "type = \"stamp\"; mode = \"authenticated\"; stateful = true; packet_rate = 0;"
#define OPEN "type = \"stamp\"; stateful = true; packet_rate = 0;" LOCAL

static struct mac_key old, new;
static char keys_path[] = "/tmp/test-stamp-port.XXXXXX";
static uint16_t port, own;
static int fd;
static uint32_t seq; /* of the next packet */

static void set_up(void)
{
	lightrig_set_up();
	port = lightrig_free_port(4);
	own = 0;
	fd = rig_sender(4, &own);
	seq = 100;
}

static void tear_down(void)
{
	close(fd);
	lightrig_tear_down();
}

static void use(const char *keys)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "keys_file = \"%s\"; light = ( { address = \"127.0.0.1\"; port = %u; %s } );",
		 keys_path, port, keys);
	lightrig_use(lightrig_settings(text));
}

/* --- a sender ----------------------------------------------------------------------------- */

struct ask {
	const struct mac_key *key; /* NULL: the open mode */
	const struct mac_key *tlv_key;
	struct tlvsend tlvs;
	uint16_t ssid;
};

static size_t make(const struct ask *ask, uint8_t *out)
{
	const struct pkt_layout *l = ask->key ? stamp_auth_layout() : stamp_layout();
	struct pkt_send header = { .seq = seq,
				   .ts = UINT64_C(0x1122334455667788),
				   .error_estimate = 1 };
	struct tlvsend_packet p = { .seq = seq,
				    .tx_count = seq,
				    .access_due = true,
				    .key = ask->tlv_key ? ask->tlv_key : ask->key };

	pkt_put_send(l, out, &header);
	tlvsend_put(&ask->tlvs, &p, out + l->send_padding);
	if (ask->key) {
		stamp_auth_put_ssid(out, ask->ssid);
		stamp_seal(ask->key, out);
	} else {
		stamp_put_ssid(out, ask->ssid);
	}
	return l->send_padding + tlvsend_octets(&ask->tlvs);
}

static void post(const struct ask *ask)
{
	uint8_t packet[512] = { 0 };
	size_t n = make(ask, packet);

	rig_send(fd, 4, port, packet, n);
	seq++;
}

/* What came back, and what its TLVs say. */
static struct pkt_reply exchange(const struct ask *ask, struct tlvread *told)
{
	const struct pkt_layout *l = ask->key ? stamp_auth_layout() : stamp_layout();
	const struct mac_key *key = ask->tlv_key ? ask->tlv_key : ask->key;
	struct rig_reply *reply = &lightrig.reply;
	struct pkt_reply r;

	post(ask);
	rig_receive(fd, reply, RIG_WAIT_MS);
	ck_assert_int_eq(reply->len, (ssize_t)(l->reply_min + tlvsend_octets(&ask->tlvs)));
	ck_assert_int_eq(pkt_get_reply(l, reply->octets, (size_t)reply->len, &r), 0);
	ck_assert_uint_eq(r.sender.seq, seq - 1);
	if (ask->key) {
		ck_assert(stamp_opens(ask->key, reply->octets, (size_t)reply->len));
	}
	if (told) {
		struct tlvread_proof proof = { .key = key, .needed = key != NULL, .seq = r.seq };

		tlvread(reply->octets + l->reply_min, (size_t)reply->len - l->reply_min, &proof,
			told);
	}
	return r;
}

/* --- keys --------------------------------------------------------------------------------- */

/* S-020..S-024 S-028: a forged packet gets nothing, and uses no number. */
START_TEST(authenticated)
{
	struct ask good = { .key = &new, .ssid = 7 }, forged = { .key = &old, .ssid = 7 };
	struct ask open = { .ssid = 7 };

	use(AUTH LOCAL "keys = [ \"new\" ];");
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(exchange(&good, NULL).seq, i);
		ck_assert_uint_eq(stamp_auth_get_ssid(lightrig.reply.octets, 112), 7);
		post(&forged);
		post(&open);
	}
	lightrig_await_drop(COUNTER_DROP_HMAC, 3);
	lightrig_await_drop(COUNTER_DROP_SHORT, 3);
}
END_TEST

/* S-026 S-027 S-226: old and new key; then a reload takes the old one away, and nobody's numbers
 * begin anew. */
START_TEST(change_of_keys)
{
	struct ask with_old = { .key = &old }, with_new = { .key = &new };
	uint32_t next = 0;

	use(AUTH LOCAL "keys = [ \"old\" ];");
	ck_assert_uint_eq(exchange(&with_old, NULL).seq, next++);
	use(AUTH LOCAL "keys = [ \"new\", \"old\" ];");
	ck_assert_uint_eq(exchange(&with_old, NULL).seq, next++);
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(exchange(&with_new, NULL).seq, next++);
		ck_assert_uint_eq(exchange(&with_old, NULL).seq, next++);
	}
	use(AUTH LOCAL "keys = [ \"new\" ];");
	ck_assert_uint_eq(exchange(&with_new, NULL).seq, next++);
	post(&with_old);
	lightrig_await_drop(COUNTER_DROP_HMAC, 1);
	ck_assert_uint_eq(exchange(&with_new, NULL).seq, next++);
}
END_TEST

/* S-005 S-026: by prefix, then by SSID; each row has a key of its own. */
START_TEST(rows)
{
	struct ask old_row = { .key = &old, .ssid = 1 }, new_row = { .key = &new, .ssid = 2 };
	struct ask other = { .key = &new, .ssid = 1 }, nobody = { .key = &new, .ssid = 3 };

	use(AUTH "senders = ( { name = \"a\"; " LOCAL " ssids = [ 1 ]; keys = [ \"old\" ]; },"
		 "{ name = \"b\"; " LOCAL " ssids = [ 2 ]; keys = [ \"new\" ]; },"
		 "{ name = \"c\"; clients = [ \"0.0.0.0/0\" ]; keys = [ \"new\" ]; } );");
	ck_assert_uint_eq(exchange(&old_row, NULL).seq, 0);
	ck_assert_uint_eq(exchange(&new_row, NULL).seq, 0); /* another session */
	post(&other);
	lightrig_await_drop(COUNTER_DROP_HMAC, 1);
	post(&nobody);
	lightrig_await_drop(COUNTER_DROP_SSID, 1);
}
END_TEST

/* S-224: before the HMAC it is bounded how many are looked at. */
START_TEST(unverified_rate)
{
	struct ask forged = { .key = &old }, good = { .key = &new };

	use(AUTH LOCAL "keys = [ \"new\" ]; unverified_rate = 10;");
	ck_assert_uint_eq(exchange(&good, NULL).seq, 0);
	for (int i = 0; i < 50; i++) {
		post(&forged);
	}
	lightrig_await_drop(COUNTER_DROP_HMAC, 50);
	post(&good); /* nobody looks at it any more */
	lightrig_await_drop(COUNTER_DROP_HMAC, 51);
}
END_TEST

/* --- TLVs --------------------------------------------------------------------------------- */

#define ASKED \
	(TLV_BIT(TLV_LOCATION) | TLV_BIT(TLV_TIMESTAMP_INFORMATION) | \
	 TLV_BIT(TLV_CLASS_OF_SERVICE) | TLV_BIT(TLV_DIRECT_MEASUREMENT) | \
	 TLV_BIT(TLV_ACCESS_REPORT) | TLV_BIT(TLV_FOLLOW_UP_TELEMETRY) | \
	 TLV_BIT(TLV_DESTINATION_NODE_ADDRESS) | TLV_BIT(TLV_RETURN_PATH))

static const struct tlvsend asked = { .types = ASKED,
				      .family = 4,
				      .dscp = 46,
				      .access_id = 1,
				      .access_code = 1,
				      .node = { .family = 4, .ip = { 127, 0, 0, 1 } },
				      .path = TLVSEND_SAME_LINK };

static void check_told(const struct tlvread *told, const struct pkt_reply *r, uint32_t i)
{
	ck_assert_uint_eq(told->known & ASKED, ASKED);
	ck_assert_uint_eq(told->location.from_port, own);
	ck_assert_uint_eq(told->location.to_port, port);
	ck_assert_uint_eq(told->location.from.ip[0], 127);
	ck_assert_uint_eq(told->timestamp.method_in, TLVREPLY_METHOD_SOFTWARE);
	ck_assert_uint_eq(told->direct.received, i + 1);
	ck_assert_uint_eq(told->direct.replied, i + 1);
	ck_assert(!told->service.refused);
	ck_assert_int_eq(lightrig.reply.tos, 46 << 2);
	ck_assert_uint_eq(r->seq, i);
}

/* S-110 S-120 S-131 S-140 S-150 S-152 S-155 S-160 S-166 S-016 */
START_TEST(tlvs)
{
	struct ask ask = { .tlvs = asked };
	struct pkt_reply r = { 0 }, before;
	struct tlvread told;

	use(OPEN);
	for (uint32_t i = 0; i < 3; i++) {
		before = r;
		r = exchange(&ask, &told);
		check_told(&told, &r, i);
		ck_assert_uint_eq(told.follow_up.method,
				  i ? TLVREPLY_METHOD_SOFTWARE : TLVREPLY_METHOD_NONE);
		ck_assert_uint_eq(told.follow_up.seq, i ? i - 1 : 0);
		ck_assert_uint_eq(told.follow_up.ts, i ? before.ts : 0);
	}
	ck_assert_uint_eq(lightrig_totals().n[COUNTER_ACCESS_AVAILABLE], 3);
	ck_assert_uint_eq(lightrig_totals().n[COUNTER_TLV_UNRECOGNIZED], 0);
}
END_TEST

/* S-074 S-075 S-081: signed, in both modes; and with the wrong key nothing is used. */
START_TEST(signed_tlvs)
{
	struct ask ask = { .key = &new, .tlvs = asked };
	struct tlvread told;
	struct pkt_reply r;

	ask.tlvs.types |= TLV_BIT(TLV_HMAC);
	use(AUTH LOCAL "keys = [ \"new\" ];");
	r = exchange(&ask, &told);
	check_told(&told, &r, 0);
	ask.tlv_key = &old; /* not that of the packet */
	(void)exchange(&ask, &told);
	ck_assert(told.refused);
	ck_assert_uint_eq(lightrig_totals().n[COUNTER_TLV_INTEGRITY], 1);
	ask = (struct ask){ .tlv_key = &old, .tlvs = ask.tlvs };
	use(OPEN "keys = [ \"new\", \"old\" ];");
	r = exchange(&ask, &told);
	check_told(&told, &r, 0);
}
END_TEST

/* S-032 S-165: what asks for no reply uses no number, and is received all the same (S-141). */
START_TEST(no_reply)
{
	struct ask silent = { .tlvs = { .types = TLV_BIT(TLV_RETURN_PATH),
					.path = TLVSEND_NO_REPLY } };
	struct ask direct = { .tlvs = { .types = TLV_BIT(TLV_DIRECT_MEASUREMENT) } };
	struct tlvread told;

	use(OPEN);
	ck_assert_uint_eq(exchange(&direct, &told).seq, 0);
	post(&silent);
	lightrig_await_drop(COUNTER_DROP_NO_REPLY, 1);
	ck_assert_uint_eq(exchange(&direct, &told).seq, 1);
	ck_assert_uint_eq(told.direct.received, 3);
	ck_assert_uint_eq(told.direct.replied, 2);
}
END_TEST

/* S-160 S-168: to another address of the sender's host, where that is allowed; a replay goes back the
 * usual way. */
START_TEST(return_address)
{
	struct ask ask = { .tlv_key = &new,
			   .tlvs = { .types = TLV_BIT(TLV_RETURN_PATH) | TLV_BIT(TLV_HMAC),
				     .path = TLVSEND_ADDRESS,
				     .return_to = { .family = 4, .ip = { 127, 0, 0, 2 } } } };
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(own),
				  .sin_addr = { htonl(0x7f000002) } };
	int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(other, (const void *)&at, sizeof(at)), 0);
	use(OPEN "keys = [ \"new\" ]; tlv = { return_path = [ \"address\" ];"
		 " return_addresses = [ \"127.0.0.2/32\" ]; };");
	post(&ask);
	rig_receive(other, &lightrig.reply, RIG_WAIT_MS);
	ck_assert_int_eq(lightrig.reply.len, (ssize_t)(44 + tlvsend_octets(&ask.tlvs)));
	seq--; /* the same once more */
	(void)exchange(&ask, NULL);
	close(other);
}
END_TEST

/* S-066 S-114 S-132: a reload changes what is allowed; numbers go on. */
START_TEST(policy)
{
	struct ask ask = { .tlvs = asked };
	struct tlvread told;

	use(OPEN);
	ck_assert_uint_eq(exchange(&ask, &told).seq, 0);
	use(OPEN "tlv = { types = [ \"location\", \"class-of-service\" ]; location = [ \"ports\" ];"
		 " dscp = [ 0 ]; };");
	ck_assert_uint_eq(exchange(&ask, &told).seq, 1);
	ck_assert_uint_eq(told.known, TLV_BIT(TLV_LOCATION) | TLV_BIT(TLV_CLASS_OF_SERVICE));
	ck_assert_uint_eq(told.location.from.family, 0);
	ck_assert_uint_eq(told.location.from_port, own);
	ck_assert(told.service.refused);
	use(OPEN "tlvs = false;");
	ck_assert_uint_eq(exchange(&ask, &told).seq, 2);
	ck_assert_uint_eq(told.known, 0);
	ck_assert_uint_eq(lightrig_totals().n[COUNTER_TLV_UNRECOGNIZED], 1);
}
END_TEST

/* S-183: the link that it came by has the number of the settings. */
START_TEST(member_links)
{
	struct ask ask = { .tlvs = { .types = TLV_BIT(TLV_MICRO_SESSION_ID), .micro_sender = 5 } };
	struct tlvread told;

	use(OPEN "tlv = { member_links = ( { device = \"lo\"; id = 77; } ); };");
	(void)exchange(&ask, &told);
	ck_assert_uint_eq(told.micro.sender, 5);
	ck_assert_uint_eq(told.micro.reflector, 77);
}
END_TEST

/* S-041 */
START_TEST(ptp_by_entry)
{
	struct ask ask = { .tlvs = { .types = 0 } };
	struct pkt_reply r;

	use(OPEN "timestamps = \"ptp\";");
	r = exchange(&ask, NULL);
	ck_assert(r.error_estimate & TS_EE_PTP);
	ck_assert_uint_lt((uint32_t)r.ts, 1000000000);
	ck_assert_uint_lt((uint32_t)r.rx_ts, 1000000000);
	lightrig_exchange(fd, 4, port, 14, 7); /* a TWAMP Light sender knows NTP only */
	ck_assert_int_eq(pkt_get_reply(stamp_layout(), lightrig.reply.octets, 44, &r), 0);
	ck_assert(!(r.error_estimate & TS_EE_PTP));
	ck_assert_uint_gt(r.ts >> 32, 3000000000); /* since 1900 */
	ck_assert_uint_gt(r.rx_ts >> 32, 3000000000);
}
END_TEST

/* S-007 S-229: no room for more senders; who has numbers keeps them, others get their own back. */
START_TEST(full_table)
{
	struct ask ask = { .tlvs = { .types = TLV_BIT(TLV_DIRECT_MEASUREMENT) } };
	struct tlvread told;

	use(OPEN "max_senders = 1;");
	for (uint16_t i = 0; i < 64; i++) {
		ask.ssid = 0;
		ck_assert_uint_eq(exchange(&ask, &told).seq, i);
		ask.ssid = (uint16_t)(i + 1);
		if (exchange(&ask, &told).seq == seq - 1) { /* S-142 */
			ck_assert_uint_eq(told.unknown, TLV_BIT(TLV_DIRECT_MEASUREMENT));
		}
	}
	ck_assert_uint_ge(lightrig_totals().n[COUNTER_STATELESS], 60);
	ck_assert_uint_eq(lightrig_totals().n[COUNTER_EVICTED], 0);
}
END_TEST

static void write_keys(void)
{
	const char *text = "old " OLD "\nnew " NEW "\n";
	int keys = mkstemp(keys_path);

	if (keys < 0 || write(keys, text, strlen(text)) != (ssize_t)strlen(text) || close(keys)) {
		abort(); /* no test runs yet */
	}
	mac_key_init(&old, OLD, strlen(OLD));
	mac_key_init(&new, NEW, strlen(NEW));
}

int main(void)
{
	Suite *suite = suite_create("stamp-port");
	TCase *tc = tcase_create("stamp-port");
	SRunner *runner;
	int failed;

	write_keys();
	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, authenticated);
	tcase_add_test(tc, change_of_keys);
	tcase_add_test(tc, rows);
	tcase_add_test(tc, unverified_rate);
	tcase_add_test(tc, tlvs);
	tcase_add_test(tc, signed_tlvs);
	tcase_add_test(tc, no_reply);
	tcase_add_test(tc, return_address);
	tcase_add_test(tc, policy);
	tcase_add_test(tc, member_links);
	tcase_add_test(tc, ptp_by_entry);
	tcase_add_test(tc, full_table);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	unlink(keys_path);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
