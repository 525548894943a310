/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: pools of buffers. */
#ifndef _KVMFLIP_POOL_H
#define _KVMFLIP_POOL_H

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/workqueue.h>
#include <uapi/linux/kvmflip.h>

#include "buffer.h"
#include "stats.h"

struct netlink_ext_ack;

/**
 * struct kvmflip_pool - memory that NICs write into and guests read
 * @list: in the list of pools; kvmflip_lock
 * @name: what users call it
 * @ports: ports that take buffers from it; kvmflip_lock
 * @rxqs: queues that post its buffers; kvmflip_lock
 * @exposed: the NICs of its queues reach all of it; kvmflip_lock
 * @files: open files of /dev/kvmflip that chose it; kvmflip_lock
 * @node: NUMA node of the memory, or NUMA_NO_NODE
 * @buffer_shift: log2 of a buffer's bytes
 * @chunk_shift: log2 of a chunk's bytes
 * @nr_pages: number of pages
 * @pages: every page, in the order of the chunks
 * @scrap: block of a buffer's size that a device finds instead of any of @pages
 *	   once kvmflip has given the device up
 * @table: buffers and their states
 * @free: free buffers that nobody has taken, longest free first;
 *	  @table.lock
 * @nr_free: number of them; @table.lock
 * @reserved: how many of them are promised to ports; @table.lock
 * @lru: buffers that guests have, longest first; @table.lock
 * @pressed: somebody found no free buffer
 * @quarantine: buffers out of use until their references drop; @table.lock
 * @quarantine_work: looks at @quarantine again
 * @umems: AF_XDP memory registrations that pin every page once
 *
 * Lock order: kvmflip_lock is taken first of all but rtnl; @table.lock is a
 * leaf.
 */
struct kvmflip_pool {
	struct list_head list;
	char name[KVMFLIP_NAME_LEN];
	u32 ports;
	u32 rxqs;
	bool exposed;
	u32 files;
	int node;
	u32 buffer_shift;
	u32 chunk_shift;
	u32 nr_pages;
	struct page **pages;
	struct page *scrap;
	struct kvmflip_buffers table;
	struct list_head free;
	u32 nr_free;
	u32 reserved;
	struct list_head lru;
	bool pressed;
	struct list_head quarantine;
	struct delayed_work quarantine_work;
	atomic_t umems;
};

/**
 * struct kvmflip_share - a guest's share of a pool; the lock of the pool's table
 * @held: buffers it has
 * @min: buffers it is to have whatever others do
 */
struct kvmflip_share {
	u32 held;
	u32 min;
};

/**
 * struct kvmflip_pool_config - what a user asks of a pool
 * @size: bytes of memory
 * @buffer_size: bytes of a buffer
 * @chunk_size: bytes of a chunk
 * @node: NUMA node, or NUMA_NO_NODE
 */
struct kvmflip_pool_config {
	u64 size;
	u32 buffer_size;
	u32 chunk_size;
	int node;
};

extern struct list_head kvmflip_pools;
extern struct mutex kvmflip_lock;

struct page *kvmflip_block_alloc(int node, unsigned int order, gfp_t gfp);
void kvmflip_block_free(struct page *block, unsigned int order);

int kvmflip_pool_add(const char *name, const struct kvmflip_pool_config *config,
		     struct netlink_ext_ack *extack);
int kvmflip_pool_del(struct kvmflip_pool *pool, struct netlink_ext_ack *extack);
void kvmflip_pool_exit(void);
struct kvmflip_pool *kvmflip_pool_find(const char *name);
u32 kvmflip_pool_take(struct kvmflip_pool *pool, struct list_head *bufs, u32 n);
void kvmflip_pool_give(struct kvmflip_pool *pool, struct list_head *bufs);
void kvmflip_pool_move(struct kvmflip_pool *pool, struct list_head *bufs,
		       enum kvmflip_state from, enum kvmflip_state to);
struct kvmflip_buffer *kvmflip_pool_claim(struct kvmflip_pool *pool, struct kvmflip_share *share);
void kvmflip_pool_unclaim(struct kvmflip_pool *pool, struct kvmflip_share *share, u32 n);
bool kvmflip_pool_reserve(struct kvmflip_pool *pool, struct kvmflip_share *share, u32 min);
bool kvmflip_pool_map(struct kvmflip_pool *pool, struct kvmflip_buffer *buf, void *holder,
		      u32 slot);
void kvmflip_pool_unmap(struct kvmflip_pool *pool, struct kvmflip_buffer *buf);
void kvmflip_pool_oldest(struct kvmflip_pool *pool, const void *holder,
			 bool (*each)(struct kvmflip_buffer *buf, void *arg), void *arg);
void kvmflip_pool_return(struct kvmflip_pool *pool, struct kvmflip_share *share,
			 struct list_head *bufs);
void kvmflip_pool_settle(struct kvmflip_pool *pool, struct list_head *bufs);

/**
 * kvmflip_pool_bytes - memory of a pool
 * @pool: pool
 *
 * Return: bytes.
 */
static inline u64 kvmflip_pool_bytes(const struct kvmflip_pool *pool)
{
	return (u64)pool->nr_pages << PAGE_SHIFT;
}

/**
 * kvmflip_pool_order - size of a buffer as the page allocator has it
 * @pool: pool
 *
 * Return: log2 of the pages in a buffer.
 */
static inline u32 kvmflip_pool_order(const struct kvmflip_pool *pool)
{
	return pool->buffer_shift - PAGE_SHIFT;
}

/**
 * kvmflip_pool_first_page - index of a buffer's first page
 * @pool: pool
 * @buf: buffer of it
 *
 * Return: index in &kvmflip_pool.pages.
 */
static inline u32 kvmflip_pool_first_page(const struct kvmflip_pool *pool,
					  const struct kvmflip_buffer *buf)
{
	return kvmflip_buffer_index(&pool->table, buf) << kvmflip_pool_order(pool);
}

/**
 * kvmflip_pool_page - first page of a buffer
 * @pool: pool
 * @buf: buffer of it
 *
 * Return: page; those behind it are physically contiguous.
 */
static inline struct page *kvmflip_pool_page(const struct kvmflip_pool *pool,
					     const struct kvmflip_buffer *buf)
{
	return pool->pages[kvmflip_pool_first_page(pool, buf)];
}

/**
 * kvmflip_pool_address - where a chunk is mapped in the kernel
 * @pool: pool
 * @chunk: number of a chunk of it
 *
 * Return: address of its first byte.
 */
static inline void *kvmflip_pool_address(const struct kvmflip_pool *pool, u32 chunk)
{
	u64 bytes = (u64)chunk << pool->chunk_shift;

	return page_address(pool->pages[bytes >> PAGE_SHIFT]) + offset_in_page(bytes);
}

/**
 * kvmflip_pool_zero_line - zero a cache line
 * @start: first of SMP_CACHE_BYTES, not necessarily aligned
 *
 * A string instruction takes longer to begin than this does as a whole.
 */
static inline void kvmflip_pool_zero_line(void *start)
{
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < SMP_CACHE_BYTES; i += sizeof(u64))
		put_unaligned(0ULL, (u64 *)(start + i));
}

/**
 * kvmflip_pool_zero - zero what a guest must not see
 * @start: first byte
 * @bytes: how many
 *
 * On all but the latest CPUs memset() is a loop of moves, while memset64() is a string
 * instruction, with which whole cache lines are written without being read.
 *
 * Built without it, tests that look for others' bytes have to find some.
 */
static inline void kvmflip_pool_zero(void *start, u32 bytes)
{
#ifndef KVMFLIP_NO_ZEROING
	void *end = start + bytes;
	u64 *first = PTR_ALIGN(start, sizeof(u64));

	if (bytes <= SMP_CACHE_BYTES) {
		memset(start, 0, bytes);
		return;
	}
	put_unaligned(0ULL, (u64 *)start);
	memset64(first, 0, (end - (void *)first) / sizeof(u64));
	put_unaligned(0ULL, (u64 *)(end - sizeof(u64)));
#endif
}

#endif /* _KVMFLIP_POOL_H */
