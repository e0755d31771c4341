// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/signals.h"

#include <stddef.h>
#include <time.h>

static void make_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
	sigaddset(set, SIGNALS_HANDOVER);
}

void signals_hold(bool hold)
{
	sigset_t set;

	make_set(&set);
	(void)sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void signals_await(unsigned seconds)
{
	sigset_t set;

	make_set(&set);
	(void)sigtimedwait(&set, NULL, &(struct timespec){ .tv_sec = seconds });
}
