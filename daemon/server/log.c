// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/log.h"

#include "daemon/server/event_id.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#define RECORDS 256
#define RECORD_OCTETS 1536
#define FIELDS_MAX 20
#define MESSAGE_MAX 700
#define REFUSALS_PER_S 8u /* of all kinds: with what is said of those left out, no more than 10 */
#define REFUSALS_BURST 20u /* after a time with fewer: these are read one by one */
#define QUIET_PER_S 2u /* of these, for what is no refusal, while there are too many refusals */
#define SIEGE_S 2 /* how long that holds */

struct row {
	const char *name;
	int level;
	const char *id;
	unsigned per_second;
	const char *text;
};

static const struct row rows[LOG_EVENT_COUNT] = {
#define X(name, level, id, rate, text, help) { #name, level, id, rate, text },
#include "daemon/server/events.def"
#undef X
};

static const struct {
	const char *name; /* in texts */
	const char *journal;
	size_t offset;
} fields[] = {
#define X(name, journal, meaning) { #name, journal, offsetof(struct log_args, name) },
#include "daemon/server/fields.def"
#undef X
};
#define FIELDS (sizeof fields / sizeof *fields)
/* And MESSAGE, PRIORITY, MESSAGE_ID and TWAMPD_EVENT. */
_Static_assert(FIELDS + 4 <= FIELDS_MAX, "a record has room for every field");

/* A message ready to be written: "NAME=value" strings in one buffer. */
struct record {
	int level;
	unsigned n;
	uint16_t at[FIELDS_MAX]; /* start of each string; [0] is MESSAGE= */
	size_t used;
	char text[RECORD_OCTETS];
};

struct log {
	bool journal;
	int level;
	/* Rate limits, main thread only. */
	time_t second;
	unsigned credit; /* for refusals */
	unsigned quiet; /* in this second, while under siege */
	time_t siege_ends;
	struct {
		unsigned count, suppressed;
	} rate[LOG_EVENT_COUNT];
	/* The queue. */
	pthread_mutex_t lock;
	pthread_cond_t wake, room, empty;
	pthread_t thread;
	bool stop, writing;
	bool patient; /* the end: wait for room, leave nothing out */
	unsigned head, count;
	unsigned lost; /* did not fit */
	struct record records[RECORDS];
};

static const char *field_of(const struct log_args *a, size_t i)
{
	const char *value;

	memcpy(&value, (const char *)a + fields[i].offset, sizeof value);
	return value;
}

static size_t expand(char *to, size_t size, const char *text, const struct log_args *a)
{
	size_t n = 0;

	while (*text && n + 1 < size) {
		const char *end = *text == '{' ? strchr(text, '}') : NULL;
		const char *value = NULL;

		for (size_t i = 0; end && i < FIELDS; i++) {
			if (strlen(fields[i].name) == (size_t)(end - text - 1) &&
			    !strncmp(fields[i].name, text + 1, (size_t)(end - text - 1))) {
				value = field_of(a, i) ? field_of(a, i) : "";
			}
		}
		if (!value) {
			to[n++] = *text++;
			continue;
		}
		for (; *value && n + 1 < size; value++) {
			to[n++] = *value;
		}
		text = end + 1;
	}
	to[n] = '\0';
	return n;
}

static void add_field(struct record *r, const char *name, const char *value)
{
	size_t room = sizeof r->text - r->used;
	int n;

	if (r->n == FIELDS_MAX || room < 2) {
		return;
	}
	n = snprintf(r->text + r->used, room, "%s=%s", name, value);
	if (n < 0 || (size_t)n >= room) {
		return;
	}
	r->at[r->n++] = (uint16_t)r->used;
	r->used += (size_t)n + 1;
}

static void fill(struct record *r, const struct row *row, const struct log_args *a)
{
	char message[MESSAGE_MAX];
	char id[EVENT_ID_LEN];
	char priority[4];

	r->level = row->level;
	r->n = 0;
	r->used = 0;
	expand(message, sizeof message, row->text, a);
	add_field(r, "MESSAGE", message);
	snprintf(priority, sizeof priority, "%d", row->level);
	add_field(r, "PRIORITY", priority);
	event_id(id, row->id, a->reason);
	add_field(r, "MESSAGE_ID", id);
	add_field(r, "TWAMPD_EVENT", row->name);
	for (size_t i = 0; i < FIELDS; i++) {
		if (field_of(a, i) && *field_of(a, i)) {
			add_field(r, fields[i].journal, field_of(a, i));
		}
	}
}

static void write_record(const struct log *l, const struct record *r)
{
	static const char *const levels[] = { "",	   "",	       "",	 "error: ",
					      "warning: ", "notice: ", "info: ", "debug: " };
	struct iovec iov[FIELDS_MAX];

	if (!l->journal) {
		fprintf(stderr, "twampd: %s%s\n", levels[r->level & 7],
			r->text + r->at[0] + strlen("MESSAGE="));
		return;
	}
	for (unsigned i = 0; i < r->n; i++) {
		iov[i].iov_base = (char *)r->text + r->at[i];
		iov[i].iov_len = strlen(r->text + r->at[i]);
	}
	(void)sd_journal_sendv(iov, (int)r->n);
}

static void *run(void *arg)
{
	struct sched_param none = { 0 };
	struct log *l = arg;
	static __thread struct record r;

	/* Nobody waits for a line: it wakes up without taking the CPU from others. */
	(void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
	pthread_mutex_lock(&l->lock);
	for (;;) {
		while (!l->count && !l->stop) {
			pthread_cond_wait(&l->wake, &l->lock);
		}
		if (!l->count) {
			break;
		}
		r = l->records[l->head];
		l->head = (l->head + 1) % RECORDS;
		l->count--;
		l->writing = true;
		pthread_cond_signal(&l->room);
		pthread_mutex_unlock(&l->lock);
		write_record(l, &r);
		pthread_mutex_lock(&l->lock);
		l->writing = false;
		if (!l->count) {
			pthread_cond_broadcast(&l->empty);
		}
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* The lock is held. Nonzero when a second was not enough. */
static int wait_for_room(struct log *l)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	return pthread_cond_timedwait(&l->room, &l->lock, &until);
}

static void enqueue(struct log *l, const struct row *row, const struct log_args *a)
{
	pthread_mutex_lock(&l->lock);
	while (l->count == RECORDS && l->patient) {
		l->patient = !wait_for_room(l);
	}
	if (l->count == RECORDS) {
		l->lost++;
	} else {
		fill(&l->records[(l->head + l->count) % RECORDS], row, a);
		l->count++;
		pthread_cond_signal(&l->wake);
	}
	pthread_mutex_unlock(&l->lock);
}

static void say(struct log *l, enum log_event e, const char *detail)
{
	enqueue(l, &rows[e], &(struct log_args){ .detail = detail });
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

/* What the last second held back, all kinds in a line. */
static void say_suppressed(struct log *l)
{
	char text[MESSAGE_MAX] = "left out in the last second:";
	size_t at = strlen(text);
	bool any = false;

	for (int e = 0; e < LOG_EVENT_COUNT; e++) {
		unsigned n = l->rate[e].suppressed;

		if (n && at < sizeof text) {
			at += (size_t)snprintf(text + at, sizeof text - at, "%s %u %s",
					       any ? "," : "", n, rows[e].name);
			any = true;
		}
	}
	if (any) {
		say(l, LOG_EVENT_SUPPRESSED, text);
	}
}

static void renew(struct log *l)
{
	time_t now = seconds();
	unsigned earned;

	if (now == l->second) {
		return;
	}
	say_suppressed(l);
	memset(l->rate, 0, sizeof l->rate);
	earned = now - l->second < REFUSALS_BURST ? (unsigned)(now - l->second) : REFUSALS_BURST;
	earned *= REFUSALS_PER_S - (l->second < l->siege_ends ? QUIET_PER_S : 0);
	l->credit = l->credit + earned < REFUSALS_BURST ? l->credit + earned : REFUSALS_BURST;
	l->second = now;
	l->quiet = 0;
}

/* What any client can cause as often as it likes. */
static bool is_refusal(enum log_event e)
{
	return rows[e].level <= LOG_NOTICE && rows[e].per_second > 1;
}

/* Under siege all that clients cause has one budget, most of it for refusals. */
static bool within_budget(struct log *l, enum log_event e)
{
	bool siege = l->second < l->siege_ends;

	if (rows[e].per_second == 1) {
		l->siege_ends = e == LOG_EVENT_CROWDED ? l->second + SIEGE_S : l->siege_ends;
		return true;
	}
	if (!is_refusal(e)) {
		return !siege || l->quiet++ < QUIET_PER_S;
	}
	if (l->credit) {
		l->credit--;
		return true;
	}
	l->siege_ends = l->second + SIEGE_S;
	return false;
}

/* At most per_second of a kind, and of all refusals together. */
static bool within_rate(struct log *l, enum log_event e)
{
	bool full;

	if (!rows[e].per_second || l->patient) {
		return true;
	}
	renew(l);
	full = l->rate[e].count >= rows[e].per_second;
	if (full && is_refusal(e)) {
		l->siege_ends = l->second + SIEGE_S;
	}
	if (full || !within_budget(l, e)) {
		l->rate[e].suppressed++;
		return false;
	}
	l->rate[e].count++;
	return true;
}

void log_be_patient(struct log *l)
{
	log_tick(l);
	pthread_mutex_lock(&l->lock);
	l->patient = true;
	pthread_mutex_unlock(&l->lock);
}

void log_tick(struct log *l)
{
	char text[MESSAGE_MAX];
	unsigned lost;

	renew(l);
	pthread_mutex_lock(&l->lock);
	lost = l->count < RECORDS / 2 ? l->lost : 0;
	l->lost -= lost;
	pthread_mutex_unlock(&l->lock);
	if (lost) {
		snprintf(text, sizeof text,
			 "left out %u events: the log could not be written fast enough", lost);
		say(l, LOG_EVENT_SUPPRESSED, text);
	}
}

void log_event(struct log *l, enum log_event e, const struct log_args *args)
{
	if (rows[e].level > l->level && e != LOG_EVENT_READY) {
		return;
	}
	if (within_rate(l, e)) {
		enqueue(l, &rows[e], args);
	}
}

void log_set_level(struct log *l, int level)
{
	l->level = level;
}

void log_early(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("twampd: ", stderr);
	/* clang-tidy 14 overlooks the va_start above */
	vfprintf(stderr, format, ap); // NOLINT(clang-analyzer-valist.Uninitialized)
	fputc('\n', stderr);
	va_end(ap);
}

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

/* Steps of the wall clock must not make anybody wait longer. */
static void make_conds(struct log *l)
{
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&l->wake, &a);
	pthread_cond_init(&l->room, &a);
	pthread_cond_init(&l->empty, &a);
	pthread_condattr_destroy(&a);
}

int log_new(struct log **out, enum log_target target)
{
	struct log *l = calloc(1, sizeof *l);
	sigset_t all, old;
	int rc;

	if (!l) {
		return -ENOMEM;
	}
	l->journal = target == LOG_TARGET_JOURNAL ||
		     (target == LOG_TARGET_AUTO && stderr_is_journal());
	l->level = LOG_INFO;
	pthread_mutex_init(&l->lock, NULL);
	make_conds(l);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&l->thread, NULL, run, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		free(l);
		return -rc;
	}
	pthread_setname_np(l->thread, "twampd/log");
	*out = l;
	return 0;
}

bool log_free(struct log *l)
{
	struct timespec until;
	bool done;

	if (!l) {
		return true;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 2;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_signal(&l->wake);
	while ((l->count || l->writing) && !pthread_cond_timedwait(&l->empty, &l->lock, &until)) {
		;
	}
	done = !l->count && !l->writing;
	pthread_mutex_unlock(&l->lock);
	if (!done) {
		return false;
	}
	pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->empty);
	pthread_cond_destroy(&l->room);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return true;
}
