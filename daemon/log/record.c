// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/log/record.h"

#include "base/clock.h"
#include "daemon/log/event_id.h"
#include "protocol/quote.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define MESSAGE_MAX 900

struct row {
	const char *name;
	int level;
	const char *id;
	enum budget_lane lane;
	const char *text;
};

static const struct row rows[LOG_EVENT_COUNT] = {
#define X(name, level, id, lane, text, help) { #name, level, id, (enum budget_lane)(lane), text },
#include "daemon/log/events.def"
#undef X
};

static const struct {
	const char *name; /* in texts */
	const char *journal;
	size_t offset;
} fields[] = {
#define X(name, journal, meaning) { #name, journal, offsetof(struct log_args, name) },
#include "daemon/log/fields.def"
#undef X
};
#define FIELDS (sizeof fields / sizeof *fields)

enum {
	TOLD = 0
#define COUNTER(number, NAME, name, kind, unit, who, meaning) +(((who)&COUNTERS_TELL) != 0)
#include "daemon/reflector/counters.def"
#undef COUNTER
};
/* And MESSAGE, PRIORITY, MESSAGE_ID, TWAMPD_EVENT, and TWAMPD_DROPPED. */
_Static_assert(FIELDS + TOLD + 5 <= RECORD_FIELDS, "a record has room for every field");

const char *record_event_name(enum log_event e)
{
	return rows[e].name;
}

int record_level(enum log_event e)
{
	return rows[e].level;
}

enum budget_lane record_lane(enum log_event e)
{
	return rows[e].lane;
}

static const char *field_of(const struct log_args *a, size_t i)
{
	const char *value;

	memcpy(&value, (const char *)a + fields[i].offset, sizeof value);
	return value;
}

static void expand(char *to, size_t size, const char *text, const struct log_args *a)
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
}

static void add_field(struct record *r, const char *name, const char *value)
{
	size_t len = strlen(name);

	if (r->n == RECORD_FIELDS || sizeof r->text - r->used < len + 3) {
		return;
	}
	r->at[r->n++] = (uint16_t)r->used;
	memcpy(r->text + r->used, name, len);
	r->text[r->used + len] = '=';
	r->used += len + 1;
	r->used += quote_clean(r->text + r->used, sizeof r->text - r->used, value) + 1;
}

static void add_number(struct record *r, const char *name, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, n);
	add_field(r, name, text);
}

static void add_counters(struct record *r, const struct counters_values *v, unsigned tell)
{
	for (int i = 0; i < COUNTER_COUNT; i++) {
		if (counters_rows[i].who & tell & COUNTERS_TELL) {
			add_number(r, counters_rows[i].field, v->n[i]);
		}
	}
	add_number(r, "TWAMPD_DROPPED", counters_dropped(v));
}

void record_fill(struct record *r, enum log_event e, const struct log_args *a)
{
	const struct row *row = &rows[e];
	char message[MESSAGE_MAX];
	char id[EVENT_ID_LEN];
	char priority[12];

	r->level = row->level;
	r->event = e;
	r->when = clock_wall();
	r->n = 0;
	r->used = 0;
	expand(message, sizeof message, row->text, a);
	add_field(r, "MESSAGE", message);
	(void)snprintf(priority, sizeof priority, "%d", row->level);
	add_field(r, "PRIORITY", priority);
	event_id(id, row->id, a->reason);
	add_field(r, "MESSAGE_ID", id);
	add_field(r, "TWAMPD_EVENT", row->name);
	for (size_t i = 0; i < FIELDS; i++) {
		if (field_of(a, i) && *field_of(a, i)) {
			add_field(r, fields[i].journal, field_of(a, i));
		}
	}
	if (a->counters) {
		add_counters(r, a->counters, a->tell);
	}
}

const char *record_text(const struct record *r)
{
	return r->text + r->at[0] + strlen("MESSAGE=");
}

void record_write(const struct record *r, bool journal)
{
	static const char *const levels[] = { "",	   "",	       "",	 "error: ",
					      "warning: ", "notice: ", "info: ", "debug: " };
	struct iovec iov[RECORD_FIELDS];

	if (!journal) {
		fprintf(stderr, "twampd: %s%s\n", levels[r->level & 7], record_text(r));
		return;
	}
	for (unsigned i = 0; i < r->n; i++) {
		iov[i].iov_base = (char *)r->text + r->at[i];
		iov[i].iov_len = strlen(r->text + r->at[i]);
	}
	(void)sd_journal_sendv(iov, (int)r->n);
}
