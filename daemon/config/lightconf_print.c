// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/lightconf.h"

#include <arpa/inet.h>

void lightconf_dump_address(const struct address *a, bool implied, const char *device,
			    bool freebind, FILE *to)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (!implied) {
		(void)inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->ip, text, sizeof(text));
	}
	fprintf(to, "address = \"%s", text);
	if (a->scope) {
		fprintf(to, "%%%u", a->scope);
	}
	fprintf(to, "\"; port = %u;", a->port);
	if (*device) {
		fprintf(to, " device = \"%s\";", device);
	}
	if (freebind) {
		fputs(" freebind = true;", to);
	}
}

static void print_entry(const struct settings_light *l, FILE *to)
{
	char text[PREFIX_TEXT_LEN];

	lightconf_dump_address(&l->address, l->implied, l->device, l->freebind, to);
	fprintf(to, " type = \"%s\"; stateful = %s;\n\t  clients = [",
		l->type == SETTINGS_LIGHT_STAMP ? "stamp" : "twamp-light",
		l->stateful ? "true" : "false");
	for (size_t i = 0; i < l->n_clients; i++) {
		fprintf(to, "%s \"%s\"", i ? "," : "", prefix_text(&l->clients[i], text));
	}
	fputs(" ];", to);
	if (l->dscp == SETTINGS_DSCP_COPY) {
		fputs(" dscp = \"copy\";", to);
	} else {
		fprintf(to, " dscp = %u;", l->dscp);
	}
	if (l->n_ssids) {
		fputs(" ssids = [", to);
		for (size_t i = 0; i < l->n_ssids; i++) {
			fprintf(to, "%s %u", i ? "," : "", l->ssids[i]);
		}
		fputs(" ];", to);
	}
	fprintf(to, " from_862 = %s;", l->from_862 ? "true" : "false");
	fprintf(to, "\n\t  packet_rate = %u; octet_rate = %u;", l->packet_rate, l->octet_rate);
	fprintf(to, " total_packet_rate = %u; total_octet_rate = %u;", l->total_packet_rate,
		l->total_octet_rate);
}

void lightconf_dump(const struct settings *s, FILE *to)
{
	fputs("(", to);
	for (size_t i = 0; i < s->n_light; i++) {
		if (!lightconf_is_second(s->light[i].implied, &s->light[i].address)) {
			fputs(i ? ",\n\t{ " : "\n\t{ ", to);
			print_entry(&s->light[i], to);
			fputs(" }", to);
		}
	}
	fputs(s->n_light ? "\n)" : " )", to);
}
