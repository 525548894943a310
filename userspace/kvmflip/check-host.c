// SPDX-License-Identifier: GPL-2.0
/* What kvmflip check finds out about the host. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "findings.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

/* as in src/compat.h */
#define KERNEL_MIN (6 * 1000 + 12)
#define KERNEL_MAX (7 * 1000 + 3)

#define HUGE_ORDER 9		/* 2 MiB in pages */
#define HUGE_ENOUGH 32		/* 64 MiB: a small pool */

/* The first line of /proc/cpuinfo that begins with @key, what is behind the colon */
static bool cpu_line(const char *key, char *text, size_t size)
{
	char path[PATH_MAX], line[8192];
	bool found = false;
	const char *colon;
	FILE *file;

	root_path(path, sizeof(path), "/proc/cpuinfo");
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		colon = strchr(line, ':');
		found = colon && !strncmp(line, key, strlen(key));
		if (found)
			snprintf(text, size, " %s ", colon + 1);
	}
	fclose(file);
	text[found ? strcspn(text, "\n") : 0] = '\0';
	return found;
}

static bool has_word(const char *text, const char *word)
{
	char padded[32];

	snprintf(padded, sizeof(padded), " %s ", word);
	return strstr(text, padded);
}

static void check_cpu(struct findings *findings)
{
	char flags[8192] = "";
	bool vmx, svm;

	cpu_line("flags", flags, sizeof(flags) - 1);
	/* the line's end took the place of its last blank */
	strcat(flags, " ");
	vmx = has_word(flags, "vmx");
	svm = has_word(flags, "svm");
	if (!vmx && !svm)
		find(findings, "cpu", GRADE_FAIL,
		     "turn virtualisation on in the firmware, or nesting in the host",
		     "neither VMX nor SVM");
	else if (vmx ? !has_word(flags, "ept") : !has_word(flags, "npt"))
		find(findings, "cpu", GRADE_FAIL, "use a processor with nested paging",
		     "%s without nested paging", vmx ? "VMX" : "SVM");
	else
		find(findings, "cpu", GRADE_OK, NULL, "%s with nested paging",
		     vmx ? "VMX" : "SVM");
}

static void check_kvm(struct findings *findings)
{
	const bool intel = path_exists("/sys/module/kvm_intel");
	const char *module = intel ? "kvm_intel" : "kvm_amd";
	const char *paging = intel ? "ept" : "npt";
	char value[8];

	if (!path_exists("/dev/kvm")) {
		find(findings, "kvm", GRADE_FAIL, "modprobe kvm_intel, or kvm_amd",
		     "there is no /dev/kvm");
		return;
	}
	read_text(value, sizeof(value), "/sys/module/%s/parameters/%s", module, paging);
	if (*value == 'N' || *value == '0')
		find(findings, "kvm", GRADE_FAIL,
		     "load it without the parameter that turns nested paging off",
		     "%s has %s=%s", module, paging, value);
	else
		find(findings, "kvm", GRADE_OK, NULL, "/dev/kvm");
}

static void check_kernel(struct findings *findings)
{
	unsigned int major, minor, version = 0;
	char release[65];
	struct utsname uts;
	int fd;

	if (!read_text(release, sizeof(release), "/proc/sys/kernel/osrelease") &&
	    !uname(&uts))
		snprintf(release, sizeof(release), "%s", uts.release);
	if (sscanf(release, "%u.%u", &major, &minor) == 2)
		version = major * 1000 + minor;
	if (version < KERNEL_MIN || version > KERNEL_MAX)
		find(findings, "kernel", GRADE_FAIL, "use one of 6.12 to 7.3",
		     "%s: the module was not made for it", release);
	else
		find(findings, "kernel", GRADE_OK, NULL, "%s", release);

	fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || geteuid())
		return;
	find(findings, "af_xdp", GRADE_FAIL, "use a kernel with CONFIG_XDP_SOCKETS",
	     "the kernel has no AF_XDP sockets");
}

static void check_module(struct findings *findings)
{
	char version[32];

	if (read_text(version, sizeof(version), "/sys/module/kvmflip/version") &&
	    strcmp(version, VERSION))
		find(findings, "module", GRADE_WARN,
		     "modprobe -r kvmflip; modprobe kvmflip, once no VM has a port",
		     "%s is loaded, this program is of %s", version, VERSION);
	else if (path_exists("/sys/module/kvmflip"))
		find(findings, "module", GRADE_OK, NULL, "loaded");
	else
		find(findings, "module", GRADE_FAIL, "modprobe kvmflip", "not loaded");
	if (!path_exists("/sys/bus/mdev") && !path_exists("/sys/module/kvmflip"))
		find(findings, "vfio", GRADE_WARN, "modprobe vfio; modprobe mdev",
		     "no mediated devices");
	else if (!path_exists("/dev/vfio/vfio"))
		find(findings, "vfio", GRADE_FAIL, "modprobe vfio",
		     "there is no /dev/vfio/vfio");
	else
		find(findings, "vfio", GRADE_OK, NULL, "mediated devices");
}

/*
 * Free blocks from which buffers of 2 MiB can be taken, as /proc/buddyinfo has
 * them: a line for each zone, with a number for each order.
 */
static unsigned long free_blocks(void)
{
	unsigned long count, blocks = 0;
	char path[PATH_MAX], line[512];
	const char *pos;
	int order, len;
	FILE *file;

	root_path(path, sizeof(path), "/proc/buddyinfo");
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		pos = strstr(line, "zone");
		if (!pos)
			continue;
		/* the word, blanks, and the zone's name */
		pos += strlen("zone");
		pos += strspn(pos, " ");
		pos += strcspn(pos, " ");
		for (order = 0; sscanf(pos, "%lu%n", &count, &len) == 1; order++) {
			if (order >= HUGE_ORDER)
				blocks += count << (order - HUGE_ORDER);
			pos += len;
		}
	}
	fclose(file);
	return blocks;
}

static void check_memory(struct findings *findings)
{
	const unsigned long blocks = free_blocks();

	find(findings, "memory", blocks < HUGE_ENOUGH ? GRADE_WARN : GRADE_OK,
	     blocks < HUGE_ENOUGH ?
	     "echo 1 >/proc/sys/vm/compact_memory, or make the pool when the host starts" :
	     NULL, "%lu MiB free in blocks of 2 MiB", blocks * 2);
}

/* everything that is the same for all NICs */
void check_host(struct findings *findings)
{
	check_cpu(findings);
	check_kvm(findings);
	check_kernel(findings);
	check_module(findings);
	check_memory(findings);
}
