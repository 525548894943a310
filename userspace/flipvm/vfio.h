/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPVM_VFIO_H
#define FLIPVM_VFIO_H

#include <linux/types.h>

/**
 * struct vfio - a VFIO PCI device, a port of kvmflip
 * @container: of the group
 * @group: the device's IOMMU group
 * @fd: the device
 * @config: offset of its configuration space in @fd
 * @regs: offset of BAR0 in @fd
 * @regs_size: of BAR0
 * @window: BAR2, mapped
 * @window_size: of BAR2
 * @irq: eventfd that the device signals for vector 0
 */
struct vfio {
	int container;
	int group;
	int fd;
	__u64 config;
	__u64 regs;
	__u64 regs_size;
	void *window;
	__u64 window_size;
	int irq;
};

/*
 * Open the mediated device. KVM has to know its group before, because the
 * device wants to know its VM when it is opened. @gpa is where the window will
 * be in the guest.
 */
void vfio_open(struct vfio *vfio, const char *uuid, int vm_fd, __u64 gpa);

/* Let the device read what the guest sends. */
void vfio_map_dma(struct vfio *vfio, __u64 iova, void *at, __u64 size);

/* As a VMM may: accesses of any width and alignment to anything but the window */
void vfio_fuzz(struct vfio *vfio, unsigned int seed);

void vfio_reg_read(struct vfio *vfio, __u64 at, void *data, __u32 len);
void vfio_reg_write(struct vfio *vfio, __u64 at, const void *data, __u32 len);

#endif /* FLIPVM_VFIO_H */
