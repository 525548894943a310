// SPDX-License-Identifier: GPL-2.0
/* kvmflip: /dev/kvmflip, a pool's memory for AF_XDP. */

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/uaccess.h>

#include "chardev.h"
#include "rxq.h"

/* Pages mapped until others get a turn. */
#define KF_MMAP_BATCH	4096UL

static int kf_open(struct inode *inode, struct file *file)
{
	/* misc_open() leaves the device here; this is where the pool goes. */
	file->private_data = NULL;
	return capable(CAP_NET_ADMIN) ? 0 : -EPERM;
}

static int kf_release(struct inode *inode, struct file *file)
{
	struct kvmflip_pool *pool = file->private_data;

	if (!pool)
		return 0;
	mutex_lock(&kvmflip_lock);
	pool->files--;
	mutex_unlock(&kvmflip_lock);
	return 0;
}

static long kf_copy_in(void *to, size_t ksize, void __user *from)
{
	u32 usize;

	if (get_user(usize, (u32 __user *)from))
		return -EFAULT;
	if (usize < ksize)
		return -EINVAL;
	return copy_struct_from_user(to, ksize, from, usize);
}

static long kf_ioc_pool(struct file *file, void __user *arg)
{
	struct kvmflip_ioc_pool ioc;
	struct kvmflip_pool *pool;
	long err;

	err = kf_copy_in(&ioc, sizeof(ioc), arg);
	if (err)
		return err;
	if (strnlen(ioc.name, sizeof(ioc.name)) == sizeof(ioc.name))
		return -EINVAL;

	mutex_lock(&kvmflip_lock);
	pool = kvmflip_pool_find(ioc.name);
	if (!pool) {
		err = -ENOENT;
	} else if (file->private_data) {
		err = -EBUSY;
	} else {
		ioc.chunk_size = 1U << pool->chunk_shift;
		ioc.bytes = kvmflip_pool_bytes(pool);
		if (copy_to_user(arg, &ioc, sizeof(ioc))) {
			err = -EFAULT;
		} else {
			pool->files++;
			/* Pairs with kf_pool(). */
			smp_store_release(&file->private_data, pool);
		}
	}
	mutex_unlock(&kvmflip_lock);
	return err;
}

static struct kvmflip_pool *kf_pool(struct file *file)
{
	/* Pairs with kf_ioc_pool(). */
	return smp_load_acquire(&file->private_data);
}

static long kf_ioc_xsk(struct file *file, void __user *arg)
{
	struct kvmflip_pool *pool = kf_pool(file);
	struct kvmflip_ioc_xsk ioc;
	struct file *xsk;
	long err;

	err = kf_copy_in(&ioc, sizeof(ioc), arg);
	if (err)
		return err;
	if (!pool)
		return -EBADFD;

	mutex_lock(&kvmflip_lock);
	xsk = kvmflip_rxq_share(pool);
	mutex_unlock(&kvmflip_lock);
	if (!xsk)
		return -ENOENT;

	ioc.fd = get_unused_fd_flags(O_CLOEXEC);
	if (ioc.fd < 0) {
		fput(xsk);
		return ioc.fd;
	}
	if (copy_to_user(arg, &ioc, sizeof(ioc))) {
		put_unused_fd(ioc.fd);
		fput(xsk);
		return -EFAULT;
	}
	fd_install(ioc.fd, xsk);
	return 0;
}

static long kf_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case KVMFLIP_IOC_POOL:
		return kf_ioc_pool(file, (void __user *)arg);
	case KVMFLIP_IOC_XSK:
		return kf_ioc_xsk(file, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int kf_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kvmflip_pool *pool = kf_pool(file);
	unsigned long left, done;
	int err;

	if (!pool)
		return -EBADFD;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC || vma->vm_pgoff ||
	    vma->vm_end - vma->vm_start != kvmflip_pool_bytes(pool))
		return -EINVAL;
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	for (done = 0; done < pool->nr_pages; done += KF_MMAP_BATCH) {
		left = min(pool->nr_pages - done, KF_MMAP_BATCH);
		err = vm_insert_pages(vma, vma->vm_start + (done << PAGE_SHIFT),
				      pool->pages + done, &left);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static const struct file_operations kf_fops = {
	.owner		= THIS_MODULE,
	.open		= kf_open,
	.release	= kf_release,
	.unlocked_ioctl	= kf_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= kf_mmap,
};

static struct miscdevice kf_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "kvmflip",
	.fops	= &kf_fops,
	.mode	= 0600,
};

/**
 * kvmflip_chardev_init - create /dev/kvmflip
 *
 * Return: 0 or an error.
 */
int kvmflip_chardev_init(void)
{
	return misc_register(&kf_misc);
}

/**
 * kvmflip_chardev_exit - remove /dev/kvmflip
 */
void kvmflip_chardev_exit(void)
{
	misc_deregister(&kf_misc);
}
