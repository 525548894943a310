// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bpf/libbpf.h>
#include <linux/magic.h>

#include "bpffs.h"
#include "output.h"

/**
 * bpffs_lock - have the pins to oneself until the program ends
 *
 * Mounts the BPF file system if need be. Every command that changes something
 * begins with this, so that two of them never see each other half done.
 *
 * Return: exit code
 */
int bpffs_lock(void)
{
	const struct rlimit infinity = { RLIM_INFINITY, RLIM_INFINITY };
	static bool locked;
	struct statfs fs;
	int fd;

	/* commands of one file have it together */
	if (locked)
		return EXIT_OK;
	/* before 5.11 maps and programs count as locked memory */
	setrlimit(RLIMIT_MEMLOCK, &infinity);
	libbpf_set_print(NULL);

	if (statfs(BPFFS, &fs))
		return refused(BPFFS ": %s", strerror(errno));
	if (fs.f_type != BPF_FS_MAGIC && mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		return refused(BPFFS ": mounting the BPF file system: %s",
			       strerror(errno));
	if (mkdir(PINS, 0700) && errno != EEXIST)
		return refused(PINS ": %s", strerror(errno));
	fd = open(PINS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX))
		return refused(PINS ": %s", strerror(errno));
	/* the end of the program closes it */
	locked = true;
	return EXIT_OK;
}
