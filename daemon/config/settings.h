// SPDX-License-Identifier: BSD-2-Clause
/*
 * The settings: twampd.conf (libconfig) and the keys file, checked and immutable. A reload
 * makes new ones; who still needs the old holds a reference. Every key is a row of the schema.
 */
#pragma once

#include "base/vault.h"
#include "daemon/control/overload.h"
#include "daemon/control/policy.h"
#include "protocol/address.h"
#include "protocol/tlvreply.h"
#include "protocol/wire.h"

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define SETTINGS_DEVICE_LEN 16 /* IFNAMSIZ */

#define SETTINGS_KEYS_MAX 64 /* rows of the schema, at most */

/* Where something stands in the files. */
struct settings_place {
	const char *file; /* NULL = nowhere: it is the built-in default */
	unsigned line;
	unsigned column; /* 0 = unknown: only settings_check() looks for it */
};

struct settings_listen {
	struct address address; /* family 4 or 6; "" in the file makes one of each */
	char device[SETTINGS_DEVICE_LEN]; /* the socket is bound to it: a VRF; "" = to none */
	bool implied; /* no address was named: a host without the family goes without it */
	bool freebind; /* the address may come later */
	struct settings_place place;
};

enum settings_light_type {
	SETTINGS_LIGHT_TWAMP,
	SETTINGS_LIGHT_STAMP,
};

#define SETTINGS_DSCP_COPY 64 /* the replies have that of the packet */

/* STAMP: RFC 8762 4.2 */
enum settings_light_mode {
	SETTINGS_LIGHT_OPEN,
	SETTINGS_LIGHT_AUTHENTICATED,
};

/* What the passphrase of a key of STAMP senders is. */
enum settings_key_format {
	SETTINGS_KEY_TEXT, /* the octets of the key */
	SETTINGS_KEY_HEX, /* their hex digits */
};

/* Which clock the host follows: values of the Timestamp Information TLV, 0 = the kernel says. */
enum settings_clock_source {
	SETTINGS_CLOCK_AUTO = 0,
};

#define SETTINGS_ROW_KEYS 2 /* the old one and the new one */
#define SETTINGS_ROW_RATE UINT64_MAX /* that of the entry */

/* Senders of a Light port that are treated alike: an entry of "senders", or what the entry of
 * "light" says itself. */
struct settings_row {
	char name[32]; /* "" = of the entry itself */
	struct prefix *clients; /* sorted; none covers another */
	size_t n_clients;
	uint16_t *ssids; /* sorted; STAMP */
	size_t n_ssids; /* 0 = any */
	char *key_ids[SETTINGS_ROW_KEYS];
	unsigned n_keys;
	struct mac_key *keys[SETTINGS_ROW_KEYS]; /* in settings.vault; NULL = none */
	uint64_t packet_rate; /* or SETTINGS_ROW_RATE */
	struct settings_place place, key_place;
};

/* Whose an address is: sorted, so that bisection and @wider find the longest prefix. */
struct settings_source {
	struct prefix prefix;
	uint32_t row;
	uint32_t wider; /* index of the longest other one that covers it, or UINT32_MAX */
};

struct settings_link {
	char device[SETTINGS_DEVICE_LEN];
	uint16_t id;
};

/* A reflector without control, an entry of "light": one address and port. */
struct settings_light {
	struct address address;
	char device[SETTINGS_DEVICE_LEN]; /* as of settings_listen */
	bool implied, freebind; /* as of settings_listen */
	struct settings_place place;
	enum settings_light_type type;
	bool stateful; /* Sequence Numbers of its own: T-072 */
	bool from_862; /* answers packets from UDP port 862 and from its own port number, too */
	bool drain; /* is silent while the server drains */
	uint8_t dscp; /* of replies, or SETTINGS_DSCP_COPY */
	bool shared; /* what it points to belongs to the entry before: the other family */
	enum settings_light_mode mode;
	enum settings_key_format key_format;
	enum ts_format timestamps;
	bool tlvs; /* STAMP: they are answered, else copied */
	bool tlv_given; /* the code points of tlv are its own */
	struct tlvreply_policy tlv; /* what is allowed; its addresses are those below */
	struct prefix *return_addresses;
	struct settings_link *links;
	size_t n_links;
	struct settings_row own; /* without "senders" */
	struct settings_row *rows; /* who gets replies; with "senders" those, else @own */
	size_t n_rows;
	struct settings_source *sources;
	size_t n_sources;
	uint32_t max_senders; /* with numbers of their own, on one thread */
	uint32_t unverified_rate; /* per second, before the HMAC */
	/* Per second, 0 = unlimited: of one address (IPv6: network of 64 bits), and of all. */
	uint32_t packet_rate, octet_rate, total_packet_rate, total_octet_rate;
};

enum settings_timestamps {
	SETTINGS_TIMESTAMPS_AUTO, /* the best that works */
	SETTINGS_TIMESTAMPS_HARDWARE,
	SETTINGS_TIMESTAMPS_KERNEL,
	SETTINGS_TIMESTAMPS_USER,
};

enum settings_ports {
	SETTINGS_PORTS_PER_SESSION,
	SETTINGS_PORTS_SHARED,
};

#define SETTINGS_SOCKET_LEN 108 /* of struct sockaddr_un */

/* Where metrics and the status page are served. */
struct settings_metrics {
	struct address address; /* its port 0 = not by TCP */
	char socket[SETTINGS_SOCKET_LEN]; /* "" = none */
};

enum settings_level {
	SETTINGS_LEVEL_ERROR = 3, /* as syslog */
	SETTINGS_LEVEL_WARNING = 4,
	SETTINGS_LEVEL_NOTICE = 5,
	SETTINGS_LEVEL_INFO = 6,
	SETTINGS_LEVEL_DEBUG = 7,
};

#define SETTINGS_CLASS_NAME_MAX 31
#define SETTINGS_ALSO_MAX 16

/* Clients that are treated alike: an entry of "clients", or the built-in "default". */
struct settings_class {
	char name[SETTINGS_CLASS_NAME_MAX + 1];
	struct policy policy; /* modes that need keys are in it only if there are keys */
	size_t n_prefixes, n_key_ids;

	/* How the file has it; for daemon/config. */
	struct policy configured;
	uint64_t overrides; /* a bit for each schema row that the class sets */
	struct settings_place places[SETTINGS_KEYS_MAX]; /* where it sets them */
	size_t first_prefix, first_key_id;
	struct settings_place place;
	bool bad; /* what it says is not all there */
};

struct keys;
struct prefix; /* protocol/prefix.h */
struct settings_prefix; /* daemon/config/classes.h */
struct settings_key_id;

struct settings {
	struct policy policy; /* as in a class; of a server without classes */
	struct policy configured; /* as in the files */
	struct settings_listen *listen;
	size_t n_listen;
	struct settings_light *light;
	size_t n_light;
	uint32_t reflector_threads; /* 0 = one per CPU; restart */
	uint32_t reflector_priority; /* SCHED_FIFO; 0 = off; restart */
	cpu_set_t reflector_cpus; /* none = as the process; restart */
	bool segmentation; /* UDP_SEGMENT */
	enum settings_timestamps timestamps;
	enum settings_ports ports_mode; /* restart */
	uint16_t shared_port; /* 0 = one for each thread; restart */
	uint16_t also[SETTINGS_ALSO_MAX]; /* ports.also, as in the file */
	unsigned n_also;
	enum settings_level log_level;
	uint32_t admin_max_clients; /* 0 = no socket */
	uint32_t admin_idle_s;
	struct settings_metrics metrics;
	enum settings_clock_source clock_source;
	struct vault vault; /* for the keys of rows */
	uint32_t ipv6_client_prefix; /* bits that are one client */
	uint32_t accept_code; /* enum accept_code of a limit that is reached: 4 or 5 */
	struct overload overload;
	uint32_t auth_workers; /* restart */
	uint32_t auth_queue; /* restart */

	char *keys_file; /* as configured; "" = none is named */
	char *keys_path; /* the file that @keys came from, or would have; NULL without settings file */
	struct keys *keys; /* NULL = there is no such file */

	struct settings_class fallback; /* "default" */
	struct settings_class *classes; /* in the order of the file */
	size_t n_classes; /* 0 = "clients" is not configured */
	struct settings_prefix *prefixes;
	const struct settings_prefix **by_address; /* sorted */
	size_t n_prefixes;
	struct settings_key_id *key_ids;
	const struct settings_key_id **by_key_id; /* sorted */
	size_t n_key_ids;

	bool kept; /* from settings_load_kept(): not from files */
	char **files; /* that were read, in this order; without the keys file */
	size_t n_files;
	struct settings_place places[SETTINGS_KEYS_MAX]; /* of each schema row */
	unsigned refs;
};

#define SETTINGS_PATH "/etc/twampd/twampd.conf"

/* When a changed key holds. */
enum settings_apply {
	SETTINGS_NOW,
	SETTINGS_NEXT, /* for new connections and sessions */
	SETTINGS_RESTART,
};

/** "now", "next" or "restart". */
const char *settings_apply_name(enum settings_apply a);

/* One thing that is wrong with the files. */
struct settings_fault {
	bool warning;
	const char *file;
	unsigned line, column; /* 0 = unknown, or the file as a whole */
	const char *key; /* "limits.max_sessions"; "" = none is known */
	const char *class; /* the name of the class that it is about, or "" */
	const char *text; /* "0 is out of range, expected: integer 1..1000000" */
};

/* "twampd.conf:12:17: limits.max_sessions: 0 is out of range, expected: integer 1..1000000".
 * Without anything that a terminal obeys. */
#define SETTINGS_ERROR_LEN 640
void settings_fault_text(const struct settings_fault *fault, char *buf, size_t size);

/* What is wrong with the files. To be made zero before it is used. */
struct settings_error {
	char text[SETTINGS_ERROR_LEN]; /* the first fault, and how many more there are */
	unsigned n; /* faults that are no warnings */
	unsigned n_warnings;
	void (*tell)(void *to, const struct settings_fault *fault); /* each of them; NULL ok */
	void *to;
};

/**
 * Read and check a file, and then the *.conf of its folder (conf.d beside twampd.conf, NAME.conf.d
 * beside another NAME.conf) in the order of their names: a
 * later file replaces keys of an earlier one; and last the keys file. @path NULL gives the
 * built-in defaults (which are those of the annotated conf/twampd.conf) without keys. On success
 * one reference is the caller's; references are for the main thread only. Passphrases live as
 * long as the settings: who works with one elsewhere holds a reference meanwhile.
 * Return 0; -ENOMEM; or SETTINGS_BAD with @err (NULL ok) filled in.
 */
enum settings_result { SETTINGS_BAD = 1 };
NODISCARD int settings_load(const char *path, struct settings **out, struct settings_error *err);

/**
 * The same for somebody who looks at the files: with the column of each value, and warnings.
 * @as, @candidate  read @candidate in place of the file @as, which may be @path, a file of its
 *                  conf.d or the keys file, and need not be there yet; NULL = read what there is
 */
NODISCARD int settings_check(const char *path, const char *as, const char *candidate,
			     struct settings **out, struct settings_error *err);

/**
 * Those that another process kept (kept.h): nothing but these two files is read.
 * @path      where the next settings_load() would look
 * @settings  what settings_dump() wrote
 * @keys      NULL = no keys
 */
NODISCARD int settings_load_kept(const char *path, const char *settings, const char *keys,
				 struct settings **out, struct settings_error *err);

/** A copy of what is a number or a choice: without lists, names, files and keys. NULL = no memory. */
struct settings *settings_scalars(const struct settings *s);

struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s); /* NULL ok */

/**
 * The class of an address: by the longest prefix; "default" if there are no classes; NULL if
 * there are and none matches. Bisection. Lives as long as @s.
 */
const struct settings_class *settings_class_by_address(const struct settings *s,
						       const struct address *a);

/** The class that has the KeyID among its key_ids, or NULL. Bisection. Lives as long as @s. */
const struct settings_class *settings_class_by_key(const struct settings *s, const uint8_t *key_id,
						   size_t len);

/**
 * What to offer to an address that matches no prefix and may yet have a key: the modes that
 * need keys, and the features, of all classes with key_ids. 0 if there is no such mode.
 */
uint32_t settings_keyed_modes(const struct settings *s);

/** May the address use the reflector? Bisection. @a is of the family of @l. */
bool settings_light_allows(const struct settings_light *l, const struct address *a);

/**
 * Whose a packet is: the rows with the longest prefix that covers @a; of these the one that lists
 * the SSID, else one without. @allowed: there are such rows. NULL: nobody's.  S-005, S-026, T-085
 */
const struct settings_row *settings_light_row(const struct settings_light *l,
					      const struct address *a, uint16_t ssid,
					      bool *allowed);

/**
 * Where the value of a key comes from: "limits.max_sessions", or "clients.limits.max_sessions"
 * for a class. What a class does not set itself it has from the settings.
 * @class  NULL = of the settings
 * The file lives as long as @s. Constant time but for the search for the name.
 */
struct settings_place settings_origin(const struct settings *s, const char *key,
				      const struct settings_class *class);

/** Every key with its value as it would be written in a file, for --dump. No secrets. */
void settings_dump(const struct settings *s, FILE *to);

/**
 * The same, a line for each: "limits.max_sessions = 1000", and "clients.lab.dscp = [ 0 ]" for what
 * a class sets itself. Two of these can be compared.
 * @started  NULL, or what the process was started with: what needs a restart is told from there
 * Return 0 or -ENOMEM.
 */
NODISCARD int settings_flat(const struct settings *s, const struct settings *started, FILE *to);

/** A line of settings_flat() that differs. @from and @to are NULL where there is none. */
struct settings_change {
	char key[176];
	const char *from, *to; /* without a terminator */
	size_t from_len, to_len;
	enum settings_apply apply;
};

/**
 * What becomes different from @old to @now, two texts of settings_flat(). @each is called for
 * each, in the order of @now; what is gone comes last.
 * Return 0 or -ENOMEM.
 */
NODISCARD int settings_changes(const char *old, const char *now,
			       void (*each)(void *to, const struct settings_change *change),
			       void *to);

/** How many keys the files set, those of classes too. */
size_t settings_count(const struct settings *s);

/**
 * What differs, as keys with commas between, into @buf: "limits.max_sessions,
 * clients.probes.modes, clients.old (gone), keys (1 new, 0 gone, 0 changed)". What does not fit,
 * also into memory, ends with "...". Return how many.
 */
unsigned settings_changed(const struct settings *old, const struct settings *now, char *buf,
			  size_t size);

/**
 * Names of keys that need a restart and differ from those that the process was started with,
 * comma-separated, into @buf (empty if none). Return how many.
 */
unsigned settings_restart_needed(const struct settings *running, const struct settings *now,
				 char *buf, size_t size);

/** One line per key: "limits.max_sessions  integer 1..1000000  default 1000  next  <help>"
 * for tests of the manual page and the sample file. */
void settings_schema(FILE *to);
