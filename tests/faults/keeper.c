// SPDX-License-Identifier: BSD-2-Clause
#include "tests/faults/keeper.h"

#include "tests/faults/faultpeer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAMES "twampd-sockets:twampd-state"

int twampd_main(int argc, char **argv);

_Noreturn void keeper_die(const struct keeper *k, const char *what)
{
	char line[400];
	FILE *f = fopen(k->log, "re");

	fprintf(stderr, "%s %u, %u at once: %s\n",
		k->faults->kind == FAULTS_MEMORY ? "memory" : "system", k->faults->first,
		k->faults->times, what);
	while (f && fgets(line, sizeof(line), f)) {
		fputs(line, stderr);
	}
	if (k->pid > 0) {
		kill(k->pid, SIGKILL);
	}
	abort();
}

/* --- settings ------------------------------------------------------------------------- */

static void write_file(const struct keeper *k, const char *name, const char *text)
{
	char path[120];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", k->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		abort();
	}
	close(fd);
}

static void write_settings(const struct keeper *k, bool other)
{
	char text[1500], light[300] = "";

	if (other) {
		snprintf(light, sizeof(light),
			 ", { address = \"127.0.0.1\"; port = %u; type = \"twamp-light\"; "
			 "clients = [ \"127.0.0.0/8\" ]; }",
			 k->other_light);
	}
	snprintf(text, sizeof(text),
		 "auth = { count = 1024; workers = 1; failure_rate = 0; };\n"
		 "overload = { loop_lag = 0; reflector_busy = 0; memory_used = 0;\n"
		 "  memory_pressure = 0; send_drops = 0; receive_drops = 0; };\n"
		 "reflector = { threads = 1; };\n"
		 "log = { level = \"debug\"; };\n"
		 "ports = { first = 61000; last = 65535; also = [ %u ]; };\n"
		 "keys_file = \"keys\";\n"
		 "clients = ( { name = \"here\"; prefixes = [ \"127.0.0.0/8\" ];\n"
		 "    limits = { total_packet_rate = 1000000; }; },\n"
		 "  { name = \"%s\"; key_ids = [ \"other\" ]; } );\n"
		 "light = ( { address = \"127.0.0.1\"; port = %u; type = \"stamp\";\n"
		 "  stateful = true; clients = [ \"127.0.0.0/8\" ]; ssids = [ 0, 1 ]; }%s );\n",
		 k->also, other ? "second" : "first", k->light, light);
	write_file(k, "twampd.conf", text);
}

/* Below those that the kernel gives to others while a daemon restarts; sessions are above them. */
static uint16_t own_port(uint16_t n)
{
	return (uint16_t)(12000 + getpid() % 6000 * 3 + n);
}

static void listen_for_clients(struct keeper *k)
{
	socklen_t len = sizeof(k->control);

	k->control = (struct sockaddr_in){ .sin_family = AF_INET,
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	k->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (k->listener < 0 || bind(k->listener, (struct sockaddr *)&k->control, len) ||
	    listen(k->listener, 16) ||
	    getsockname(k->listener, (struct sockaddr *)&k->control, &len)) {
		abort();
	}
}

void keeper_init(struct keeper *k, struct faults *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	*k = (struct keeper){ .faults = f, .folder = "/tmp/twampd-faults.XXXXXX" };
	if (!mkdtemp(k->folder)) {
		abort();
	}
	snprintf(k->config, sizeof(k->config), "%s/twampd.conf", k->folder);
	snprintf(k->notify, sizeof(k->notify), "%s/notify", k->folder);
	snprintf(k->log, sizeof(k->log), "%s/log", k->folder);
	k->light = own_port(0);
	k->other_light = own_port(1);
	k->also = own_port(2);
	listen_for_clients(k);
	write_file(k, "keys", "probe one two three\nother four five six\n");
	k->notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(a.sun_path, k->notify);
	if (k->notified < 0 || bind(k->notified, (struct sockaddr *)&a, sizeof(a))) {
		abort();
	}
}

void keeper_wipe(struct keeper *k)
{
	static const char *const names[] = { "twampd.conf", "notify", "log", "keys" };
	char path[120];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", k->folder, names[i]);
		unlink(path);
	}
	rmdir(k->folder);
	close(k->listener);
	close(k->notified);
}

/* --- what it says --------------------------------------------------------------------- */

static void forget(struct keeper *k)
{
	for (unsigned i = 0; i < k->n_stored; i++) {
		close(k->stored[i]);
	}
	k->n_stored = 0;
}

static void keep(struct keeper *k, const char *text, int fd)
{
	if (k->n_stored == KEEPER_STORED) {
		abort();
	}
	k->names[k->n_stored] = strstr(text, "twampd-state") ? "twampd-state" : "twampd-sockets";
	k->stored[k->n_stored++] = fd;
}

/* One datagram. True if it has the words. */
static bool take_note(struct keeper *k, const char *words)
{
	char text[2048];
	struct iovec octets = { text, sizeof(text) - 1 };
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = &octets,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(k->notified, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	int fd = -1;

	text[n > 0 ? n : 0] = '\0';
	if (c && c->cmsg_type == SCM_RIGHTS) {
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	if (fd >= 0 && strstr(text, "FDSTORE=1")) {
		keep(k, text, fd);
	} else if (fd >= 0) { /* a barrier: that is the answer */
		close(fd);
	}
	if (strstr(text, "FDSTOREREMOVE=1")) {
		forget(k);
	}
	return words && strstr(text, words);
}

static void end_well(struct keeper *k, int status)
{
	k->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 2) {
		keeper_die(k, "the daemon crashed");
	}
}

/* True when it has said so, false when it has ended. */
static bool wait_for(struct keeper *k, const char *words)
{
	struct pollfd p = { .fd = k->notified, .events = POLLIN };
	time_t limit = time(NULL) + FAULTPEER_WAIT_S;
	int status;

	while (time(NULL) < limit) {
		pid_t gone = waitpid(k->pid, &status, WNOHANG);

		while (poll(&p, 1, gone ? 0 : 2) == 1) {
			if (take_note(k, words)) {
				return true;
			}
		}
		if (gone) {
			end_well(k, status);
			return false;
		}
	}
	keeper_die(k, words ? words : "it does not end");
}

/* --- processes ------------------------------------------------------------------------ */

/* In the child. */
static _Noreturn void run(struct keeper *k)
{
	char *argv[] = { "twampd", "--config", k->config, "--log-target", "stderr", NULL };
	char names[80] = "control", number[24];
	int log = open(k->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int high[KEEPER_STORED + 1] = { fcntl(k->listener, F_DUPFD_CLOEXEC, 100) };

	for (unsigned i = 0; i < k->n_stored; i++) {
		high[i + 1] = fcntl(k->stored[i], F_DUPFD_CLOEXEC, 100);
		strcat(names, ":");
		strcat(names, k->names[i]);
	}
	dup2(log, STDERR_FILENO);
	for (int i = 0; i < (int)k->n_stored + 1; i++) {
		dup2(high[i], 3 + i);
	}
	for (int fd = 4 + (int)k->n_stored; fd < 200; fd++) {
		close(fd);
	}
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%u", k->n_stored + 1);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	setenv("NOTIFY_SOCKET", k->notify, 1);
	faults_begin(k->faults);
	exit(twampd_main(5, argv));
}

bool keeper_start(struct keeper *k)
{
	write_settings(k, false);
	fflush(NULL);
	k->pid = fork();
	if (k->pid < 0) {
		abort();
	}
	if (!k->pid) {
		run(k);
	}
	forget(k);
	return wait_for(k, "READY=1");
}

void keeper_reload(struct keeper *k)
{
	write_settings(k, true);
	kill(k->pid, SIGHUP);
	if (!wait_for(k, "READY=1")) {
		keeper_die(k, "a reload ended it");
	}
}

void keeper_end(struct keeper *k, int signum)
{
	kill(k->pid, signum);
	(void)wait_for(k, NULL);
}
