// SPDX-License-Identifier: BSD-2-Clause
#include "base/localaddr.h"
#include "daemon/server/hostcheck.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define NET_BIND_SERVICE 10 /* CAP_NET_BIND_SERVICE of capabilities(7) */
#define MANAGER "org.freedesktop.systemd1"
#define UNITS "/org/freedesktop/systemd1/unit"

/* --- files of the kernel -------------------------------------------------------------- */

/* The number that begins the file; @otherwise if there is none. */
static uint64_t read_number(const char *path, uint64_t otherwise)
{
	FILE *f = fopen(path, "re");
	unsigned long long value;

	if (!f) {
		return otherwise;
	}
	if (fscanf(f, "%llu", &value) != 1) { // NOLINT(cert-err34-c): the kernel wrote it
		value = otherwise;
	}
	(void)fclose(f);
	return value;
}

/* Of /proc/PID/NAME: the number behind @key, in @base; @otherwise if there is none. */
static uint64_t read_status(pid_t pid, const char *name, const char *key, int base,
			    uint64_t otherwise)
{
	char path[64], line[256];
	uint64_t value = otherwise;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f)) {
		if (!strncmp(line, key, strlen(key))) {
			const char *rest = line + strlen(key);

			value = strstr(rest, "unlimited") ? UINT64_MAX : strtoull(rest, NULL, base);
			break;
		}
	}
	if (f) {
		(void)fclose(f);
	}
	return value;
}

/* --- the service manager -------------------------------------------------------------- */

/* twampd.conf belongs to twampd.service, NAME.conf to twampd@NAME.service. */
static void name_unit(struct hostcheck_facts *f)
{
	const char *slash = strrchr(f->config, '/'), *name = slash ? slash + 1 : f->config;
	size_t len = strlen(name);

	len -= len > 5 && !strcmp(name + len - 5, ".conf") ? 5 : 0;
	if (len == 6 && !strncmp(name, "twampd", 6)) {
		snprintf(f->unit, sizeof f->unit, "twampd");
	} else {
		snprintf(f->unit, sizeof f->unit, "twampd@%.*s", (int)(len < 64 ? len : 64), name);
	}
}

static bool get_path(const struct hostcheck_facts *f, const char *suffix, char **path)
{
	char name[HOSTCHECK_UNIT_LEN + 16];

	snprintf(name, sizeof name, "%s%s", f->unit, suffix);
	return sd_bus_path_encode(UNITS, name, path) >= 0;
}

static bool get_u64(sd_bus *bus, const char *path, const char *name, uint64_t *out)
{
	return sd_bus_get_property_trivial(bus, MANAGER, path, MANAGER ".Service", name, NULL, 't',
					   out) >= 0;
}

static bool is_state(sd_bus *bus, const struct hostcheck_facts *f, const char *suffix,
		     const char *property, const char *state)
{
	char *path = NULL, *value = NULL;
	bool is = get_path(f, suffix, &path) &&
		  sd_bus_get_property_string(bus, MANAGER, path, MANAGER ".Unit", property, NULL,
					     &value) >= 0 &&
		  !strcmp(value, state);

	free(path);
	free(value);
	return is;
}

/* What the unit will give to a process that it starts. */
static void ask_manager(struct hostcheck_facts *f)
{
	uint64_t descriptors, ambient;
	char *path = NULL;
	sd_bus *bus = NULL;

	if (sd_bus_open_system(&bus) < 0) {
		return;
	}
	if (is_state(bus, f, ".service", "LoadState", "loaded") && get_path(f, ".service", &path) &&
	    get_u64(bus, path, "LimitNOFILE", &descriptors) &&
	    get_u64(bus, path, "AmbientCapabilities", &ambient)) {
		f->service = true;
		f->descriptors = descriptors;
		f->low_ports = ambient >> NET_BIND_SERVICE & 1;
	}
	f->control_passed = is_state(bus, f, ".socket", "ActiveState", "active");
	f->light_passed = is_state(bus, f, "-light.socket", "ActiveState", "active");
	free(path);
	sd_bus_flush_close_unref(bus);
}

/* --- the process ---------------------------------------------------------------------- */

static void ask_process(struct hostcheck_facts *f, pid_t pid)
{
	f->descriptors = read_status(pid, "limits", "Max open files", 10, f->descriptors);
	f->low_ports = read_status(pid, "status", "CapEff:", 16, 0) >> NET_BIND_SERVICE & 1;
	if (sched_getaffinity(pid, sizeof f->cpus, &f->cpus)) {
		(void)sched_getaffinity(0, sizeof f->cpus, &f->cpus);
	}
}

static bool has_address(void *context, const struct address *a)
{
	return !context || localaddr_has(context, a, 0);
}

static bool has_device(void *context, const char *name)
{
	(void)context;
	return if_nametoindex(name) != 0;
}

void hostcheck_ask(struct hostcheck_facts *f, const char *config, const struct running *running)
{
	struct rlimit files = { 0 };
	struct localaddr *addresses = NULL;

	*f = (struct hostcheck_facts){ .config = config,
				       .has_address = has_address,
				       .has_device = has_device };
	name_unit(f);
	(void)getrlimit(RLIMIT_NOFILE, &files);
	ask_process(f, getpid());
	f->descriptors = files.rlim_max; /* what a service manager can give */
	ask_manager(f);
	if (running) {
		f->service = true;
		f->control_passed = running->control_passed;
		f->light_passed = running->light_passed;
		ask_process(f, running->pid);
	}
	f->first_port = (uint32_t)read_number("/proc/sys/net/ipv4/ip_unprivileged_port_start",
					      1024);
	f->rmem_max = read_number("/proc/sys/net/core/rmem_max", 0);
	f->conntrack_max = read_number("/proc/sys/net/netfilter/nf_conntrack_max", 0);
	f->nonlocal_v4 = read_number("/proc/sys/net/ipv4/ip_nonlocal_bind", 0);
	f->nonlocal_v6 = read_number("/proc/sys/net/ipv6/ip_nonlocal_bind", 0);
	f->context = localaddr_new(&addresses) ? NULL : addresses;
}

void hostcheck_wipe(struct hostcheck_facts *f)
{
	localaddr_free(f->context);
	f->context = NULL;
}
