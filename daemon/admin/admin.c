// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/admin.h"

#include "daemon/admin/desk.h"
#include "daemon/admin/steer.h"
#include "daemon/admin/verbs.h"
#include "daemon/config/settings.h"
#include "daemon/server/server.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKET_NAME "control.sock"

struct admin {
	struct desk *desk; /* NULL before the first settings */
	struct steer steer;
	bool open;
	uint32_t max_callers, idle_s; /* of the settings that hold, or may come to */
};

/* In the first of the unit's directories. False if there is none. */
static bool place(char path[static PATH_MAX])
{
	const char *folder = getenv("RUNTIME_DIRECTORY");
	int len = folder ? (int)strcspn(folder, ":") : 0;

	return len && snprintf(path, PATH_MAX, "%.*s/" SOCKET_NAME, len, folder) < PATH_MAX;
}

static void open_desk(struct admin *a, struct server *s)
{
	int passed = server_admin_socket(s), rc;
	char path[PATH_MAX], why[PATH_MAX + 100];

	if (passed < 0 && !place(path)) {
		return;
	}
	rc = passed >= 0 ? desk_take(a->desk, passed) : desk_listen(a->desk, path);
	a->open = !rc;
	if (rc < 0) {
		snprintf(why, sizeof why, "%s: %s", passed >= 0 ? "the passed socket" : path,
			 strerror(-rc));
		log_say(server_log(s), LOG_EVENT_ADMIN_FAILED, why);
	}
}

/* That it cannot be asked is no reason not to serve: nothing here refuses settings but memory. */
static int prepare(void *context, struct server *s, const struct settings *next, char *why,
		   size_t size)
{
	struct admin *a = context;
	const struct desk_config c = { .verbs = verbs_table, .server = s, .owner = &a->steer };
	int rc = a->desk ? 0 : desk_new(&a->desk, server_loop(s), &c);

	if (rc < 0) {
		(void)snprintf(why, size, "out of memory");
		return rc;
	}
	if (!a->steer.server) {
		steer_init(&a->steer, s);
	}
	a->max_callers = next->admin_max_clients;
	a->idle_s = next->admin_idle_s;
	return 0;
}

static void settle(void *context, struct server *s, bool taken)
{
	struct admin *a = context;

	if (!taken) {
		return;
	}
	desk_configure(a->desk, a->max_callers, a->idle_s);
	if (!a->max_callers) {
		desk_close(a->desk);
		a->open = false;
	} else if (!a->open) {
		open_desk(a, s);
	}
}

static void end(void *context, struct server *s)
{
	struct admin *a = context;

	steer_wipe(&a->steer);
	desk_free(a->desk);
	a->desk = NULL;
	a->open = false;
}

struct admin *admin_new(void)
{
	return calloc(1, sizeof(struct admin));
}

void admin_free(struct admin *a)
{
	free(a);
}

struct guest admin_guest(struct admin *a)
{
	return (struct guest){ .prepare = prepare, .settle = settle, .end = end, .context = a };
}
