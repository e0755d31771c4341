// SPDX-License-Identifier: BSD-2-Clause
/* The status page: one HTML file, with its style and its script in it (page.html). */
#pragma once

#include <stddef.h>

extern const unsigned char page_html[];
extern const size_t page_html_len;

#define PAGE_POLICY_LEN 400

/** Its Content-Security-Policy: this style and this script, requests to where it came from, and
 * nothing else. */
void page_policy(char to[static PAGE_POLICY_LEN]);
