// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program with this file has a network of its own, with a loopback device and nothing else: no other
 * program takes a port there that a test has just found free. Where the kernel does not let it,
 * the host's loopback has to do.
 */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

/* Who is not root is so in a user namespace, by the same number. */
static int leave(void)
{
	char map[64];
	unsigned uid = geteuid();

	if (!unshare(CLONE_NEWNET)) {
		return 0;
	}
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		return -1;
	}
	say("/proc/self/uid_map", map);
	return 0;
}

__attribute__((constructor)) static void own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (leave()) {
		return;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo)) {
		perror("the loopback device of a network of its own");
		_exit(1);
	}
	close(fd);
}
