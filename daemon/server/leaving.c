// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/leaving.h"

#include "daemon/server/listener.h"

#include <linux/filter.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HANDSHAKE_S 1. /* the first repetition of a SYN comes after as long */
#define TURNS_MAX 256 /* of listener_accept: more than any backlog holds */

/* Nobody begins a handshake any more: segments with SYN are dropped. Best effort. */
static void bar(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* the flags of TCP */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { .len = sizeof code / sizeof *code, .filter = code };

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void leaving_stay(int fd)
{
	int none = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
}

static void end(struct listeners *ls, struct listener *l, bool take)
{
	struct listener **at = &ls->leaving;

	while (*at != l) {
		at = &(*at)->next;
	}
	*at = l->next;
	ev_io_stop(ls->loop, &l->io);
	ev_timer_stop(ls->loop, &l->leave);
	for (int i = 0; take && i < TURNS_MAX && listener_accept(l); i++) {
	}
	(void)shutdown(l->fd, SHUT_RD); /* whoever else holds it open */
	close(l->fd);
	free(l);
}

static void on_time(struct ev_loop *loop, ev_timer *w, int events)
{
	struct listener *l = w->data;

	end(l->all, l, true);
}

void leaving_add(struct listeners *ls, struct listener *l, bool replaced)
{
	if (replaced) {
		bar(l->fd);
	}
	l->next = ls->leaving;
	ls->leaving = l;
	listener_start(l);
	ev_timer_init(&l->leave, on_time, replaced ? HANDSHAKE_S : 0., 0.);
	l->leave.data = l;
	ev_timer_start(ls->loop, &l->leave);
}

void leaving_end(struct listeners *ls, bool take)
{
	while (ls->leaving) {
		end(ls, ls->leaving, take);
	}
}
