// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/lightlog.h"

#include "base/device.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_LEN 180
#define COUNTERS_LEN 380
#define DETAIL_LEN (NAME_LEN + COUNTERS_LEN + 256)

/* "TWAMP Light on 192.0.2.1:862, stateless" */
static void put_name(const struct light_info *i, char out[static NAME_LEN])
{
	char address[ADDRESS_TEXT_LEN], device[DEVICE_TEXT_LEN];

	snprintf(out, NAME_LEN, "%s on %s%s, %s%s", i->stamp ? "STAMP" : "TWAMP Light",
		 address_text(&i->address, address, sizeof address), device_text(i->device, device),
		 i->stateful ? "stateful" : "stateless",
		 i->passed ? ", passed by the service manager" : "");
}

/* What is worth a word only where there is some of it. */
static void put_rare(const struct counters_values *v, char *to, size_t size)
{
	static const struct {
		enum counter counter;
		const char *name;
	} rare[] = {
		{ COUNTER_EVICTED, "senders that made room" },
		{ COUNTER_STATELESS, "stateless" },
		{ COUNTER_TLV_UNRECOGNIZED, "with unrecognized TLVs" },
		{ COUNTER_TLV_MALFORMED, "with malformed TLVs" },
		{ COUNTER_TLV_INTEGRITY, "with TLVs that are not proved" },
	};
	size_t at = 0;

	to[0] = '\0';
	for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]) && at < size; i++) {
		if (v->n[rare[i].counter]) {
			at += (size_t)snprintf(to + at, size - at, ", %s %" PRIu64, rare[i].name,
					       v->n[rare[i].counter]);
		}
	}
}

static void tell(struct log *l, enum log_event e, const struct light_info *i)
{
	char name[NAME_LEN], counters[COUNTERS_LEN], rare[256], detail[DETAIL_LEN];
	unsigned which = COUNTERS_TELL_LIGHT | (i->stateful ? COUNTERS_TELL_STATEFUL : 0);

	put_name(i, name);
	counters_text(&i->sums, which, counters, sizeof counters);
	put_rare(&i->sums, rare, sizeof rare);
	snprintf(detail, sizeof detail, "%s: %s%s", name, counters, rare);
	log_event(l, e,
		  &(struct log_args){ .detail = detail, .counters = &i->sums, .tell = which });
}

static void say_opened(void *context, const struct light_info *i)
{
	char name[NAME_LEN], detail[NAME_LEN + 32];

	if (!i->fresh) {
		return;
	}
	put_name(i, name);
	if (i->absent) {
		snprintf(detail, sizeof detail, "IPv%u: not reflecting %s", i->address.family,
			 name);
		log_event(context, LOG_EVENT_FAMILY_ABSENT, &(struct log_args){ .detail = detail });
	} else {
		log_event(context, LOG_EVENT_LIGHT_OPENED, &(struct log_args){ .detail = name });
	}
}

void lightlog_opened(struct log *l, struct reflector *r)
{
	light_walk(r, say_opened, l);
}

static void say_unused(void *context, const struct address *at, uint32_t device)
{
	char address[ADDRESS_TEXT_LEN], name[DEVICE_TEXT_LEN], detail[NAME_LEN];

	snprintf(detail, sizeof detail, "%s%s", address_text(at, address, sizeof address),
		 device_text(device, name));
	log_event(context, LOG_EVENT_LIGHT_UNUSED, &(struct log_args){ .detail = detail });
}

void lightlog_unused(struct log *l, struct reflector *r)
{
	light_walk_unused(r, say_unused, l);
}

/* One that has just been added has none worth telling. */
static void say_counters(void *context, const struct light_info *i)
{
	if (i->fresh) {
		say_opened(context, i);
	} else if (!i->absent) {
		tell(context, LOG_EVENT_LIGHT_COUNTERS, i);
	}
}

void lightlog_counters(struct log *l, struct reflector *r)
{
	light_walk(r, say_counters, l);
}

void lightlog_ended(struct log *l, const struct light_info *i)
{
	tell(l, LOG_EVENT_LIGHT_ENDED, i);
}

char *lightlog_status(struct reflector *r, char buf[static LIGHTLOG_STATUS_LEN])
{
	struct counters_values t;

	buf[0] = '\0';
	light_totals(r, &t);
	if (light_count(r) || t.n[COUNTER_RECEIVED]) {
		snprintf(buf, LIGHTLOG_STATUS_LEN,
			 ", Light: %" PRIu64 " reflected, %" PRIu64 " dropped",
			 t.n[COUNTER_REFLECTED], counters_dropped(&t));
	}
	return buf;
}
