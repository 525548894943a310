// SPDX-License-Identifier: GPL-2.0
/*
 * maps: another process that has the device of a VMM, and does with its window whatever can
 * be done with a mapping.
 *
 *	maps PID TAG SECONDS [SEED]
 *
 * Takes the device from the process PID, maps the window as a whole and in parts, several
 * times, moves, cuts, protects and forgets these mappings, closes the device with some left,
 * forks and executes itself. All the time it looks for bytes that are neither zero nor of the
 * class of TAG: those would be another guest's. Prints what it did; fails if it saw one, or if
 * something was allowed that must not be.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kvmflip_pci.h"

#define MAPS		8
#define PAGE		4096ul
#define CLASS		0xf0
#define EXECS		"MAPS_EXECS"
#define KEEPS		"MAPS_KEEPS"	/* the device, once it has it */

#define expect(what) do {						\
	if (!(what)) {							\
		fprintf(stderr, "maps: line %d: not %s (%s)\n",		\
			__LINE__, #what, strerror(errno));		\
		exit(1);						\
	}								\
} while (0)

/**
 * struct map - a mapping
 * @at: where it is, or NULL if there is none
 * @bytes: of it
 * @prot: PROT_* that it has now
 */
struct map {
	unsigned char *at;
	size_t bytes;
	int prot;
};

static struct map maps[MAPS];
static unsigned char tag;
static pid_t vmm;
static int device = -1;
static off_t slots;		/* offset of the first slot in the device */
static size_t bytes;		/* of all slots */
static unsigned long done, looked, execs;

static __u32 reg(off_t regs, off_t offset)
{
	__u32 value;

	expect(pread(device, &value, sizeof(value), regs + offset) == sizeof(value));
	return value;
}

static off_t region(__u32 index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	expect(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info.offset;
}

/* The device can be had again as long as its VMM is there, if nobody is about to kill it. */
static bool is_spare(void)
{
	return !getenv(KEEPS) && !kill(vmm, 0);
}

/* Returns if the process is still there, with its device. */
static bool take_device(void)
{
	char path[PATH_MAX], target[64] = "";
	struct dirent *entry;
	int process = -1;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", vmm);
	dir = opendir(path);
	while (dir && device < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", vmm, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0 || strncmp(target, "anon_inode:[vfio-device", 23))
			continue;
		process = syscall(SYS_pidfd_open, vmm, 0);
		if (process >= 0)
			device = syscall(SYS_pidfd_getfd, process, atoi(entry->d_name), 0);
	}
	if (process >= 0)
		close(process);
	if (dir)
		closedir(dir);
	return device >= 0;
}

static void map(struct map *map, bool whole)
{
	size_t offset = 0, n = bytes;

	if (map->at || device < 0)
		return;
	if (!whole) {
		offset = random() % (bytes / PAGE) * PAGE;
		n = (random() % ((bytes - offset) / PAGE) + 1) * PAGE;
	}
	map->prot = PROT_READ | (random() % 2 ? PROT_WRITE : 0);
	map->at = mmap(NULL, n, map->prot, MAP_SHARED, device, slots + offset);
	expect(map->at != MAP_FAILED);
	map->bytes = n;
	/* A private copy would stay when the buffer is gone. */
	expect(mmap(NULL, n, map->prot, MAP_PRIVATE, device, slots + offset) == MAP_FAILED);
	expect(mmap(NULL, n, PROT_EXEC, MAP_SHARED, device, slots + offset) == MAP_FAILED);
}

/* Faults of a window are not for a process to answer. */
static void no_userfault(const struct map *map)
{
	struct uffdio_register range = {
		.range = { (unsigned long)map->at, map->bytes },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return;
	expect(!ioctl(fd, UFFDIO_API, &api));
	expect(ioctl(fd, UFFDIO_REGISTER, &range));
	close(fd);
}

static void unmap(struct map *map)
{
	if (map->at)
		expect(!munmap(map->at, map->bytes));
	map->at = NULL;
}

/* Moved, and made shorter; it cannot be made longer. */
static void move(struct map *map)
{
	size_t n = (random() % (map->bytes / PAGE) + 1) * PAGE;
	void *to;

	to = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(to != MAP_FAILED);
	expect(mremap(map->at, map->bytes, map->bytes + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	map->at = mremap(map->at, map->bytes, n, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	expect(map->at == to);
	map->bytes = n;
}

static void protect(struct map *map)
{
	static const int protections[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };

	map->prot = protections[random() % 3];
	expect(!mprotect(map->at, map->bytes, map->prot));
	expect(mprotect(map->at, map->bytes, PROT_READ | PROT_EXEC));
}

static void advise(struct map *map)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_DOFORK, MADV_WILLNEED, MADV_HUGEPAGE, MADV_COLD,
	};

	/* Any answer will do. */
	madvise(map->at, map->bytes, advice[random() % 5]);
}

static void look(const struct map *map)
{
	size_t i;

	if (!map->at || !(map->prot & PROT_READ))
		return;
	for (i = 0; i < map->bytes; i++) {
		unsigned char byte = ((volatile unsigned char *)map->at)[i];

		if (byte && (byte & CLASS) != (tag & CLASS)) {
			fprintf(stderr, "maps: 0x%02x at 0x%zx of %zu\n", byte, i, map->bytes);
			exit(1);
		}
	}
	looked += map->bytes;
}

static void scribble(const struct map *map)
{
	if (map->prot & PROT_WRITE)
		memset(map->at + random() % (map->bytes / PAGE) * PAGE, tag, PAGE);
}

static void look_forked(void)
{
	struct map own = { };
	int status = 0;
	pid_t child = fork();

	expect(child >= 0);
	if (!child) {
		map(&own, false);
		look(&own);
		/* Without unmapping anything */
		_exit(0);
	}
	expect(waitpid(child, &status, 0) == child);
	expect(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void execute(char **argv, long seconds)
{
	char left[24], seed[24], count[24];

	snprintf(left, sizeof(left), "%ld", seconds);
	snprintf(seed, sizeof(seed), "%ld", random());
	snprintf(count, sizeof(count), "%lu", execs + 1);
	setenv(EXECS, count, 1);
	execl("/proc/self/exe", argv[0], argv[1], argv[2], left, seed, NULL);
	expect(false);
}

static void step(struct map *some)
{
	size_t cut;

	switch (random() % 12) {
	case 0:
	case 1:
		map(some, true);
		break;
	case 2:
		map(some, false);
		break;
	case 3:
		unmap(some);
		break;
	case 4:
		/* As long as anything is mapped it stays open. */
		if (random() % 4 || device < 0 || !is_spare())
			break;
		close(device);
		device = -1;
		break;
	case 5:
		look_forked();
		break;
	}
	if (!some->at)
		return;
	look(some);
	switch (random() % 7) {
	case 0:
		move(some);
		break;
	case 6:
		no_userfault(some);
		break;
	case 1:
		protect(some);
		break;
	case 2:
		advise(some);
		break;
	case 3:
		scribble(some);
		break;
	case 4:
		/* The end of it goes, or the middle. */
		cut = some->bytes / PAGE / 2 * PAGE;
		if (cut) {
			expect(!munmap(some->at + cut, some->bytes - cut));
			some->bytes = cut;
		}
		break;
	}
	look(some);
}

int main(int argc, char **argv)
{
	time_t end, now = time(NULL);
	off_t regs;

	if (argc < 4 || argc > 5) {
		fputs("usage: maps PID TAG SECONDS [SEED]\n", stderr);
		return 2;
	}
	vmm = atoi(argv[1]);
	tag = strtoul(argv[2], NULL, 0);
	end = now + atol(argv[3]);
	srandom(argc > 4 ? atol(argv[4]) : now);
	execs = getenv(EXECS) ? atol(getenv(EXECS)) : 0;
	if (!take_device() && !execs)
		expect(!"device of that process");
	if (device >= 0) {
		regs = region(VFIO_PCI_BAR0_REGION_INDEX);
		slots = region(VFIO_PCI_BAR2_REGION_INDEX) + reg(regs, KVMFLIP_REG_SLOTS_OFF);
		bytes = (size_t)reg(regs, KVMFLIP_REG_SLOTS) << reg(regs, KVMFLIP_REG_SLOT_SHIFT);
		while (now < end) {
			step(&maps[random() % MAPS]);
			done++;
			if (device < 0)
				take_device();
			now = time(NULL);
			if (random() % 200 == 0 && now < end && is_spare())
				execute(argv, end - now);
		}
	}
	printf("{\"steps\": %lu, \"looked\": %lu, \"execs\": %lu}\n", done, looked, execs);
	return 0;
}
