// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/denials.h"

#include "base/clock.h"
#include "daemon/reflector/light.h"
#include "protocol/accept.h"

#include <inttypes.h>
#include <stdio.h>

#define AGAIN_NS (60 * TS_NS_PER_S)
#define LEFT_OUT_NS (10 * TS_NS_PER_S) /* when there was no line for it */
#define TEXT_LEN 128

static void note(void *context, const struct stranger *s)
{
	struct denials *d = context;
	struct denial *others = &d->table[DENIALS + s->forged], *found = others;

	others->forged = s->forged;
	for (unsigned i = 0; s->who.family && i < DENIALS; i++) {
		struct denial *e = &d->table[i];

		if (e->at == s->at && e->forged == s->forged &&
		    address_same_host(&e->who, &s->who)) {
			found = e;
			break;
		}
		if (!e->who.family && found == others) {
			found = e; /* free */
		}
	}
	if (found != others) {
		found->who = s->who;
		found->at = s->at;
		found->forged = s->forged;
	}
	found->packets += s->packets;
	found->all += s->packets;
	found->last = clock_wall();
}

static bool tell(struct log *l, const struct denial *e)
{
	const struct reason_info *reason = reason_info(e->forged ? REASON_LIGHT_KEY
								 : REASON_LIGHT_CLIENT);
	char who[ADDRESS_TEXT_LEN] = "more addresses", detail[TEXT_LEN];
	struct log_args a = { .client = e->who.family ? &e->who : NULL,
			      .reason = reason->key,
			      .why = reason->text,
			      .remedy = reason->remedy,
			      .detail = detail };

	if (e->who.family) {
		a.peer = address_host_text(&e->who, who, sizeof who);
		(void)snprintf(detail, sizeof detail, "%" PRIu64 " from %s to UDP port %u",
			       e->packets, who, e->at);
	} else {
		(void)snprintf(detail, sizeof detail, "%" PRIu64 " from %s", e->packets, who);
	}
	return log_event(l, LOG_EVENT_LIGHT_DENIED, &a);
}

void denials_tick(struct denials *d, struct reflector *r, struct log *l, struct mono now)
{
	light_strangers(r, note, d);
	for (unsigned i = 0; i < DENIALS + 2; i++) {
		struct denial *e = &d->table[i];

		if (now.ns < e->next.ns) {
			continue;
		}
		if (!e->packets) { /* a minute of silence */
			*e = (struct denial){ 0 };
		} else if (tell(l, e)) {
			e->packets = 0;
			e->next.ns = now.ns + AGAIN_NS;
		} else {
			e->next.ns = now.ns + LEFT_OUT_NS;
		}
	}
}
