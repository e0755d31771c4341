// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/start.h"

#include "base/clock.h"
#include "daemon/server/announce.h"
#include "daemon/server/cgroup.h"
#include "daemon/server/conn.h"
#include "daemon/server/guests.h"
#include "daemon/server/handover.h"
#include "daemon/server/memory.h"
#include "daemon/server/notify.h"
#include "daemon/server/reload.h"
#include "daemon/server/running.h"
#include "daemon/server/server_parts.h"
#include "daemon/server/session_orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int open_each(struct server *s, struct settings *settings, char *why, size_t size)
{
	struct conns *cs = &s->conns;
	int rc = class_use_prepare(&cs->class_uses, settings);

	snprintf(why, size, "out of memory");
	if (rc < 0) {
		return rc;
	}
	reload_use(s, settings);
	log_set_level(cs->log, (int)settings->log_level);
	log_set_prefix(cs->log, settings->ipv6_client_prefix);
	cs->clients = clients_new(settings->ipv6_client_prefix);
	rc = cs->clients ? reflector_setup_start(&s->setup, why, size) : -ENOMEM;
	rc = rc < 0 ? rc
		    : kdf_new(&cs->kdf, cs->loop, settings->auth_workers, settings->auth_queue,
			      session_orders_derived);
	rc = rc < 0 ? rc : listener_inherit(&s->listeners);
	return rc < 0 ? rc : reload_listen(s, settings, why, size);
}

/* Open what they name. The settings are taken over. On failure all is as before, and @why is
 * filled in. */
static int open_all(struct server *s, struct settings *settings, struct settings_error *why)
{
	int rc = open_each(s, settings, why->text, sizeof why->text);

	if (rc < 0) {
		guests_end(s->guests, s);
		listener_close(&s->listeners);
		kdf_free(s->conns.kdf);
		reflector_free(s->conns.reflector);
		clients_free(s->conns.clients);
		settings_unref(settings);
		s->conns.kdf = NULL;
		s->conns.reflector = NULL;
		s->conns.clients = NULL;
		s->conns.settings = NULL;
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
	log_say(s->conns.log, bad == SETTINGS_BAD ? LOG_EVENT_CONFIG_ERROR : LOG_EVENT_START_FAILED,
		why.text);
	return bad == SETTINGS_BAD ? START_EXIT_CONFIG : EXIT_FAILURE;
}

static int fail(struct server *s, const char *why)
{
	log_say(s->conns.log, LOG_EVENT_START_FAILED, why);
	return EXIT_FAILURE;
}

static void tell_memory_short(void *context)
{
	struct server *s = context;

	server_load_memory_short(&s->load);
}

static bool take(void *context, int fd, const union endpoint *peer)
{
	struct server *s = context;

	return conn_new(&s->conns, fd, peer);
}

static bool make_way(void *context)
{
	struct server *s = context;

	return conn_make_room(&s->conns);
}

/* Who works with what. */
static void wire_up(struct server *s)
{
	s->conns.memory_short = tell_memory_short;
	s->conns.context = s;
	s->listeners.loop = s->conns.loop;
	s->listeners.log = s->conns.log;
	s->listeners.inherited = &s->inherited;
	s->listeners.take = take;
	s->listeners.make_room = make_way;
	s->listeners.context = s;
	listener_init(&s->listeners);
	s->setup.conns = s->load.conns = &s->conns;
	s->setup.inherited = &s->inherited;
}

static int make_room(struct server *s)
{
	struct conns *cs = &s->conns;
	int rc = memory_init();

	cs->start_time = ts_encode(TS_NTP, clock_wall());
	cs->loop = rc < 0 ? NULL : ev_default_loop(EVFLAG_AUTO);
	if (!cs->loop) {
		return -ENOMEM;
	}
	wire_up(s);
	rc = conns_init(cs);
	rc = rc < 0 ? rc : notify_new(&s->notify, cs->loop);
	rc = rc < 0 ? rc : host_init(&cs->host, cs->loop);
	rc = rc < 0 ? rc : ends_new(&cs->ends, cs->log);
	rc = rc < 0 ? rc : cgroup_new(&s->load.cgroup);
	if (!rc) {
		host_ipv4(&cs->host, cs->host_ipv4);
	}
	return rc;
}

int start_open(struct server *s, enum log_target target)
{
	char why[SERVER_TROUBLE_LEN];
	int rc = log_new(&s->conns.log, target);

	if (rc < 0) {
		log_early("%s", strerror(-rc));
		return EXIT_FAILURE;
	}
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
	s->started = settings_scalars(s->conns.settings);
	return s->started ? 0 : fail(s, "out of memory");
}

int start_serve(struct server *s)
{
	char why[SERVER_TROUBLE_LEN];
	int rc;

	reload_say_count(s);
	reload_say_listening(s);
	handover_take(s); /* the sessions of the process before, then their packets */
	rc = reflector_setup_go_on(&s->setup);
	if (rc < 0) {
		snprintf(why, sizeof why, "cannot start the reflector threads: %s", strerror(-rc));
		return fail(s, why);
	}
	running_tell(s->conns.settings, s->started, s->config_path, s->inherited.n_control,
		     s->inherited.n_light);
	handover_ready(s); /* what is left of the process before gets no packet any more */
	announce_ready(s);
	return 0;
}
