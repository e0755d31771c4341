// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/ends.h"

#include "daemon/server/forwardlog.h"
#include "protocol/prefix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_LEN 1200
#define SUM_TICKS 10 /* a sum is told when it has grown for so long */

struct about {
	struct address peer;
	uint8_t sid[MSG_SID_LEN];
	enum udp_end why;
	uint8_t dscp; /* asked for */
};

struct ended {
	struct about about;
	struct forward_view forward;
	struct counters_values counters;
};

/* One that waits. Counters that are 0 take no room, nor does the view if no packet came. */
struct kept {
	struct kept *next;
	struct about about;
	uint8_t counters; /* so many: the number of each, and its value */
	bool view;
	uint8_t octets[]; /* these, the view, the name of the class */
};

_Static_assert(COUNTER_COUNT <= UINT8_MAX, "a number of a counter fits into an octet");

/* What waits of one client. */
struct waiting {
	struct prefix client; /* family 0: of several */
	struct kept *first, *last;
	uint32_t n;
	uint64_t summed; /* sessions */
	unsigned ticks; /* since the first of them */
	struct counters_values sum;
	struct address peer; /* of the last of them */
};

struct ends {
	struct log *log;
	uint32_t n;
	unsigned turn;
	struct waiting clients[ENDS_CLIENTS + 1]; /* the last one has what found no place */
};

/* --- telling ------------------------------------------------------------------------------ */

static const char *why_text(enum udp_end why)
{
	switch (why) {
	case UDP_END_TIMEOUT:
		return "stopped, and its Timeout is over";
	case UDP_END_REFWAIT:
		return "no packet for timers.refwait";
	case UDP_END_ORDERED:
		return "its connection or the server ended";
	case UDP_END_HANDED_OVER:
		return "the next process goes on with it";
	}
	return "unknown";
}

static void put_counters(const struct counters_values *n, char *to, size_t size)
{
	size_t at;

	counters_text(n, COUNTERS_TELL_SESSION, to, size);
	at = strlen(to);
	if (n->n[COUNTER_PORT_RCVBUF] && at < size) {
		(void)snprintf(to + at, size - at,
			       "; the queue of its shared port had no room for %" PRIu64
			       " packets of all sessions",
			       n->n[COUNTER_PORT_RCVBUF]);
	}
}

/* False if it cannot be told now. */
static bool tell(struct log *l, enum log_event event, const struct log_args *about,
		 const struct counters_values *n, const char *before, const char *after)
{
	char detail[DETAIL_LEN], peer[ADDRESS_TEXT_LEN];
	struct log_args a = *about;
	int at = snprintf(detail, sizeof detail, "%s", before);

	put_counters(n, detail + at, sizeof detail - (size_t)at);
	at = (int)strlen(detail);
	(void)snprintf(detail + at, sizeof detail - (size_t)at, "%s%s",
		       *after ? "; way to here: " : "", after);
	a.peer = address_text(a.client, peer, sizeof peer);
	a.detail = detail;
	a.counters = n;
	a.tell = COUNTERS_TELL_SESSION;
	return log_event(l, event, &a);
}

static bool tell_one(struct log *l, const struct ended *s, const char *class)
{
	struct log_args a = { .client = &s->about.peer,
			      .why = why_text(s->about.why),
			      .class = class };
	char sid[SESSION_SID_TEXT_LEN];
	struct forwardlog way;

	forwardlog_put(&way, &s->forward, &s->counters, s->about.dscp, &a);
	a.sid = session_sid_text(s->about.sid, sid);
	return tell(l, LOG_EVENT_SESSION_ENDED, &a, &s->counters, "", way.text);
}

static bool tell_sum(struct log *l, const struct waiting *w)
{
	struct log_args a = { .client = &w->peer };
	char client[PREFIX_TEXT_LEN] = "several clients", before[PREFIX_TEXT_LEN + 40];

	if (w->client.family) {
		(void)prefix_text(&w->client, client);
	}
	(void)snprintf(before, sizeof before, "%" PRIu64 " sessions of %s: ", w->summed, client);
	return tell(l, LOG_EVENT_SESSIONS_SUMMED, &a, &w->sum, before, "");
}

/* --- waiting ------------------------------------------------------------------------------ */

static struct waiting *queue_of(struct ends *e, const struct address *peer, bool make)
{
	struct prefix client = log_client(e->log, peer);
	struct waiting *empty = &e->clients[ENDS_CLIENTS];

	for (unsigned i = 0; i < ENDS_CLIENTS; i++) {
		struct waiting *w = &e->clients[i];

		if (!w->n && !w->summed) {
			empty = empty == &e->clients[ENDS_CLIENTS] ? w : empty;
		} else if (!prefix_compare(&w->client, &client)) {
			return w;
		}
	}
	if (make && empty != &e->clients[ENDS_CLIENTS]) {
		*empty = (struct waiting){ .client = client };
	}
	return make ? empty : NULL;
}

static void add_up(struct waiting *w, const struct ended *s)
{
	w->summed++;
	w->peer = s->about.peer;
	counters_sum(&w->sum, &s->counters);
}

static uint8_t *put(uint8_t *at, const void *what, size_t len)
{
	memcpy(at, what, len);
	return at + len;
}

static const uint8_t *take(const uint8_t *at, void *to, size_t len)
{
	memcpy(to, at, len);
	return at + len;
}

/* NULL = no memory. */
static struct kept *pack(const struct ended *s, const char *class)
{
	uint8_t octets[COUNTER_COUNT * (1 + sizeof(uint64_t))], *at = octets;
	struct kept *k;
	uint8_t n = 0;

	for (uint8_t i = 0; i < COUNTER_COUNT; i++) {
		if (s->counters.n[i]) {
			at = put(at, &i, 1);
			at = put(at, &s->counters.n[i], sizeof s->counters.n[i]);
			n++;
		}
	}
	k = malloc(sizeof *k + (size_t)(at - octets) + (s->forward.any ? sizeof s->forward : 0) +
		   strlen(class) + 1);
	if (k) {
		*k = (struct kept){ .about = s->about, .counters = n, .view = s->forward.any };
		at = put(k->octets, octets, (size_t)(at - octets));
		at = k->view ? put(at, &s->forward, sizeof s->forward) : at;
		(void)put(at, class, strlen(class) + 1);
	}
	return k;
}

/* Return the name of the class. */
static const char *unpack(const struct kept *k, struct ended *s)
{
	const uint8_t *at = k->octets;
	uint8_t which;

	*s = (struct ended){ .about = k->about };
	for (uint8_t i = 0; i < k->counters; i++) {
		at = take(at, &which, 1);
		at = take(at, &s->counters.n[which], sizeof s->counters.n[which]);
	}
	at = k->view ? take(at, &s->forward, sizeof s->forward) : at;
	return (const char *)at;
}

static void keep(struct ends *e, struct waiting *w, const struct ended *s, const char *class)
{
	struct kept *k = NULL;

	if (e->n < ENDS_WAITING && w->n < ENDS_OF_CLIENT && w != &e->clients[ENDS_CLIENTS]) {
		k = pack(s, class);
	}
	if (!k) {
		add_up(w, s);
		return;
	}
	*(w->last ? &w->last->next : &w->first) = k;
	w->last = k;
	w->n++;
	e->n++;
}

/* The oldest of a client. False if nothing could be told. */
static bool tell_next(struct ends *e, struct waiting *w)
{
	struct kept *k = w->first;
	struct ended s;

	if (!k || !tell_one(e->log, &s, unpack(k, &s))) {
		return false;
	}
	w->first = k->next;
	w->last = k->next ? w->last : NULL;
	w->n--;
	e->n--;
	free(k);
	return true;
}

static void tell_sums(struct ends *e, bool all)
{
	for (unsigned i = 0; i <= ENDS_CLIENTS; i++) {
		struct waiting *w = &e->clients[i];

		if (w->summed && (all || ++w->ticks >= SUM_TICKS) && tell_sum(e->log, w)) {
			w->summed = w->ticks = 0;
			w->sum = (struct counters_values){ 0 };
		}
	}
}

/* In turn, until none of them may say more. */
static void tell_waiting(struct ends *e)
{
	unsigned silent = 0;

	while (e->n && silent < ENDS_CLIENTS) {
		e->turn = (e->turn + 1) % ENDS_CLIENTS;
		silent = tell_next(e, &e->clients[e->turn]) ? 0 : silent + 1;
	}
}

/* --- for others --------------------------------------------------------------------------- */

void ends_add(struct ends *e, const struct address *peer, const struct session *session,
	      const char *class, enum udp_end why, const struct counters_values *n,
	      const struct forward *forward)
{
	struct ended s = { .about = { .peer = *peer, .why = why, .dscp = session->spec.dscp },
			   .counters = *n };
	struct waiting *w = queue_of(e, peer, false);

	memcpy(s.about.sid, session->sid, sizeof s.about.sid);
	forward_view(forward, &s.forward);
	if ((w && w->n) || !tell_one(e->log, &s, class)) {
		keep(e, w ? w : queue_of(e, peer, true), &s, class);
	}
}

void ends_tick(struct ends *e)
{
	tell_waiting(e);
	tell_sums(e, false);
}

int ends_new(struct ends **out, struct log *l)
{
	struct ends *e = calloc(1, sizeof *e);

	if (!e) {
		return -ENOMEM;
	}
	e->log = l;
	*out = e;
	return 0;
}

void ends_free(struct ends *e)
{
	if (!e) {
		return;
	}
	log_be_patient(e->log);
	tell_waiting(e);
	tell_sums(e, true);
	for (unsigned i = 0; i < ENDS_CLIENTS; i++) {
		for (struct kept *k = e->clients[i].first, *next; k; k = next) {
			next = k->next; /* of a log that is stuck */
			free(k);
		}
	}
	free(e);
}
