// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ceiling: what user space can do at best for one session, and nothing else.
 * yard-ceiling ADDRESS PORT PEER PEER-PORT
 * recvmmsg of 32 with the kernel's receive timestamps, and one sendmsg with UDP_SEGMENT for
 * the replies; T3 is read once, right before it.
 */
#include "tests/bench/yard.h"

#include <stdio.h>
#include <string.h>

static uint8_t in[YARD_BATCH][YARD_OCTETS];
static uint8_t out[YARD_BATCH * YARD_OCTETS];
static uint8_t control[YARD_BATCH][YARD_CONTROL] __attribute__((aligned(16)));
static struct mmsghdr messages[YARD_BATCH];
static struct iovec vectors[YARD_BATCH];

static int receive(int fd)
{
	for (int i = 0; i < YARD_BATCH; i++) {
		messages[i].msg_hdr.msg_controllen = YARD_CONTROL;
	}
	return recvmmsg(fd, messages, YARD_BATCH, MSG_WAITFORONE, NULL);
}

/* @count replies of @octets each, end to end in @from. */
static void transmit(int fd, uint8_t *from, size_t octets, int count)
{
	uint8_t space[64] __attribute__((aligned(16)));
	struct iovec v = { from, octets * (size_t)count };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	uint64_t t3 = yard_now();

	for (int i = 0; i < count; i++) {
		yard_set_t3(from + octets * (size_t)i, t3);
	}
	if (count > 1) {
		yard_segment(&m, space, (uint16_t)octets);
	}
	(void)sendmsg(fd, &m, 0);
}

static void reflect(int fd, int n, uint32_t *seq)
{
	size_t size = 0, fill = 0;
	uint8_t *run = out;
	int count = 0;

	for (int i = 0; i < n; i++) {
		size_t got = messages[i].msg_len, octets;

		if (got < YARD_SEND_MIN) {
			continue;
		}
		octets = got < YARD_REPLY_MIN ? YARD_REPLY_MIN : got;
		if (count && (octets != size || fill + octets > YARD_SEGMENTS_MAX)) {
			transmit(fd, run, size, count);
			run = out;
			count = 0;
			fill = 0;
		}
		size = yard_reply(run + fill, in[i], got, (*seq)++,
				  yard_stamp(&messages[i].msg_hdr));
		fill += size;
		count++;
	}
	if (count) {
		transmit(fd, run, size, count);
	}
}

int main(int argc, char **argv)
{
	uint32_t seq = 0;
	int fd;

	if (argc != 5) {
		fprintf(stderr, "usage: yard-ceiling ADDRESS PORT PEER PEER-PORT\n");
		return 2;
	}
	fd = yard_socket(argv[1], yard_number(argv[2], 65535), true);
	yard_connect(fd, argv[3], yard_number(argv[4], 65535));
	for (int i = 0; i < YARD_BATCH; i++) {
		vectors[i] = (struct iovec){ in[i], YARD_OCTETS };
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_control = control[i];
	}
	for (;;) {
		int n = receive(fd);

		if (n > 0) {
			reflect(fd, n, &seq);
		}
	}
}
