// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/reload.h"

#include "base/device.h"
#include "daemon/reflector/light.h"
#include "daemon/server/announce.h"
#include "daemon/server/conn.h"
#include "daemon/server/lightlog.h"
#include "daemon/server/notify.h"
#include "daemon/server/reflector_setup.h"
#include "daemon/server/running.h"
#include "daemon/server/server.h"
#include "daemon/server/verdict.h"

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
		server_say(s, LOG_EVENT_FAMILY_ABSENT, detail);
	}
	s->absent_said = true;
}

void reload_say_listening(struct server *s)
{
	char text[ADDRESS_TEXT_LEN], device[DEVICE_TEXT_LEN], where[sizeof text + sizeof device];

	announce_passed(s, s->listeners && !s->listeners->said);
	for (struct listener *l = s->listeners; l; l = l->next) {
		if (l->fd < 0) {
			say_absent(s, l);
		} else if (!l->said) {
			snprintf(where, sizeof where, "%s%s",
				 address_text(&l->bound, text, sizeof text),
				 device_text(l->device, device));
			server_say(s, LOG_EVENT_LISTENING, where);
		}
		l->said = true;
	}
	lightlog_opened(s->log, s->reflector);
	lightlog_unused(s->log, s->reflector);
}

/* Who may have it, or what gives it. */
static const char *find_way_out(int rc, bool udp, bool passed)
{
	switch (-rc) {
	case EACCES:
		return udp ? "; a port below 1024 has to come from twampd-light.socket, or needs "
			     "CAP_NET_BIND_SERVICE (twampd-listen.conf)"
			   : "; a port below 1024 has to come from twampd.socket (systemctl restart "
			     "twampd.socket), or needs CAP_NET_BIND_SERVICE (twampd-listen.conf)";
	case EADDRINUSE:
		return !udp ? "; find the process that holds it: ss -ltnp; if it is systemd, mask "
			      "twampd.socket"
		       : passed
			       ? "; find the process that holds it: ss -lunp; if it is a socket "
				 "that was passed, an entry of light has to name its own address"
			       : "; find the process that holds it: ss -lunp; if it is systemd, "
				 "twampd-light.socket holds it for twampd.service; if it is twampd, "
				 "test sessions on a port of ports.also hold it until they end";
	case ENODEV:
		return "; create it, or correct device: ip link show";
	case EPERM:
		return "; device needs Linux 5.7 or CAP_NET_RAW";
	case EADDRNOTAVAIL:
		return "; no interface has it: correct it, or set freebind if it appears later";
	default:
		return "";
	}
}

const char *reload_asked(const struct settings *settings, const char *key,
			 const struct settings_place *entry, char buf[static RELOAD_ASKED_LEN])
{
	struct settings_place at = entry && entry->file ? *entry
							: settings_origin(settings, key, NULL);

	if (at.file) {
		(void)snprintf(buf, RELOAD_ASKED_LEN, " (%s of %s:%u)", key, at.file, at.line);
	} else {
		(void)snprintf(buf, RELOAD_ASKED_LEN, " (%s of the defaults)", key);
	}
	return buf;
}

/* @key asked for it. */
static void explain(struct server *s, int rc, const char *key, const struct settings_listen *fault,
		    const struct settings *settings, char *why, size_t size)
{
	bool udp = !strcmp(key, "light");
	char text[ADDRESS_TEXT_LEN], asked[RELOAD_ASKED_LEN];

	snprintf(why, size, "cannot listen on %s%s%s%s: %s%s%s", udp ? "UDP " : "",
		 address_text(&fault->address, text, sizeof text),
		 *fault->device ? ", device " : "", fault->device, strerror(-rc),
		 find_way_out(rc, udp, s->inherited.n_light),
		 reload_asked(settings, key, &fault->place, asked));
}

int reload_listen(struct server *s, struct settings *settings, char *why, size_t size)
{
	struct light_plan *light;
	struct listener *next;
	struct settings_listen fault;
	int rc = light_prepare(s->reflector, settings, &light, &fault);

	if (rc < 0) {
		explain(s, rc, "light", &fault, settings, why, size);
		return rc;
	}
	rc = guests_prepare(&s->options->guests, s, settings, why, size);
	if (rc < 0) {
		light_discard(light);
		return rc;
	}
	rc = listener_prepare(s, settings, &next, &fault);
	guests_settle(&s->options->guests, s, rc >= 0);
	if (rc < 0) {
		explain(s, rc, "listen", &fault, settings, why, size);
		light_discard(light);
		return rc;
	}
	listener_swap(s, next);
	light_apply(s->reflector, light);
	return 0;
}

void reload_use(struct server *s, struct settings *settings)
{
	uint32_t keyed = settings_keyed_modes(settings);

	s->settings = settings;
	s->reload_result.settings_since = server_wall();
	class_use_apply(&s->class_uses, settings);
	s->admit.max_connections = settings->policy.max_connections;
	s->admit.max_sessions = settings->policy.max_sessions;
	s->admit.limits_temporary = settings->accept_code == ACCEPT_TEMPORARY;
	s->keyed_policy = settings->policy;
	s->keyed_policy.modes = keyed & MODE_SECURITY_MASK;
	s->keyed_policy.features = keyed & MODE_FEATURE_MASK;
}

void reload_say_count(struct server *s)
{
	char text[16];

	if (s->settings->configured.kdf_count > COUNT_USUAL) {
		snprintf(text, sizeof text, "%" PRIu32, s->settings->configured.kdf_count);
		server_say(s, LOG_EVENT_COUNT_LARGE, text);
	}
}

static void take_settings(struct server *s, struct settings *next)
{
	char names[DETAIL_LEN];

	if (settings_restart_needed(s->running, next, names, sizeof names)) {
		server_say(s, LOG_EVENT_RESTART_NEEDED, names);
	}
	log_set_level(s->log, (int)next->log_level); /* first: else it could not say so */
	announce_reloaded(s, s->settings, next);
	settings_unref(s->settings);
	reload_use(s, next);
	reflector_setup_ports(s);
	(void)clients_set_prefix(s->clients, next->ipv6_client_prefix); /* then all are recounted */
	conn_settings_changed(s);
	log_set_prefix(s->log, next->ipv6_client_prefix);
	running_tell(next, s->running, s->config_path, s->inherited.n_control,
		     s->inherited.n_light);
	reload_say_count(s);
	lightlog_counters(s->log, s->reflector);
	reload_say_listening(s);
}

void reload_trouble(struct server *s, enum reload_trouble t, const char *why)
{
	struct reload_result *r = &s->reload_result;

	r->trouble = t;
	r->at = server_wall();
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
		server_say(s, LOG_EVENT_RELOAD_FAILED, why);
		return;
	case RELOAD_KEPT:
		snprintf(s->trouble, sizeof s->trouble,
			 "the settings of before the restart stay in force, those of the files "
			 "cannot: %s",
			 why);
		server_say(s, LOG_EVENT_SETTINGS_KEPT, why);
		return;
	}
}

/* Prepare all that can fail, then swap. */
bool server_reload(struct server *s, char *why, size_t size)
{
	struct settings *next = NULL;
	struct settings_error err = { .text = "out of memory" };
	int rc;

	if (s->stopping) {
		(void)snprintf(why, size, "twampd is about to end, and does not reload");
		return false;
	}
	notify_say(s->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, server_mono().ns / 1000);
	rc = settings_load(s->config_path, &next, &err);
	if (!rc) {
		rc = class_use_prepare(&s->class_uses, next);
	}
	if (!rc) {
		rc = reload_listen(s, next, err.text, sizeof err.text);
	}
	if (rc) {
		settings_unref(next);
		reload_trouble(s, RELOAD_FAILED, err.text);
	} else {
		reload_trouble(s, RELOAD_NONE, NULL);
		take_settings(s, next);
	}
	server_tell_ready(s);
	(void)snprintf(why, size, "%s", rc ? err.text : "");
	return !rc;
}

void reload_on_hup(struct ev_loop *loop, ev_signal *w, int events)
{
	struct mono begun = clock_mono();
	char why[SETTINGS_ERROR_LEN];
	bool done = server_reload(w->data, why, sizeof why);

	verdict_tell(begun, done ? NULL : why);
}
