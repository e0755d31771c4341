// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/announce.h"

#include "base/device.h"
#include "daemon/config/keys.h"
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/light.h"
#include "daemon/server/server_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define TEXT_LEN 700
#define FILES_MAX 8 /* that are named */
#define LISTENERS_MAX 6
#define CARDS_LEN 200
#define CHANGES_LEN 450

struct text {
	char octets[TEXT_LEN];
	size_t len;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...)
{
	size_t room = sizeof t->octets - t->len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->octets + t->len, room, format, ap);
	va_end(ap);
	if (n > 0) {
		t->len += (size_t)n < room ? (size_t)n : room - 1;
	}
}

static void add_files(struct text *t, const struct settings *s)
{
	for (size_t i = 0; i < s->n_files && i < FILES_MAX; i++) {
		add(t, "%s%s", i ? ", " : "", s->files[i]);
	}
	if (s->n_files > FILES_MAX) {
		add(t, " and %zu more", s->n_files - FILES_MAX);
	} else if (!s->n_files) {
		add(t, s->kept ? "the process before" : "built-in defaults");
	}
	if (s->keys) {
		add(t, ", %s (%zu key%s)", s->keys_path, keys_count(s->keys),
		    keys_count(s->keys) == 1 ? "" : "s");
	}
}

static void add_listeners(struct text *t, const struct server *s)
{
	char address[ADDRESS_TEXT_LEN], device[DEVICE_TEXT_LEN];
	size_t n = 0;

	for (const struct listener *l = s->listeners.list; l; l = l->next) {
		if (l->fd >= 0 && n++ < LISTENERS_MAX) {
			add(t, "%s%s%s", n > 1 ? ", " : "; listening on ",
			    address_text(&l->bound, address, sizeof address),
			    device_text(l->device, device));
		}
	}
	if (n > LISTENERS_MAX) {
		add(t, " and %zu more", n - LISTENERS_MAX);
	}
	add(t, s->inherited.n_control ? " (opened by the service manager)" : " (opened by twampd)");
	if (light_count(s->conns.reflector)) {
		add(t, " and %zu UDP port%s of light", light_count(s->conns.reflector),
		    light_count(s->conns.reflector) == 1 ? "" : "s");
	}
}

static void add_stamps(struct text *t, const struct server *s)
{
	char cards[CARDS_LEN];

	(void)reflector_hardware(s->conns.reflector, cards, sizeof cards);
	add(t, "; receive timestamps of the %s",
	    s->conns.settings->timestamps == SETTINGS_TIMESTAMPS_USER ||
			    !reflector_kernel_timestamps(s->conns.reflector)
		    ? "reflector threads (user space)"
		    : "kernel");
	if (*cards) {
		add(t, ", of network cards: %s", cards);
	}
}

static void add_clock(struct text *t)
{
	struct estimate e;

	estimate_read(&e);
	add(t, "; clock %ssynchronized", e.synchronized ? "" : "not ");
	if (e.maxerror_ns >= 0) {
		add(t, ", error up to %.3f ms", (double)e.maxerror_ns / 1e6);
	}
}

void announce_ready(struct server *s)
{
	struct text t = { .len = 0 };

	if (*s->trouble) { /* with the files */
		add(&t, "settings as the process before had them");
	} else {
		add(&t, "settings from ");
		add_files(&t, s->conns.settings);
	}
	add_listeners(&t, s);
	add_stamps(&t, s);
	add_clock(&t);
	log_say(s->conns.log, LOG_EVENT_READY, t.octets);
}

void announce_reloaded(struct server *s, const struct settings *old, const struct settings *now)
{
	struct text t = { .len = 0 };
	char changes[CHANGES_LEN];

	add_files(&t, now);
	if (settings_changed(old, now, changes, sizeof changes)) {
		add(&t, "; changed: %s", changes);
	} else {
		add(&t, "; nothing changed");
	}
	log_say(s->conns.log, LOG_EVENT_RELOADED, t.octets);
}

void announce_passed(struct server *s, bool first)
{
	struct settings_place listen = settings_origin(s->conns.settings, "listen", NULL);
	struct text t = { .len = 0 };

	if (!s->inherited.n_control) {
		return;
	}
	if (first) {
		add(&t, "%zu", s->inherited.n_control);
		log_say(s->conns.log, LOG_EVENT_ACTIVATED, t.octets);
	}
	if (listen.file) {
		t.len = 0;
		add(&t, "%s:%u", listen.file, listen.line);
		log_say(s->conns.log, LOG_EVENT_LISTEN_UNUSED, t.octets);
	}
}
