// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/addrconf.h"

#include "daemon/config/convert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* The part behind "%": a name or a number. 0 = there is no such interface. */
static uint32_t parse_scope(const char *text)
{
	unsigned long index;
	char *end;

	errno = 0;
	index = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && index <= UINT32_MAX) {
		return (uint32_t)index;
	}
	return if_nametoindex(text);
}

/* All of @address but its port. Return what is wrong, or NULL. */
static const char *parse_address(const char *text, struct address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char host[INET6_ADDRSTRLEN];
	const char *percent = strchrnul(text, '%');
	size_t len = (size_t)(percent - text);

	if (len >= sizeof(host)) {
		return "is no address";
	}
	memcpy(host, text, len);
	host[len] = '\0';
	address->family = strchr(host, ':') ? 6 : 4;
	if (inet_pton(address->family == 6 ? AF_INET6 : AF_INET, host, address->ip) != 1) {
		return "is no address";
	}
	if (address->family == 6 && !memcmp(address->ip, mapped, sizeof(mapped))) {
		return "is an IPv4-mapped address";
	}
	if (address_is_unusable(address) && !address_is_any(address)) {
		return "is no address of a host";
	}
	if (address_is_link_local(address)) {
		address->scope = *percent ? parse_scope(percent + 1) : 0;
		if (!address->scope) {
			return "is link-local and needs an interface of this host behind \"%\"";
		}
	} else if (*percent) {
		return "is not link-local and needs no \"%\"";
	}
	return NULL;
}

/* The port is a key of its own, which may have come before. */
static void keep(struct apply *a, const struct schema_row *row, const struct address *address)
{
	char *at = (char *)a->in + row->offset;
	struct address kept;

	memcpy(&kept, at, sizeof(kept));
	kept.family = address->family;
	kept.scope = address->scope;
	memcpy(kept.ip, address->ip, sizeof(kept.ip));
	memcpy(at, &kept, sizeof(kept));
}

static int put_address(struct apply *a, const config_setting_t *s, const struct schema_row *row,
		       bool needed)
{
	char accepts[SCHEMA_TEXT_LEN];
	struct address address = { 0 };
	const char *wrong;

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	wrong = *s->value.sval || needed ? parse_address(s->value.sval, &address) : NULL;
	if (wrong) {
		return convert_complain(a, s, "%s: \"%.60s\" %s, expected: %s", a->key,
					s->value.sval, wrong,
					schema_accepts(row, a->where, accepts));
	}
	keep(a, row, &address);
	return 0;
}

int addrconf_put_address(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	return put_address(a, s, row, false);
}

int addrconf_put_host(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	return put_address(a, s, row, true);
}

/* From the root of the file system on, without what would have to be escaped. */
static bool is_socket_path(const char *text)
{
	if (*text != '/' || strlen(text) >= SETTINGS_SOCKET_LEN) {
		return false;
	}
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f) {
			return false;
		}
	}
	return true;
}

int addrconf_put_socket(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	const char *text = s->value.sval;
	char accepts[SCHEMA_TEXT_LEN];

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	if (*text && !is_socket_path(text)) {
		return convert_complain(a, s,
					"%s: \"%.110s\" is no place for a socket, expected: %s",
					a->key, text, schema_accepts(row, a->where, accepts));
	}
	(void)snprintf((char *)a->in + row->offset, SETTINGS_SOCKET_LEN, "%s", text);
	return 0;
}

/* What the kernel takes, without what would have to be escaped. */
static bool is_device_name(const char *text)
{
	if (strlen(text) >= SETTINGS_DEVICE_LEN || !strcmp(text, ".") || !strcmp(text, "..")) {
		return false;
	}
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~' || strchr("/:\"\\", *text)) {
			return false;
		}
	}
	return true;
}

int addrconf_put_device(struct apply *a, const config_setting_t *s, const struct schema_row *row)
{
	char accepts[SCHEMA_TEXT_LEN];

	if (s->type != CONFIG_TYPE_STRING) {
		return convert_wrong_type(a, s, row);
	}
	if (!is_device_name(s->value.sval)) {
		return convert_complain(
			a, s, "%s: \"%.40s\" is no name of a network device, expected: %s", a->key,
			s->value.sval, schema_accepts(row, a->where, accepts));
	}
	(void)snprintf((char *)a->in + row->offset, SETTINGS_DEVICE_LEN, "%s", s->value.sval);
	return 0;
}
