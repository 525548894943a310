// SPDX-License-Identifier: GPL-2.0
/* kvmflip: what a VMM reads and writes of a port's device. */

#include <linux/minmax.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "port.h"
#include "region.h"

/**
 * kvmflip_region_size - size of a region
 * @index: VFIO_PCI_*_REGION_INDEX
 *
 * Return: bytes, 0 if there is no such region.
 */
u64 kvmflip_region_size(u32 index)
{
	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return PCI_CFG_SPACE_SIZE;
	case VFIO_PCI_BAR0_REGION_INDEX:
	case VFIO_PCI_BAR4_REGION_INDEX:
		return KVMFLIP_BAR_REGS_SIZE;
	case VFIO_PCI_BAR2_REGION_INDEX:
		return KVMFLIP_WINDOW_BYTES;
	default:
		return 0;
	}
}

/* Each returns bytes transferred: all that may be asked for at once. */
static ssize_t kf_config_rw(struct kvmflip_regions *regions, u32 offset, char __user *buf,
			    size_t count, bool write)
{
	u8 data[64];

	count = min3(count, sizeof(data), (size_t)PCI_CFG_SPACE_SIZE - offset);
	if (write && copy_from_user(data, buf, count))
		return -EFAULT;
	mutex_lock(&regions->config_lock);
	if (write)
		kvmflip_pci_config_write(&regions->config, offset, data, count);
	else
		memcpy(data, regions->config.value + offset, count);
	mutex_unlock(&regions->config_lock);
	if (!write && copy_to_user(buf, data, count))
		return -EFAULT;
	return count;
}

/* Registers are whole words: any other write is ignored. */
static ssize_t kf_regs_write(struct kvmflip_regions *regions, u32 offset, const char __user *buf,
			     size_t count)
{
	__le32 value;

	if (count != sizeof(value) || offset % sizeof(value))
		return count;
	if (copy_from_user(&value, buf, sizeof(value)))
		return -EFAULT;
	kvmflip_pci_write(regions->port, offset, le32_to_cpu(value));
	return count;
}

/* A part of a register, or all of it */
static ssize_t kf_regs_read(struct kvmflip_regions *regions, u32 offset, char __user *buf,
			    size_t count)
{
	u32 within = offset % sizeof(u32);
	__le32 value = cpu_to_le32(kvmflip_pci_read(regions->port, offset - within));

	count = min(count, sizeof(value) - within);
	return copy_to_user(buf, (u8 *)&value + within, count) ? -EFAULT : count;
}

/* The window is there for mmap(), and the VMM has the MSI-X table to itself. */
static ssize_t kf_nothing_rw(char __user *buf, size_t count, bool write)
{
	return write || !clear_user(buf, count) ? count : -EFAULT;
}

static ssize_t kf_rw(struct kvmflip_regions *regions, u32 index, u32 offset, char __user *buf,
		     size_t count, bool write)
{
	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return kf_config_rw(regions, offset, buf, count, write);
	case VFIO_PCI_BAR0_REGION_INDEX:
		return write ? kf_regs_write(regions, offset, buf, count) :
			       kf_regs_read(regions, offset, buf, count);
	default:
		return kf_nothing_rw(buf, count, write);
	}
}

/**
 * kvmflip_region_rw - read or write a region
 * @regions: regions of a device that is open
 * @buf: where to read to, or what to write
 * @count: bytes to read or write
 * @ppos: offset in the device's file, which is moved on
 * @write: write, do not read
 *
 * Context: may sleep.
 * Return: bytes read or written, -EINVAL if there is no such region, -EFAULT.
 */
ssize_t kvmflip_region_rw(struct kvmflip_regions *regions, char __user *buf, size_t count,
			  loff_t *ppos, bool write)
{
	u64 index = (u64)*ppos >> KVMFLIP_REGION_SHIFT;
	u64 offset = *ppos & (KVMFLIP_REGION_OFFSET(1) - 1);
	size_t done = 0;
	ssize_t n;

	if (index >= VFIO_PCI_NUM_REGIONS || offset >= kvmflip_region_size(index))
		return -EINVAL;
	count = min3(count, (size_t)(kvmflip_region_size(index) - offset), PAGE_SIZE);
	while (done < count) {
		n = kf_rw(regions, index, offset + done, buf + done, count - done, write);
		if (n < 0)
			return n;
		done += n;
	}
	*ppos += done;
	return done;
}
