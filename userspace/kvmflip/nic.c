// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "nic.h"
#include "output.h"

/*
 * What of a chunk is not the frame's payload: XDP's headroom, the header, two
 * VLAN tags and the checksum.
 */
#define CHUNK_OVERHEAD (256 + 14 + 2 * 4 + 4)

/*
 * The largest MTU with which drivers take XDP programs that know of frames in
 * one piece only: a page less the headroom, the skb_shared_info behind the
 * frame, header and tags.
 */
#define XDP_MTU_MAX (4096 - (256 + 320 + 14 + 2 * 4))

#define CARRIER_TIMEOUT_MS 10000
#define CARRIER_POLL_MS 50

/* ioctl @request on the device; 0 or a negative errno */
static int nic_ioctl(const struct nic *nic, unsigned long request,
		     struct ifreq *ifr)
{
	int err = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	memcpy(ifr->ifr_name, nic->name, sizeof(ifr->ifr_name));
	if (ioctl(fd, request, ifr))
		err = -errno;
	close(fd);
	return err;
}

static int nic_ethtool(const struct nic *nic, void *data)
{
	struct ifreq ifr = { .ifr_data = data };

	return nic_ioctl(nic, SIOCETHTOOL, &ifr);
}

static unsigned int nic_flags(const struct nic *nic)
{
	struct ifreq ifr = { };

	return nic_ioctl(nic, SIOCGIFFLAGS, &ifr) ? 0 : ifr.ifr_flags & 0xffff;
}

/**
 * nic_open - find a network device by name
 * @nic: out
 * @name: its name
 *
 * Return: exit code
 */
int nic_open(struct nic *nic, const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq ifr = { };
	int err;

	memset(nic, 0, sizeof(*nic));
	nic->ifindex = strlen(name) < IFNAMSIZ ? if_nametoindex(name) : 0;
	if (!nic->ifindex)
		return refused("%s: there is no such network device", name);
	snprintf(nic->name, sizeof(nic->name), "%s", name);

	err = nic_ioctl(nic, SIOCGIFMTU, &ifr);
	if (err)
		return refused("%s: its MTU: %s", name, strerror(-err));
	nic->mtu = ifr.ifr_mtu;
	if (!nic_ethtool(nic, &info))
		snprintf(nic->driver, sizeof(nic->driver), "%.31s", info.driver);
	if (!strcmp(nic->driver, "kvmflip"))
		return refused("%s is the host's side of a port", name);
	if (!nic_ethtool(nic, &channels))
		nic->queues = channels.rx_count + channels.combined_count;
	/* a driver that has nothing to choose has one */
	if (!nic->queues)
		nic->queues = 1;
	return EXIT_OK;
}

/*
 * A NIC that strips VLAN tags would hide them from the demux program: frames
 * of a VLAN would match the untagged port.
 */
static int nic_keep_vlan_tags(const struct nic *nic)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GFLAGS };
	int err = nic_ethtool(nic, &value);

	/* a device without ethtool operations strips nothing */
	if (err || !(value.data & ETH_FLAG_RXVLAN))
		return EXIT_OK;
	value.cmd = ETHTOOL_SFLAGS;
	value.data &= ~ETH_FLAG_RXVLAN;
	err = nic_ethtool(nic, &value);
	value.cmd = ETHTOOL_GFLAGS;
	if (!nic_ethtool(nic, &value) && !(value.data & ETH_FLAG_RXVLAN))
		return EXIT_OK;
	return refused("rx-vlan-offload cannot be turned off on %s%s%s",
		       nic->name, err ? ": " : "", err ? strerror(-err) : "");
}

/* the driver's name, good enough to print */
const char *nic_driver(const struct nic *nic)
{
	return nic->driver[0] ? nic->driver : "unknown";
}

/**
 * nic_fits_chunks - if its frames stay within chunks in zero-copy
 * @nic: the device
 * @chunk_size: of the pool
 *
 * Some NICs know the sizes of buffers in KiB only. A chunk of 2 KiB less its
 * headroom is one of 1 KiB then, and frames arrive in pieces. These drivers are
 * known to tell the size as it is.
 */
bool nic_fits_chunks(const struct nic *nic, unsigned int chunk_size)
{
	static const char *const exact[] = {
		"i40e", "ice", "idpf", "mlx5_core", "virtio_net",
	};
	unsigned int i;

	if (chunk_size >= 4096)
		return true;
	for (i = 0; i < ARRAY_SIZE(exact); i++)
		if (!strcmp(nic->driver, exact[i]))
			return true;
	return false;
}

/**
 * nic_prepare - see to it that a queue of the device can be attached
 * @nic: the device
 * @chunk_size: of the pool
 *
 * Return: exit code
 */
int nic_prepare(const struct nic *nic, unsigned int chunk_size)
{
	unsigned int mtu = chunk_size - CHUNK_OVERHEAD;

	if (mtu > XDP_MTU_MAX)
		mtu = XDP_MTU_MAX;
	if (!nic_is_up(nic))
		return refused("%s is down: ip link set %s up", nic->name,
			       nic->name);
	if (nic->mtu > mtu)
		return refused("%s: MTU %u exceeds chunks of %u bytes: ip link set %s mtu %u",
			       nic->name, nic->mtu, chunk_size, nic->name, mtu);
	return nic_keep_vlan_tags(nic);
}

bool nic_is_up(const struct nic *nic)
{
	return nic_flags(nic) & IFF_UP;
}

/* Return: exit code */
int nic_set_up(const struct nic *nic)
{
	struct ifreq ifr = { .ifr_flags = nic_flags(nic) | IFF_UP };
	int err = nic_ioctl(nic, SIOCSIFFLAGS, &ifr);

	return err ? refused("%s cannot be brought up: %s", nic->name, strerror(-err)) :
		     EXIT_OK;
}

bool nic_has_carrier(const struct nic *nic)
{
	return nic_flags(nic) & IFF_RUNNING;
}

/*
 * Wait for a link that was there before: some drivers take it down for a second
 * when a program is attached, and what is sent meanwhile is lost.
 */
void nic_wait_carrier(const struct nic *nic)
{
	int ms;

	for (ms = 0; !nic_has_carrier(nic); ms += CARRIER_POLL_MS) {
		if (ms >= CARRIER_TIMEOUT_MS) {
			warning("%s is attached but has no carrier", nic->name);
			return;
		}
		usleep(CARRIER_POLL_MS * 1000);
	}
}
