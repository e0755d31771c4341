// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where a client stands with the settings: its class, by the KeyID that it has proved or by its
 * address, and the counters of class and client in which its connection and sessions are counted.
 * All that is found in one way, for a connection that comes, one that there is when the settings
 * change, and one that is taken over from the process before. Belongs to a connection and its
 * sessions; the last of these may outlive it.
 */
#pragma once

#include "daemon/server/class_use.h"
#include "daemon/server/clients.h"
#include "protocol/crypt.h"

struct conn;
struct control;
struct conns;

struct standing {
	struct standing *next, *prev; /* all of the server */
	uint32_t holders; /* a connection, and sessions */
	uint32_t sessions; /* that are counted */
	struct conn *conn; /* NULL when that is gone */
	struct address peer;
	uint8_t key_id[CRYPT_KEY_ID_LEN]; /* that is proved; zero = none */
	struct client *client;
	const struct settings_class *class; /* of the settings that hold; NULL = in none */
	struct class_use *use; /* of the class, or of nobody's */
};

/** With one holder; its class is that of the address. NULL = no memory. */
struct standing *standing_new(struct conns *cs, const struct address *peer);
struct standing *standing_ref(struct standing *st);
void standing_put(struct conns *cs, struct standing *st); /* NULL ok */

/** The connection is counted in its class and client. */
void standing_join(struct standing *st, struct conn *c);

/** A KeyID is proved: the class is its, if one has it. What is counted stays where it is, which is
 * for the control side to move; there are no sessions yet. */
void standing_prove(struct conns *cs, struct standing *st,
		    const uint8_t key_id[static CRYPT_KEY_ID_LEN]);

/** What holds for the client of this connection now. */
const struct policy *standing_policy(const struct conn *c);

/** Why the connection may not have sessions as things stand, or REASON_OK. */
enum reason standing_judge(const struct conns *cs, const struct conn *c);

/** The settings changed: all classes are found anew, and what runs is counted there. */
void standing_recount(struct conns *cs);

/** One more session of it is counted or not counted any more, as by admit_session_... */
void standing_resume_session(struct conns *cs, struct standing *st);
void standing_end_session(struct conns *cs, struct standing *st);

/** The mark of the key that the settings have now for the KeyID of the Set-Up-Response; zeros if
 * there is none. */
void standing_mark(const struct conns *cs, const struct control *c,
		   uint8_t out[static CRYPT_MARK_LEN]);

/** Is that still the mark that the connection has? */
bool standing_same_key(const struct conns *cs, const struct control *c);
