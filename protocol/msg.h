// SPDX-License-Identifier: BSD-2-Clause
/*
 * TWAMP-Control messages: layouts, decoders (msg_get_*) and encoders (msg_put_*).
 * All of them take whole messages in the clear; encryption and HMAC are crypt.h's, and
 * encoders leave HMAC fields zero (right for the unauthenticated mode).
 * Must Be Zero fields are written as zero and ignored when read. Structs are host order.
 * RFC 4656 3, RFC 5357 3, RFC 5938 3, RFC 6038 4.
 */
#pragma once

#include "protocol/mode.h"
#include "protocol/wire.h"

#define MSG_BLOCK 16 /* all messages after the handshake are multiples of this */
#define MSG_GREETING_LEN 64
#define MSG_SETUP_LEN 164
#define MSG_SERVER_START_LEN 48
#define MSG_REQUEST_LEN 112
#define MSG_ACCEPT_SESSION_LEN 48
#define MSG_START_LEN 32
#define MSG_START_ACK_LEN 32
#define MSG_STOP_LEN 32
#define MSG_HMAC_LEN 16
#define MSG_KEY_ID_LEN 80
#define MSG_TOKEN_LEN 64
#define MSG_SID_LEN 16
#define MSG_COUNT_MIN UINT32_C(1024)

/* Decoders return 0 or one of these: the peer's doing. */
enum msg_error {
	MSG_BAD_VALUE = 1, /* a field has a value that RFC forbids */
};

/* First octet of commands. RFC 5357 8.4, RFC 5938 6.4 */
enum msg_command {
	MSG_CMD_START_SESSIONS = 2,
	MSG_CMD_STOP_SESSIONS = 3,
	MSG_CMD_REQUEST_TW_SESSION = 5,
	MSG_CMD_START_N_SESSIONS = 7,
	MSG_CMD_START_N_ACK = 8,
	MSG_CMD_STOP_N_SESSIONS = 9,
	MSG_CMD_STOP_N_ACK = 10,
};

/*
 *  0                   1                   2                   3
 * +---------------------------------------------------------------+
 * |                        Unused (12 octets)                     |
 * +---------------------------------------------------------------+ 12
 * |                             Modes                             |
 * +---------------------------------------------------------------+ 16
 * |                     Challenge (16 octets)                     |
 * +---------------------------------------------------------------+ 32
 * |                        Salt (16 octets)                       |
 * +---------------------------------------------------------------+ 48
 * |                         Count                                 |
 * +---------------------------------------------------------------+ 52
 * |                        MBZ (12 octets)                        |
 * +---------------------------------------------------------------+ 64
 */
struct msg_greeting {
	uint32_t modes;
	uint8_t challenge[16];
	uint8_t salt[16];
	uint32_t count; /* PBKDF2 rounds */
};

/** Server-Greeting. RFC 4656 3.1 */
void msg_put_greeting(uint8_t out[static MSG_GREETING_LEN], const struct msg_greeting *m);

/**
 * MSG_BAD_VALUE if Modes has one with keys, and Count is no power of two or below 1024.
 * RFC 4656 3.1
 */
NODISCARD int msg_get_greeting(const uint8_t in[static MSG_GREETING_LEN], struct msg_greeting *m);

/*
 * 0: Mode (4)  4: KeyID (80)  84: Token (64)  148: Client-IV (16)
 */
struct msg_setup {
	uint32_t mode;
	uint8_t key_id[MSG_KEY_ID_LEN]; /* right-padded with zeros, maybe no terminator */
	uint8_t token[MSG_TOKEN_LEN]; /* encrypted */
	uint8_t client_iv[16];
};

/** Set-Up-Response. RFC 4656 3.1 */
void msg_put_setup(uint8_t out[static MSG_SETUP_LEN], const struct msg_setup *m);
void msg_get_setup(const uint8_t in[static MSG_SETUP_LEN], struct msg_setup *m);

/*
 * 0: MBZ (15)  15: Accept  16: Server-IV (16)  32: Start-Time (8)  40: MBZ (8)
 */
struct msg_server_start {
	uint8_t accept;
	uint8_t server_iv[16];
	uint64_t start_time; /* NTP, always */
};

/** Server-Start; with Accept != 0 everything else is written as zero. RFC 4656 3.1 */
void msg_put_server_start(uint8_t out[static MSG_SERVER_START_LEN],
			  const struct msg_server_start *m);
void msg_get_server_start(const uint8_t in[static MSG_SERVER_START_LEN],
			  struct msg_server_start *m);

/*
 *  0: 5  1: MBZ|IPVN  2: Conf-Sender  3: Conf-Receiver  4: Slots (4)  8: Packets (4)
 * 12: Sender Port  14: Receiver Port  16: Sender Address (16)  32: Receiver Address (16)
 * 48: SID (16)  64: Padding Length  68: Start Time (8)  76: Timeout (8)  84: Type-P (4)
 * 88: MBZ (8), or with reflect octets 88: Octets (2) 90: Length (2) 92: MBZ (4)  96: HMAC
 */
struct msg_request {
	uint8_t ipvn; /* low nibble only */
	uint8_t conf_sender;
	uint8_t conf_receiver;
	uint32_t slots;
	uint32_t packets;
	uint16_t sender_port;
	uint16_t receiver_port;
	uint8_t sender_address[16]; /* IPv4: first 4 octets */
	uint8_t receiver_address[16];
	uint32_t padding;
	uint64_t start_time; /* NTP */
	uint64_t timeout; /* 32.32 fixed-point seconds, see ts_duration_ns */
	uint32_t type_p;
	uint16_t reflect_octets; /* RFC 6038; as they stand in 88..91 */
	uint16_t reflect_length;
};

/** Request-TW-Session; SID and MBZ are written zero and ignored. RFC 5357 3.5, RFC 6038 4.2 */
void msg_put_request(uint8_t out[static MSG_REQUEST_LEN], const struct msg_request *m);
void msg_get_request(const uint8_t in[static MSG_REQUEST_LEN], struct msg_request *m);

/*
 * 0: Accept  1: MBZ  2: Port  4: SID (16)  20: MBZ (12), or with reflect octets
 * 20: Reflected octets (2) 22: Server octets (2) 24: MBZ (8)  32: HMAC
 */
struct msg_accept_session {
	uint8_t accept;
	uint16_t port;
	uint8_t sid[MSG_SID_LEN];
	uint16_t reflected_octets; /* RFC 6038; 0 without */
	uint16_t server_octets;
};

/** Accept-Session; with Accept != 0 Port and SID are written zero. RFC 5357 3.5, 8545 5.1 */
void msg_put_accept_session(uint8_t out[static MSG_ACCEPT_SESSION_LEN],
			    const struct msg_accept_session *m);
void msg_get_accept_session(const uint8_t in[static MSG_ACCEPT_SESSION_LEN],
			    struct msg_accept_session *m);

/** Start-Sessions, no fields. RFC 5357 3.7 */
void msg_put_start(uint8_t out[static MSG_START_LEN]);

/** Start-Ack. RFC 5357 3.7 */
void msg_put_start_ack(uint8_t out[static MSG_START_ACK_LEN], uint8_t accept);
uint8_t msg_get_start_ack(const uint8_t in[static MSG_START_ACK_LEN]);

struct msg_stop {
	uint8_t accept;
	uint32_t sessions;
};

/** Stop-Sessions. RFC 5357 3.8 */
void msg_put_stop(uint8_t out[static MSG_STOP_LEN], const struct msg_stop *m);
void msg_get_stop(const uint8_t in[static MSG_STOP_LEN], struct msg_stop *m);

/*
 * Start-N-Sessions, Start-N-Ack, Stop-N-Sessions, Stop-N-Ack, RFC 5938 3.2-3.5:
 * 0: Command  1: Accept (acks)  12: N  16: N SIDs of 16  16+16N: HMAC
 */
struct msg_n {
	uint8_t command; /* 7..10 */
	uint8_t accept;
	uint32_t n;
};
#define MSG_N_LEN(n) (32 + (size_t)16 * (n))
#define MSG_N_MAX 1024u /* larger counts are refused unless the connection has so many sessions */

/** The 16-octet head; SIDs and HMAC follow. */
void msg_put_n_head(uint8_t out[static MSG_BLOCK], const struct msg_n *m);
void msg_get_n_head(const uint8_t in[static MSG_BLOCK], struct msg_n *m);

/* Type-P Descriptor, RFC 4656 3.5: only the DSCP form is supported. */
static inline uint32_t msg_type_p(uint8_t dscp)
{
	return (uint32_t)(dscp & 0x3f) << 24;
}

/** DSCP of a Type-P Descriptor, or -1 if it is anything else. */
int msg_type_p_dscp(uint32_t type_p);
