// SPDX-License-Identifier: BSD-2-Clause
/*
 * The network device that a socket is bound to: usually a VRF, whose addresses and routes it
 * then has, and no others. A socket that is bound to none is bound without any capability
 * (Linux 5.7); to change it takes CAP_NET_RAW. Devices are told apart by their index: one that
 * was removed and made again under its name is another.
 */
#pragma once

#include "protocol/wire.h"

#include <stdint.h>

/** @index of the device; 0 for the name "". Return 0 or -ENODEV. */
NODISCARD int device_find(const char *name, uint32_t *index);

/** Before bind(2), as an address is one of its VRF. @index 0 does nothing. 0 or negative errno. */
NODISCARD int device_bind(int fd, uint32_t index);

/** What the socket is bound to; 0 = to none. */
uint32_t device_of(int fd);

#define DEVICE_TEXT_LEN 32

/** ", device vrf-red" to be put behind an address; "" for index 0. Returns @buf. */
char *device_text(uint32_t index, char buf[static DEVICE_TEXT_LEN]);
