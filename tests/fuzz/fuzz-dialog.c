// SPDX-License-Identifier: BSD-2-Clause
/*
 * The client's control connection: two octets of options, one that says where the octets of
 * the server get damaged, and then all that it says before it closes, in the clear: what a
 * keyed mode wants sealed is sealed here, for which the client's random keys are known ones. The
 * whole conversation is tried with it, over a socket pair.
 */
#include "client/control/dialog.h"
#include "client/measure/reach.h"
#include "protocol/accept.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAID_MAX 4096
#define SESSIONS 4
#define RANDOM_OCTET 0x42
#define SEALED_AT (MSG_GREETING_LEN + MSG_SERVER_START_LEN - MSG_BLOCK)

int __wrap_reach_connect(const struct plan *plan, int64_t timeout_ns, int *fd, struct notes *notes,
			 struct outcome *out);
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags);

void __wrap_crypt_derive(uint8_t out[static CRYPT_AES_KEY_LEN], const void *passphrase, size_t len,
			 const uint8_t salt[static CRYPT_SALT_LEN], uint32_t count);

static int client_end;

/* In place of a TCP connection; all three are linked with --wrap. */
int __wrap_reach_connect(const struct plan *plan, int64_t timeout_ns, int *fd, struct notes *notes,
			 struct outcome *out)
{
	*fd = client_end;
	return OUTCOME_OK;
}

ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags)
{
	memset(to, RANDOM_OCTET, n);
	return (ssize_t)n;
}

/* It takes most of the time, and nothing that a server says gets into it but Salt and Count. */
void __wrap_crypt_derive(uint8_t out[static CRYPT_AES_KEY_LEN], const void *passphrase, size_t len,
			 const uint8_t salt[static CRYPT_SALT_LEN], uint32_t count)
{
	MUST(passphrase && len && count && count <= MSG_COUNT_MIN);
	memcpy(out, salt, CRYPT_AES_KEY_LEN);
}

/* As a server does, message for message, as far as they are complete. */
static void seal(uint8_t *said, size_t size)
{
	size_t at = SEALED_AT + MSG_BLOCK, n;
	struct crypt_stream s;
	struct crypt_keys keys;

	if (size < at) {
		return;
	}
	memset(&keys, RANDOM_OCTET, sizeof(keys));
	crypt_stream_init_send(&s, &keys, said + MSG_GREETING_LEN + 16);
	crypt_seal_block(&s, said + SEALED_AT, MSG_BLOCK);
	for (int i = 0; i <= SESSIONS; i++, at += n) {
		n = i < SESSIONS ? MSG_ACCEPT_SESSION_LEN : MSG_START_ACK_LEN;
		if (n > size - at) {
			break;
		}
		crypt_seal(&s, said + at, n);
	}
	crypt_stream_wipe(&s);
}

/* Nobody waits: what the server says is there, and then the end. */
static int say(const uint8_t *data, size_t size)
{
	int pair[2];

	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	MUST(write(pair[1], data, size) == (ssize_t)size);
	MUST(!shutdown(pair[1], SHUT_WR));
	client_end = pair[0];
	return pair[1];
}

/* What the user gets to see for any outcome that is not OK. */
static void check_outcome(int r, const struct outcome *o)
{
	MUST(r == (int)o->kind && r != OUTCOME_OK);
	MUST(strnlen(o->text, sizeof(o->text)) < sizeof(o->text) && o->text[0]);
	MUST(strnlen(o->hint, sizeof(o->hint)) < sizeof(o->hint));
	MUST(outcome_code(o) <= 5 && outcome_name(o->kind));
	MUST(outcome_exit(o) > 0);
	if (r == OUTCOME_REFUSED) {
		MUST(o->accept != ACCEPT_OK && o->carrier);
	}
}

/* never a mode or feature that was not offered, or not asked for. */
static int talk(struct dialog *d, const struct plan *plan, const struct access *access,
		struct outcome *out)
{
	static const struct secret secret = { .key_id = "fuzz", .passphrase_len = 9 };
	struct msg_accept_session accept;
	struct notes notes = { .n = 0 };
	int r = dialog_open(d, plan, access, &secret, &notes, out);

	if (r == OUTCOME_OK) {
		MUST(!(d->handshake.modes & ~d->handshake.offered));
		MUST(d->handshake.modes & access->mode);
		MUST((d->handshake.modes & MODE_FEATURE_MASK) == plan->features);
	}
	for (int i = 0; i < SESSIONS && r == OUTCOME_OK; i++) {
		memset(&accept, 0xa5, sizeof(accept));
		r = dialog_request(d, (uint16_t)(5000 + i), &accept, out);
		MUST(r != OUTCOME_OK || (accept.accept == ACCEPT_OK && accept.port));
	}
	r = r == OUTCOME_OK ? dialog_start(d, out) : r;
	return r == OUTCOME_OK ? dialog_stop(d, SESSIONS, out) : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t choice = input_octet(&input), damage;
	struct plan plan = { .host = "server" };
	struct access access = { .control_timeout_ns = INT64_C(10000000000),
				 .max_count = MSG_COUNT_MIN,
				 .mode = 1u << choice % 4 };
	struct outcome out = { .kind = OUTCOME_OK };
	uint8_t said[SAID_MAX];
	struct dialog d;
	int server_end, r;
	size_t n;

	plan.features = (uint32_t)(input_octet(&input) << 4) & MODE_FEATURE_MASK;
	damage = input_octet(&input);
	n = input.left < SAID_MAX ? input.left : SAID_MAX;
	input_fill(&input, said, n);
	if (access.mode & MODE_KEYED_MASK) {
		seal(said, n);
	}
	if (damage && n) {
		said[damage % n] ^= choice;
	}
	server_end = say(said, n);
	r = talk(&d, &plan, &access, &out);
	if (r != OUTCOME_OK) {
		check_outcome(r, &out);
	}
	dialog_close(&d);
	MUST(d.channel.fd < 0 && fcntl(client_end, F_GETFD) < 0);
	(void)close(server_end);
	return 0;
}
