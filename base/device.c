// SPDX-License-Identifier: BSD-2-Clause
#include "base/device.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

int device_find(const char *name, uint32_t *index)
{
	*index = *name ? if_nametoindex(name) : 0;
	return *name && !*index ? -ENODEV : 0;
}

int device_bind(int fd, uint32_t index)
{
	int value = (int)index;

	/* "ip vrf exec" binds every socket when it is made; to do it again takes a capability. */
	if (!index || device_of(fd) == index ||
	    !setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &value, sizeof(value))) {
		return 0;
	}
	return -errno;
}

uint32_t device_of(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &value, &len) || value < 0) {
		return 0;
	}
	return (uint32_t)value;
}

char *device_text(uint32_t index, char buf[static DEVICE_TEXT_LEN])
{
	char name[IF_NAMESIZE];

	if (!index) {
		*buf = '\0';
	} else if (if_indextoname(index, name)) {
		snprintf(buf, DEVICE_TEXT_LEN, ", device %s", name);
	} else {
		snprintf(buf, DEVICE_TEXT_LEN, ", device %u", index);
	}
	return buf;
}
