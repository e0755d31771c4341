// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/sealed.h"

#include "base/siphash.h"
#include "protocol/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "TWAMPD-S"
#define VERSION 8 /* count it up with each change of what is carried */
#define OCTETS_MAX ((off_t)1 << 30)
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct header {
	char magic[8];
	uint32_t version, reserved;
	uint64_t octets; /* that follow, with zeros up to a multiple of 8 */
	uint64_t checksum; /* of these */
};

static uint64_t checksum(const struct header *h)
{
	static const uint64_t seed[2] = { VERSION, UINT64_C(0x7477616d70642d73) };

	return siphash(seed, (const uint64_t *)(const void *)(h + 1), h->octets / sizeof(uint64_t));
}

static int fill(int fd, void (*what)(struct carry *k, void *context), void *context, size_t octets)
{
	size_t all = sizeof(struct header) + octets;
	struct carry k = { .way = CARRY_SAVE, .left = octets };
	struct header *h;

	if (ftruncate(fd, (off_t)all) < 0) {
		return -errno;
	}
	h = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED) {
		return -errno;
	}
	(void)madvise(h, all, MADV_DONTDUMP);
	*h = (struct header){ .version = VERSION, .octets = octets };
	memcpy(h->magic, MAGIC, sizeof h->magic);
	k.at = (uint8_t *)(h + 1);
	what(&k, context);
	h->checksum = checksum(h);
	munmap(h, all);
	if (k.bad) {
		return -EFAULT;
	}
	return fcntl(fd, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

int sealed_write(const char *name, void (*what)(struct carry *k, void *context), void *context)
{
	struct carry k = { .way = CARRY_COUNT };
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc;

	if (fd < 0) {
		return -errno;
	}
	what(&k, context);
	rc = fill(fd, what, context, (k.used + 7) / 8 * 8);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/* What is wrong with the file, or NULL. */
static const char *look(int fd, size_t *octets)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS) {
		return "it is not a sealed memory file";
	}
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(struct header) ||
	    st.st_size > OCTETS_MAX) {
		return "its size cannot be";
	}
	*octets = (size_t)st.st_size;
	return NULL;
}

static const char *check(const struct header *h, size_t octets)
{
	if (memcmp(h->magic, MAGIC, sizeof h->magic) != 0) {
		return "it is not twampd's";
	}
	if (h->version != VERSION) {
		return "it is of another version";
	}
	if (h->octets != octets - sizeof *h || h->octets % sizeof(uint64_t) != 0 ||
	    h->checksum != checksum(h)) {
		return "it is damaged";
	}
	return NULL;
}

const char *sealed_read(int fd, bool (*what)(struct carry *k, void *context), void *context)
{
	struct carry k = { .way = CARRY_LOAD };
	const struct header *h;
	size_t octets = 0;
	const char *fault = look(fd, &octets);
	void *map;

	if (fault) {
		return fault;
	}
	map = mmap(NULL, octets, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		return strerror(errno);
	}
	(void)madvise(map, octets, MADV_DONTDUMP);
	h = map;
	fault = check(h, octets);
	if (!fault) {
		k.at = (uint8_t *)map + sizeof *h;
		k.left = h->octets;
		fault = what(&k, context) ? NULL : "it ends too soon";
	}
	munmap(map, octets);
	return fault;
}
