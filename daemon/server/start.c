// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/start.h"

#include "daemon/server/announce.h"
#include "daemon/server/cgroup.h"
#include "daemon/server/conn.h"
#include "daemon/server/ends.h"
#include "daemon/server/handover.h"
#include "daemon/server/host.h"
#include "daemon/server/memory.h"
#include "daemon/server/notify.h"
#include "daemon/server/reflector_setup.h"
#include "daemon/server/reload.h"
#include "daemon/server/running.h"
#include "daemon/server/session_orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int open_each(struct server *s, struct settings *settings, char *why, size_t size)
{
	int rc = class_use_prepare(&s->class_uses, settings);

	snprintf(why, size, "out of memory");
	if (rc < 0) {
		return rc;
	}
	reload_use(s, settings);
	log_set_level(s->log, (int)settings->log_level);
	log_set_prefix(s->log, settings->ipv6_client_prefix);
	s->clients = clients_new(settings->ipv6_client_prefix);
	rc = s->clients ? reflector_setup_start(s, why, size) : -ENOMEM;
	rc = rc < 0 ? rc
		    : kdf_new(&s->kdf, s->loop, settings->auth_workers, settings->auth_queue,
			      session_orders_derived);
	rc = rc < 0 ? rc : listener_inherit(s);
	return rc < 0 ? rc : reload_listen(s, settings, why, size);
}

/* Open what they name. The settings are taken over. On failure all is as before, and @why is
 * filled in. */
static int open_all(struct server *s, struct settings *settings, struct settings_error *why)
{
	int rc = open_each(s, settings, why->text, sizeof why->text);

	if (rc < 0) {
		guests_end(&s->options->guests, s);
		listener_close(s);
		kdf_free(s->kdf);
		reflector_free(s->reflector);
		clients_free(s->clients);
		settings_unref(settings);
		s->kdf = NULL;
		s->reflector = NULL;
		s->clients = NULL;
		s->settings = NULL;
		inherited_again(&s->inherited);
	}
	return rc;
}

/* Those that were in force until a moment ago. */
static int fall_back(struct server *s)
{
	struct settings *settings;
	struct settings_error why;

	if (s->inherited.kept.settings < 0) {
		return -ENOENT;
	}
	if (kept_load(&s->inherited.kept, s->config_path, &settings, &why)) {
		return -EINVAL;
	}
	return open_all(s, settings, &why);
}

/* A file with an error costs nobody a session: then it goes on as before. */
static int open_settings(struct server *s)
{
	struct settings *settings;
	struct settings_error why = { .text = "out of memory" };
	int bad = settings_load(s->config_path, &settings, &why);
	int rc = bad ? -EINVAL : open_all(s, settings, &why);

	if (!rc) {
		return 0;
	}
	if (!fall_back(s)) {
		reload_trouble(s, RELOAD_KEPT, why.text);
		return 0;
	}
	server_say(s, bad == SETTINGS_BAD ? LOG_EVENT_CONFIG_ERROR : LOG_EVENT_START_FAILED,
		   why.text);
	return bad == SETTINGS_BAD ? SERVER_EXIT_CONFIG : EXIT_FAILURE;
}

static int fail(struct server *s, const char *why)
{
	server_say(s, LOG_EVENT_START_FAILED, why);
	return EXIT_FAILURE;
}

static int make_room(struct server *s)
{
	int rc = memory_init();

	s->start_time = ts_encode(TS_NTP, server_wall());
	s->loop = rc < 0 ? NULL : ev_default_loop(EVFLAG_AUTO);
	if (!s->loop) {
		return -ENOMEM;
	}
	s->refusals = refusals_new();
	rc = s->refusals ? conn_prepare(s) : -ENOMEM;
	rc = rc < 0 ? rc : notify_new(&s->notify, s->loop);
	rc = rc < 0 ? rc : host_init(&s->host, s->loop);
	rc = rc < 0 ? rc : ends_new(&s->ends, s->log);
	rc = rc < 0 ? rc : cgroup_new(&s->cgroup);
	if (!rc) {
		host_ipv4(&s->host, s->host_ipv4);
	}
	return rc;
}

int start_server(struct server *s, const struct server_options *o)
{
	char why[SERVER_TROUBLE_LEN];
	int rc = log_new(&s->log, o->log_target);

	if (rc < 0) {
		log_early("%s", strerror(-rc));
		return EXIT_FAILURE;
	}
	s->config_path = o->config_path;
	if (inherited_take(&s->inherited, why, sizeof why) < 0) {
		return fail(s, why);
	}
	rc = make_room(s);
	if (rc < 0) {
		return fail(s, strerror(-rc));
	}
	rc = open_settings(s);
	if (rc) {
		return rc;
	}
	s->running = settings_scalars(s->settings);
	if (!s->running) {
		return fail(s, "out of memory");
	}
	server_listen_to_signals(s);
	reload_say_count(s);
	reload_say_listening(s);
	handover_take(s); /* the sessions of the process before, then their packets */
	rc = reflector_setup_go_on(s);
	if (rc < 0) {
		snprintf(why, sizeof why, "cannot start the reflector threads: %s", strerror(-rc));
		return fail(s, why);
	}
	running_tell(s->settings, s->running, s->config_path, s->inherited.n_control,
		     s->inherited.n_light);
	handover_ready(s); /* what is left of the process before gets no packet any more */
	announce_ready(s);
	return 0;
}
