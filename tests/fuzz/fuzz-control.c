// SPDX-License-Identifier: BSD-2-Clause
/*
 * The control state machine. The input is a policy and then a row of actions of the client, the
 * server around the core, the reflector and the clock; see shell.h. RFC 5357 3, RFC 5938 3
 */
#include "tests/fuzz/shell.h"

#include <errno.h>

static const int errors[] = { ENOMEM,	       ENOBUFS,	    EAGAIN,	   EMFILE,
			      ENFILE,	       EADDRINUSE,  EADDRNOTAVAIL, EAFNOSUPPORT,
			      EPROTONOSUPPORT, EOPNOTSUPP,  EACCES,	   EIO,
			      EMSGSIZE,	       ENETUNREACH, EHOSTUNREACH,  EINVAL,
			      EDESTADDRREQ };

static int choose_error(struct shell *s)
{
	return -errors[input_octet(&s->input) % (sizeof(errors) / sizeof(*errors))];
}

static void choose_policy(struct shell *s)
{
	struct input *i = &s->input;
	struct policy *p = &s->policy;

	*p = (struct policy){ .modes = input_octet(i) & MODE_SECURITY_MASK, .kdf_count = 1024 };
	p->features = input_16(i) & MODE_FEATURE_MASK;
	p->max_connections = SHELL_OTHERS + input_octet(i) % 4;
	p->max_connections_per_client = SHELL_OTHERS + input_octet(i) % 4;
	p->max_sessions = SHELL_OTHERS + input_octet(i) % 32;
	p->max_sessions_per_client = SHELL_OTHERS + input_octet(i) % 32;
	p->max_sessions_per_connection = 1 + input_octet(i) % 32u;
	p->max_padding = input_16(i);
	p->request_rate = input_octet(i) % 4;
	p->request_burst = 1 + input_octet(i) % 4u;
	p->failure_rate = input_octet(i) % 4;
	p->handshake_s = 1 + input_octet(i) % 60u;
	p->message_s = 1 + input_octet(i) % 60u;
	p->send_stall_s = 1 + input_octet(i) % 60u;
	p->servwait_s = 1 + input_16(i);
	p->refwait_s = 1 + input_16(i);
	p->max_timeout_s = input_16(i);
	p->dscp_allowed = UINT64_C(1) << 46 | UINT64_C(0xffff);
	s->total.max_connections = p->max_connections;
	s->total.max_sessions = p->max_sessions;
	s->total.limits_temporary = p->max_padding & 1;
}

static void begin(struct shell *s)
{
	struct address local = { .family = 4, .port = 862, .ip = { 192, 0, 2, 10 } };
	struct address remote = { .family = 4, .port = 33333, .ip = { 198, 51, 100, 7 } };
	struct control_in in = { .kind = CONTROL_OPENED };

	choose_policy(s);
	if (input_octet(&s->input) & 1) {
		local = (struct address){ .family = 6, .scope = 3, .ip = { 0xfe, 0x80, [15] = 1 } };
		remote =
			(struct address){ .family = 6, .scope = 3, .ip = { 0xfe, 0x80, [15] = 2 } };
	}
	s->now.ns = TS_NS_PER_S;
	s->total.connections = s->total.sessions = SHELL_OTHERS;
	admit_client_init(&s->client, s->now);
	s->client.connections = s->client.sessions = SHELL_OTHERS;
	s->class.connections = s->class.sessions = SHELL_OTHERS;
	control_init(&s->control, &local, &remote, &s->total, &s->client);
	s->control.class = &s->class;
	s->control.keyed = &s->secrets;
	memset(in.random, 0x5a, sizeof(in.random));
	shell_feed(s, &in);
}

/* --- answers to orders ---------------------------------------------------------------- */

static void answer_derive(struct shell *s)
{
	static const enum reason reasons[] = { REASON_AUTH_FAILED, REASON_KDF_QUEUE,
					       REASON_MEMORY_LOW, REASON_NO_CLASS };
	struct control_in in = { .kind = CONTROL_KEY_READY, .keys = &peer_keys };
	uint8_t choice = input_octet(&s->input);

	if (!s->deriving) {
		return;
	}
	if (choice >= 192) {
		in.kind = CONTROL_KEY_REFUSED;
		in.reason = reasons[choice % 4];
	}
	memset(in.random, choice, sizeof(in.random));
	s->deriving = false;
	shell_feed(s, &in);
	shell_deliver(s, 0);
}

static struct shell_session *free_session(struct shell *s)
{
	for (int i = 0; i < SHELL_SESSIONS; i++) {
		if (!s->sessions[i].used) {
			return &s->sessions[i];
		}
	}
	return NULL;
}

static void answer_open(struct shell *s)
{
	struct control_in in = { .kind = CONTROL_PORT_REFUSED, .wall = { s->now.ns } };
	struct shell_session *o = free_session(s);
	uint8_t choice = input_octet(&s->input);

	if (!s->opening) {
		return;
	}
	s->opening = false;
	if (!o || choice >= 192) {
		if (choice % 4) {
			in.error = choose_error(s);
		} else {
			in.reason = REASON_ADDRESS_NOT_LOCAL;
		}
	} else {
		*o = (struct shell_session){ .used = true, .open = true };
		o->session.spec = *control_spec(&s->control);
		o->session.port = (uint16_t)(1 + choice);
		in.kind = CONTROL_PORT_READY;
		in.session = &o->session;
		memset(in.random, choice, sizeof(in.random)); /* the same SID again, too */
	}
	shell_feed(s, &in);
	shell_deliver(s, 0);
}

/* The octets of the command are still there, as control.h says. */
static void answer_start(struct shell *s)
{
	struct control_in in = { .kind = CONTROL_STARTED,
				 .octets = s->message,
				 .len = s->message_len };
	uint8_t choice = input_octet(&s->input);

	if (!s->starting) {
		return;
	}
	s->starting = false;
	for (int i = 0; i < SHELL_SESSIONS && choice >= 192; i++) {
		struct shell_session *o = &s->sessions[i];

		if (o->used && o->session.state == SESSION_ACCEPTED && input_octet(&s->input) % 2) {
			o->session.start_error = choose_error(s);
		}
	}
	shell_feed(s, &in);
	shell_deliver(s, 0);
}

/* --- the rest of the world ------------------------------------------------------------ */

static void end_session(struct shell *s, struct shell_session *o)
{
	struct control_in in = { .kind = CONTROL_SESSION_ENDED, .session = &o->session };

	if (!o->used || !o->open) {
		return;
	}
	/* the server gives the place back first */
	admit_session_end(&s->total, &s->class, &s->client);
	o->open = false;
	shell_feed(s, &in);
	if (!o->session.kept) {
		memset(o, 0, sizeof(*o));
	}
}

/* A core that is told to start sessions is answered at once; only then can others end. */
static void end_some(struct shell *s)
{
	struct shell_session *o = &s->sessions[input_octet(&s->input) % SHELL_SESSIONS];

	if (!s->starting) {
		end_session(s, o);
	}
}

static void toggle_blocked(struct shell *s)
{
	if (!s->control.blocked) {
		shell_feed_kind(s, CONTROL_BLOCKED);
		return;
	}
	shell_feed_kind(s, CONTROL_FLUSHED);
	shell_deliver(s, 0);
}

static void take_deadline(struct shell *s)
{
	struct control before = s->control;
	int64_t deadline_ns = s->deadline_ns;
	bool due = s->now.ns >= deadline_ns;

	shell_feed_kind(s, CONTROL_DEADLINE);
	if (due) { /* something came of it, else the server would spin */
		MUST(s->deadline_ns > s->now.ns || s->closing);
		shell_deliver(s, 0);
	} else { /* before its time it does nothing */
		MUST(s->control.state == before.state && s->deadline_ns == deadline_ns);
		MUST(s->control.skipping == before.skipping);
	}
}

static void pass_time(struct shell *s)
{
	uint8_t n = input_octet(&s->input);
	int64_t to = n < 64 ? s->deadline_ns : s->now.ns + (INT64_C(1) << (n % 40));

	if (to == CONTROL_NEVER) {
		to = s->now.ns + TS_NS_PER_S;
	}
	if (to > s->now.ns) {
		s->now.ns = to;
	}
	if (n % 2) {
		take_deadline(s);
	}
}

static void change_load(struct shell *s)
{
	uint8_t flags = input_octet(&s->input);

	s->total.draining = flags & 1;
	s->total.memory_low = flags & 2;
	s->total.descriptors_low = flags & 4;
	s->total.cpu_load = flags & 8;
	s->total.net_buffers = flags & 16;
}

static void reload(struct shell *s)
{
	static const enum reason why[] = { REASON_OK, REASON_OK, REASON_NO_CLASS,
					   REASON_KEY_REMOVED };

	choose_policy(s);
	s->control.barred = why[input_octet(&s->input) % 4];
	s->control.class = s->control.barred == REASON_NO_CLASS ? NULL : &s->class;
	shell_feed_kind(s, CONTROL_POLICY);
}

/* As by the process that takes it over, which does so when nothing is waited for. */
static void resume(struct shell *s)
{
	if (!s->deriving && !s->opening && !s->starting) {
		shell_feed_kind(s, CONTROL_RESUMED);
	}
}

static void deliver_some(struct shell *s)
{
	shell_deliver(s, input_octet(&s->input));
}

static void act(struct shell *s)
{
	static void (*const actions[])(struct shell *) = {
		peer_say_setup,	 peer_say_request, peer_say_command, peer_say_list,
		peer_say_octets, deliver_some,	   answer_derive,    answer_open,
		answer_start,	 end_some,	   toggle_blocked,   take_deadline,
		pass_time,	 change_load,	   reload,	     resume,
	};
	uint8_t what = input_octet(&s->input);

	actions[(what & 0x7f) % (sizeof(actions) / sizeof(*actions))](s);
	if (what & 0x80) { /* most often all arrives at once, and is carried out at once */
		return;
	}
	shell_deliver(s, 0);
	while ((s->deriving || s->opening || s->starting) && !s->closing) {
		answer_derive(s);
		answer_open(s);
		answer_start(s);
	}
}

/* Everything ends, and nothing is left. R-190 */
static void end(struct shell *s)
{
	if (!s->closing) {
		shell_feed_kind(s,
				input_octet(&s->input) & 1 ? CONTROL_SHUTDOWN : CONTROL_PEER_GONE);
	}
	MUST(s->closing);
	answer_derive(s);
	answer_open(s);
	answer_start(s);
	for (int i = 0; i < SHELL_SESSIONS; i++) {
		struct shell_session *o = &s->sessions[i];

		MUST(!o->used || !o->open || o->ending);
		end_session(s, o);
		if (o->used) { /* what was kept is forgotten with the connection */
			MUST(o->session.kept);
		}
	}
	control_wipe(&s->control);
	s->gone = true;
	rules_check(s);
	MUST(s->total.connections == SHELL_OTHERS && s->total.sessions == SHELL_OTHERS);
	MUST(!s->control.counted);
	free(s->message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shell s;

	memset(&s, 0, offsetof(struct shell, wire));
	s.input = (struct input){ data, size };
	begin(&s);
	rules_check(&s);
	while (s.input.left && !s.closing) {
		act(&s);
		rules_check(&s);
	}
	end(&s);
	return 0;
}
