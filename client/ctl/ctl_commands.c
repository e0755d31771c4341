// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_commands.h"

static const struct ctl_line status_page[] = {
	{ "twampd", "{version}, pid {pid}, up {uptime_s|duration}, since {started|time}", NULL,
	  NULL },
	{ "", "took over from the process before", NULL, "handover" },
	{ "settings", "{file}, {keys} keys, since {since|time}", "settings", NULL },
	{ "", "{}: changed since then; see 'twampctl config diff'", "settings.changed_files",
	  NULL },
	{ "reload", "{time|time}: done", "reload", "ok" },
	{ "reload", "failed at {time|time}: {error}", "reload", "error" },
	{ "draining", "yes: new connections and sessions are refused", NULL, "draining" },
	{ "", "ports of light give no replies", NULL, "drain_light" },
	{ "listening", "{address} {device} (opened by {opened_by})", "listeners", "open" },
	{ "", "{address} is not open: the host has not got the family", "listeners", "!open" },
	{ "light", "{light_ports} ports", NULL, "light_ports" },
	{ "connections", "{used} of {max}", "connections", NULL },
	{ "sessions", "{used} of {max}", "sessions", NULL },
	{ "clients", "{clients}", NULL, NULL },
	{ "ports", "{used} of {max}", "ports", NULL },
	{ "descriptors", "{used} of {max}", "descriptors", NULL },
	{ "packets", "{received} received, {reflected} reflected, {dropped} dropped", "packets",
	  NULL },
	{ "", "light: {received} received, {reflected} reflected, {dropped} dropped",
	  "light_packets", "received" },
	{ "timestamps", "{hardware} of network cards, {kernel} of the kernel, {user} of twampd",
	  "timestamps", NULL },
	{ "", "{interfaces}", "timestamps", "interfaces" },
	{ "clock", "synchronized, error up to {error_s|short}", "clock", "synchronized" },
	{ "clock", "not synchronized, error up to {error_s|short}", "clock", "!synchronized" },
	{ "load", "{measure} is {value} {unit}, limit {limit}: too much", "overload", "above" },
	{ "load", "{measure} is {value} {unit}, limit {limit}", "overload", "!above" },
	{ "refused",
	  "{reason} (Accept {code}): {last_1m} in the last minute, {last_5m} in 5, {last_60m} in 60",
	  "refused", NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_option by_client[] = {
	{ "--client", "ADDRESS", "client", CTL_STRING },
	{ "--class", "CLASS", "class", CTL_STRING },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_option by_key[] = {
	{ "--client", "ADDRESS", "client", CTL_STRING },
	{ "--class", "CLASS", "class", CTL_STRING },
	{ "--key", "KEYID", "key", CTL_STRING },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_option by_time[] = {
	{ "--since", "TIME", "since_s", CTL_SECONDS },
	{ "--client", "ADDRESS", "client", CTL_STRING },
	{ "--class", "CLASS", "class", CTL_STRING },
	{ "--key", "KEYID", "key", CTL_STRING },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_column session_columns[] = {
	{ "SID", "sid", CTL_TEXT, 1, NULL },	    { "CLIENT", "client", CTL_TEXT, 1, NULL },
	{ "LOCAL", "local", CTL_TEXT, 6, NULL },    { "SENDER", "sender", CTL_TEXT, 9, NULL },
	{ "CLASS", "class", CTL_TEXT, 7, NULL },    { "KEY", "key", CTL_TEXT, 8, NULL },
	{ "MODE", "mode", CTL_TEXT, 9, NULL },	    { "STATE", "state", CTL_TEXT, 5, NULL },
	{ "AGE", "age_s", CTL_DURATION, 4, NULL },  { "IDLE", "idle_s", CTL_DURATION, 4, NULL },
	{ "RX", "received", CTL_TEXT, 1, NULL },    { "TX", "reflected", CTL_TEXT, 3, NULL },
	{ "GAPS", "gaps", CTL_TEXT, 5, NULL },	    { "GAP%", "gap_percent", CTL_PERCENT, 1, NULL },
	{ "DUP", "duplicates", CTL_TEXT, 5, NULL }, { "REORD", "reordered", CTL_TEXT, 5, NULL },
	{ "DROP", "dropped", CTL_TEXT, 3, NULL },   { NULL, NULL, CTL_TEXT, 0, NULL },
};

static const struct ctl_line session_page[] = {
	{ "session", "{sid}, {state}", NULL, NULL },
	{ "client", "{client}, class {class}", NULL, NULL },
	{ "", "key {key}", NULL, "key" },
	{ "", "the control connection is gone", NULL, "!connected" },
	{ "sender", "{sender}", NULL, NULL },
	{ "local", "{local} {device}", NULL, NULL },
	{ "mode", "{mode}", NULL, NULL },
	{ "accepted", "{accepted|time}, {age_s|duration} ago", NULL, NULL },
	{ "asked for",
	  "{padding_octets} octets of padding, DSCP {dscp}, Timeout {timeout_s|duration}", NULL,
	  NULL },
	{ "packets", "{received} received, {reflected} reflected, {dropped} dropped", NULL, NULL },
	{ "forward",
	  "{gaps} missing ({gap_percent|percent} %), {duplicates} duplicates, {reordered} reordered",
	  NULL, NULL },
	{ "", "lost in {loss_periods} places, {longest_loss} in a row at most", "forward", "lost" },
	{ "", "late by {reordering_extent} packets at most", "forward", "reordering_extent" },
	{ "", "the sender began anew {restarts} times", "forward", "restarts" },
	{ "sent", "{rate_per_s} packets per second", "forward", "rate_per_s" },
	{ "variation",
	  "of the forward delay: half of {n} below {p50_s|short}, p95 {p95_s|short}, p99 {p99_s|short}, at most {max_s|short}, jitter {jitter_s|short}",
	  "forward.delay_variation", "n" },
	{ "DSCP", "{last} on arrival, ECN {ecn}", "forward.dscp", NULL },
	{ "", "it was {before} before {changed|time}; {changes} changes", "forward.dscp",
	  "changes" },
	{ "TTL", "{last} on arrival, {min} to {max}", "forward.ttl", NULL },
	{ "", "it was {before} before {changed|time}: another path; {changes} changes",
	  "forward.ttl", "changes" },
	{ "its clock", "synchronized, error {error_s|short}", "forward.sender_clock",
	  "synchronized" },
	{ "its clock", "not synchronized, or not known", "forward.sender_clock", "!synchronized" },
	{ "", "behind ours by {offset_s|short}, with the shortest way", "forward.sender_clock",
	  "offset_s" },
	{ "", "drifts by {drift_ppm} ppm, +-{drift_error_ppm}", "forward.sender_clock",
	  "drift_ppm" },
	{ "", "was set {steps} times", "forward.sender_clock", "steps" },
	{ "numbers", "first {first_seq}, last {last_seq}, highest {max_seq}", "counters",
	  "received" },
	{ "timestamps",
	  "{hardware_timestamps} of a network card, {kernel_timestamps} of the kernel, {user_timestamps} of twampd",
	  "counters", NULL },
	{ "dropped", "{@}: {@value}", "counters.drops", "@value" },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_column client_columns[] = {
	{ "CLIENT", "client", CTL_TEXT, 1, NULL },
	{ "CLASS", "class", CTL_TEXT, 3, NULL },
	{ "CONN/MAX", "connections.used", CTL_TEXT, 1, "connections.max" },
	{ "SESS/MAX", "sessions.used", CTL_TEXT, 1, "sessions.max" },
	{ "PPS", "packets_per_s", CTL_TEXT, 2, NULL },
	{ "REFUSED", "refused", CTL_TEXT, 1, NULL },
	{ "LAST-REASON", "refused_last", CTL_TEXT, 4, NULL },
	{ "LAST-REFUSED", "refused_at", CTL_TIME, 6, NULL },
	{ "AUTHFAIL", "auth_failed", CTL_TEXT, 5, NULL },
	{ "SEEN", "seen", CTL_TIME, 7, NULL },
	{ NULL, NULL, CTL_TEXT, 0, NULL },
};

static const struct ctl_column connection_columns[] = {
	{ "CLIENT", "client", CTL_TEXT, 1, NULL }, { "LOCAL", "local", CTL_TEXT, 4, NULL },
	{ "CLASS", "class", CTL_TEXT, 2, NULL },   { "KEY", "key", CTL_TEXT, 5, NULL },
	{ "MODE", "mode", CTL_TEXT, 6, NULL },	   { "STATE", "state", CTL_TEXT, 1, NULL },
	{ "BARRED", "barred", CTL_TEXT, 5, NULL }, { "SESSIONS", "sessions", CTL_TEXT, 1, NULL },
	{ "AGE", "age_s", CTL_DURATION, 3, NULL }, { NULL, NULL, CTL_TEXT, 0, NULL },
};

static const struct ctl_column refused_columns[] = {
	{ "TIME", "time", CTL_TIME, 1, NULL },	   { "CLIENT", "client", CTL_TEXT, 1, NULL },
	{ "CLASS", "class", CTL_TEXT, 4, NULL },   { "KEY", "key", CTL_TEXT, 6, NULL },
	{ "WHAT", "what", CTL_TEXT, 5, NULL },	   { "CODE", "code", CTL_TEXT, 1, NULL },
	{ "REASON", "reason", CTL_TEXT, 1, NULL }, { "NOW/LIMIT", "now", CTL_TEXT, 3, "limit" },
	{ "COUNT", "count", CTL_TEXT, 1, NULL },   { "SETTING", "setting", CTL_TEXT, 7, NULL },
	{ NULL, NULL, CTL_TEXT, 0, NULL },
};

static const struct ctl_option why_options[] = {
	{ "--key", "KEYID", "key", CTL_STRING },
	{ "--mode", "MODE", "mode", CTL_STRING },
	{ "--padding", "OCTETS", "padding", CTL_COUNT },
	{ "--dscp", "DSCP", "dscp", CTL_COUNT },
	{ "--receiver", "ADDRESS", "receiver", CTL_STRING },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_line why_page[] = {
	{ "client", "{client} would be accepted", NULL, "ok" },
	{ "client", "{client} would be refused: {text}", NULL, "!ok" },
	{ "reason", "{reason}", NULL, "!ok" },
	{ "answer", "{accept}: Accept {code} in {told_in}", NULL, "told_in" },
	{ "remedy", "{remedy}", NULL, "remedy" },
	{ "decided by", "{setting}", NULL, "setting" },
	{ "", "{now} in use, {limit} allowed", NULL, "now" },
	{ "class", "{name}, by {by} ({setting})", "class", "name" },
	{ "class", "none: {by}", "class", "!name" },
	{ "offered", "{offered}", NULL, NULL },
	{ "mode", "{mode}", NULL, "mode" },
	{ "talks to", "{local}", NULL, "local" },
	{ "limits", "{limit} of the {of}: {used} of {max}, {left} left ({setting})", "limits",
	  NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_option reload_options[] = {
	{ "--confirm", "TIME", "confirm_s", CTL_SECONDS },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_line reload_page[] = {
	{ "", "{key} = {to} (was {from}; applies {applies})", "changed", "to" },
	{ "", "{key} is gone (was {from}; applies {applies})", "changed", "!to" },
	{ "", "reloaded: {summary}", NULL, "summary" },
	{ "", "reloaded: nothing changed", NULL, "!summary" },
	{ "", "a restart is needed for: {restart}", NULL, "restart" },
	{ "", "goes back in {confirm_s} s without 'twampctl confirm'", NULL, "confirm_s" },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_line confirm_page[] = {
	{ "", "confirmed: the settings stay", NULL, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_option drain_options[] = {
	{ "--light", NULL, "light", CTL_FLAG },
	{ "--wait", NULL, "wait", CTL_FLAG },
	{ "--timeout", "TIME", "timeout_s", CTL_SECONDS },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_line drain_page[] = {
	{ "", "draining: {sessions} sessions and {connections} connections are left", NULL,
	  "draining" },
	{ "", "not draining: {sessions} sessions and {connections} connections", NULL,
	  "!draining" },
	{ "", "ports of light give no replies", NULL, "drain_light" },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_line end_page[] = {
	{ "", "{sessions} sessions and {connections} connections ended", NULL, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_option log_options[] = {
	{ "--client", "ADDRESS", "client", CTL_STRING },
	{ "--for", "TIME", "for_s", CTL_SECONDS },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_column limit_columns[] = {
	{ "LIMIT", "limit", CTL_TEXT, 1, NULL },     { "OF", "of", CTL_TEXT, 1, NULL },
	{ "USED", "used", CTL_TEXT, 1, NULL },	     { "MAX", "max", CTL_TEXT, 2, NULL },
	{ "LEFT", "left", CTL_TEXT, 4, NULL },	     { "USED%", "percent", CTL_PERCENT, 1, NULL },
	{ "MOST-BY", "top", CTL_TEXT, 3, NULL },     { "BY-IT", "top_used", CTL_TEXT, 5, NULL },
	{ "SETTING", "setting", CTL_TEXT, 6, NULL }, { NULL, NULL, CTL_TEXT, 0, NULL },
};

static const struct ctl_column light_columns[] = {
	{ "ENTRY", "address", CTL_TEXT, 1, NULL },  { "DEVICE", "device", CTL_TEXT, 6, NULL },
	{ "TYPE", "type", CTL_TEXT, 3, NULL },	    { "STATEFUL", "stateful", CTL_TEXT, 5, NULL },
	{ "OPEN", "open", CTL_TEXT, 4, NULL },	    { "RX", "received", CTL_TEXT, 1, NULL },
	{ "TX", "reflected", CTL_TEXT, 1, NULL },   { "GAPS", "gaps", CTL_TEXT, 2, NULL },
	{ "DUP", "duplicates", CTL_TEXT, 3, NULL }, { "REORD", "reordered", CTL_TEXT, 3, NULL },
	{ "DROP", "dropped", CTL_TEXT, 1, NULL },   { "DENIED", "denied", CTL_TEXT, 2, NULL },
	{ NULL, NULL, CTL_TEXT, 0, NULL },
};

static const struct ctl_line light_page[] = {
	{ "denied", "{sender} to port {port}: {packets} packets, the last at {last|time}", "denied",
	  "sender" },
	{ "denied", "{packets} packets of more addresses", "denied", "!sender" },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_column light_sender_columns[] = {
	{ "ENTRY", "entry", CTL_TEXT, 2, NULL },    { "DEVICE", "device", CTL_TEXT, 6, NULL },
	{ "SENDER", "sender", CTL_TEXT, 1, NULL },  { "LOCAL", "local", CTL_TEXT, 5, NULL },
	{ "SSID", "ssid", CTL_TEXT, 3, NULL },	    { "RX", "received", CTL_TEXT, 1, NULL },
	{ "TX", "reflected", CTL_TEXT, 1, NULL },   { "GAPS", "gaps", CTL_TEXT, 1, NULL },
	{ "DUP", "duplicates", CTL_TEXT, 2, NULL }, { "LAST", "last", CTL_TIME, 2, NULL },
	{ NULL, NULL, CTL_TEXT, 0, NULL },
};

static const struct ctl_line light_sender_page[] = {
	{ "", "not all senders are shown: a reload came in between; ask again", NULL, "changed" },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_line counters_page[] = {
	{ "since", "{since|time}", NULL, NULL },
	{ "connections", "{connections} accepted", NULL, NULL },
	{ "requests", "Accept {@}: {@value}", "requests", NULL },
	{ "refused", "{@}: {@value}", "refused", NULL },
	{ "sessions", "{@}: {@value}", "sessions", NULL },
	{ "dropped", "{@}: {@value}", "sessions.drops", NULL },
	{ "light", "{@}: {@value}", "light", NULL },
	{ "dropped", "{@}: {@value}", "light.drops", NULL },
	{ "log", "{log_left_out} events were left out", NULL, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_option events_options[] = {
	{ "--last", "N", "last", CTL_COUNT },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_column event_columns[] = {
	{ "TIME", "time", CTL_TIME, 1, NULL },	 { "LEVEL", "level", CTL_TEXT, 2, NULL },
	{ "EVENT", "event", CTL_TEXT, 3, NULL }, { "TEXT", "text", CTL_TEXT, 1, NULL },
	{ NULL, NULL, CTL_TEXT, 0, NULL },
};

static const struct ctl_option health_options[] = {
	{ "--check", "NAMES", "check", CTL_STRING },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_line health_page[] = {
	{ "", "well", NULL, "ok" },
	{ "", "not well", NULL, "!ok" },
	{ "", "{check}: {text}", "checks", "ok" },
	{ "", "{check}: NOT WELL: {text}", "checks", "!ok" },
	{ NULL, NULL, NULL, NULL },
};

static const struct ctl_option config_options[] = {
	{ "--running", NULL, NULL, CTL_AS_IT_IS },
	{ "--origin", NULL, NULL, CTL_WIDE },
	{ NULL, NULL, NULL, CTL_FLAG },
};

static const struct ctl_column config_columns[] = {
	{ "KEY", "key", CTL_TEXT, 1, NULL },
	{ "VALUE", "value", CTL_TEXT, 1, NULL },
	{ "ORIGIN", "origin", CTL_TEXT, 3, NULL },
	{ NULL, NULL, CTL_TEXT, 0, NULL },
};

const struct ctl_command ctl_commands[] = {
	{ .words = "status",
	  .verb = "status",
	  .stale = true,
	  .page = status_page,
	  .help = "how the daemon is, on one page" },
	{ .words = "sessions",
	  .verb = "sessions",
	  .options = by_key,
	  .items = "sessions",
	  .columns = session_columns,
	  .help = "test sessions" },
	{ .words = "session",
	  .verb = "session",
	  .operand = "SID",
	  .operand_key = "sid",
	  .operand_kind = CTL_STRING,
	  .page = session_page,
	  .help = "everything about one of them" },
	{ .words = "clients",
	  .verb = "clients",
	  .options = by_client,
	  .items = "clients",
	  .columns = client_columns,
	  .help = "clients, and how close each is to its limits" },
	{ .words = "connections",
	  .verb = "connections",
	  .options = by_key,
	  .items = "connections",
	  .columns = connection_columns,
	  .help = "control connections" },
	{ .words = "refused",
	  .verb = "refused",
	  .options = by_time,
	  .items = "refused",
	  .columns = refused_columns,
	  .help = "who was refused, and why: the newest first" },
	{ .words = "why",
	  .verb = "why",
	  .operand = "CLIENT",
	  .operand_key = "client",
	  .operand_kind = CTL_STRING,
	  .options = why_options,
	  .page = why_page,
	  .help = "what would happen to a client if it came now" },
	{ .words = "limits",
	  .verb = "limits",
	  .items = "limits",
	  .columns = limit_columns,
	  .help = "how much of each is used, and who uses most" },
	{ .words = "light --senders",
	  .verb = "light-senders",
	  .items = "senders",
	  .columns = light_sender_columns,
	  .page = light_sender_page,
	  .help = "who sends to those that are stateful" },
	{ .words = "light",
	  .verb = "light",
	  .items = "light",
	  .columns = light_columns,
	  .page = light_page,
	  .help = "reflectors without control" },
	{ .words = "counters",
	  .verb = "counters",
	  .page = counters_page,
	  .help = "everything that is counted, since the start" },
	{ .words = "metrics",
	  .verb = "metrics",
	  .text = true,
	  .help = "the metrics that Prometheus reads, as OpenMetrics" },
	{ .words = "events",
	  .verb = "events",
	  .options = events_options,
	  .items = "events",
	  .columns = event_columns,
	  .help = "the last lines of the log" },
	{ .words = "health",
	  .verb = "health",
	  .options = health_options,
	  .page = health_page,
	  .help = "whether it serves clients: for keepalived and others" },
	{ .words = "config show",
	  .verb = "config",
	  .operand = "KEY",
	  .operand_key = "key",
	  .operand_kind = CTL_STRING,
	  .optional = true,
	  .options = config_options,
	  .items = "config",
	  .columns = config_columns,
	  .help = "the settings in force, and where each stands" },
	{ .words = "config diff",
	  .verb = "status",
	  .diff = true,
	  .help = "what a reload would change, and what needs a restart" },
	{ .words = "reload",
	  .verb = "reload",
	  .options = reload_options,
	  .page = reload_page,
	  .help = "read the settings files; tells what changed" },
	{ .words = "confirm",
	  .verb = "confirm",
	  .page = confirm_page,
	  .help = "keep the settings of a reload with --confirm" },
	{ .words = "drain",
	  .verb = "drain",
	  .options = drain_options,
	  .page = drain_page,
	  .help = "take nothing new, let what runs finish" },
	{ .words = "undrain",
	  .verb = "undrain",
	  .page = drain_page,
	  .help = "take new clients again" },
	{ .words = "end session",
	  .verb = "end-session",
	  .operand = "SID",
	  .operand_key = "sid",
	  .operand_kind = CTL_STRING,
	  .page = end_page,
	  .help = "end a session" },
	{ .words = "end client",
	  .verb = "end-client",
	  .operand = "CLIENT",
	  .operand_key = "client",
	  .operand_kind = CTL_STRING,
	  .page = end_page,
	  .help = "end all sessions and connections of a client" },
	{ .words = "end class",
	  .verb = "end-class",
	  .operand = "CLASS",
	  .operand_key = "class",
	  .operand_kind = CTL_STRING,
	  .page = end_page,
	  .help = "end all sessions and connections of a class" },
	{ .words = "log",
	  .verb = "log",
	  .operand = "LEVEL",
	  .operand_key = "level",
	  .operand_kind = CTL_STRING,
	  .options = log_options,
	  .help = "log more or less, until the next reload or for a while" },
	{ .words = "state --yang",
	  .verb = "yang-state",
	  .items = "yang",
	  .yang = true,
	  .help = "what runs, by the YANG model ietf-twamp (RFC 8913), as JSON" },
	{ .words = "config --yang",
	  .verb = "yang-config",
	  .items = "yang",
	  .yang = true,
	  .help = "the settings by this model" },
	{ .words = NULL },
};
