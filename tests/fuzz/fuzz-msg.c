// SPDX-License-Identifier: BSD-2-Clause
/*
 * The decoders of control messages. The first octet says which; the rest is the message.
 * Every field is set by the decoder, and what was encoded comes back. RFC 5357 3
 */
#include "protocol/mode.h"
#include "protocol/msg.h"
#include "tests/fuzz/fuzz.h"

#define LONGEST MSG_SETUP_LEN

/* Decode into a struct that held @fill, and encode what came. */
struct codec {
	size_t octets;
	void (*turn)(const uint8_t *in, uint8_t *out, int fill);
};

static void turn_greeting(const uint8_t *in, uint8_t *out, int fill)
{
	struct msg_greeting m;
	bool power;

	memset(&m, fill, sizeof(m));
	if (msg_get_greeting(in, &m)) {
		power = m.count && !(m.count & (m.count - 1));
		MUST(m.modes & MODE_KEYED_MASK && (m.count < MSG_COUNT_MIN || !power));
		memset(out, 0, MSG_GREETING_LEN);
		return;
	}
	MUST(!(m.modes & MODE_KEYED_MASK) || m.count >= MSG_COUNT_MIN);
	msg_put_greeting(out, &m);
}

static void turn_setup(const uint8_t *in, uint8_t *out, int fill)
{
	struct msg_setup m;

	memset(&m, fill, sizeof(m));
	msg_get_setup(in, &m);
	msg_put_setup(out, &m);
	MUST(!memcmp(in, out, MSG_SETUP_LEN)); /* no octet of it is unused */
}

static void turn_server_start(const uint8_t *in, uint8_t *out, int fill)
{
	struct msg_server_start m;

	memset(&m, fill, sizeof(m));
	msg_get_server_start(in, &m);
	MUST(m.accept == in[15]);
	msg_put_server_start(out, &m);
}

static void turn_request(const uint8_t *in, uint8_t *out, int fill)
{
	struct msg_request m;
	int dscp;

	memset(&m, fill, sizeof(m));
	msg_get_request(in, &m);
	MUST(m.ipvn <= 15);
	dscp = msg_type_p_dscp(m.type_p);
	MUST(dscp >= -1 && dscp <= 63);
	MUST(dscp < 0 || msg_type_p((uint8_t)dscp) == m.type_p);
	msg_put_request(out, &m);
}

static void turn_accept_session(const uint8_t *in, uint8_t *out, int fill)
{
	struct msg_accept_session m;

	memset(&m, fill, sizeof(m));
	msg_get_accept_session(in, &m);
	msg_put_accept_session(out, &m);
}

static void turn_start_ack(const uint8_t *in, uint8_t *out, int fill)
{
	msg_put_start_ack(out, msg_get_start_ack(in));
	MUST(out[0] == in[0]);
}

static void turn_stop(const uint8_t *in, uint8_t *out, int fill)
{
	struct msg_stop m;

	memset(&m, fill, sizeof(m));
	msg_get_stop(in, &m);
	msg_put_stop(out, &m);
}

static void turn_n_head(const uint8_t *in, uint8_t *out, int fill)
{
	struct msg_n m;

	memset(&m, fill, sizeof(m));
	msg_get_n_head(in, &m);
	msg_put_n_head(out, &m);
}

static const struct codec codecs[] = {
	{ MSG_GREETING_LEN, turn_greeting },
	{ MSG_SETUP_LEN, turn_setup },
	{ MSG_SERVER_START_LEN, turn_server_start },
	{ MSG_REQUEST_LEN, turn_request },
	{ MSG_ACCEPT_SESSION_LEN, turn_accept_session },
	{ MSG_START_ACK_LEN, turn_start_ack },
	{ MSG_STOP_LEN, turn_stop },
	{ MSG_BLOCK, turn_n_head },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	const struct codec *c = &codecs[input_octet(&input) % (sizeof(codecs) / sizeof(*codecs))];
	uint8_t once[LONGEST], filled[LONGEST], twice[LONGEST];
	uint8_t *in = input_take(&input, c->octets);

	c->turn(in, once, 0);
	c->turn(in, filled, 0xff);
	MUST(!memcmp(once, filled, c->octets));
	c->turn(once, twice, 0);
	MUST(!memcmp(once, twice, c->octets));
	free(in);
	return 0;
}
