// SPDX-License-Identifier: BSD-2-Clause
/*
 * Run while building: the journal's catalog ("catalog") or twampd-events(7) ("manual") from
 * the tables of events, fields and Accept codes, on stdout; or the standard input with the Accept
 * codes in the place of the line that asks for them ("codes").
 */
#include "daemon/log/budget.h"
#include "daemon/log/event_id.h"
#include "daemon/reflector/counters.h"
#include "protocol/accept.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define COLUMNS 78
#define TEXT_MAX 2000

static const struct event {
	const char *name;
	int level;
	const char *id;
	enum budget_lane lane;
	const char *text, *help;
} events[] = {
#define X(name, level, id, lane, text, help) \
	{ #name, level, id, (enum budget_lane)(lane), text, help },
#include "daemon/log/events.def"
#undef X
};
#define EVENTS (sizeof events / sizeof *events)

static const struct field {
	const char *name, *journal, *meaning;
} fields[] = {
#define X(name, journal, meaning) { #name, journal, meaning },
#include "daemon/log/fields.def"
#undef X
};
#define FIELDS (sizeof fields / sizeof *fields)

/* What the events with final counters tell besides. */
static const struct {
	const char *journal, *meaning;
	unsigned who;
} counters[] = {
#define COUNTER(number, NAME, name, kind, unit, who, meaning) { "TWAMPD_" #NAME, meaning, who },
#include "daemon/reflector/counters.def"
#undef COUNTER
	{ "TWAMPD_DROPPED", "test packets that were received and not reflected", COUNTERS_TELL },
};

static const char *const levels[] = { "emerg",	 "alert",  "crit", "err",
				      "warning", "notice", "info", "debug" };

/* Events whose text names a reason have an entry for each reason. */
static bool has_reasons(const struct event *e)
{
	return strstr(e->text, "{reason}") != NULL;
}

/* --- text --------------------------------------------------------------------------------- */

/* In lines of at most COLUMNS; in a manual page each sentence begins a line. */
static void wrap(const char *text, bool manual)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column && column + 1 + word > COLUMNS) {
			putchar('\n');
			column = 0;
		}
		if (column) {
			putchar(' ');
		} else if (manual && (*text == '.' || *text == '\'')) {
			fputs("\\&", stdout);
		}
		printf("%.*s", (int)word, text);
		column += word + 1;
		if (manual && word && (text[word - 1] == '.' || text[word - 1] == ':')) {
			putchar('\n');
			column = 0;
		}
		text += word + strspn(text + word, " ");
	}
	if (column) {
		putchar('\n');
	}
}

static void say(const char *first, const char *text)
{
	char line[TEXT_MAX];

	snprintf(line, sizeof line, "%s%s", first, text);
	wrap(line, false);
}

static void lower(char *to, size_t size, const char *name)
{
	size_t n = 0;

	for (; *name && n + 1 < size; name++) {
		to[n++] = *name == '_' ? ' ' : (char)tolower((unsigned char)*name);
	}
	to[n] = '\0';
}

static const struct field *find_field(const char *name, size_t len)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (strlen(fields[i].name) == len && !memcmp(fields[i].name, name, len)) {
			return &fields[i];
		}
	}
	fprintf(stderr, "catalog: no field is named %.*s\n", (int)len, name);
	exit(EXIT_FAILURE);
}

/* Texts have {peer}, the catalog @TWAMPD_PEER@. */
static void put_subject(const char *text)
{
	while (*text) {
		size_t len = *text == '{' ? strcspn(text + 1, "}") : 0;

		if (len) {
			printf("@%s@", find_field(text + 1, len)->journal);
			text += len + 2;
		} else {
			putchar(*text++);
		}
	}
	putchar('\n');
}

/* --- catalog ------------------------------------------------------------------------------ */

static void put_origin(void)
{
	puts("Defined-By: twampd\nSupport: man:twampd(8)\n"
	     "Documentation: man:twampd-events(7) man:twampd(8) man:twampd.conf(5)\n");
}

static void put_event(const struct event *e)
{
	printf("\n-- %s\nSubject: ", e->id);
	put_subject(e->text);
	put_origin();
	wrap(e->help, false);
}

static void put_refusal(const struct event *e, const struct reason_info *r)
{
	const struct accept_info *code = accept_info(r->code);
	bool sent = strstr(e->text, "{accept}"); /* the code, to the client */
	char id[EVENT_ID_LEN], title[64];

	event_id(id, e->id, r->key);
	lower(title, sizeof title, e->name);
	printf("\n-- %s\nSubject: %s", id, title);
	if (sent) {
		printf(", Accept %d (%s)", (int)r->code, code->name);
	}
	printf(": %s\n", r->text);
	put_origin();
	wrap(e->help, false);
	fputs("\nClient: @TWAMPD_PEER@\n", stdout);
	if (sent) {
		printf("Accept: %d (%s)\n", (int)r->code, code->name);
	}
	printf("Reason: %s\n\n", r->key);
	say("What happened: ", r->text);
	say("What to do: ", r->remedy);
	if (!sent) {
		return;
	}
	putchar('\n');
	printf("Accept %d in general. ", (int)r->code);
	puts(code->meaning);
	say("Possible causes: ", code->causes);
	say("What helps: ", code->action);
}

static void put_catalog(void)
{
	puts("# Made from the tables of events and Accept codes of twampd.");
	for (size_t i = 0; i < EVENTS; i++) {
		put_event(&events[i]);
		for (int r = REASON_OK + 1; has_reasons(&events[i]) && r < REASON_COUNT; r++) {
			put_refusal(&events[i], reason_info((enum reason)r));
		}
	}
}

/* --- manual page -------------------------------------------------------------------------- */

static const char manual_head[] =
	".\\\" SPDX-License-Identifier: BSD-2-Clause\n"
	".\\\" Made from the tables of events and Accept codes.\n"
	".Dd November 23, 2026\n.Dt TWAMPD-EVENTS 7\n.Os\n"
	".Sh NAME\n.Nm twampd-events\n.Nd events in the journal of the TWAMP server\n"
	".Sh DESCRIPTION\n"
	"Everything that\n.Xr twampd 8\nlogs is one of the events below.\n"
	"In the journal an event has fields, and a text in the catalog that tells what it means\n"
	"and what to do, which\n.Ql journalctl -x -u twampd\nshows.\n"
	"Every event has these fields:\n"
	".Bl -tag -width Ds\n"
	".It Va MESSAGE_ID\nThe number that is given with the event.\n"
	"The second half of it is replaced in a refusal, see\n.Sx REFUSALS .\n"
	".It Va TWAMPD_EVENT\nThe name of the event.\n"
	".It Va PRIORITY\nerr (3): an operator must act; warning (4): may have to; notice (5):\n"
	"refusals, reloads, start and stop; info (6): each connection and session.\n"
	".El\n.Pp\nThe others are there where they make sense:\n.Bl -tag -width Ds\n";

static const char manual_refusals[] =
	".Sh REFUSALS\n"
	"Every refusal has a reason, and every reason an Accept code, which is what the client\n"
	"gets to know.\n"
	"The\n.Va MESSAGE_ID\nof a refusal is the first half of that of the event and then\n"
	"the 16 digits that are given with the reason, so that the catalog tells about exactly\n"
	"this refusal.\n";

static const char manual_tail[] =
	".Sh EXAMPLES\nAll refusals, with their explanation:\n"
	".Bd -literal -offset indent\n$ journalctl -x -u twampd --grep refused\n"
	".Ed\n.Pp\nThe refusals for one limit since yesterday, as JSON:\n"
	".Bd -literal -offset indent\n"
	"$ journalctl --since yesterday -o json TWAMPD_REASON=max-sessions\n.Ed\n.Pp\n"
	"The explanation of one number:\n"
	".Bd -literal -offset indent\n$ journalctl --list-catalog 003897cc89c24592acc7ae80f6e3b990\n"
	".Ed\n"
	".Sh SEE ALSO\n.Xr journalctl 1 ,\n.Xr twamp 1 ,\n.Xr twampd.conf 5 ,\n"
	".Xr systemd.journal-fields 7 ,\n.Xr twampd 8\n";

/* What holds one back, see LIMITS. */
static const char *const limits[BUDGET_LANES] = {
	[BUDGET_FREE] = "",
	[BUDGET_ONCE] = "one in a second is logged",
	[BUDGET_REFUSAL] = "limited with the refusals of a client",
	[BUDGET_SECURITY] = "limited with the refusals of a client, and has a reserve",
	[BUDGET_CONNECTION] = "limited with the connections of a client",
	[BUDGET_SESSION] = "limited with the sessions of a client",
	[BUDGET_END] = "may come later, and is never left out",
};

static const char manual_limits[] =
	".Sh LIMITS\n"
	"A client cannot take the lines of another one: each has a budget of its own.\n"
	"A client is an IPv4 address, or an IPv6 prefix of the length\n"
	".Va limits.ipv6_client_prefix\nof\n.Xr twampd.conf 5 .\n"
	"Its network, an IPv4 /24 or an IPv6 /48, has a budget above that, and all together have\n"
	"a total.\n"
	"Once the total is used up, clients that had sessions before go on with a total of their\n"
	"own.\n"
	"Refusals, connections and sessions count separately; events about security, and the ends\n"
	"of sessions, have a reserve each.\n"
	"After a burst, one client makes ten lines in a second at most.\n.Pp\n"
	".Sy SUPPRESSED\ntells once in a second how many events were left out, and which clients or networks\n"
	"most of them came from.\n"
	"Final counters of sessions are not left out: they come as soon as there is room.\n"
	"Text that a client or a file gave is shown with everything escaped that is no printable\n"
	"character, as in\n.Ql \\ex1b\nor\n.Ql \\eu{202e} .\n";

static void put_event_item(const struct event *e)
{
	printf(".It Sy %s\n", e->name);
	printf("%s (%d),\n.Va MESSAGE_ID\n%s", levels[e->level], e->level, e->id);
	if (*limits[e->lane]) {
		printf(";\n%s", limits[e->lane]);
	}
	puts(".\n.Pp");
	wrap(e->text, true);
	puts(".Pp");
	wrap(e->help, true);
}

/* @whole: with what a refusal adds to the id of an event, and the remedy. */
static void put_reasons(unsigned code, bool whole)
{
	puts(".Bl -tag -width Ds");
	for (int r = REASON_OK + 1; r < REASON_COUNT; r++) {
		const struct reason_info *reason = reason_info((enum reason)r);
		char half[EVENT_ID_HALF + 1];

		if (reason->code != (enum accept_code)code) {
			continue;
		}
		if (!whole) {
			printf(".It Sy %s\n", reason->key);
			wrap(reason->text, true);
			continue;
		}
		event_id_reason(half, reason->key);
		printf(".It Sy %s Pq %s\n", reason->key, half);
		wrap(reason->text, true);
		puts(".Pp");
		wrap(reason->remedy, true);
	}
	puts(".El");
}

/* What a code means, and what helps. */
static void put_meaning(const struct accept_info *info)
{
	wrap(info->meaning, true);
	wrap(info->causes, true);
	puts(".Pp");
	wrap(info->action, true);
}

static void put_code_section(unsigned code)
{
	const struct accept_info *info = accept_info(code);

	printf(".Ss Accept %u: %s\n", code, info->name);
	put_meaning(info);
	put_reasons(code, true);
}

static void put_manual(void)
{
	fputs(manual_head, stdout);
	for (size_t i = 0; i < FIELDS; i++) {
		printf(".It Va %s\n", fields[i].journal);
		wrap(fields[i].meaning, true);
	}
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		if (counters[i].who & COUNTERS_TELL) {
			printf(".It Va %s\n", counters[i].journal);
			wrap(counters[i].meaning, true);
		}
	}
	puts(".El\n.Sh EVENTS\nA word in braces stands for the field of that name.\n"
	     ".Bl -tag -width Ds");
	for (size_t i = 0; i < EVENTS; i++) {
		put_event_item(&events[i]);
	}
	puts(".El");
	fputs(manual_limits, stdout);
	fputs(manual_refusals, stdout);
	for (unsigned code = 1; code < ACCEPT_COUNT; code++) {
		put_code_section(code);
	}
	fputs(manual_tail, stdout);
}

/* --- Accept codes in twampd(8) ------------------------------------------------------------- */

static void put_code(unsigned code)
{
	const struct accept_info *info = accept_info(code);

	printf(".It Sy %u \\(em %s\n", code, info->name);
	put_meaning(info);
	if (code != ACCEPT_OK) {
		put_reasons(code, false);
	}
}

static int put_codes(void)
{
	char line[TEXT_MAX];
	unsigned asked = 0;

	while (fgets(line, sizeof line, stdin)) {
		if (strcmp(line, ".\\\" @ACCEPT_CODES@\n") != 0) {
			fputs(line, stdout);
			continue;
		}
		asked++;
		for (unsigned code = 0; code < ACCEPT_COUNT; code++) {
			put_code(code);
		}
	}
	if (asked != 1) {
		fputs("catalog: the line @ACCEPT_CODES@ is expected once\n", stderr);
	}
	return asked == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	int result = EXIT_SUCCESS;

	if (argc == 2 && !strcmp(argv[1], "catalog")) {
		put_catalog();
	} else if (argc == 2 && !strcmp(argv[1], "manual")) {
		put_manual();
	} else if (argc == 2 && !strcmp(argv[1], "codes")) {
		result = put_codes();
	} else {
		fputs("usage: catalog-gen catalog|manual|codes\n", stderr);
		return EXIT_FAILURE;
	}
	return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : result;
}
