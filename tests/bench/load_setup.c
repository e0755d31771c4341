// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sessions without packets: how fast they are set up, what they cost, and many clients that
 * authenticate at once.
 */
#include "tests/bench/load_control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define FIRST_SENDER_PORT 1024
#define QUIET_US 800000 /* before each wave: what it is compared with */

struct marks {
	int64_t begin_ns;
	size_t before; /* sessions of the connections so far */
	bool any;
};

static void print_mark(void *context, size_t done)
{
	struct marks *m = context;

	printf("%s[%zu, %.6f]", m->any ? ", " : "", m->before + done,
	       (double)(load_mono_ns() - m->begin_ns) / 1e9);
	m->any = true;
}

/* @source with its last octet (or group) raised by @i: the bench has added these addresses. */
static const char *shift(const char *source, unsigned i, char *out, size_t size)
{
	struct in_addr v4;

	if (!source || !i || inet_pton(AF_INET, source, &v4) != 1) {
		return source;
	}
	v4.s_addr = htonl(ntohl(v4.s_addr) + i);
	return inet_ntop(AF_INET, &v4, out, (socklen_t)size);
}

static void wait_for_end(void)
{
	char c;

	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0) {
	}
}

void load_setup(const struct load_options *o)
{
	struct load_control *controls = calloc(o->connections, sizeof(*controls));
	size_t share = (o->flows + o->connections - 1) / o->connections, refused = 0, all = 0;
	struct load_session *sessions = calloc(share + 1, sizeof(*sessions));
	struct marks marks = { 0 };
	size_t *counts = calloc(o->connections, sizeof(*counts));
	int64_t end_ns;

	if (!controls || !sessions || !counts) {
		load_die("memory");
	}
	printf("{\"marks\": [");
	for (unsigned i = 0; i < o->connections; i++) {
		char text[INET_ADDRSTRLEN];
		size_t n = o->flows - all < share ? o->flows - all : share;

		load_control_connect(&controls[i], o,
				     shift(o->source, i % o->sources, text, sizeof(text)));
		for (size_t j = 0; j < n; j++) {
			sessions[j].sender_port =
				(uint16_t)(FIRST_SENDER_PORT + (i / o->sources * share + j) % 64000);
		}
		marks.before = all;
		marks.begin_ns = marks.begin_ns ? marks.begin_ns : load_mono_ns();
		if (n) {
			load_control_request(&controls[i], o, sessions, n, print_mark, &marks);
		}
		for (size_t j = 0; j < n; j++) {
			counts[i] += sessions[j].port != 0;
			refused += sessions[j].port == 0;
		}
		all += n;
	}
	end_ns = load_mono_ns();
	printf("], \"sessions\": %zu, \"refused\": %zu, \"seconds\": %.6f}\n", all - refused,
	       refused, (double)(end_ns - marks.begin_ns) / 1e9);
	if (o->hold) {
		for (unsigned i = 0; i < o->connections; i++) {
			if (counts[i]) {
				load_control_start(&controls[i]);
			}
		}
		printf("started\n");
		wait_for_end();
	}
	for (unsigned i = 0; i < o->connections; i++) {
		close(controls[i].fd);
	}
	free(controls);
	free(sessions);
	free(counts);
}

static void wave(const struct load_options *o, bool first)
{
	struct load_control *controls = calloc(o->clients, sizeof(*controls));
	uint8_t(*setups)[MSG_SETUP_LEN] = calloc(o->clients, sizeof(*setups));
	int64_t quiet_ns = load_wall_ns(), quiet_end_ns, begin_ns, end_ns;
	unsigned accepted = 0;

	if (!controls || !setups) {
		load_die("memory");
	}
	usleep(QUIET_US);
	quiet_end_ns = load_wall_ns();
	for (unsigned i = 0; i < o->clients; i++) {
		load_control_open(&controls[i], o, o->source, setups[i]);
	}
	begin_ns = load_wall_ns();
	for (unsigned i = 0; i < o->clients; i++) {
		load_write(controls[i].fd, setups[i], sizeof(setups[i]));
	}
	for (unsigned i = 0; i < o->clients; i++) {
		accepted += load_control_started(&controls[i]) == 0;
	}
	end_ns = load_wall_ns();
	for (unsigned i = 0; i < o->clients; i++) {
		close(controls[i].fd);
	}
	printf("%s{\"quiet\": [%" PRId64 ", %" PRId64 "], \"busy\": [%" PRId64 ", %" PRId64
	       "], \"accepted\": %u}",
	       first ? "" : ", ", quiet_ns, quiet_end_ns, begin_ns, end_ns, accepted);
	free(controls);
	free(setups);
}

void load_storm(const struct load_options *o)
{
	printf("{\"waves\": [");
	for (unsigned i = 0; i < o->waves; i++) {
		wave(o, i == 0);
	}
	printf("]}\n");
}
