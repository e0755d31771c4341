// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/caller.h"

#include "base/clock.h"
#include "daemon/admin/desk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum state {
	CALLER_LISTENED_TO, /* a question may come */
	CALLER_SERVED, /* its task is carried out */
	CALLER_SENT_OFF, /* what is there is sent, and then it is closed */
};

struct caller {
	struct callers *all;
	struct caller *next, *prev;
	struct caller *next_turn;
	bool in_turn;
	enum state state;
	bool may_change, eof;
	int fd;
	ev_io io;
	ev_timer idle; /* until the next question is complete, or the answer goes on */
	ev_timer moment; /* TASK_WAIT */
	struct task task;
	struct reply reply;
	size_t n; /* octets of */
	char line[ASK_LINE_MAX];
};

/* --- the end -------------------------------------------------------------------------------- */

static void leave_turn(struct caller *c)
{
	struct callers *all = c->all;
	struct caller **at = &all->next_turn, *before = NULL;

	while (*at && *at != c) {
		before = *at;
		at = &before->next_turn;
	}
	if (*at) {
		*at = c->next_turn;
		all->last_turn = all->last_turn == c ? before : all->last_turn;
	}
	c->in_turn = false;
	c->next_turn = NULL;
}

static void close_caller(struct caller *c)
{
	struct callers *all = c->all;

	if (c->in_turn) {
		leave_turn(c);
	}
	task_wipe(&c->task);
	ev_io_stop(all->loop, &c->io);
	ev_timer_stop(all->loop, &c->idle);
	ev_timer_stop(all->loop, &c->moment);
	if (c->next) {
		c->next->prev = c->prev;
	}
	*(c->prev ? &c->prev->next : &all->first) = c->next;
	all->n--;
	close(c->fd);
	reply_wipe(&c->reply);
	free(c);
}

/* --- turns ---------------------------------------------------------------------------------- */

static void take_turn(struct caller *c)
{
	struct callers *all = c->all;

	if (c->in_turn) {
		return;
	}
	c->in_turn = true;
	c->next_turn = NULL;
	*(all->last_turn ? &all->last_turn->next_turn : &all->next_turn) = c;
	all->last_turn = c;
	if (!ev_is_active(&all->pump)) {
		ev_timer_set(&all->pump, 0., 0.);
		ev_timer_start(all->loop, &all->pump);
	}
}

static void watch(struct caller *c)
{
	int events = c->reply.sent < c->reply.len ? EV_WRITE : 0;

	if (!c->eof && c->n < sizeof c->line) {
		events |= EV_READ;
	}
	if (events == (c->io.events & (EV_READ | EV_WRITE)) && ev_is_active(&c->io)) {
		return;
	}
	ev_io_stop(c->all->loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	if (events) {
		ev_io_start(c->all->loop, &c->io);
	}
}

static void be_patient(struct caller *c)
{
	c->idle.repeat = c->all->config->idle_s;
	ev_timer_again(c->all->loop, &c->idle);
}

static bool has_line(const struct caller *c)
{
	return c->n && memchr(c->line, '\n', c->n);
}

static void send_off(struct caller *c, enum reply_error kind, const char *text);

/* What comes next, when all that there was is sent. */
static void look_ahead(struct caller *c)
{
	if (c->state == CALLER_SENT_OFF) {
		close_caller(c);
		return;
	}
	if (c->state == CALLER_SERVED) {
		if (!ev_is_active(&c->moment)) {
			take_turn(c);
		}
	} else if (has_line(c)) {
		take_turn(c);
	} else if (c->n == sizeof c->line) {
		send_off(c, REPLY_BAD_REQUEST, "the line is longer than 4096 octets");
		return;
	} else if (c->eof) {
		close_caller(c);
		return;
	}
	watch(c);
}

/* May close it. */
static void send_some(struct caller *c)
{
	size_t before = c->reply.sent;
	int rc = c->reply.lost ? -ENOMEM : reply_send(&c->reply, c->fd);

	if (!rc) {
		look_ahead(c);
	} else if (rc == -EAGAIN) {
		if (c->reply.sent != before) {
			be_patient(c);
		}
		watch(c);
	} else {
		close_caller(c);
	}
}

static void note(struct caller *c, enum task_next next)
{
	switch (next) {
	case TASK_DONE:
		task_wipe(&c->task);
		if (c->state == CALLER_SERVED) {
			c->state = CALLER_LISTENED_TO;
		}
		be_patient(c);
		break;
	case TASK_WAIT:
		ev_timer_stop(c->all->loop, &c->idle); /* it is for us to end that */
		ev_timer_set(&c->moment, TASK_MOMENT_S, 0.);
		ev_timer_start(c->all->loop, &c->moment);
		break;
	case TASK_MORE:
		be_patient(c);
		break;
	}
}

static void begin_task(struct caller *c)
{
	char *end = memchr(c->line, '\n', c->n);
	size_t len = (size_t)(end - c->line);

	c->state = CALLER_SERVED;
	c->task.server = c->all->config->server;
	c->task.owner = c->all->config->owner;
	c->task.reply = &c->reply;
	reply_reset(&c->reply);
	note(c, task_begin(&c->task, c->all->config->verbs, c->may_change, c->line, len));
	c->n -= len + 1;
	memmove(c->line, end + 1, c->n);
}

static void serve(struct caller *c)
{
	if (c->state == CALLER_SERVED) {
		note(c, task_go_on(&c->task));
	} else {
		begin_task(c);
	}
	send_some(c);
}

static void on_pump(struct ev_loop *loop, ev_timer *w, int events)
{
	struct callers *all = w->data;
	int64_t end = clock_mono().ns + DESK_TURN_NS;
	struct caller *c;

	while ((c = all->next_turn)) {
		leave_turn(c);
		assert(all->next_turn != c);
		serve(c);
		if (clock_mono().ns >= end) {
			break;
		}
	}
	if (all->next_turn) {
		ev_timer_set(&all->pump, 0., 0.);
		ev_timer_start(loop, &all->pump);
	}
}

/* --- what happens --------------------------------------------------------------------------- */

static void send_off(struct caller *c, enum reply_error kind, const char *text)
{
	c->state = CALLER_SENT_OFF;
	c->n = 0;
	c->eof = true;
	reply_reset(&c->reply);
	reply_error(&c->reply, kind, "%s", text);
	send_some(c);
}

/* False when it was closed. */
static bool read_some(struct caller *c)
{
	ssize_t n = recv(c->fd, c->line + c->n, sizeof c->line - c->n, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
		return true;
	}
	if (n < 0) {
		close_caller(c);
		return false;
	}
	c->eof |= !n;
	c->n += (size_t)n;
	return true;
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	struct caller *c = w->data;

	if ((events & EV_READ) && !read_some(c)) {
		return;
	}
	send_some(c);
}

static void on_idle(struct ev_loop *loop, ev_timer *w, int events)
{
	close_caller(w->data);
}

static void on_moment(struct ev_loop *loop, ev_timer *w, int events)
{
	struct caller *c = w->data;

	if (c->eof) { /* nobody waits for it any more */
		close_caller(c);
		return;
	}
	take_turn(c);
}

/* --- the beginning -------------------------------------------------------------------------- */

void callers_init(struct callers *all, struct ev_loop *loop, const struct desk_config *c)
{
	*all = (struct callers){ .loop = loop, .config = c };
	ev_init(&all->pump, on_pump);
	all->pump.data = all;
}

void callers_wipe(struct callers *all)
{
	for (struct caller *c = all->first, *next; c; c = next) {
		next = c->next;
		close_caller(c);
	}
	ev_timer_stop(all->loop, &all->pump);
}

int caller_new(struct callers *all, int fd, const struct ucred *who, bool may_change)
{
	struct caller *c = calloc(1, sizeof *c);

	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	c->all = all;
	c->fd = fd;
	c->may_change = may_change;
	c->task.uid = who->uid;
	c->task.pid = who->pid;
	c->next = all->first;
	if (c->next) {
		c->next->prev = c;
	}
	all->first = c;
	all->n++;
	ev_io_init(&c->io, on_io, fd, EV_READ);
	ev_init(&c->idle, on_idle);
	ev_init(&c->moment, on_moment);
	c->io.data = c->idle.data = c->moment.data = c;
	ev_io_start(all->loop, &c->io);
	be_patient(c);
	return 0;
}
