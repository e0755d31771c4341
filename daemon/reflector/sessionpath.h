// SPDX-License-Identifier: BSD-2-Clause
/* The way of sessions into the data path (reflect.h). */
#pragma once

#include "daemon/reflector/inside.h"
#include "daemon/reflector/reflect.h"

/** May it be answered? Its party is a session's. */
enum counter sessionpath_judge(struct worker *w, struct reflect_packet *p,
			       const struct reflect_pass *now);

uint32_t sessionpath_number(struct worker *w, struct reflect_packet *p, const struct pkt_send *sent,
			    const struct reflect_pass *now);

/** The kernel has counted @now drops at the session's own socket (sock_drops). */
void sessionpath_drops(struct udp_session *u, uint32_t now);
