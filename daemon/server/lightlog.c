// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/lightlog.h"

#include "base/device.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_LEN 180
#define COUNTERS_LEN 380

/* "TWAMP Light on 192.0.2.1:862, stateless" */
static void put_name(const struct light_info *i, char out[static NAME_LEN])
{
	char address[ADDRESS_TEXT_LEN], device[DEVICE_TEXT_LEN];

	snprintf(out, NAME_LEN, "%s on %s%s, %s%s", i->stamp ? "STAMP" : "TWAMP Light",
		 address_text(&i->address, address, sizeof address), device_text(i->device, device),
		 i->stateful ? "stateful" : "stateless",
		 i->passed ? ", passed by the service manager" : "");
}

static uint64_t sum_drops(const struct light_sums *n)
{
	uint64_t drops = 0;

	for (int d = 0; d < LIGHT_DROP_COUNT; d++) {
		drops += n->dropped[d];
	}
	return drops;
}

static void put_counters(const struct light_sums *n, char *out, size_t size)
{
	int at = snprintf(out, size, "received %" PRIu64 ", reflected %" PRIu64 ", dropped",
			  n->received, n->reflected);

	for (int d = 0; d < LIGHT_DROP_COUNT && (size_t)at < size; d++) {
		if (n->dropped[d]) {
			at += snprintf(out + at, size - (size_t)at, " %s %" PRIu64,
				       light_drop_name((enum light_drop)d), n->dropped[d]);
		}
	}
	if (!sum_drops(n) && (size_t)at < size) {
		at += snprintf(out + at, size - (size_t)at, " none");
	}
	if (n->evicted && (size_t)at < size) {
		snprintf(out + at, size - (size_t)at, ", senders that made room %" PRIu64,
			 n->evicted);
	}
}

static void tell(struct log *l, enum log_event e, const struct light_info *i)
{
	char name[NAME_LEN], counters[COUNTERS_LEN], detail[NAME_LEN + 2 + COUNTERS_LEN];
	char received[24], reflected[24], dropped[24];

	put_name(i, name);
	put_counters(&i->sums, counters, sizeof counters);
	snprintf(detail, sizeof detail, "%s: %s", name, counters);
	snprintf(received, sizeof received, "%" PRIu64, i->sums.received);
	snprintf(reflected, sizeof reflected, "%" PRIu64, i->sums.reflected);
	snprintf(dropped, sizeof dropped, "%" PRIu64, sum_drops(&i->sums));
	log_event(l, e,
		  &(struct log_args){ .detail = detail,
				      .received = received,
				      .reflected = reflected,
				      .dropped = dropped });
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
	struct light_sums t;

	buf[0] = '\0';
	light_totals(r, &t);
	if (light_count(r) || t.received) {
		snprintf(buf, LIGHTLOG_STATUS_LEN,
			 ", Light: %" PRIu64 " reflected, %" PRIu64 " dropped", t.reflected,
			 sum_drops(&t));
	}
	return buf;
}
