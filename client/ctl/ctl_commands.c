// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_commands.h"

static const struct ctl_line status_page[] = {
	{ "twampd", "{version}, pid {pid}, up {uptime_s|duration}, since {started|time}", NULL,
	  NULL },
	{ "", "took over from the process before", NULL, "handover" },
	{ "settings", "{file}, {keys} keys, since {since|time}", "settings", NULL },
	{ "reload", "failed at {time|time}: {error}", "reload", "error" },
	{ "draining", "yes: new connections and sessions are refused", NULL, "draining" },
	{ "listening", "{address} {device} (opened by {opened_by})", "listeners", "open" },
	{ "", "{address} is not open: the host has not got the family", "listeners", "!open" },
	{ "light", "{light_ports} ports", NULL, "light_ports" },
	{ "connections", "{used} of {max}", "connections", NULL },
	{ "sessions", "{used} of {max}", "sessions", NULL },
	{ "clients", "{clients}", NULL, NULL },
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

const struct ctl_command ctl_commands[] = {
	{ .words = "status",
	  .verb = "status",
	  .page = status_page,
	  .help = "how the daemon is, on one page" },
	{ .words = NULL },
};
