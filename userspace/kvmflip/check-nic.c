// SPDX-License-Identifier: GPL-2.0
/* What kvmflip check finds out about the NICs. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if.h>
#include <linux/virtio_config.h>

#include "findings.h"
#include "xdpfeatures.h"

#define NET "/sys/class/net/%s"
#define MTU_MAX 3498		/* with chunks of 4 KiB */

/* what the finding is of: "eth1: driver" */
static const char *of(const char *dev, const char *what)
{
	static char check[64];

	snprintf(check, sizeof(check), "%s: %s", dev, what);
	return check;
}

static void check_driver(struct findings *findings, const char *dev)
{
	char driver[64], ifindex[16];
	__u64 features;

	if (!link_name(driver, sizeof(driver), NET "/device/driver", dev))
		snprintf(driver, sizeof(driver), "unknown driver");
	read_text(ifindex, sizeof(ifindex), NET "/ifindex", dev);
	if (!xdp_features(atoi(ifindex), &features))
		find(findings, of(dev, "driver"), GRADE_WARN,
		     "kvmflip rxq attach tells, or ethtool -i and the driver's documentation",
		     "%s; the kernel does not tell if it has AF_XDP zero-copy", driver);
	else if (!(features & XDP_FEATURE_ZEROCOPY))
		find(findings, of(dev, "driver"), GRADE_FAIL, "mode copy, or another NIC",
		     "%s has no AF_XDP zero-copy%s", driver,
		     features & XDP_FEATURE_BASIC ? "" : ", nor XDP");
	else
		find(findings, of(dev, "driver"), GRADE_OK, NULL,
		     "%s has AF_XDP zero-copy", driver);
}

static void check_iommu(struct findings *findings, const char *dev)
{
	/* a virtio device is one below the PCI device that has the group */
	static const char *const places[] = { "device", "device/.." };
	char group[16], type[32] = "", features[80];
	unsigned int i;

	read_text(features, sizeof(features), NET "/device/features", dev);
	if (strlen(features) > VIRTIO_F_ACCESS_PLATFORM &&
	    features[VIRTIO_F_ACCESS_PLATFORM] == '0') {
		find(findings, of(dev, "iommu"), GRADE_FAIL,
		     "give the virtio device iommu_platform=on,disable-legacy=on; or mode copy",
		     "a virtio device that goes around it");
		return;
	}

	for (i = 0; i < ARRAY_SIZE(places) && !*type; i++)
		if (link_name(group, sizeof(group), NET "/%s/iommu_group", dev, places[i]))
			read_text(type, sizeof(type), "/sys/kernel/iommu_groups/%s/type",
				  group);
	if (!*type)
		find(findings, of(dev, "iommu"), GRADE_FAIL,
		     "boot with intel_iommu=on or amd_iommu=on, and turn the IOMMU on in the firmware; or mode copy",
		     "no IOMMU: the NIC's access to memory cannot be revoked");
	else if (strncmp(type, "DMA", 3))
		find(findings, of(dev, "iommu"), GRADE_FAIL,
		     "boot without iommu=pt; or mode copy",
		     "%s: the NIC's access to memory cannot be revoked", type);
	else
		find(findings, of(dev, "iommu"), GRADE_OK, NULL, "translates (%s)", type);
}

static void check_link(struct findings *findings, const char *dev)
{
	char flags[16], mtu[16], advice[64];

	read_text(flags, sizeof(flags), NET "/flags", dev);
	if (!(strtoul(flags, NULL, 16) & IFF_UP)) {
		snprintf(advice, sizeof(advice), "ip link set %s up", dev);
		find(findings, of(dev, "link"), GRADE_WARN, advice, "is down");
	}
	read_text(mtu, sizeof(mtu), NET "/mtu", dev);
	if (atoi(mtu) > MTU_MAX) {
		snprintf(advice, sizeof(advice), "ip link set %s mtu %d", dev, MTU_MAX);
		find(findings, of(dev, "mtu"), GRADE_FAIL, advice,
		     "%s, more than fits into a chunk", mtu);
	}
}

/* Return: if it is fit */
static bool check_nic(struct findings *findings, const char *dev)
{
	const unsigned int failed = findings->failed;

	check_driver(findings, dev);
	check_iommu(findings, dev);
	check_link(findings, dev);
	return findings->failed == failed;
}

static int is_nic(const struct dirent *entry)
{
	char driver[64];

	return entry->d_name[0] != '.' && path_exists(NET "/device", entry->d_name) &&
	       !(link_name(driver, sizeof(driver), NET "/device/driver", entry->d_name) &&
		 !strcmp(driver, "kvmflip"));
}

/**
 * check_nics - look at NICs
 * @findings: out
 * @dev: one of them, or NULL for all
 *
 * Return: how many are fit.
 */
unsigned int check_nics(struct findings *findings, const char *dev)
{
	struct dirent **nics;
	unsigned int fit = 0;
	char path[PATH_MAX];
	int i, n;

	if (dev) {
		if (path_exists(NET, dev))
			return check_nic(findings, dev);
		find(findings, dev, GRADE_FAIL, NULL, "there is no such network device");
		return 0;
	}
	root_path(path, sizeof(path), "/sys/class/net");
	n = scandir(path, &nics, is_nic, alphasort);
	for (i = 0; i < n; i++) {
		fit += check_nic(findings, nics[i]->d_name);
		free(nics[i]);
	}
	if (n >= 0)
		free(nics);
	if (n < 1)
		find(findings, "nics", GRADE_FAIL, NULL, "there is no NIC");
	return fit;
}
