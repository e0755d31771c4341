// SPDX-License-Identifier: BSD-2-Clause
/*
 * Control messages of received datagrams: any of any level, type and length, as the kernel
 * packs them, the last one perhaps cut off (MSG_CTRUNC).
 */
#include "daemon/reflector/udpsock.h"
#include "protocol/pkt.h"
#include "tests/fuzz/fuzz.h"

#include <netinet/in.h>
#include <time.h>

/* Those that are looked at come more often than chance would have it. */
static void choose_kind(struct input *input, struct cmsghdr *c)
{
	static const int kinds[][2] = {
		{ SOL_SOCKET, SCM_TIMESTAMPING },
		{ SOL_SOCKET, SCM_TIMESTAMPNS },
		{ IPPROTO_IP, IP_TTL },
		{ IPPROTO_IP, IP_TOS },
		{ IPPROTO_IPV6, IPV6_HOPLIMIT },
		{ IPPROTO_IPV6, IPV6_TCLASS },
		{ SOL_SOCKET, SCM_TIMESTAMPING_PKTINFO },
		{ IPPROTO_IP, IP_PKTINFO },
		{ IPPROTO_IPV6, IPV6_PKTINFO },
	};
	size_t i = input_octet(input);

	if (i < 240) {
		i %= sizeof(kinds) / sizeof(*kinds);
		c->cmsg_level = kinds[i][0];
		c->cmsg_type = kinds[i][1];
	} else {
		c->cmsg_level = (int)input_32(input);
		c->cmsg_type = (int)input_32(input);
	}
}

/* The kernel's own times are nanoseconds in 63 bits. */
static void bound_time(const struct cmsghdr *c, size_t n, uint8_t *payload)
{
	struct timespec t;

	if (c->cmsg_level != SOL_SOCKET || n < sizeof(t)) {
		return;
	}
	memcpy(&t, payload, sizeof(t));
	t.tv_sec %= INT64_C(9000000000);
	t.tv_nsec %= 1000000000;
	memcpy(payload, &t, sizeof(t));
}

/* As put_cmsg of the kernel does. Octets used; *full when nothing more fits. */
static size_t put(struct input *input, uint8_t *to, size_t room, bool *full)
{
	size_t n = input_octet(input) % 64, len = CMSG_LEN(n);
	struct cmsghdr c = { 0 };
	uint8_t payload[64];

	*full = true;
	if (room < sizeof(c)) {
		return 0;
	}
	choose_kind(input, &c);
	input_fill(input, payload, n);
	bound_time(&c, n, payload);
	*full = len > room;
	c.cmsg_len = *full ? room : len;
	memcpy(to, &c, sizeof(c));
	memcpy(to + sizeof(c), payload, c.cmsg_len - sizeof(c));
	return CMSG_SPACE(n) < room ? CMSG_SPACE(n) : room;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	size_t room = input_octet(&input), used = 0;
	uint8_t *control = calloc(1, room ? room : 1);
	struct msghdr m = { .msg_control = control };
	struct sock_meta meta;
	bool full = false;

	MUST(control);
	while (input.left && !full) {
		used += put(&input, control + used, room - used, &full);
	}
	m.msg_controllen = used;
	memset(&meta, 0xa5, sizeof(meta));
	sock_meta(&m, &meta);
	MUST(meta.stamped || meta.stamp.ns == 0);
	MUST(meta.hardware_ns >= 0 && meta.phc_error_ns == 0);
	MUST(meta.family || !meta.unicast);
	if (!used) {
		MUST(!meta.family);
		MUST(!meta.stamped && meta.ttl == PKT_TTL_UNKNOWN && meta.tos == 0);
	}
	free(control);
	return 0;
}
