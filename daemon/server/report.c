// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/report.h"

#include "base/device.h"
#include "protocol/quote.h"

#include <inttypes.h>
#include <stdio.h>

#define SID_TEXT_LEN (2 * MSG_SID_LEN + 1)
#define DETAIL_LEN 400
#define KEY_ID_TEXT_LEN (4 * MSG_KEY_ID_LEN + 1) /* of octets that are all escaped */

static void put_sid(const struct session *s, char out[static SID_TEXT_LEN])
{
	for (int i = 0; i < MSG_SID_LEN; i++) {
		snprintf(out + 2 * i, 3, "%02x", s->sid[i]);
	}
}

static void refused(struct log *l, enum log_event e, const struct log_args *base,
		    const struct control_report *r)
{
	struct log_args a = *base;
	const struct reason_info *reason = reason_info(r->reason);
	char code[4], value[64] = "";

	snprintf(code, sizeof code, "%d", (int)r->code);
	if (r->value && e == LOG_EVENT_REFUSED_REQUEST) {
		snprintf(value, sizeof value, " (it asked for %" PRIu64 ")", r->value);
	} else if (r->other) {
		snprintf(value, sizeof value, " (%s)", strerror((int)r->other));
	}
	a.accept = code;
	a.name = accept_info(r->code)->name;
	a.reason = reason->key;
	a.why = reason->text;
	a.remedy = reason->remedy;
	a.detail = value;
	log_event(l, e, &a);
}

static void accepted(struct log *l, const struct log_args *base, const struct session *s)
{
	struct log_args a = *base;
	char sid[SID_TEXT_LEN], local[ADDRESS_TEXT_LEN], remote[ADDRESS_TEXT_LEN];
	char detail[DETAIL_LEN], device[DEVICE_TEXT_LEN];
	struct address here = s->spec.local;

	here.port = s->port;
	put_sid(s, sid);
	snprintf(detail, sizeof detail, "%s%s reflects to %s, DSCP %u, padding %" PRIu32,
		 address_text(&here, local, sizeof local), device_text(s->spec.device, device),
		 address_text(&s->spec.remote, remote, sizeof remote), s->spec.dscp,
		 s->spec.padding);
	a.sid = sid;
	a.detail = detail;
	log_event(l, LOG_EVENT_SESSION_ACCEPTED, &a);
}

static void one(struct log *l, const struct log_args *base, const struct control_report *r)
{
	struct log_args a = *base;
	char detail[DETAIL_LEN];

	a.detail = detail;
	snprintf(detail, sizeof detail, "%" PRIu64, r->value);
	switch (r->fact) {
	case CONTROL_FACT_ESTABLISHED:
		log_event(l, LOG_EVENT_ESTABLISHED, &a);
		return;
	case CONTROL_FACT_REFUSED_CONNECTION:
		refused(l, LOG_EVENT_REFUSED_CONNECTION, &a, r);
		return;
	case CONTROL_FACT_REFUSED_REQUEST:
		refused(l, LOG_EVENT_REFUSED_REQUEST, &a, r);
		return;
	case CONTROL_FACT_REFUSED_START:
		refused(l, LOG_EVENT_REFUSED_START, &a, r);
		return;
	case CONTROL_FACT_REFUSED_STOP:
		refused(l, LOG_EVENT_REFUSED_STOP, &a, r);
		return;
	case CONTROL_FACT_ACCEPTED:
		accepted(l, &a, r->session);
		return;
	case CONTROL_FACT_STARTED:
		log_event(l, LOG_EVENT_SESSIONS_STARTED, &a);
		return;
	case CONTROL_FACT_STOPPED:
		snprintf(detail, sizeof detail, "%" PRIu64 " with Accept %" PRIu64 " (%s)%s",
			 r->value, r->other, accept_info((unsigned)r->other)->name,
			 r->other ? ", results invalid" : "");
		log_event(l, LOG_EVENT_SESSIONS_STOPPED, &a);
		return;
	case CONTROL_FACT_STOP_WRONG:
		snprintf(detail, sizeof detail, "%" PRIu64 " instead of %" PRIu64, r->value,
			 r->other);
		log_event(l, LOG_EVENT_STOP_WRONG, &a);
		return;
	case CONTROL_FACT_PACKETS_IGNORED:
		log_event(l, LOG_EVENT_PACKETS_IGNORED, &a);
		return;
	case CONTROL_FACT_CLOSED:
		a.why = control_why_text(r->why);
		log_event(l, LOG_EVENT_CLOSED, &a);
		return;
	}
}

/* A KeyID is what the peer sent. Zeros fill it up at the end. */
static void put_key_id(const struct control *c, char out[static KEY_ID_TEXT_LEN])
{
	const uint8_t *id = c->setup.key_id;
	size_t n = MSG_KEY_ID_LEN;

	while (n && !id[n - 1]) {
		n--;
	}
	(void)quote_text(out, KEY_ID_TEXT_LEN, id, n);
}

void report_control(struct log *l, const struct control *c, const char *class,
		    const struct control_out *out)
{
	char peer[ADDRESS_TEXT_LEN], mode[MODE_TEXT_LEN], key_id[KEY_ID_TEXT_LEN];

	if (!out->n_reports) {
		return;
	}
	address_text(&c->remote, peer, sizeof peer);
	mode_text(c->modes, mode, sizeof mode);
	put_key_id(c, key_id);
	for (unsigned i = 0; i < out->n_reports; i++) {
		struct log_args a = {
			.client = &c->remote,
			.peer = peer,
			.mode = c->modes ? mode : NULL,
			.class = class ? class : "none",
			.key_id = key_id,
		};

		one(l, &a, &out->reports[i]);
	}
}

void report_auth_failed(struct log *l, const struct control *c, bool known)
{
	char peer[ADDRESS_TEXT_LEN], key_id[KEY_ID_TEXT_LEN];

	put_key_id(c, key_id);
	log_event(l, LOG_EVENT_AUTH_FAILED,
		  &(struct log_args){
			  .client = &c->remote,
			  .peer = address_text(&c->remote, peer, sizeof peer),
			  .key_id = key_id,
			  .why = known ? "wrong passphrase, or a damaged or replayed Token"
				       : "unknown KeyID" });
}

void report_crowded(struct log *l, const struct address *peer)
{
	char who[ADDRESS_TEXT_LEN];

	log_event(
		l, LOG_EVENT_CROWDED,
		&(struct log_args){ .client = peer, .peer = address_text(peer, who, sizeof who) });
}
