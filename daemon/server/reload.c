// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/reload.h"

#include "base/clock.h"
#include "base/device.h"
#include "daemon/reflector/light.h"
#include "daemon/server/announce.h"
#include "daemon/server/asked.h"
#include "daemon/server/conn.h"
#include "daemon/server/guests.h"
#include "daemon/server/lightlog.h"
#include "daemon/server/notify.h"
#include "daemon/server/running.h"
#include "daemon/server/server_parts.h"
#include "daemon/server/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define DETAIL_LEN 400
#define COUNT_USUAL 32768 /* what clients take by default. RFC 5357 6, RFC 8913 */

/* Once: it will not come before the next start. */
static void say_absent(struct server *s, const struct listener *l)
{
	char text[ADDRESS_TEXT_LEN], detail[80];

	if (!s->absent_said) {
		snprintf(detail, sizeof detail, "IPv%u: not listening on %s", l->wanted.family,
			 address_text(&l->wanted, text, sizeof text));
		log_say(s->conns.log, LOG_EVENT_FAMILY_ABSENT, detail);
	}
	s->absent_said = true;
}

void reload_say_listening(struct server *s)
{
	char text[ADDRESS_TEXT_LEN], device[DEVICE_TEXT_LEN], where[sizeof text + sizeof device];

	announce_passed(s, s->listeners.list && !s->listeners.list->said);
	for (struct listener *l = s->listeners.list; l; l = l->next) {
		if (l->fd < 0) {
			say_absent(s, l);
		} else if (!l->said) {
			snprintf(where, sizeof where, "%s%s",
				 address_text(&l->bound, text, sizeof text),
				 device_text(l->device, device));
			log_say(s->conns.log, LOG_EVENT_LISTENING, where);
		}
		l->said = true;
	}
	lightlog_opened(s->conns.log, s->conns.reflector);
	lightlog_unused(s->conns.log, s->conns.reflector);
}

int reload_listen(struct server *s, struct settings *settings, char *why, size_t size)
{
	struct light_plan *light;
	struct listener *next;
	struct settings_listen fault;
	int rc = light_prepare(s->conns.reflector, settings, &light, &fault);

	if (rc < 0) {
		asked_explain(rc, "light", &fault, settings, s->inherited.n_light, why, size);
		return rc;
	}
	rc = guests_prepare(s->guests, s, settings, why, size);
	if (rc < 0) {
		light_discard(light);
		return rc;
	}
	rc = listener_prepare(&s->listeners, settings, &next, &fault);
	guests_settle(s->guests, s, rc >= 0);
	if (rc < 0) {
		asked_explain(rc, "listen", &fault, settings, s->inherited.n_light, why, size);
		light_discard(light);
		return rc;
	}
	listener_swap(&s->listeners, next);
	light_apply(s->conns.reflector, light);
	return 0;
}

void reload_use(struct server *s, struct settings *settings)
{
	conns_use(&s->conns, settings);
	s->reload_result.settings_since = clock_wall();
}

void reload_say_count(struct server *s)
{
	char text[16];

	if (s->conns.settings->configured.kdf_count > COUNT_USUAL) {
		snprintf(text, sizeof text, "%" PRIu32, s->conns.settings->configured.kdf_count);
		log_say(s->conns.log, LOG_EVENT_COUNT_LARGE, text);
	}
}

static void take_settings(struct server *s, struct settings *next)
{
	char names[DETAIL_LEN];

	if (settings_restart_needed(s->started, next, names, sizeof names)) {
		log_say(s->conns.log, LOG_EVENT_RESTART_NEEDED, names);
	}
	log_set_level(s->conns.log, (int)next->log_level); /* first: else it could not say so */
	announce_reloaded(s, s->conns.settings, next);
	settings_unref(s->conns.settings);
	reload_use(s, next);
	reflector_setup_apply(&s->setup);
	(void)clients_set_prefix(s->conns.clients,
				 next->ipv6_client_prefix); /* then all are recounted */
	conn_settings_changed(&s->conns);
	log_set_prefix(s->conns.log, next->ipv6_client_prefix);
	running_tell(next, s->started, s->config_path, s->inherited.n_control,
		     s->inherited.n_light);
	reload_say_count(s);
	lightlog_counters(s->conns.log, s->conns.reflector);
	reload_say_listening(s);
}

void reload_trouble(struct server *s, enum reload_trouble t, const char *why)
{
	struct reload_result *r = &s->reload_result;

	r->trouble = t;
	r->at = clock_wall();
	(void)snprintf(r->why, sizeof r->why, "%s", why ? why : "");
	switch (t) {
	case RELOAD_NONE:
		*s->trouble = '\0';
		return;
	case RELOAD_FAILED:
		snprintf(s->trouble, sizeof s->trouble,
			 "reload failed, the old settings stay in force, and a start with the new "
			 "ones would fail: %s",
			 why);
		log_say(s->conns.log, LOG_EVENT_RELOAD_FAILED, why);
		return;
	case RELOAD_KEPT:
		snprintf(s->trouble, sizeof s->trouble,
			 "the settings of before the restart stay in force, those of the files "
			 "cannot: %s",
			 why);
		log_say(s->conns.log, LOG_EVENT_SETTINGS_KEPT, why);
		return;
	}
}

static bool begin(struct server *s, char *why, size_t size)
{
	if (s->stopping) {
		(void)snprintf(why, size, "twampd is about to end, and does not reload");
		return false;
	}
	notify_say(s->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono().ns / 1000);
	return true;
}

/* Prepare all that can fail, then swap. @rc is of reading @next, which is taken over. */
static bool finish(struct server *s, int rc, struct settings *next, struct settings_error *err)
{
	if (!rc) {
		rc = class_use_prepare(&s->conns.class_uses, next);
	}
	if (!rc) {
		rc = reload_listen(s, next, err->text, sizeof err->text);
	}
	if (rc) {
		settings_unref(next);
		reload_trouble(s, RELOAD_FAILED, err->text);
	} else {
		reload_trouble(s, RELOAD_NONE, NULL);
		take_settings(s, next);
	}
	return !rc;
}

bool reload_now(struct server *s, char *why, size_t size)
{
	struct settings *next = NULL;
	struct settings_error err = { .text = "out of memory" };
	bool done;
	int rc;

	if (!begin(s, why, size)) {
		return false;
	}
	rc = settings_load(s->config_path, &next, &err);
	done = finish(s, rc, next, &err);
	status_tell_ready(s);
	(void)snprintf(why, size, "%s", done ? "" : err.text);
	return done;
}

bool reload_back(struct server *s, struct settings *before, const char *reason, char *why,
		 size_t size)
{
	struct settings_error err = { .text = "out of memory" };
	bool done;

	if (!begin(s, why, size)) {
		return false;
	}
	done = finish(s, 0, settings_ref(before), &err);
	if (done) {
		reload_trouble(s, RELOAD_FAILED, reason); /* the files say something else */
	}
	status_tell_ready(s);
	(void)snprintf(why, size, "%s", done ? "" : err.text);
	return done;
}
