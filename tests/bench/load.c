// SPDX-License-Identifier: BSD-2-Clause
/*
 * load run|setup|storm OPTION...: sends TWAMP-Test packets faster than a reflector answers
 * them, or in an even pace, and prints what came back as a line of JSON. With --control it
 * speaks TWAMP-Control first and asks for a session for each flow.
 */
#include "tests/bench/load.h"

#include "tests/bench/load_flow.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LOSS_ALLOWED 0.002
#define PACE_KEPT 0.8 /* of what was to be sent; what was really sent counts then */
#define CATCH_UP_NS 200000 /* behind by more: skipped, a burst would be another test */
#define SEARCH_STEPS 9
#define SEARCH_DONE 1.04
#define QUIET_NS INT64_C(40000000)
#define DRAIN_NS INT64_C(1500000000)
#define TICK_S 100e-6 /* packets of so long leave in one go, at most PACED_BURST */
#define PACED_BURST 32
#define IPV4_HEAD (14 + 20 + 8)
#define IPV6_HEAD (14 + 40 + 8)

/* At the ends of a measured time. */
struct reading {
	int64_t mono_ns, cpu_ns;
	uint64_t device_octets, device_packets;
	uint64_t sent;
};

_Noreturn void load_die(const char *what)
{
	fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec;
}

int64_t load_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t load_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static uint64_t read_statistic(const char *device, const char *name)
{
	char path[128];
	uint64_t v = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", device, name);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%" SCNu64, &v) != 1) {
		load_die(path);
	}
	fclose(f);
	return v;
}

static void read_all(const struct load_flows *f, struct reading *r)
{
	const struct load_options *o = f->o;
	clockid_t id;

	*r = (struct reading){ .sent = f->tally->sent };
	if (o->device) {
		r->device_octets = read_statistic(o->device, "rx_bytes");
		r->device_packets = read_statistic(o->device, "rx_packets");
	}
	if (o->pid && !clock_getcpuclockid(o->pid, &id)) {
		r->cpu_ns = read_clock(id);
	}
	r->mono_ns = load_mono_ns();
}

/* What came is one packet or a train of segments with one head: octets tell, packets do not. */
static double replies_between(const struct load_flows *f, const struct reading *a,
			      const struct reading *b)
{
	unsigned head = strchr(f->o->server, ':') ? IPV6_HEAD : IPV4_HEAD;
	double octets = (double)(b->device_octets - a->device_octets);

	octets -= (double)head * (double)(b->device_packets - a->device_packets);
	return octets / (double)f->reply_octets;
}

static void blast(struct load_flows *f, double seconds)
{
	int64_t end = load_mono_ns() + (int64_t)(seconds * 1e9);
	size_t next = 0;

	for (unsigned i = 0; i % 16 || load_mono_ns() < end; i++) {
		struct load_flow *flow = &f->flows[next];

		(void)load_flow_send(f, flow, f->burst);
		if (i % 128 == 0) {
			load_flow_peek(f, flow);
		}
		next = next + 1 == f->count ? 0 : next + 1;
	}
}

static void run_line(const struct load_options *o)
{
	struct load_tally tally = { 0 };
	struct load_flows f;
	struct reading a, b;
	double seconds, replies;

	load_flows_open(&f, o, &tally, true);
	blast(&f, o->warmup);
	read_all(&f, &a);
	blast(&f, o->seconds);
	read_all(&f, &b);
	seconds = (double)(b.mono_ns - a.mono_ns) / 1e9;
	replies = replies_between(&f, &a, &b);
	printf("{\"pps\": %.0f, \"sent_pps\": %.0f, \"seconds\": %.4f, \"cpu_ns\": %.1f, "
	       "\"cpu_share\": %.3f, \"checked\": %" PRIu64 ", \"bad\": %" PRIu64 "}\n",
	       replies / seconds, (double)(b.sent - a.sent) / seconds, seconds,
	       (double)(b.cpu_ns - a.cpu_ns) / (replies > 1 ? replies : 1),
	       (double)(b.cpu_ns - a.cpu_ns) / (seconds * 1e9), tally.checked, tally.bad);
	load_flows_close(&f);
}

static void wait_until(struct load_flows *f, int64_t at)
{
	if (f->o->sleep) {
		struct timespec t = { at / TS_NS_PER_S, at % TS_NS_PER_S };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		load_flows_receive(f);
		return;
	}
	do {
		load_flows_receive(f);
	} while (load_mono_ns() < at);
}

/* One tick: a run for one flow, or a packet each for as many flows. */
static void send_tick(struct load_flows *f, size_t *next, unsigned n)
{
	if (f->count == 1) {
		(void)load_flow_send(f, &f->flows[0], n);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		(void)load_flow_send(f, &f->flows[*next], 1);
		*next = *next + 1 == f->count ? 0 : *next + 1;
	}
}

static void drain(struct load_flows *f)
{
	int64_t begin = load_mono_ns(), last = begin, now = begin;

	while (now - begin < DRAIN_NS && now - last < QUIET_NS &&
	       f->tally->received < f->tally->sent) {
		if (load_flows_receive(f)) {
			last = now;
		}
		now = load_mono_ns();
	}
}

/* Return the packets that should have been sent. */
static double pace(struct load_flows *f, double rate, double seconds)
{
	unsigned n = f->o->burst ? f->o->burst : (unsigned)(rate * TICK_S);
	int64_t begin, end, next, tick_ns;
	size_t flow = 0;

	n = n < 1 ? 1 : n > PACED_BURST ? PACED_BURST : n;
	tick_ns = (int64_t)((double)n / rate * 1e9);
	next = begin = load_mono_ns();
	end = begin + (int64_t)(seconds * 1e9);
	while (next < end) {
		int64_t now;

		wait_until(f, next);
		now = load_mono_ns();
		if (now >= end) {
			break;
		}
		send_tick(f, &flow, n);
		next = now - next > CATCH_UP_NS ? now + tick_ns : next + tick_ns;
	}
	drain(f);
	load_flows_drops(f);
	return rate * seconds;
}

static double loss(const struct load_tally *t)
{
	double came = (double)(t->received + t->own_drops);

	return t->sent ? 1. - came / (double)t->sent : 1.;
}

static void run_paced(const struct load_options *o)
{
	struct load_tally tally = { 0 };
	struct load_flows f;
	struct reading a, b;
	double wanted;

	load_tally_room(&tally, (size_t)(o->rate * o->seconds * 1.1) + 1000);
	load_flows_open(&f, o, &tally, false);
	pace(&f, o->rate, o->warmup);
	load_tally_reset(&tally);
	read_all(&f, &a);
	wanted = pace(&f, o->rate, o->seconds);
	read_all(&f, &b);
	printf("{\"rate\": %.0f, \"kept\": %.4f, \"sent\": %" PRIu64 ", \"received\": %" PRIu64
	       ", \"own_drops\": %" PRIu64 ", \"loss\": %.6f, \"bad\": %" PRIu64
	       ", \"checked\": %" PRIu64 ", \"unstamped\": %" PRIu64 ", \"cpu_ns\": %.1f, ",
	       o->rate, (double)tally.sent / wanted, tally.sent, tally.received, tally.own_drops,
	       loss(&tally), tally.bad, tally.checked, tally.unstamped,
	       (double)(b.cpu_ns - a.cpu_ns) / (tally.received ? (double)tally.received : 1));
	load_tally_print(&tally, stdout);
	printf("}\n");
	if (o->dump) {
		load_tally_dump(&tally, o->dump);
	}
	load_flows_close(&f);
	free(tally.samples);
}

/*
 * A machine that is shared drops packets now and then: a rate fails when it does so twice.
 * Return the rate that was kept without loss, or 0.
 */
static double hold(struct load_flows *f, double rate, bool *slow)
{
	for (int i = 0; i < 2; i++) {
		double wanted;

		load_tally_reset(f->tally);
		wanted = pace(f, rate, f->o->seconds);
		*slow = (double)f->tally->sent < wanted * PACE_KEPT;
		if (!*slow && loss(f->tally) < LOSS_ALLOWED) {
			return rate * (double)f->tally->sent / wanted;
		}
	}
	return 0;
}

static void run_search(const struct load_options *o)
{
	struct load_tally tally = { 0 };
	double low = o->low, high = o->high, at = sqrt(low * high), best = 0;
	bool limited = false;
	uint64_t bad = 0;
	struct load_flows f;

	load_flows_open(&f, o, &tally, false);
	pace(&f, low, o->warmup);
	for (int i = 0; i < SEARCH_STEPS && high / low > SEARCH_DONE; i++) {
		bool slow;
		double kept = hold(&f, at, &slow);

		if (kept > 0) {
			low = at;
			best = kept;
		} else {
			high = at;
			limited = slow;
		}
		bad += tally.bad;
		at = sqrt(low * high);
	}
	printf("{\"loss_free\": %.0f, \"generator_limited\": %s, \"bad\": %" PRIu64 "}\n",
	       best > 0 ? best : low, limited ? "true" : "false", bad);
	load_flows_close(&f);
}

static double number(const char *text, double max)
{
	char *end;
	double v = strtod(text, &end);

	if (!*text || *end || !(v >= 0) || v > max) {
		fprintf(stderr, "load: %s: a number up to %.0f expected\n", text, max);
		exit(2);
	}
	return v;
}

enum option_id {
	SERVER, SOURCE, CONTROL, PORT, STEP, SOURCE_PORT, FLOWS, MODE, KEY_ID, PASSPHRASE, PAYLOAD,
	RATE, LOW, HIGH, SECONDS, WARMUP, BURST, PID, DEVICE, DUMP, SLEEP, CONNECTIONS, SOURCES,
	CLIENTS, WAVES, HOLD,
};

static const struct option long_options[] = {
	{ "server", 1, NULL, SERVER },	 { "source", 1, NULL, SOURCE },
	{ "control", 1, NULL, CONTROL }, { "port", 1, NULL, PORT },
	{ "step", 1, NULL, STEP },	 { "source-port", 1, NULL, SOURCE_PORT },
	{ "flows", 1, NULL, FLOWS },	 { "mode", 1, NULL, MODE },
	{ "key-id", 1, NULL, KEY_ID },	 { "passphrase", 1, NULL, PASSPHRASE },
	{ "payload", 1, NULL, PAYLOAD }, { "rate", 1, NULL, RATE },
	{ "low", 1, NULL, LOW },	 { "high", 1, NULL, HIGH },
	{ "seconds", 1, NULL, SECONDS }, { "warmup", 1, NULL, WARMUP },
	{ "burst", 1, NULL, BURST },	 { "pid", 1, NULL, PID },
	{ "device", 1, NULL, DEVICE },	 { "dump", 1, NULL, DUMP },
	{ "sleep", 0, NULL, SLEEP },	 { "connections", 1, NULL, CONNECTIONS },
	{ "sources", 1, NULL, SOURCES }, { "clients", 1, NULL, CLIENTS },
	{ "waves", 1, NULL, WAVES },	 { "hold", 0, NULL, HOLD },
	{ NULL, 0, NULL, 0 },
};

static void take_option(struct load_options *o, enum option_id id, const char *v)
{
	switch (id) {
	case SERVER: o->server = v; break;
	case SOURCE: o->source = v; break;
	case CONTROL: o->control_port = (unsigned)number(v, 65535); break;
	case PORT: o->port = (unsigned)number(v, 65535); break;
	case STEP: o->step = (unsigned)number(v, 1); break;
	case SOURCE_PORT: o->source_port = (unsigned)number(v, 65535); break;
	case FLOWS: o->flows = (unsigned)number(v, 1e6); break;
	case MODE: o->mode = mode_by_name(v); break;
	case KEY_ID: o->key_id = v; break;
	case PASSPHRASE: o->passphrase = v; break;
	case PAYLOAD: o->payload = (unsigned)number(v, 2048); break;
	case RATE: o->rate = number(v, 1e8); break;
	case LOW: o->low = number(v, 1e8); break;
	case HIGH: o->high = number(v, 1e8); break;
	case SECONDS: o->seconds = number(v, 600); break;
	case WARMUP: o->warmup = number(v, 600); break;
	case BURST: o->burst = (unsigned)number(v, FLOW_BURST_MAX); break;
	case PID: o->pid = (int)number(v, 1e9); break;
	case DEVICE: o->device = v; break;
	case DUMP: o->dump = v; break;
	case SLEEP: o->sleep = true; break;
	case CONNECTIONS: o->connections = (unsigned)number(v, 1e6); break;
	case SOURCES: o->sources = (unsigned)number(v, 250); break;
	case CLIENTS: o->clients = (unsigned)number(v, 1e5); break;
	case WAVES: o->waves = (unsigned)number(v, 1e3); break;
	case HOLD: o->hold = true; break;
	}
}

static void raise_limits(void)
{
	struct rlimit files;

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

int main(int argc, char **argv)
{
	struct load_options o = { .flows = 1, .mode = MODE_UNAUTHENTICATED, .payload = 41,
				  .seconds = 0.4, .warmup = 0.1, .connections = 1, .sources = 1,
				  .clients = 200, .waves = 1, .key_id = "bench",
				  .passphrase = "bench" };
	const char *command = argc > 1 ? argv[1] : "";
	int id;

	while (argc > 1 && (id = getopt_long(argc - 1, argv + 1, "", long_options, NULL)) != -1) {
		if (id == '?') {
			return 2;
		}
		take_option(&o, (enum option_id)id, optarg);
	}
	if (!o.server || !o.mode || (!o.flows && strcmp(command, "setup")) || !o.connections ||
	    !o.sources) {
		fprintf(stderr, "usage: load run|setup|storm --server ADDRESS OPTION...\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* none of it outlives the bench */
	prctl(PR_SET_TIMERSLACK, 1);
	raise_limits();
	if (!strcmp(command, "setup")) {
		load_setup(&o);
	} else if (!strcmp(command, "storm")) {
		load_storm(&o);
	} else if (o.high > 0) {
		run_search(&o);
	} else if (o.rate > 0) {
		run_paced(&o);
	} else {
		run_line(&o);
	}
	return 0;
}
