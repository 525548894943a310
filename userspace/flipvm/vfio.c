// SPDX-License-Identifier: GPL-2.0
/* The device: all that is VFIO's, by group and container. */
#include <fcntl.h>
#include <limits.h>
#include <linux/kvm.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "die.h"
#include "kvmflip_pci.h"
#include "vfio.h"

#define HUGE		0x200000ul

static int open_group(const char *uuid)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/iommu_group",
		 uuid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		die_errno("%s", path);
	target[n] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(target, '/'));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die_errno("%s", path);
	return fd;
}

/*
 * A group is opened, and put into a container with an IOMMU: none of it is
 * used by a mediated device, but VFIO hands it out only then.
 */
static void attach_container(struct vfio *vfio)
{
	vfio->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (vfio->container < 0)
		die_errno("/dev/vfio/vfio");
	if (ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->container) ||
	    ioctl(vfio->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die_errno("VFIO container");
}

static void tell_kvm(struct vfio *vfio, int vm_fd)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };
	__s32 group = vfio->group;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = KVM_DEV_VFIO_GROUP_ADD,
		.addr = (unsigned long)&group,
	};

	/* The descriptor stays open as long as we live. */
	if (ioctl(vm_fd, KVM_CREATE_DEVICE, &device) ||
	    ioctl(device.fd, KVM_SET_DEVICE_ATTR, &attr))
		die_errno("KVM's VFIO device");
}

static struct vfio_region_info region(struct vfio *vfio, __u32 index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	if (ioctl(vfio->fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		die_errno("BAR %u", index);
	return info;
}

static void check_config(struct vfio *vfio)
{
	__u16 id[2], command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	vfio->config = region(vfio, VFIO_PCI_CONFIG_REGION_INDEX).offset;
	if (pread(vfio->fd, id, sizeof(id), vfio->config) != sizeof(id))
		die_errno("configuration space");
	if (id[0] != KVMFLIP_PCI_VENDOR || id[1] != KVMFLIP_PCI_DEVICE)
		die("not a kvmflip device: %04x:%04x", id[0], id[1]);
	if (pwrite(vfio->fd, &command, sizeof(command),
		   vfio->config + PCI_COMMAND) != sizeof(command))
		die_errno("configuration space");
}

/*
 * KVM maps 2 MiB at once only if the address here and that in the guest are the
 * same modulo 2 MiB. mmap() by itself would not see to that.
 */
static void map_window(struct vfio *vfio, __u64 gpa)
{
	struct vfio_region_info info;
	unsigned long at;
	void *room;

	info = region(vfio, KVMFLIP_BAR_WINDOW);
	vfio->window_size = info.size;
	room = mmap(NULL, info.size + 2 * HUGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		die_errno("address space for the window");
	at = ((unsigned long)room + HUGE - 1) & ~(HUGE - 1);
	at += gpa & (HUGE - 1);
	vfio->window = mmap((void *)at, info.size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, vfio->fd, info.offset);
	if (vfio->window == MAP_FAILED)
		die_errno("window");
}

static void set_irq(struct vfio *vfio)
{
	struct {
		struct vfio_irq_set set;
		__s32 fd;
	} irq = {
		.set = {
			.argsz = sizeof(irq),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.start = KVMFLIP_VEC_RX,
			.count = 1,
		},
	};

	vfio->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	irq.fd = vfio->irq;
	if (vfio->irq < 0 || ioctl(vfio->fd, VFIO_DEVICE_SET_IRQS, &irq))
		die_errno("interrupt");
}

void vfio_open(struct vfio *vfio, const char *uuid, int vm_fd, __u64 gpa)
{
	struct vfio_region_info info;

	vfio->group = open_group(uuid);
	attach_container(vfio);
	tell_kvm(vfio, vm_fd);
	vfio->fd = ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, uuid);
	if (vfio->fd < 0)
		die_errno("device %s", uuid);
	check_config(vfio);
	info = region(vfio, KVMFLIP_BAR_REGS);
	vfio->regs = info.offset;
	vfio->regs_size = info.size;
	map_window(vfio, gpa);
	set_irq(vfio);
}

void vfio_reg_read(struct vfio *vfio, __u64 at, void *data, __u32 len)
{
	if (pread(vfio->fd, data, len, vfio->regs + at) != (ssize_t)len)
		memset(data, 0xff, len);
}

void vfio_reg_write(struct vfio *vfio, __u64 at, const void *data, __u32 len)
{
	if (pwrite(vfio->fd, data, len, vfio->regs + at) != (ssize_t)len)
		fprintf(stderr, "flipvm: register 0x%llx: %s\n", at,
			strerror(errno));
}

void vfio_map_dma(struct vfio *vfio, __u64 iova, void *at, __u64 size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.vaddr = (unsigned long)at,
		.iova = iova,
		.size = size,
	};

	if (ioctl(vfio->container, VFIO_IOMMU_MAP_DMA, &map))
		die_errno("memory for the device at 0x%llx", iova);
}

/* Any of VFIO's, with numbers that are mostly small */
static void any_ioctl(struct vfio *vfio, unsigned int *seed)
{
	__u32 arg[24];
	size_t i;

	for (i = 0; i < sizeof(arg) / sizeof(*arg); i++)
		arg[i] = rand_r(seed) % 8 ? rand_r(seed) % 10 : rand_r(seed);
	if (rand_r(seed) % 4)
		arg[0] = rand_r(seed) % (sizeof(arg) + 1);
	ioctl(vfio->fd, _IO(VFIO_TYPE, VFIO_BASE + rand_r(seed) % 24), arg);
}

void vfio_fuzz(struct vfio *vfio, unsigned int seed)
{
	struct vfio_region_info info;
	__u8 data[80];
	__u64 at;
	int i;

	for (i = 0; i < 50; i++) {
		if (rand_r(&seed) % 8 == 0)
			any_ioctl(vfio, &seed);
		info = region(vfio, rand_r(&seed) % VFIO_PCI_NUM_REGIONS);
		at = rand_r(&seed) % (rand_r(&seed) % 2 ? 0x90 : 0x1010);
		memset(data, rand_r(&seed), sizeof(data));
		/* Whether it is refused is of no interest here. */
		if (rand_r(&seed) % 2)
			(void)!pread(vfio->fd, data, rand_r(&seed) % sizeof(data),
				     info.offset + at);
		else
			(void)!pwrite(vfio->fd, data, rand_r(&seed) % 9, info.offset + at);
	}
	/* Without it the device reads nothing that the guest sends. */
	check_config(vfio);
}
