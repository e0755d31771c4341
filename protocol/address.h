// SPDX-License-Identifier: BSD-2-Clause
/*
 * An IP address and port without sockaddr: what the control protocol compares.
 * IPv4-mapped IPv6 addresses are turned into IPv4 before they come here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct address {
	uint8_t family; /* 4 or 6 */
	uint16_t port;
	uint32_t scope; /* interface of an IPv6 link-local address, else 0 */
	uint8_t ip[16]; /* IPv4: first 4 octets, rest zero */
};

/** Same family and address (and scope); ports are not compared. */
bool address_same_host(const struct address *a, const struct address *b);

/** The same, and the same port. */
bool address_same_port(const struct address *a, const struct address *b);

/** Every octet of the address is zero. */
bool address_is_any(const struct address *a);

/** IPv6 fe80::/10. */
bool address_is_link_local(const struct address *a);

/** 127.0.0.0/8 or ::1. */
bool address_is_loopback(const struct address *a);

/**
 * Multicast, limited broadcast, unspecified, IPv4-mapped: not an address that a packet may be sent
 * to.
 */
bool address_is_unusable(const struct address *a);

/** "192.0.2.1:862" or "[2001:db8::1%3]:862"; always terminated; returns buf. */
char *address_text(const struct address *a, char *buf, uint32_t size);
#define ADDRESS_TEXT_LEN 64

/** The same without the port: "192.0.2.1", "2001:db8::1". */
char *address_host_text(const struct address *a, char *buf, uint32_t size);
