// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/report.h"

#include "base/device.h"
#include "protocol/quote.h"

#include <inttypes.h>
#include <stdio.h>

#define DETAIL_LEN 500
#define KEY_ID_TEXT_LEN (4 * MSG_KEY_ID_LEN + 1) /* of octets that are all escaped */

struct scope {
	const struct control *control;
	const struct reached_rules *rules;
};

/* What is known beside the reason, in brackets. */
static void put_particulars(enum log_event e, const struct control_report *r,
			    const struct reached *limit, const char *class,
			    char out[static DETAIL_LEN])
{
	const char *next = " (";
	int at = 0;

	out[0] = '\0';
	if (r->value && e == LOG_EVENT_REFUSED_REQUEST) {
		at = snprintf(out, DETAIL_LEN, " (it asked for %" PRIu64, r->value);
		next = ", ";
	} else if (r->other) {
		at = snprintf(out, DETAIL_LEN, " (%s", strerror((int)r->other));
		next = ", ";
	}
	if (*limit->now) {
		at += snprintf(out + at, DETAIL_LEN - (size_t)at, "%snow %s", next, limit->now);
		next = ", ";
	}
	if (*limit->limit) {
		at += snprintf(out + at, DETAIL_LEN - (size_t)at, "%slimit %s of class %s, %s",
			       next, limit->limit, class, limit->setting);
	}
	if (at && at < DETAIL_LEN - 1) {
		(void)snprintf(out + at, DETAIL_LEN - (size_t)at, ")");
	}
}

static void refused(struct log *l, enum log_event e, const struct log_args *base,
		    const struct scope *scope, const struct control_report *r)
{
	struct log_args a = *base;
	const struct reason_info *reason = reason_info(r->reason);
	char code[4], detail[DETAIL_LEN];
	struct reached limit;

	snprintf(code, sizeof code, "%d", (int)r->code);
	(void)reached_find(r->reason, scope->control, scope->rules, &limit);
	put_particulars(e, r, &limit, base->class, detail);
	a.accept = code;
	a.name = accept_info(r->code)->name;
	a.reason = reason->key;
	a.why = reason->text;
	a.remedy = reason->remedy;
	a.detail = detail;
	a.now = limit.now;
	a.limit = limit.limit;
	a.setting = limit.setting;
	log_event(l, e, &a);
}

/* No Accept code tells the client: the greeting was without a mode, or it found none for itself. */
static void denied(struct log *l, const struct log_args *base, const struct control *c)
{
	const struct reason_info *why = reason_info(c->modes_offered ? REASON_NO_MODE
								     : REASON_NO_CLASS);
	char offered[MODE_TEXT_LEN], detail[MODE_TEXT_LEN + 20];
	struct log_args a = *base;

	mode_text(c->modes_offered & MODE_SECURITY_MASK, offered, sizeof offered);
	snprintf(detail, sizeof detail, " (offered: %s)", c->modes_offered ? offered : "none");
	a.reason = why->key;
	a.why = why->text;
	a.remedy = why->remedy;
	a.detail = detail;
	log_event(l, LOG_EVENT_DENIED, &a);
}

/* Before it is said that the connection is closed: what the client did wrong. */
static void closed(struct log *l, const struct log_args *base, const struct control *c,
		   enum control_why why)
{
	struct log_args a = *base;

	a.why = control_why_text(why);
	switch (why) {
	case CONTROL_WHY_DENIED:
	case CONTROL_WHY_MODE_ZERO:
		denied(l, base, c);
		break;
	case CONTROL_WHY_HMAC:
		log_event(l, LOG_EVENT_FORGED, &a);
		break;
	case CONTROL_WHY_UNKNOWN:
	case CONTROL_WHY_SID_COUNT:
	case CONTROL_WHY_GARBAGE:
		log_event(l, LOG_EVENT_VIOLATION, &a);
		break;
	case CONTROL_WHY_PEER:
	case CONTROL_WHY_REFUSED:
	case CONTROL_WHY_HANDSHAKE:
	case CONTROL_WHY_MESSAGE:
	case CONTROL_WHY_SEND_STALL:
	case CONTROL_WHY_SERVWAIT:
	case CONTROL_WHY_STOP_WRONG:
	case CONTROL_WHY_BARRED:
	case CONTROL_WHY_SHUTDOWN:
		break;
	}
	log_event(l, LOG_EVENT_CLOSED, &a);
}

static void barred(struct log *l, const struct log_args *base, const struct control_report *r)
{
	const struct reason_info *reason = reason_info(r->reason);
	struct log_args a = *base;

	a.reason = reason->key;
	a.why = reason->text;
	a.remedy = reason->remedy;
	log_event(l, LOG_EVENT_BARRED, &a);
}

static void accepted(struct log *l, const struct log_args *base, const struct session *s)
{
	struct log_args a = *base;
	char sid[SESSION_SID_TEXT_LEN], local[ADDRESS_TEXT_LEN], remote[ADDRESS_TEXT_LEN];
	char detail[DETAIL_LEN], device[DEVICE_TEXT_LEN];
	struct address here = s->spec.local;

	here.port = s->port;
	snprintf(detail, sizeof detail, "%s%s reflects to %s, DSCP %u, padding %" PRIu32,
		 address_text(&here, local, sizeof local), device_text(s->spec.device, device),
		 address_text(&s->spec.remote, remote, sizeof remote), s->spec.dscp,
		 s->spec.padding);
	a.sid = session_sid_text(s->sid, sid);
	a.detail = detail;
	log_event(l, LOG_EVENT_SESSION_ACCEPTED, &a);
}

static void one(struct log *l, const struct log_args *base, const struct scope *scope,
		const struct control_report *r)
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
		refused(l, LOG_EVENT_REFUSED_CONNECTION, &a, scope, r);
		return;
	case CONTROL_FACT_REFUSED_REQUEST:
		refused(l, LOG_EVENT_REFUSED_REQUEST, &a, scope, r);
		return;
	case CONTROL_FACT_REFUSED_START:
		refused(l, LOG_EVENT_REFUSED_START, &a, scope, r);
		return;
	case CONTROL_FACT_REFUSED_STOP:
		refused(l, LOG_EVENT_REFUSED_STOP, &a, scope, r);
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
	case CONTROL_FACT_BARRED:
		barred(l, &a, r);
		return;
	case CONTROL_FACT_CLOSED:
		closed(l, base, scope->control, r->why);
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

void report_control(struct log *l, const struct control *c, const struct reached_rules *rules,
		    const struct control_out *out)
{
	const struct scope scope = { c, rules };
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
			.class = rules->class ? rules->class->name : "none",
			.key_id = key_id,
		};

		one(l, &a, &scope, &out->reports[i]);
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
