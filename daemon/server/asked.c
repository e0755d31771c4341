// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/asked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Who may have it, or what gives it. */
static const char *find_way_out(int error, bool udp, bool passed)
{
	switch (-error) {
	case EACCES:
		return udp ? "; a port below 1024 has to come from twampd-light.socket, or needs "
			     "CAP_NET_BIND_SERVICE (twampd-listen.conf)"
			   : "; a port below 1024 has to come from twampd.socket (systemctl restart "
			     "twampd.socket), or needs CAP_NET_BIND_SERVICE (twampd-listen.conf)";
	case EADDRINUSE:
		return !udp ? "; find the process that holds it: ss -ltnp; if it is systemd, mask "
			      "twampd.socket"
		       : passed
			       ? "; find the process that holds it: ss -lunp; if it is a socket "
				 "that was passed, an entry of light has to name its own address"
			       : "; find the process that holds it: ss -lunp; if it is systemd, "
				 "twampd-light.socket holds it for twampd.service; if it is twampd, "
				 "test sessions on a port of ports.also hold it until they end";
	case ENODEV:
		return "; create it, or correct device: ip link show";
	case EPERM:
		return "; device needs Linux 5.7 or CAP_NET_RAW";
	case EADDRNOTAVAIL:
		return "; no interface has it: correct it, or set freebind if it appears later";
	default:
		return "";
	}
}

const char *asked_text(const struct settings *settings, const char *key,
		       const struct settings_place *entry, char buf[static ASKED_LEN])
{
	struct settings_place at = entry && entry->file ? *entry
							: settings_origin(settings, key, NULL);

	if (at.file) {
		(void)snprintf(buf, ASKED_LEN, " (%s of %s:%u)", key, at.file, at.line);
	} else {
		(void)snprintf(buf, ASKED_LEN, " (%s of the defaults)", key);
	}
	return buf;
}

void asked_explain(int error, const char *key, const struct settings_listen *fault,
		   const struct settings *settings, bool passed, char *why, size_t size)
{
	bool udp = !strcmp(key, "light");
	char text[ADDRESS_TEXT_LEN], asked[ASKED_LEN];

	snprintf(why, size, "cannot listen on %s%s%s%s: %s%s%s", udp ? "UDP " : "",
		 address_text(&fault->address, text, sizeof text),
		 *fault->device ? ", device " : "", fault->device, strerror(-error),
		 find_way_out(error, udp, passed), asked_text(settings, key, &fault->place, asked));
}
