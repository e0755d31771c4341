// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/lightsock.h"

#include "base/device.h"
#include "base/endpoint.h"

/* By an entry with a device. */
static bool is_named(const struct settings *s, const struct address *at, uint32_t bound)
{
	for (size_t i = 0; i < s->n_light; i++) {
		uint32_t device;

		if (address_same_port(&s->light[i].address, at) && *s->light[i].device &&
		    !device_find(s->light[i].device, &device) && device == bound) {
			return true;
		}
	}
	return false;
}

int lightsock_find(const struct reflector *r, const struct settings *s,
		   const struct settings_light *l, uint32_t device)
{
	int found = -1;

	for (size_t i = 0; i < r->config.n_light_fds; i++) {
		int fd = r->config.light_fds[i];
		uint32_t bound = device_of(fd);
		struct address at;

		if (endpoint_bound(fd, &at) || !address_same_port(&at, &l->address)) {
			continue;
		}
		if (bound == device) {
			return fd;
		}
		if (!device && !is_named(s, &at, bound)) {
			found = fd;
		}
	}
	return found;
}

int lightsock_take(const struct reflector *r, int passed, bool stale)
{
	bool stamped = sock_is_stamped(passed);
	int error = udpsock_adopt_light(passed, false, !r->config.user_timestamps, &r->defaults);

	if (error) {
		return error;
	}
	if (r->phc) {
		sock_ask_hardware(passed);
	}
	if (stale || !stamped) {
		sock_drain(passed);
	}
	/* Not a duplicate: epoll goes on telling of that when it is closed, by its old number. */
	return passed;
}
