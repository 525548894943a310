/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: every difference between the kernels that are supported. */
#ifndef _KVMFLIP_COMPAT_H
#define _KVMFLIP_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "kvmflip needs Linux 6.12 or later"
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 4, 0)
#error "kvmflip was not tried on this kernel: see Documentation/porting.rst"
#endif

#include <linux/slab.h>

/* Since 7.0: allocate and zero one object of the type of *p. */
#ifndef kzalloc_obj
#define kzalloc_obj(p) kzalloc(sizeof(p), GFP_KERNEL)
#endif

#include <linux/module.h>

/* Since 6.13: the namespace is a string. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define MODULE_USES_NS(ns) MODULE_IMPORT_NS(ns)
#else
#define MODULE_USES_NS(ns) MODULE_IMPORT_NS(#ns)
#endif

/* Since 6.13: a timer is set up in one go. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#include <linux/hrtimer.h>

static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *timer),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/*
 * Since 6.15 a driver may want its operations called with the lock of its
 * device held.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#include <net/netdev_lock.h>
#else
#include <linux/netdevice.h>

static inline void netdev_lock_ops(struct net_device *netdev)
{
}

static inline void netdev_unlock_ops(struct net_device *netdev)
{
}
#endif

/* Since 6.16 a link address is given in a structure that has room for any. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define kvmflip_compat_sockaddr(addr) (addr)
#else
#define kvmflip_compat_sockaddr(addr) ((struct sockaddr *)(addr))
#endif

/*
 * Before 6.13 KVM took a reference to every page that it mapped into a guest,
 * which it could not take to a tail page of a compound one: the vCPU failed. So
 * there a block has to be made of single pages.
 */
#define KVMFLIP_KVM_MAPS_TAIL_PAGES (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0))

#include <linux/huge_mm.h>

/* Until 6.17 a page frame number came with flags in a type of its own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define kvmflip_compat_pfn(pfn) (pfn)
#else
#include <linux/pfn_t.h>

#define kvmflip_compat_pfn(pfn) __pfn_to_pfn_t(pfn, 0)
#endif

/*
 * Since 6.19 memory of a device is freed by the folio. What is ours is made of
 * single pages. Defines @name, which calls @page_free, and the operation's name.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define KVMFLIP_COMPAT_FOLIO_FREE folio_free
#define KVMFLIP_COMPAT_PAGE_FREE(name, page_free)	\
static void name(struct folio *folio)			\
{							\
	page_free(&folio->page);			\
}
#else
#define KVMFLIP_COMPAT_FOLIO_FREE page_free
#define KVMFLIP_COMPAT_PAGE_FREE(name, page_free)	\
static void name(struct page *page)			\
{							\
	page_free(page);				\
}
#endif

/*
 * With CONFIG_DMA_API_DEBUG a page of a device cannot be mapped as a page; since 6.19
 * it can be by its address.
 */
#include <linux/dma-mapping.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define kvmflip_compat_dma_map(dev, page, offset, len) \
	dma_map_phys(dev, page_to_phys(page) + (offset), len, DMA_TO_DEVICE, 0)
#else
#define kvmflip_compat_dma_map(dev, page, offset, len) \
	dma_map_page(dev, page, offset, len, DMA_TO_DEVICE)
#endif

/*
 * VFIO_DEVICE_GET_REGION_INFO moved from the ioctl operation to one of its own
 * in 6.19.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define KVMFLIP_HAVE_REGION_INFO_CAPS 1
#else
#define KVMFLIP_HAVE_REGION_INFO_CAPS 0

#include <linux/uaccess.h>
#include <linux/vfio.h>

/**
 * kvmflip_compat_region_info - VFIO_DEVICE_GET_REGION_INFO as an ioctl
 * @vdev: device
 * @arg: the ioctl's argument
 * @fill: what is get_region_info_caps elsewhere; it adds no capabilities
 *
 * Return: 0, -EFAULT, -EINVAL.
 */
static inline long
kvmflip_compat_region_info(struct vfio_device *vdev, void __user *arg,
			   int (*fill)(struct vfio_device *vdev, struct vfio_region_info *info,
				       struct vfio_info_cap *caps))
{
	unsigned long minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_region_info info = {};
	struct vfio_info_cap caps = {};
	int err;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	err = fill(vdev, &info, &caps);
	if (err)
		return err;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}
#endif

#endif /* _KVMFLIP_COMPAT_H */
