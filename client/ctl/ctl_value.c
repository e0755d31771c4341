// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_value.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define PATH_LEN 80

const json_t *ctl_value_at(const json_t *in, const char *path)
{
	char key[PATH_LEN];

	while (in && *path) {
		size_t len = strcspn(path, ".");

		if (len >= sizeof key) {
			return NULL;
		}
		memcpy(key, path, len);
		key[len] = '\0';
		in = json_object_get(in, key);
		path += len + (path[len] == '.');
	}
	return in;
}

static void put_duration(double s, char buf[static CTL_VALUE_LEN])
{
	unsigned long whole = s < 0 ? 0 : (unsigned long)s;
	unsigned long days = whole / 86400, hours = whole / 3600 % 24, minutes = whole / 60 % 60;

	if (days) {
		snprintf(buf, CTL_VALUE_LEN, "%lud %02lu:%02lu:%02lu", days, hours, minutes,
			 whole % 60);
	} else if (whole >= 60) {
		snprintf(buf, CTL_VALUE_LEN, "%lu:%02lu:%02lu", hours, minutes, whole % 60);
	} else {
		snprintf(buf, CTL_VALUE_LEN, "%.1f s", s);
	}
}

static void put_short(double s, char buf[static CTL_VALUE_LEN])
{
	double size = fabs(s);

	if (size < 1e-3) {
		snprintf(buf, CTL_VALUE_LEN, "%.1f us", s * 1e6);
	} else if (size < 1) {
		snprintf(buf, CTL_VALUE_LEN, "%.3f ms", s * 1e3);
	} else {
		snprintf(buf, CTL_VALUE_LEN, "%.3f s", s);
	}
}

static void put_octets(double n, char buf[static CTL_VALUE_LEN])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned u = 0;

	while (n >= 1024 && u < 4) {
		n /= 1024;
		u++;
	}
	snprintf(buf, CTL_VALUE_LEN, u ? "%.1f %s" : "%.0f %s", n, units[u]);
}

/* "2026-11-28T11:33:25.123Z" in the zone of who reads it. */
static void put_time(const char *text, char buf[static CTL_VALUE_LEN])
{
	struct tm utc = { 0 }, then, now;
	time_t at, present = time(NULL);

	if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &utc)) {
		snprintf(buf, CTL_VALUE_LEN, "%s", text);
		return;
	}
	at = timegm(&utc);
	if (!localtime_r(&at, &then) || !localtime_r(&present, &now) ||
	    !strftime(buf, CTL_VALUE_LEN,
		      then.tm_yday == now.tm_yday && then.tm_year == now.tm_year
			      ? "%H:%M:%S"
			      : "%Y-%m-%d %H:%M:%S",
		      &then)) {
		snprintf(buf, CTL_VALUE_LEN, "%s", text);
	}
}

static void put_number(const json_t *value, enum ctl_format format, char buf[static CTL_VALUE_LEN])
{
	double n = json_number_value(value);

	switch (format) {
	case CTL_DURATION:
		put_duration(n, buf);
		return;
	case CTL_SHORT:
		put_short(n, buf);
		return;
	case CTL_PERCENT:
		snprintf(buf, CTL_VALUE_LEN, "%.2f", n);
		return;
	case CTL_OCTETS:
		put_octets(n, buf);
		return;
	case CTL_TEXT:
	case CTL_TIME:
		break;
	}
	if (json_is_integer(value)) {
		snprintf(buf, CTL_VALUE_LEN, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	} else {
		snprintf(buf, CTL_VALUE_LEN, "%.6g", n);
	}
}

/* The daemon quotes what others wrote; this is for a daemon that does not. */
static void put_clean(const char *text, char buf[static CTL_VALUE_LEN])
{
	size_t n = 0;

	for (; *text && n + 1 < CTL_VALUE_LEN; text++) {
		unsigned char c = (unsigned char)*text;

		buf[n++] = c < ' ' || c == 0x7f ? '?' : *text;
	}
	buf[n] = '\0';
}

char *ctl_value_text(const json_t *value, enum ctl_format format, char buf[static CTL_VALUE_LEN])
{
	if (json_is_number(value)) {
		put_number(value, format, buf);
	} else if (json_is_string(value) && format == CTL_TIME) {
		put_time(json_string_value(value), buf);
	} else if (json_is_string(value)) {
		put_clean(json_string_value(value), buf);
	} else if (json_is_boolean(value)) {
		snprintf(buf, CTL_VALUE_LEN, "%s", json_is_true(value) ? "yes" : "no");
	} else {
		snprintf(buf, CTL_VALUE_LEN, "-");
	}
	if (!*buf) {
		snprintf(buf, CTL_VALUE_LEN, "-");
	}
	return buf;
}

static enum ctl_format format_by_name(const char *name)
{
	static const struct {
		const char *name;
		enum ctl_format format;
	} all[] = { { "duration", CTL_DURATION },
		    { "short", CTL_SHORT },
		    { "percent", CTL_PERCENT },
		    { "time", CTL_TIME },
		    { "octets", CTL_OCTETS } };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!strcmp(all[i].name, name)) {
			return all[i].format;
		}
	}
	return CTL_TEXT;
}

void ctl_value_print(const json_t *in, const char *template, FILE *to)
{
	char path[PATH_LEN], text[CTL_VALUE_LEN];

	while (*template) {
		size_t plain = strcspn(template, "{");
		size_t len = template[plain] ? strcspn(template + plain, "}") : 0;
		const json_t *value;
		char *format;

		(void)fwrite(template, 1, plain, to);
		template += plain;
		if (!len || len >= sizeof path) {
			return;
		}
		memcpy(path, template + 1, len - 1);
		path[len - 1] = '\0';
		format = strchr(path, '|');
		if (format) {
			*format++ = '\0';
		}
		value = ctl_value_at(in, path);
		if (!json_is_string(value) || *json_string_value(value)) {
			fputs(ctl_value_text(value, format_by_name(format ? format : ""), text),
			      to);
		}
		template += len + 1;
	}
}

static double size_of(const json_t *v)
{
	return json_is_boolean(v) ? json_is_true(v) : json_number_value(v);
}

int ctl_value_compare(const json_t *a, const json_t *b)
{
	bool no_a = !a || json_is_null(a), no_b = !b || json_is_null(b);

	if (no_a || no_b) {
		return no_a - no_b;
	}
	if (json_is_string(a) && json_is_string(b)) {
		return strcmp(json_string_value(a), json_string_value(b));
	}
	return size_of(a) < size_of(b) ? 1 : size_of(a) > size_of(b) ? -1 : 0; /* most first */
}

int ctl_value_is_set(const json_t *v)
{
	if (json_is_array(v)) {
		return json_array_size(v) > 0;
	}
	if (json_is_object(v)) {
		return json_object_size(v) > 0;
	}
	if (json_is_string(v)) {
		return *json_string_value(v) != '\0';
	}
	return json_is_true(v) || (json_is_number(v) && json_number_value(v) != 0);
}
