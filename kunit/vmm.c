// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: a window, and a process that has it mapped. */

#include <kunit/resource.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "vmm.h"

#define KFT_RING_BYTES	100

static void kft_destroy(void *data)
{
	kvmflip_window_destroy(data);
}

/**
 * kvmflip_test_vmm - make a window that nobody has mapped
 * @test: at the end of which it is destroyed
 * @slots: number of slots
 * @buffer_size: bytes of each, and of the buffers of the pool
 *
 * Return: window, and a pool of twice as many buffers.
 */
struct kvmflip_test_vmm *kvmflip_test_vmm(struct kunit *test, u32 slots, u32 buffer_size)
{
	struct kvmflip_test_vmm *vmm = kunit_kzalloc(test, sizeof(*vmm), GFP_KERNEL);
	struct address_space *mapping = kvmflip_test_mapping(test);

	KUNIT_ASSERT_NOT_NULL(test, vmm);
	vmm->pool = kvmflip_test_pool_of(test, "kunit", 2 * slots, buffer_size);
	kvmflip_stats_init(&vmm->stats);
	KUNIT_ASSERT_EQ(test, kvmflip_window_init(&vmm->window, vmm->pool, &vmm->stats, slots,
						  KFT_RING_BYTES), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_destroy, &vmm->window), 0);
	vmm->window.mapping = mapping;
	vmm->window.base = KVMFLIP_TEST_BASE;
	return vmm;
}

/**
 * kvmflip_test_fill - allocate a slot and let a buffer appear in it
 * @test: test
 * @vmm: window
 * @expect: slot that it must be
 *
 * Return: buffer.
 */
struct kvmflip_buffer *kvmflip_test_fill(struct kunit *test, struct kvmflip_test_vmm *vmm,
					 u32 expect)
{
	struct kvmflip_buffer *buf = kvmflip_test_buffer(test, vmm->pool, KVMFLIP_MAPPED);
	u32 slot = kvmflip_window_alloc(&vmm->window);

	KUNIT_ASSERT_EQ(test, slot, expect);
	KUNIT_ASSERT_TRUE(test, kvmflip_window_fill(&vmm->window, slot, buf));
	KUNIT_ASSERT_PTR_EQ(test, vmm->window.slot[slot], buf);
	return buf;
}

/**
 * kvmflip_test_give - give buffers back that were taken out of their slots
 * @vmm: window
 * @bufs: buffers; the list is empty afterwards
 */
void kvmflip_test_give(struct kvmflip_test_vmm *vmm, struct list_head *bufs)
{
	kvmflip_test_return(vmm->pool, bufs);
}

/**
 * kvmflip_test_counter - look at a counter of the window's
 * @vmm: window
 * @counter: KVMFLIP_A_STATS_*
 *
 * Return: its value.
 */
u64 kvmflip_test_counter(const struct kvmflip_test_vmm *vmm, unsigned int counter)
{
	return vmm->stats.v[counter];
}

static int kft_mmap(struct file *file, struct vm_area_struct *vma)
{
	return kvmflip_window_mmap(file->private_data, vma);
}

static const struct file_operations kft_fops = {
	.owner = THIS_MODULE,
	.mmap = kft_mmap,
};

static void kft_fput(void *data)
{
	fput(data);
}

/**
 * kvmflip_test_file - make a file of which the window can be mapped
 * @test: at the end of which it is closed
 * @vmm: window
 *
 * Return: file.
 */
struct file *kvmflip_test_file(struct kunit *test, struct kvmflip_test_vmm *vmm)
{
	struct file *file = anon_inode_getfile("kvmflip-kunit", &kft_fops, &vmm->window, O_RDWR);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_fput, file), 0);
	vmm->window.mapping = file->f_mapping;
	return file;
}

/**
 * kvmflip_test_map - map the beginning of a window
 * @test: test
 * @vmm: window
 * @hint: address that it is to have, or 0
 * @span: bytes
 *
 * Return: address.
 */
unsigned long kvmflip_test_map(struct kunit *test, struct kvmflip_test_vmm *vmm,
			       unsigned long hint, unsigned long span)
{
	unsigned long addr;

	addr = kunit_vm_mmap(test, kvmflip_test_file(test, vmm), hint, span,
			     PROT_READ | PROT_WRITE, MAP_SHARED, KVMFLIP_TEST_BASE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_EXPECT_PTR_EQ(test, vmm->window.mm, current->mm);
	KUNIT_EXPECT_EQ(test, vmm->window.hva, addr);
	return addr;
}

/**
 * kvmflip_test_peek - read a byte as the process does
 * @addr: its address
 *
 * Return: the byte, or -EFAULT.
 */
int kvmflip_test_peek(unsigned long addr)
{
	u8 byte;

	if (get_user(byte, (u8 __user *)addr))
		return -EFAULT;
	return byte;
}

/**
 * kvmflip_test_poke - write a byte as the process does
 * @addr: its address
 * @byte: what to write
 *
 * Return: 0, or -EFAULT.
 */
int kvmflip_test_poke(unsigned long addr, u8 byte)
{
	return put_user(byte, (u8 __user *)addr);
}
