// SPDX-License-Identifier: GPL-2.0
/* kvmflip: ports as mediated VFIO devices. */

#include <linux/error-injection.h>
#include <linux/eventfd.h>
#include <linux/mdev.h>
#include <linux/platform_device.h>
#include <linux/vfio.h>

#include "../compat.h"
#include "port.h"
#include "region.h"
#include "vfio.h"

/**
 * struct kf_vdev - a port's device
 * @vdev: for VFIO
 * @port: the port, with a reference
 * @regions: what is read and written of it
 */
struct kf_vdev {
	struct vfio_device vdev;
	struct kvmflip_port *port;
	struct kvmflip_regions regions;
};

static struct kf_vdev *to_kf_vdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct kf_vdev, vdev);
}

/* As hardware: no DMA unless the driver has asked for it. */
static int kf_read_guest(void *arg, u64 iova, void *buf, size_t len)
{
	struct kf_vdev *kf = arg;

	if (!(READ_ONCE(kf->regions.config.value[PCI_COMMAND]) & PCI_COMMAND_MASTER))
		return -EPERM;
	return vfio_dma_rw(&kf->vdev, iova, buf, len, false);
}

static int kf_open(struct vfio_device *vdev)
{
	struct kf_vdev *kf = to_kf_vdev(vdev);

	struct kvmflip_vmm vmm = {
		.mapping = vdev->inode->i_mapping,
		.base = KVMFLIP_REGION_OFFSET(VFIO_PCI_BAR2_REGION_INDEX),
		.kvm = vdev->kvm,
		.read = kf_read_guest,
		.arg = kf,
	};

	kvmflip_pci_config_init(&kf->regions.config);
	return kvmflip_port_open(kf->port, &vmm);
}

static void kf_close(struct vfio_device *vdev)
{
	kvmflip_port_close(to_kf_vdev(vdev)->port);
}

static ssize_t kf_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *ppos)
{
	return kvmflip_region_rw(&to_kf_vdev(vdev)->regions, buf, count, ppos, false);
}

static ssize_t kf_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			loff_t *ppos)
{
	return kvmflip_region_rw(&to_kf_vdev(vdev)->regions, (char __user *)buf, count, ppos,
				 true);
}

static int kf_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	u64 index = (u64)vma->vm_pgoff >> (KVMFLIP_REGION_SHIFT - PAGE_SHIFT);

	if (index != VFIO_PCI_BAR2_REGION_INDEX)
		return -EINVAL;
	return kvmflip_window_mmap(&to_kf_vdev(vdev)->port->window, vma);
}

static int kf_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
			  struct vfio_info_cap *caps)
{
	if (info->index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	info->offset = KVMFLIP_REGION_OFFSET(info->index);
	info->size = kvmflip_region_size(info->index);
	info->flags = 0;
	if (info->size)
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (info->index == VFIO_PCI_BAR2_REGION_INDEX)
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

static long kf_get_info(void __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static u32 kf_irq_count(u32 index)
{
	return index == VFIO_PCI_MSIX_IRQ_INDEX ? KVMFLIP_VECS : 0;
}

static long kf_get_irq_info(void __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.count = kf_irq_count(info.index);
	/* Each vector by itself: without NORESIZE a VMM does not switch all off to add one. */
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static void kf_put_irqs(struct eventfd_ctx **irq, u32 n)
{
	while (n--)
		if (irq[n])
			eventfd_ctx_put(irq[n]);
}

/* All of them or none. */
static noinline int kf_set_eventfds(struct kvmflip_port *port, u32 start, u32 count,
				    const s32 __user *fds)
{
	struct eventfd_ctx *irq[KVMFLIP_VECS] = {};
	int err;
	u32 i;
	s32 fd;

	for (i = 0; i < count; i++) {
		err = get_user(fd, fds + i);
		if (err)
			goto err_put;
		if (fd < 0)
			continue;
		irq[i] = eventfd_ctx_fdget(fd);
		if (IS_ERR(irq[i])) {
			err = PTR_ERR(irq[i]);
			goto err_put;
		}
	}
	for (i = 0; i < count; i++)
		kvmflip_port_set_irq(port, start + i, irq[i]);
	return 0;

err_put:
	kf_put_irqs(irq, i);
	return err;
}
ALLOW_ERROR_INJECTION(kf_set_eventfds, ERRNO);

/* @which: a byte for each vector that says if to try it, or NULL: all of them. */
static int kf_trigger(struct kvmflip_port *port, u32 start, u32 count, const u8 __user *which)
{
	u8 wanted = true;
	u32 i;

	for (i = 0; i < count; i++) {
		if (which && get_user(wanted, which + i))
			return -EFAULT;
		if (!wanted)
			continue;
		kvmflip_port_lock(port);
		kvmflip_port_notify(port, start + i);
		kvmflip_port_unlock(port);
	}
	return 0;
}

static int kf_set_msix(struct kf_vdev *kf, const struct vfio_irq_set *hdr, void __user *data)
{
	u32 i;

	if ((hdr->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -EINVAL;

	switch (hdr->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		/* No vector means none at all any more. */
		for (i = 0; !hdr->count && i < KVMFLIP_VECS; i++)
			kvmflip_port_set_irq(kf->port, i, NULL);
		return kf_trigger(kf->port, hdr->start, hdr->count, NULL);
	case VFIO_IRQ_SET_DATA_BOOL:
		return kf_trigger(kf->port, hdr->start, hdr->count, data);
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return kf_set_eventfds(kf->port, hdr->start, hdr->count, data);
	default:
		return -EINVAL;
	}
}

static long kf_set_irqs(struct kf_vdev *kf, void __user *arg)
{
	unsigned long minsz = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set hdr;
	size_t data_size = 0;
	int err;

	if (copy_from_user(&hdr, arg, minsz))
		return -EFAULT;
	err = vfio_set_irqs_validate_and_prepare(&hdr, kf_irq_count(hdr.index), VFIO_PCI_NUM_IRQS,
						 &data_size);
	if (err)
		return err;
	return kf_set_msix(kf, &hdr, arg + minsz);
}

static long kf_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;
	struct kf_vdev *kf = to_kf_vdev(vdev);

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return kf_get_info(uarg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return kf_get_irq_info(uarg);
	case VFIO_DEVICE_SET_IRQS:
		return kf_set_irqs(kf, uarg);
	case VFIO_DEVICE_RESET:
		return kvmflip_port_reset(kf->port);
#if !KVMFLIP_HAVE_REGION_INFO_CAPS
	case VFIO_DEVICE_GET_REGION_INFO:
		return kvmflip_compat_region_info(vdev, uarg, kf_region_info);
#endif
	default:
		return -ENOTTY;
	}
}

static const struct vfio_device_ops kf_vfio_ops = {
	.name		= "kvmflip",
	.open_device	= kf_open,
	.close_device	= kf_close,
	.read		= kf_read,
	.write		= kf_write,
	.mmap		= kf_mmap,
	.ioctl		= kf_ioctl,
#if KVMFLIP_HAVE_REGION_INFO_CAPS
	.get_region_info_caps = kf_region_info,
#endif
	.bind_iommufd	= vfio_iommufd_emulated_bind,
	.unbind_iommufd	= vfio_iommufd_emulated_unbind,
	.attach_ioas	= vfio_iommufd_emulated_attach_ioas,
	.detach_ioas	= vfio_iommufd_emulated_detach_ioas,
};

/* The port that was added with the UUID of this device. */
static struct kvmflip_port *kf_bind_port(struct mdev_device *mdev)
{
	struct kvmflip_port *port;
	char string[UUID_STRING_LEN + 1];
	uuid_t uuid;

	/* A guid_t and a uuid_t keep the same UUID in a different byte order. */
	snprintf(string, sizeof(string), "%pUl", &mdev->uuid);
	if (uuid_parse(string, &uuid))
		return NULL;

	mutex_lock(&kvmflip_lock);
	port = kvmflip_port_find_uuid(&uuid);
	if (port && !port->bound) {
		port->bound = true;
		kref_get(&port->ref);
	} else {
		port = NULL;
	}
	mutex_unlock(&kvmflip_lock);
	return port;
}

static void kf_unbind_port(struct kvmflip_port *port)
{
	mutex_lock(&kvmflip_lock);
	port->bound = false;
	mutex_unlock(&kvmflip_lock);
	kvmflip_port_put(port);
}

static noinline int kf_mdev_probe(struct mdev_device *mdev)
{
	struct kvmflip_port *port;
	struct kf_vdev *kf;
	int err;

	port = kf_bind_port(mdev);
	if (!port) {
		dev_err(&mdev->dev, "no port was added with this uuid\n");
		return -ENODEV;
	}
	kf = vfio_alloc_device(kf_vdev, vdev, &mdev->dev, &kf_vfio_ops);
	if (IS_ERR(kf)) {
		err = PTR_ERR(kf);
		goto err_unbind;
	}
	kf->port = port;
	kf->regions.port = port;
	mutex_init(&kf->regions.config_lock);
	err = vfio_register_emulated_iommu_dev(&kf->vdev);
	if (err)
		goto err_put;
	dev_set_drvdata(&mdev->dev, kf);
	return 0;

err_put:
	vfio_put_device(&kf->vdev);
err_unbind:
	kf_unbind_port(port);
	return err;
}
ALLOW_ERROR_INJECTION(kf_mdev_probe, ERRNO);

static void kf_mdev_remove(struct mdev_device *mdev)
{
	struct kf_vdev *kf = dev_get_drvdata(&mdev->dev);
	struct kvmflip_port *port = kf->port;

	vfio_unregister_group_dev(&kf->vdev);
	vfio_put_device(&kf->vdev);
	kf_unbind_port(port);
}

static unsigned int kf_available(struct mdev_type *type)
{
	struct kvmflip_port *port;
	unsigned int n = 0;

	mutex_lock(&kvmflip_lock);
	list_for_each_entry(port, &kvmflip_ports, list)
		n += !port->bound;
	mutex_unlock(&kvmflip_lock);
	return n;
}

static ssize_t kf_description(struct mdev_type *type, char *buf)
{
	return sysfs_emit(buf, "the endpoint of a port that was made with `kvmflip port add`\n");
}

static struct mdev_driver kf_mdev_driver = {
	.device_api	  = VFIO_DEVICE_API_PCI_STRING,
	.driver = {
		.name	  = "kvmflip_mdev",
		.owner	  = THIS_MODULE,
		.mod_name = KBUILD_MODNAME,
	},
	.probe		  = kf_mdev_probe,
	.remove		  = kf_mdev_remove,
	.get_available	  = kf_available,
	.show_description = kf_description,
};

static struct mdev_type kf_mdev_type = {
	.sysfs_name	= "port",
	.pretty_name	= "kvmflip port",
};

static struct mdev_type *kf_mdev_types[] = { &kf_mdev_type };
static struct mdev_parent kf_mdev_parent;

static int kf_probe(struct platform_device *pdev)
{
	return mdev_register_parent(&kf_mdev_parent, &pdev->dev, &kf_mdev_driver,
				    kf_mdev_types, ARRAY_SIZE(kf_mdev_types));
}

static void kf_remove(struct platform_device *pdev)
{
	mdev_unregister_parent(&kf_mdev_parent);
}

/* The types' directory takes the first part of its name from this driver. */
static struct platform_driver kf_driver = {
	.driver = {
		.name = "kvmflip",
		.suppress_bind_attrs = true,
	},
	.probe	= kf_probe,
	.remove = kf_remove,
};

static struct platform_device *kf_device;

/**
 * kvmflip_vfio_init - offer ports as mediated devices
 *
 * Return: 0 or an error.
 */
int kvmflip_vfio_init(void)
{
	int err;

	err = mdev_register_driver(&kf_mdev_driver);
	if (err)
		return err;
	err = platform_driver_register(&kf_driver);
	if (err)
		goto err_mdev;
	kf_device = platform_device_register_simple("kvmflip", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(kf_device)) {
		err = PTR_ERR(kf_device);
		goto err_driver;
	}
	return 0;

err_driver:
	platform_driver_unregister(&kf_driver);
err_mdev:
	mdev_unregister_driver(&kf_mdev_driver);
	return err;
}

/**
 * kvmflip_vfio_exit - remove the mediated devices, none of which is open
 */
void kvmflip_vfio_exit(void)
{
	platform_device_unregister(kf_device);
	platform_driver_unregister(&kf_driver);
	mdev_unregister_driver(&kf_mdev_driver);
}
