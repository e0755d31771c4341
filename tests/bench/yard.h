// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the yardsticks of the bench share: sockets and the cheapest correct reply of the
 * unauthenticated mode. Nothing of the programs under test is in here, on purpose.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define YARD_BATCH 32
#define YARD_OCTETS 2048 /* the longest packet that is reflected */
#define YARD_SEND_MIN 14
#define YARD_REPLY_MIN 41
#define YARD_CONTROL 64 /* room for SCM_TIMESTAMPING */
#define YARD_SEGMENTS_MAX 65000 /* octets in one message with UDP_SEGMENT */

union yard_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/** Numeric IPv4 or IPv6 address; ends the program if it is none. Return the length. */
socklen_t yard_address(union yard_address *out, const char *text, unsigned port);

/** A bound UDP socket, with kernel receive timestamps if @stamps; ends the program on error. */
int yard_socket(const char *address, unsigned port, bool stamps);

void yard_connect(int fd, const char *address, unsigned port);

/** The wall clock as an NTP timestamp. */
uint64_t yard_now(void);

/** The kernel's receive timestamp of a message as an NTP timestamp, or 0. */
uint64_t yard_stamp(struct msghdr *m);

/** All but T3. @out may not overlap @in; n >= YARD_SEND_MIN. Return the length of the reply. */
size_t yard_reply(uint8_t *out, const uint8_t *in, size_t n, uint32_t seq, uint64_t t2);

void yard_set_t3(uint8_t *out, uint64_t t3);

/** Make @m ask for segments of @octets. @control has CMSG_SPACE(2) octets or more, aligned. */
void yard_segment(struct msghdr *m, uint8_t *control, uint16_t octets);

/** Decimal argument, or the end of the program. */
unsigned yard_number(const char *text, unsigned max);

/** Say what failed, with errno, and end the program. */
_Noreturn void yard_die(const char *what);
