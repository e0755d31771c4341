// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/nic.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NEEDED (SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE)

static bool is_on(int fd, const char *name)
{
	struct hwtstamp_config config = { 0 };
	struct ifreq request = { .ifr_data = (void *)&config };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	/* all others are for the ports of PTP or NTP */
	return !ioctl(fd, SIOCGHWTSTAMP, &request) && config.rx_filter == HWTSTAMP_FILTER_ALL;
}

/* False if it cannot stamp all packets. */
static bool ask(int fd, const struct if_nameindex *n, struct phc_link *out)
{
	struct ethtool_ts_info info = { .cmd = ETHTOOL_GET_TS_INFO };
	struct ifreq request = { .ifr_data = (void *)&info };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", n->if_name);
	if (ioctl(fd, SIOCETHTOOL, &request) || info.phc_index < 0 ||
	    (info.so_timestamping & NEEDED) != NEEDED ||
	    !(info.rx_filters & 1u << HWTSTAMP_FILTER_ALL)) {
		return false;
	}
	*out = (struct phc_link){ .index = n->if_index,
				  .clock = info.phc_index,
				  .on = is_on(fd, n->if_name) };
	snprintf(out->name, sizeof(out->name), "%s", n->if_name);
	return true;
}

static int list(void *context, struct phc_link *out, int most)
{
	struct if_nameindex *all = if_nameindex();
	int fd, count = 0;

	if (!all) {
		return -errno;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT) {
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	}
	if (fd < 0) {
		count = -errno;
		goto out;
	}
	for (const struct if_nameindex *n = all; n->if_index && count < most; n++) {
		count += ask(fd, n, &out[count]);
	}
	close(fd);
out:
	if_freenameindex(all);
	return count;
}

static int open_clock(void *context, int clock)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/ptp%d", clock);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int64_t to_ns(struct ptp_clock_time t)
{
	return t.sec * TS_NS_PER_S + t.nsec;
}

int nic_take_extended(const struct ptp_sys_offset_extended *from, struct phc_sample *out, int most)
{
	int n = 0;

	for (; n < most && n < (int)from->n_samples && n < PTP_MAX_SAMPLES; n++) {
		out[n] = (struct phc_sample){ to_ns(from->ts[n][0]), to_ns(from->ts[n][1]),
					      to_ns(from->ts[n][2]) };
	}
	return n;
}

int nic_take_plain(const struct ptp_sys_offset *from, struct phc_sample *out, int most)
{
	int n = 0;

	for (; n < most && n < (int)from->n_samples && n < PTP_MAX_SAMPLES; n++) {
		out[n] = (struct phc_sample){ to_ns(from->ts[2 * n]), to_ns(from->ts[2 * n + 1]),
					      to_ns(from->ts[2 * n + 2]) };
	}
	return n;
}

/* The first has the system's clock read around the very register; older drivers lack it. */
static int read_clock(void *context, int fd, struct phc_sample *out, int most)
{
	struct ptp_sys_offset_extended extended = { .n_samples = PHC_SAMPLES };
	struct ptp_sys_offset plain = { .n_samples = PHC_SAMPLES };

	if (!ioctl(fd, PTP_SYS_OFFSET_EXTENDED, &extended)) {
		return nic_take_extended(&extended, out, most);
	}
	if (errno != EOPNOTSUPP && errno != ENOTTY && errno != EINVAL) {
		return -errno;
	}
	return ioctl(fd, PTP_SYS_OFFSET, &plain) ? -errno : nic_take_plain(&plain, out, most);
}

static void close_clock(void *context, int fd)
{
	close(fd);
}

struct phc_source nic_source(void)
{
	return (struct phc_source){
		.list = list,
		.open = open_clock,
		.read = read_clock,
		.close = close_clock,
	};
}
