// SPDX-License-Identifier: BSD-2-Clause
#include "client/show/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void on_sent(void *data, uint32_t session, uint64_t index, struct clock_pair t1)
{
	struct live *l = data;

	l->sent++;
}

static void on_reply(void *data, uint32_t session, const struct series_reading *reading, bool late)
{
	struct live *l = data;

	l->answered += !late;
}

static void on_tick(void *data, uint64_t total)
{
	struct live *l = data;

	if (!l->terminal) {
		return;
	}
	fprintf(stderr, "\rsent %" PRIu64 "/%" PRIu64 ", answered %" PRIu64 " ", l->sent, total,
		l->answered);
	fflush(stderr);
	l->drawn = true;
}

static void on_note(void *data, const char *text)
{
	live_end(data);
	fprintf(stderr, "twamp: %s\n", text);
}

void live_init(struct live *l)
{
	*l = (struct live){ .watcher = { .data = l,
					 .sent = on_sent,
					 .reply = on_reply,
					 .tick = on_tick,
					 .note = on_note },
			    .terminal = isatty(STDERR_FILENO) };
}

void live_end(struct live *l)
{
	if (l->drawn) {
		fprintf(stderr, "\r\033[K");
		l->drawn = false;
	}
}
