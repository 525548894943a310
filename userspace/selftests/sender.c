// SPDX-License-Identifier: GPL-2.0
/*
 * sender: opens a port as a VMM does, and is the guest's driver as well.
 *
 *	sender UUID
 *
 * Tries regions and interrupts and sends frames, good ones and such as cannot be read.
 * Says how many of each there were, or what was wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvmflip_pci.h"

#define MEM_IOVA	0x100000000ull
#define MEM_BYTES	0x200000ul
#define WINDOW_IOVA	0x200000000ull
#define PATIENCE_MS	5000

#define expect(what) do {						\
	if (!(what)) {							\
		fprintf(stderr, "sender: line %d: not %s (%s)\n",	\
			__LINE__, #what, strerror(errno));		\
		exit(1);						\
	}								\
} while (0)

/**
 * struct device - a port that is open
 * @container: of the group
 * @group: the device's
 * @uuid: the device's
 * @fd: the device
 * @regs: offset of BAR0 in @fd
 * @config: offset of configuration space in @fd
 * @window: BAR2, its beginning
 * @bytes: what is mapped of it
 * @irq: eventfd of each vector
 * @tx: TX ring
 * @txc: TX completion ring
 * @prod: index of the next frame, which is that of its completion too
 */
struct device {
	int container;
	int group;
	const char *uuid;
	int fd;
	__u64 regs;
	__u64 config;
	char *window;
	size_t bytes;
	int irq[KVMFLIP_VECS];
	struct kvmflip_ring *tx;
	struct kvmflip_ring *txc;
	__u32 prod;
};

static struct vfio_region_info region(const struct device *dev, __u32 index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	expect(!ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info;
}

static __u32 reg(const struct device *dev, __u32 at)
{
	__u32 value;

	expect(pread(dev->fd, &value, sizeof(value), dev->regs + at) == sizeof(value));
	return value;
}

static void set_reg(const struct device *dev, __u32 at, __u32 value)
{
	expect(pwrite(dev->fd, &value, sizeof(value), dev->regs + at) == sizeof(value));
}

static void set_master(const struct device *dev, bool on)
{
	__u16 command = PCI_COMMAND_MEMORY | (on ? PCI_COMMAND_MASTER : 0);

	expect(pwrite(dev->fd, &command, sizeof(command), dev->config + PCI_COMMAND) ==
	       sizeof(command));
}

static void get_device(struct device *dev)
{
	struct vfio_region_info window;

	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, dev->uuid);
	expect(dev->fd >= 0);
	dev->config = region(dev, VFIO_PCI_CONFIG_REGION_INDEX).offset;
	dev->regs = region(dev, VFIO_PCI_BAR0_REGION_INDEX).offset;
	window = region(dev, VFIO_PCI_BAR2_REGION_INDEX);
	expect(window.flags & VFIO_REGION_INFO_FLAG_MMAP);
	dev->bytes = reg(dev, KVMFLIP_REG_SLOTS_OFF);
	dev->window = mmap(NULL, dev->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
			   window.offset);
	expect(dev->window != MAP_FAILED);
}

static void put_device(struct device *dev)
{
	expect(!munmap(dev->window, dev->bytes));
	expect(!close(dev->fd));
}

static void open_device(struct device *dev, const char *uuid)
{
	char path[PATH_MAX], target[PATH_MAX] = "";

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/iommu_group", uuid);
	expect(readlink(path, target, sizeof(target) - 1) > 0);
	snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(target, '/'));
	dev->uuid = uuid;
	dev->group = open(path, O_RDWR);
	expect(dev->group >= 0);
	dev->container = open("/dev/vfio/vfio", O_RDWR);
	expect(dev->container >= 0);
	expect(!ioctl(dev->group, VFIO_GROUP_SET_CONTAINER, &dev->container));
	expect(!ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	get_device(dev);
}

/* Regions, whatever is read of them, and what of it makes no sense. */
static void try_regions(const struct device *dev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	__u8 wide[16], narrow[16];
	unsigned int i, at, len;
	__u16 command;

	expect(!ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info));
	expect(info.flags == (VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET));
	expect(info.num_regions == VFIO_PCI_NUM_REGIONS);
	expect(info.num_irqs == VFIO_PCI_NUM_IRQS);
	info.argsz = offsetof(struct vfio_device_info, num_irqs);
	expect(ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info) && errno == EINVAL);

	/* Registers are words; of more or less of them one gets that much. */
	expect(pread(dev->fd, wide, sizeof(wide), dev->regs) == sizeof(wide));
	for (at = 0; at < 8; at++) {
		for (len = 1; len <= 8; len++) {
			expect(pread(dev->fd, narrow, len, dev->regs + at) == (ssize_t)len);
			expect(!memcmp(narrow, wide + at, len));
		}
	}
	/* A driver is not there because of a byte that says so. */
	for (len = 1; len < 4; len++) {
		expect(pwrite(dev->fd, "\1\0\0", len, dev->regs + KVMFLIP_REG_STATUS) ==
		       (ssize_t)len);
		expect(reg(dev, KVMFLIP_REG_STATUS) == 0);
	}
	expect(pread(dev->fd, narrow, 8, dev->regs + region(dev, 0).size - 4) == 4);
	expect(pread(dev->fd, narrow, 8, dev->regs + region(dev, 0).size) < 0 && errno == EINVAL);
	expect(pread(dev->fd, narrow, 1, region(dev, 1).offset) < 0 && errno == EINVAL);

	/* The table of vectors is the VMM's. */
	memset(narrow, 0xff, sizeof(narrow));
	expect(pread(dev->fd, narrow, sizeof(narrow),
		     region(dev, VFIO_PCI_BAR4_REGION_INDEX).offset) == sizeof(narrow));
	for (i = 0; i < sizeof(narrow); i++)
		expect(narrow[i] == 0);

	/* Whoever had it before may have left it on. */
	expect(pread(dev->fd, &command, 2, dev->config + PCI_COMMAND) == 2 && command == 0);
}

/* Returns 0 or the error. */
static int set_irqs(const struct device *dev, __u32 flags, __u32 index, __u32 start, __u32 count,
		    const void *data, size_t len)
{
	char buf[sizeof(struct vfio_irq_set) + 64];
	struct vfio_irq_set *set = (void *)buf;

	*set = (struct vfio_irq_set) {
		.argsz = sizeof(*set) + len,
		.flags = flags,
		.index = index,
		.start = start,
		.count = count,
	};
	if (len)
		memcpy(set->data, data, len);
	return ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, set) ? errno : 0;
}

#define TRIGGER		VFIO_IRQ_SET_ACTION_TRIGGER
#define BY_FD		(VFIO_IRQ_SET_DATA_EVENTFD | TRIGGER)
#define BY_NONE		(VFIO_IRQ_SET_DATA_NONE | TRIGGER)
#define BY_BOOL		(VFIO_IRQ_SET_DATA_BOOL | TRIGGER)
#define MSIX		VFIO_PCI_MSIX_IRQ_INDEX

/* Which vectors have been signalled, a bit for each. */
static unsigned int signalled(const struct device *dev)
{
	unsigned int i, bits = 0;
	__u64 count;

	for (i = 0; i < KVMFLIP_VECS; i++)
		if (read(dev->irq[i], &count, sizeof(count)) == sizeof(count))
			bits |= 1 << i;
	return bits;
}

static void try_irqs(struct device *dev)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = MSIX };
	__u8 which[KVMFLIP_VECS] = { 1, 0, 1 };
	__s32 fds[KVMFLIP_VECS + 1];
	int i, other;

	expect(!ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info));
	expect(info.count == KVMFLIP_VECS);
	expect(info.flags == VFIO_IRQ_INFO_EVENTFD);
	info.index = VFIO_PCI_INTX_IRQ_INDEX;
	expect(!ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info));
	expect(info.count == 0);
	info.index = VFIO_PCI_NUM_IRQS;
	expect(ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) && errno == EINVAL);
	info = (struct vfio_irq_info) { .argsz = sizeof(info) - 1, .index = MSIX };
	expect(ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) && errno == EINVAL);

	for (i = 0; i < KVMFLIP_VECS; i++) {
		dev->irq[i] = eventfd(0, EFD_NONBLOCK);
		fds[i] = dev->irq[i];
	}
	fds[KVMFLIP_VECS] = dev->irq[0];
	other = eventfd(0, EFD_NONBLOCK);
	expect(other >= 0);

	/* None at all, more than there are, and what is none. */
	expect(!set_irqs(dev, BY_NONE, MSIX, 0, KVMFLIP_VECS, NULL, 0));
	expect(set_irqs(dev, BY_FD, MSIX, 0, 4, fds, sizeof(fds)) == EINVAL);
	expect(set_irqs(dev, BY_FD, MSIX, 1, 3, fds, 3 * sizeof(*fds)) == EINVAL);
	expect(set_irqs(dev, BY_FD, MSIX, 3, 1, fds, sizeof(*fds)) == EINVAL);
	expect(set_irqs(dev, BY_FD, MSIX, UINT_MAX, 2, fds, 2 * sizeof(*fds)) == EINVAL);
	expect(set_irqs(dev, BY_FD, MSIX, 0, 3, fds, sizeof(*fds)) == EINVAL);
	expect(set_irqs(dev, BY_FD, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, fds, sizeof(*fds)) == EINVAL);
	expect(set_irqs(dev, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_MASK, MSIX, 0, 1, fds,
			sizeof(*fds)) == EINVAL);
	expect(set_irqs(dev, VFIO_IRQ_SET_DATA_EVENTFD, MSIX, 0, 1, fds, sizeof(*fds)) == EINVAL);
	expect(set_irqs(dev, BY_FD | VFIO_IRQ_SET_DATA_NONE, MSIX, 0, 1, fds,
			sizeof(*fds)) == EINVAL);
	expect(set_irqs(dev, BY_FD, VFIO_PCI_NUM_IRQS, 0, 1, fds, sizeof(*fds)) == EINVAL);
	expect(!set_irqs(dev, BY_NONE, MSIX, 0, KVMFLIP_VECS, NULL, 0));
	expect(signalled(dev) == 0);

	/* All at once; each by itself, some, all. */
	expect(!set_irqs(dev, BY_FD, MSIX, 0, 3, fds, 3 * sizeof(*fds)));
	for (i = 0; i < KVMFLIP_VECS; i++) {
		expect(!set_irqs(dev, BY_NONE, MSIX, i, 1, NULL, 0));
		expect(signalled(dev) == 1u << i);
	}
	expect(!set_irqs(dev, BY_BOOL, MSIX, 0, 3, which, sizeof(which)));
	expect(signalled(dev) == 5);
	expect(!set_irqs(dev, BY_BOOL, MSIX, 1, 2, which, 2));
	expect(signalled(dev) == 2);
	expect(!set_irqs(dev, BY_NONE, MSIX, 0, 3, NULL, 0));
	expect(signalled(dev) == 7);

	/* Where one is none all stay as they are. */
	fds[0] = other;
	fds[1] = dev->fd;
	expect(set_irqs(dev, BY_FD, MSIX, 0, 3, fds, 3 * sizeof(*fds)) == EINVAL);
	fds[1] = INT_MAX;
	expect(set_irqs(dev, BY_FD, MSIX, 0, 3, fds, 3 * sizeof(*fds)) == EBADF);
	expect(!set_irqs(dev, BY_NONE, MSIX, 0, 3, NULL, 0));
	expect(signalled(dev) == 7);

	/* One off and on again, then all. */
	fds[1] = -1;
	expect(!set_irqs(dev, BY_FD, MSIX, 1, 1, fds + 1, sizeof(*fds)));
	expect(!set_irqs(dev, BY_NONE, MSIX, 0, 3, NULL, 0));
	expect(signalled(dev) == 5);
	expect(!set_irqs(dev, BY_NONE, MSIX, 0, 0, NULL, 0));
	expect(!set_irqs(dev, BY_NONE, MSIX, 0, 3, NULL, 0));
	expect(signalled(dev) == 0);
	for (i = 0; i < KVMFLIP_VECS; i++)
		expect(!set_irqs(dev, BY_FD, MSIX, i, 1, dev->irq + i, sizeof(*fds)));
	close(other);
}

static void map(const struct device *dev, void *at, __u64 iova, size_t bytes)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (unsigned long)at,
		.iova = iova,
		.size = bytes,
	};

	expect(!ioctl(dev->container, VFIO_IOMMU_MAP_DMA, &map));
}

static void unmap(const struct device *dev, __u64 iova, size_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = bytes,
	};

	expect(!ioctl(dev->container, VFIO_IOMMU_UNMAP_DMA, &unmap));
}

/* The next one who opens it finds nothing of what somebody has done to it. */
static void try_again(struct device *dev)
{
	set_master(dev, true);
	set_reg(dev, KVMFLIP_REG_ACCEPT, KVMFLIP_F_TX);
	set_reg(dev, KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
	put_device(dev);
	signalled(dev);
	get_device(dev);
	try_regions(dev);
	expect(reg(dev, KVMFLIP_REG_ACCEPT) == 0);
	expect(!set_irqs(dev, BY_NONE, MSIX, 0, KVMFLIP_VECS, NULL, 0));
	expect(signalled(dev) == 0);
	try_irqs(dev);

	set_reg(dev, KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
	expect(!ioctl(dev->fd, VFIO_DEVICE_RESET));
	expect(reg(dev, KVMFLIP_REG_STATUS) == 0);
}

static void start(struct device *dev)
{
	set_reg(dev, KVMFLIP_REG_STATUS, 0);
	expect(reg(dev, KVMFLIP_REG_ACCEPT) == 0);
	set_reg(dev, KVMFLIP_REG_ACCEPT, ~0u);
	expect(reg(dev, KVMFLIP_REG_ACCEPT) == reg(dev, KVMFLIP_REG_FEATURES));
	expect(reg(dev, KVMFLIP_REG_ACCEPT) & KVMFLIP_F_TX);
	dev->tx = (void *)(dev->window + reg(dev, KVMFLIP_REG_TX_OFF));
	dev->txc = (void *)(dev->window + reg(dev, KVMFLIP_REG_TXC_OFF));
	dev->prod = 0;
	set_reg(dev, KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
	expect(reg(dev, KVMFLIP_REG_STATUS) == KVMFLIP_STATUS_DRIVER_OK);
	signalled(dev);
}

/* Sends a frame and waits until it is completed. */
static void send_frame(struct device *dev, __u64 iova, __u32 len)
{
	__u32 mask = reg(dev, KVMFLIP_REG_TX_ENTRIES) - 1;
	struct kvmflip_tx_desc *tx = (void *)((char *)dev->tx + KVMFLIP_RING_ENTRIES_OFF);
	__u32 *txc = (void *)((char *)dev->txc + KVMFLIP_RING_ENTRIES_OFF);
	struct pollfd poll_irq = { .fd = dev->irq[KVMFLIP_VEC_TX], .events = POLLIN };
	__u32 index = dev->prod;

	__atomic_store_n(&dev->txc->event, index, __ATOMIC_SEQ_CST);
	tx[index & mask] = (struct kvmflip_tx_desc) { .addr = iova, .len = len };
	__atomic_store_n(&dev->tx->prod, ++dev->prod, __ATOMIC_RELEASE);
	set_reg(dev, KVMFLIP_REG_DOORBELL, KVMFLIP_DB_TX);
	expect(poll(&poll_irq, 1, PATIENCE_MS) == 1);
	expect(signalled(dev) == 1 << KVMFLIP_VEC_TX);
	expect(__atomic_load_n(&dev->txc->prod, __ATOMIC_ACQUIRE) == dev->prod);
	expect(txc[index & mask] == index);
	expect(__atomic_load_n(&dev->tx->cons, __ATOMIC_ACQUIRE) == dev->prod);
	__atomic_store_n(&dev->txc->cons, dev->prod, __ATOMIC_RELEASE);
}

int main(int argc, char **argv)
{
	unsigned int good = 0, bad = 0, i;
	struct device dev = {};
	char *mem;

	if (argc != 2) {
		fprintf(stderr, "usage: sender UUID\n");
		return 2;
	}
	open_device(&dev, argv[1]);
	try_regions(&dev);
	try_irqs(&dev);
	try_again(&dev);

	mem = mmap(NULL, MEM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(mem != MAP_FAILED);
	for (i = 0; i < MEM_BYTES; i++)
		mem[i] = i ^ i >> 8;
	set_master(&dev, true);
	start(&dev);

	/* Memory that is not there yet, there, and there no more; the window is memory too. */
	send_frame(&dev, MEM_IOVA, 100), bad++;
	map(&dev, mem, MEM_IOVA, MEM_BYTES);
	send_frame(&dev, MEM_IOVA, 100), good++;
	send_frame(&dev, MEM_IOVA + 3, KVMFLIP_FRAME_MAX), good++;
	send_frame(&dev, MEM_IOVA + MEM_BYTES - 100, 100), good++;
	send_frame(&dev, MEM_IOVA + MEM_BYTES - 99, 100), bad++;
	map(&dev, dev.window, WINDOW_IOVA, dev.bytes);
	send_frame(&dev, WINDOW_IOVA + reg(&dev, KVMFLIP_REG_BOUNCE_OFF), 9000), good++;
	unmap(&dev, MEM_IOVA, MEM_BYTES);
	send_frame(&dev, MEM_IOVA, 100), bad++;
	/* Mapped, but nothing lies there. */
	expect(!mprotect(mem, MEM_BYTES, PROT_NONE));
	map(&dev, mem, MEM_IOVA, MEM_BYTES);
	send_frame(&dev, MEM_IOVA, 100), bad++;
	expect(!mprotect(mem, MEM_BYTES, PROT_READ | PROT_WRITE));

	set_master(&dev, false);
	send_frame(&dev, MEM_IOVA, 100), bad++;
	set_master(&dev, true);
	start(&dev);
	send_frame(&dev, MEM_IOVA, 100), good++;
	printf("{\"good\": %u, \"bad\": %u}\n", good, bad);
	return 0;
}
