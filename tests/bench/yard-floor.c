// SPDX-License-Identifier: BSD-2-Clause
/*
 * The floor: the loop that anybody would write first. yard-floor ADDRESS PORT
 * One packet per system call, all times read in user space.
 */
#include "tests/bench/yard.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	static uint8_t in[YARD_OCTETS], out[YARD_OCTETS];
	uint32_t seq = 0;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: yard-floor ADDRESS PORT\n");
		return 2;
	}
	fd = yard_socket(argv[1], yard_number(argv[2], 65535), false);
	for (;;) {
		union yard_address peer;
		socklen_t len = sizeof(peer);
		ssize_t n = recvfrom(fd, in, sizeof(in), 0, &peer.any, &len);
		size_t octets;

		if (n < YARD_SEND_MIN) {
			continue;
		}
		octets = yard_reply(out, in, (size_t)n, seq++, yard_now());
		yard_set_t3(out, yard_now());
		(void)sendto(fd, out, octets, 0, &peer.any, len);
	}
}
