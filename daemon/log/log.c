// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/log/log.h"

#include "base/thread.h"
#include "daemon/log/record.h"
#include "protocol/quote.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RECORDS 256u
#define RESERVED 64u /* of these, for the ends of sessions and for what operators need to know */
#define TEXT_MAX 800
#define EARLY_MAX 1000
#define PATIENCE_NS INT64_C(1000000000) /* for room, when the process ends */
#define END_NS INT64_C(2000000000) /* for all to be written */
#define POLL_NS 1000000

_Static_assert((RECORDS & (RECORDS - 1)) == 0, "numbers of records may wrap");
_Static_assert(LOG_EVENT_COUNT <= BUDGET_KINDS, "each event is counted");

/*
 * The main thread fills records, the thread of the log writes them; each moves its own counter,
 * and there is no lock that one of them could wait for while the other has no CPU.
 */
struct log {
	bool journal;
	int level;
	struct prefix watched; /* a client, with a level of its own; family 0 = none */
	int watched_level;
	struct budget budget;
	int64_t told_ns; /* when it was told what was left out */
	bool patient; /* the end: wait for room, leave nothing out */
	unsigned lost; /* did not fit */
	uint64_t left_out; /* since the start, these and what the budget did not allow */
	pthread_t thread;
	sem_t wake; /* of the thread: as many as there are records, and one at the end */
	atomic_uint filled, written; /* records since the beginning */
	struct record records[RECORDS];
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + 1;
}

/* --- the queue ---------------------------------------------------------------------------- */

static void *run(void *arg)
{
	struct sched_param none = { 0 };
	struct log *l = arg;

	/* Nobody waits for a line: it wakes up without taking the CPU from others. */
	(void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
	for (;;) {
		unsigned n = atomic_load_explicit(&l->written, memory_order_relaxed);

		while (sem_wait(&l->wake) < 0) {
			; /* EINTR */
		}
		if (n == atomic_load_explicit(&l->filled, memory_order_acquire)) {
			return NULL;
		}
		record_write(&l->records[n % RECORDS], l->journal);
		atomic_store_explicit(&l->written, n + 1, memory_order_release);
	}
}

static unsigned pending(struct log *l)
{
	return atomic_load_explicit(&l->filled, memory_order_relaxed) -
	       atomic_load_explicit(&l->written, memory_order_acquire);
}

/* Only at the end of the process. True if no more than @most are left, false if it took too long. */
static bool wait_until(struct log *l, unsigned most, int64_t for_ns)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	int64_t end = now_ns() + for_ns;

	while (pending(l) > most) {
		if (now_ns() > end) {
			return false;
		}
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

static bool enqueue(struct log *l, enum log_event e, const struct log_args *a)
{
	unsigned room = RECORDS, n = atomic_load_explicit(&l->filled, memory_order_relaxed);
	enum budget_lane lane = record_lane(e);

	if (l->patient) {
		l->patient = wait_until(l, RECORDS - 1, PATIENCE_NS);
	} else if (lane != BUDGET_FREE && lane != BUDGET_END) {
		room -= RESERVED;
	}
	if (pending(l) >= room) {
		return false;
	}
	record_fill(&l->records[n % RECORDS], e, a);
	atomic_store_explicit(&l->filled, n + 1, memory_order_release);
	(void)sem_post(&l->wake);
	return true;
}

/* --- what is left out --------------------------------------------------------------------- */

static size_t append(char *to, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* @to has TEXT_MAX octets. Return where it ends. */
static size_t append(char *to, size_t at, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(to + at, TEXT_MAX - at, format,
		      ap); // NOLINT(clang-analyzer-valist.Uninitialized)
	va_end(ap);
	return n < 0 ? at : at + (size_t)n < TEXT_MAX ? at + (size_t)n : TEXT_MAX - 1;
}

/* "940 of 192.0.2.1, 12 of 192.0.2.7, 30 of 5 more networks", and "192.0.2.1=940 ..." */
static void put_sources(const struct budget_left_out *n, char *words, char *field)
{
	size_t at = 0, field_at = 0;

	for (unsigned i = 0; i < n->n_top; i++) {
		char text[PREFIX_TEXT_LEN];

		(void)budget_source_text(&n->top[i], text);
		at = append(words, at, "%s%u of %s", i ? ", " : "", n->top[i].left_out, text);
		field_at = append(field, field_at, "%s%s=%u", i ? " " : "", text,
				  n->top[i].left_out);
	}
	if (n->others && n->n_top) {
		at = append(words, at, ", %u of others", n->others);
		if (n->other_networks > 1) {
			(void)append(words, at, " in %u networks", n->other_networks);
		}
		(void)append(field, field_at, " others=%u", n->others);
	} else if (n->others) {
		(void)append(words, at, "%u", n->others);
	}
}

static void put_kinds(const struct budget_left_out *n, char *words, char *field)
{
	size_t at = 0, field_at = 0;

	for (unsigned e = 0; e < LOG_EVENT_COUNT; e++) {
		if (n->kinds[e]) {
			const char *name = record_event_name((enum log_event)e);

			at = append(words, at, "%s%u %s", at ? ", " : "", n->kinds[e], name);
			field_at = append(field, field_at, "%s%s=%u", field_at ? " " : "", name,
					  n->kinds[e]);
		}
	}
}

static void tell_left_out(struct log *l)
{
	char sources[TEXT_MAX] = "", kinds[TEXT_MAX] = "", detail[2 * TEXT_MAX];
	char source_field[TEXT_MAX] = "", kind_field[TEXT_MAX] = "", total[16];
	struct budget_left_out n;

	if (!budget_take(&l->budget, &n)) {
		return;
	}
	put_sources(&n, sources, source_field);
	put_kinds(&n, kinds, kind_field);
	(void)snprintf(total, sizeof total, "%u", n.total);
	(void)snprintf(detail, sizeof detail, "%s (%s)", sources, kinds);
	(void)enqueue(l, LOG_EVENT_SUPPRESSED,
		      &(struct log_args){ .detail = detail,
					  .left_out = total,
					  .sources = source_field,
					  .kinds = kind_field });
}

static void tell_lost(struct log *l)
{
	char n[16], text[100];

	if (!l->lost || pending(l) >= RECORDS / 2) {
		return;
	}
	(void)snprintf(n, sizeof n, "%u", l->lost);
	(void)snprintf(text, sizeof text, "%u, because the log could not be written fast enough",
		       l->lost);
	if (enqueue(l, LOG_EVENT_SUPPRESSED, &(struct log_args){ .detail = text, .left_out = n })) {
		l->lost = 0;
	}
}

/* --- for others --------------------------------------------------------------------------- */

void log_tick(struct log *l)
{
	int64_t now = now_ns();

	if (now - l->told_ns >= 900000000) { /* the watchdog may want the timer more often */
		l->told_ns = now;
		tell_left_out(l);
		tell_lost(l);
	}
}

void log_be_patient(struct log *l)
{
	tell_left_out(l);
	tell_lost(l);
	l->patient = true;
}

bool log_recent(const struct log *l, unsigned i, struct log_line *out)
{
	unsigned filled = atomic_load_explicit(&l->filled, memory_order_relaxed);
	const struct record *r;

	if (i >= RECORDS || i >= filled) {
		return false;
	}
	r = &l->records[(filled - 1 - i) % RECORDS];
	*out = (struct log_line){ .at = r->when,
				  .level = r->level,
				  .event = record_event_name(r->event),
				  .text = record_text(r) };
	return true;
}

void log_set_client_level(struct log *l, const struct prefix *who, int level)
{
	l->watched = who ? *who : (struct prefix){ 0 };
	l->watched_level = level;
}

static int level_for(const struct log *l, const struct address *client)
{
	struct prefix one = { 0 };

	if (!l->watched.family || !client) {
		return l->level;
	}
	one.family = client->family;
	one.bits = client->family == 4 ? 32 : 128;
	memcpy(one.ip, client->ip, sizeof one.ip);
	return prefix_covers(&l->watched, &one) ? l->watched_level : l->level;
}

bool log_event(struct log *l, enum log_event e, const struct log_args *args)
{
	if (record_level(e) > level_for(l, args->client) && e != LOG_EVENT_READY) {
		return true;
	}
	if (!l->patient &&
	    !budget_ask(&l->budget, record_lane(e), (unsigned)e, args->client, now_ns())) {
		l->left_out += record_lane(e) != BUDGET_END; /* which comes later */
		return false;
	}
	if (!enqueue(l, e, args)) {
		l->lost += record_lane(e) != BUDGET_END;
		l->left_out += record_lane(e) != BUDGET_END;
		return false;
	}
	return true;
}

void log_say(struct log *l, enum log_event e, const char *detail)
{
	(void)log_event(l, e, &(struct log_args){ .detail = detail });
}

void log_set_level(struct log *l, int level)
{
	l->level = level;
}

void log_set_prefix(struct log *l, unsigned ipv6_bits)
{
	budget_set_prefix(&l->budget, ipv6_bits);
}

struct prefix log_client(const struct log *l, const struct address *a)
{
	return budget_client(&l->budget, a);
}

uint64_t log_left_out(const struct log *l)
{
	return l->left_out;
}

void log_early(const char *format, ...)
{
	char text[EARLY_MAX], clean[2 * EARLY_MAX];
	va_list ap;

	va_start(ap, format);
	/* clang-tidy 14 overlooks the va_start above */
	vsnprintf(text, sizeof text, format, ap); // NOLINT(clang-analyzer-valist.Uninitialized)
	va_end(ap);
	(void)quote_clean(clean, sizeof clean, text);
	fprintf(stderr, "twampd: %s\n", clean);
}

/* --- life --------------------------------------------------------------------------------- */

/* systemd tells in $JOURNAL_STREAM which file stderr is when it made it a journal stream. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (!stream || fstat(STDERR_FILENO, &st) < 0) {
		return false;
	}
	dev = strtoull(stream, &end, 10);
	if (*end != ':') {
		return false;
	}
	ino = strtoull(end + 1, NULL, 10);
	return st.st_dev == (dev_t)dev && st.st_ino == (ino_t)ino;
}

int log_new(struct log **out, enum log_target target)
{
	struct log *l = calloc(1, sizeof *l);
	uint64_t seed = 0;
	int rc;

	if (!l) {
		return -ENOMEM;
	}
	/* The pages are written to, so that they are there when memory is short. */
	explicit_bzero(l->records, sizeof l->records);
	l->journal = target == LOG_TARGET_JOURNAL ||
		     (target == LOG_TARGET_AUTO && stderr_is_journal());
	l->level = LOG_INFO;
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
		seed = (uint64_t)(uintptr_t)l;
	}
	budget_init(&l->budget, seed);
	(void)sem_init(&l->wake, 0, 0);
	rc = thread_start(&l->thread, "twampd/log", run, l);
	if (rc) {
		(void)sem_destroy(&l->wake);
		free(l);
		return rc;
	}
	*out = l;
	return 0;
}

bool log_free(struct log *l)
{
	if (!l) {
		return true;
	}
	if (!wait_until(l, 0, END_NS)) {
		return false;
	}
	(void)sem_post(&l->wake);
	pthread_join(l->thread, NULL);
	(void)sem_destroy(&l->wake);
	free(l);
	return true;
}
