/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip tests: a window, and a process that has it mapped. */
#ifndef _KVMFLIP_KUNIT_VMM_H
#define _KVMFLIP_KUNIT_VMM_H

#include "fixture.h"

struct file;

/**
 * struct kvmflip_test_vmm - a window under test
 * @window: the window
 * @stats: its counters
 * @pool: where its buffers come from
 */
struct kvmflip_test_vmm {
	struct kvmflip_window window;
	struct kvmflip_stats stats;
	struct kvmflip_pool *pool;
};

struct kvmflip_test_vmm *kvmflip_test_vmm(struct kunit *test, u32 slots, u32 buffer_size);
struct kvmflip_buffer *kvmflip_test_fill(struct kunit *test, struct kvmflip_test_vmm *vmm,
					 u32 expect);
void kvmflip_test_give(struct kvmflip_test_vmm *vmm, struct list_head *bufs);
u64 kvmflip_test_counter(const struct kvmflip_test_vmm *vmm, unsigned int counter);
struct file *kvmflip_test_file(struct kunit *test, struct kvmflip_test_vmm *vmm);
unsigned long kvmflip_test_map(struct kunit *test, struct kvmflip_test_vmm *vmm,
			       unsigned long hint, unsigned long span);
int kvmflip_test_peek(unsigned long addr);
int kvmflip_test_poke(unsigned long addr, u8 byte);

#endif /* _KVMFLIP_KUNIT_VMM_H */
