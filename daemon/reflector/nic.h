// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the system tells about network cards and their clocks (PHC). Only asked, nothing set:
 * that needs no privilege but to read /dev/ptpN.
 */
#pragma once

#include "daemon/reflector/phc.h"

#include <linux/ptp_clock.h>

/** Interfaces and clocks of the system. */
struct phc_source nic_source(void);

/* Pure: what the kernel's answers mean. Return how many. */
int nic_take_extended(const struct ptp_sys_offset_extended *from, struct phc_sample *out, int most);
int nic_take_plain(const struct ptp_sys_offset *from, struct phc_sample *out, int most);
