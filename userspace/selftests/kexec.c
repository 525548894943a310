// SPDX-License-Identifier: GPL-2.0
/*
 * kexec: loads the kernel that is started when this one dies, for tests.
 *
 *	kexec KERNEL INITRD ARGUMENTS
 *
 * Memory for it has to be set aside (crashkernel=).
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_or_die(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: kexec KERNEL INITRD ARGUMENTS");
	if (syscall(SYS_kexec_file_load, open_or_die(argv[1]), open_or_die(argv[2]),
		    strlen(argv[3]) + 1, argv[3], (unsigned long)KEXEC_FILE_ON_CRASH))
		err(1, "kexec_file_load");
	return 0;
}
