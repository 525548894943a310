// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: pools of buffers. */

#include <kunit/resource.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/netlink.h>
#include <linux/sizes.h>

#include "fixture.h"

#define KFT_BUFFERS	8

/* Of a buffer of 2 MiB. */
#define KFT_PAGES	(SZ_2M / PAGE_SIZE)

/**
 * struct kft_size - sizes a user may ask for
 * @name: of the case
 * @size: bytes of the pool
 * @buffer_size: bytes of a buffer
 * @chunk_size: bytes of a chunk
 * @err: what kvmflip_pool_add() must say
 */
struct kft_size {
	const char *name;
	u64 size;
	u32 buffer_size;
	u32 chunk_size;
	int err;
};

static const struct kft_size kft_sizes[] = {
	{ "one buffer", SZ_4K, SZ_4K, SZ_4K, 0 },
	{ "some buffers", SZ_64K, SZ_4K, SZ_4K, 0 },
	{ "buffers of two chunks", SZ_64K, SZ_4K, SZ_2K, 0 },
	{ "one large buffer", SZ_2M, SZ_2M, SZ_4K, 0 },
	{ "some large buffers", SZ_8M, SZ_2M, SZ_4K, 0 },
	{ "large buffers of small chunks", SZ_8M, SZ_2M, SZ_2K, 0 },
	{ "nothing", 0, SZ_4K, SZ_4K, -EINVAL },
	{ "a byte", 1, SZ_4K, SZ_4K, -EINVAL },
	{ "a byte too few", SZ_4K - 1, SZ_4K, SZ_4K, -EINVAL },
	{ "a byte too many", SZ_4K + 1, SZ_4K, SZ_4K, -EINVAL },
	{ "half a buffer too many", SZ_64K + SZ_2K, SZ_4K, SZ_4K, -EINVAL },
	{ "half a large buffer", SZ_1M, SZ_2M, SZ_4K, -EINVAL },
	{ "half a large buffer too many", SZ_4M + SZ_1M, SZ_2M, SZ_4K, -EINVAL },
	{ "more than one table can have", BIT_ULL(37) + SZ_4K, SZ_4K, SZ_4K, -EINVAL },
	{ "more than there is memory", BIT_ULL(37), SZ_4K, SZ_4K, -ENOMEM },
	{ "all there is", -(u64)SZ_4K, SZ_4K, SZ_4K, -EINVAL },
	{ "buffers of nothing", SZ_64K, 0, SZ_4K, -EINVAL },
	{ "buffers of a byte", SZ_64K, 1, SZ_4K, -EINVAL },
	{ "buffers of half a page", SZ_64K, SZ_2K, SZ_2K, -EINVAL },
	{ "buffers of two pages", SZ_64K, SZ_8K, SZ_4K, -EINVAL },
	{ "buffers of an odd size", SZ_64K, SZ_4K + 1, SZ_4K, -EINVAL },
	{ "buffers of 1 GiB", SZ_1G, SZ_1G, SZ_4K, -EINVAL },
	{ "chunks of nothing", SZ_64K, SZ_4K, 0, -EINVAL },
	{ "chunks of an odd size", SZ_64K, SZ_4K, 3000, -EINVAL },
	{ "chunks of 1 KiB", SZ_64K, SZ_4K, SZ_1K, -EINVAL },
	{ "chunks of two pages", SZ_8M, SZ_2M, SZ_8K, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(kft_size, kft_sizes, name);

static void kft_add(struct kunit *test)
{
	const struct kft_size *row = test->param_value;
	struct kvmflip_pool_config config = {
		.size = row->size,
		.buffer_size = row->buffer_size,
		.chunk_size = row->chunk_size,
		.node = NUMA_NO_NODE,
	};
	struct netlink_ext_ack extack = {};
	struct kvmflip_pool *pool;
	u32 nr = 0, chunks = 0;
	int err, del = 0;

	if (row->err == -ENOMEM && row->size >> PAGE_SHIFT <= totalram_pages())
		kunit_skip(test, "this machine has that much");
	err = kvmflip_pool_add("kunit", &config, &extack);
	mutex_lock(&kvmflip_lock);
	pool = kvmflip_pool_find("kunit");
	if (pool) {
		nr = pool->table.nr;
		chunks = nr << pool->table.chunk_order;
		del = kvmflip_pool_del(pool, NULL);
	}
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, err, row->err);
	KUNIT_EXPECT_EQ(test, !pool, !!err);
	/* An error without a word of why is of no use. */
	KUNIT_EXPECT_EQ(test, !extack._msg, !err);
	KUNIT_EXPECT_EQ(test, del, 0);
	if (err)
		return;
	KUNIT_EXPECT_EQ(test, (u64)nr * row->buffer_size, row->size);
	KUNIT_EXPECT_EQ(test, (u64)chunks * row->chunk_size, row->size);
}

static void kft_add_twice(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 1);
	struct kvmflip_pool_config config = {
		.size = SZ_64K,
		.buffer_size = SZ_4K,
		.chunk_size = SZ_4K,
		.node = NUMA_NO_NODE,
	};
	struct netlink_ext_ack extack = {};
	struct kvmflip_pool *found, *other;
	int err;

	err = kvmflip_pool_add("kunit", &config, &extack);
	mutex_lock(&kvmflip_lock);
	found = kvmflip_pool_find("kunit");
	other = kvmflip_pool_find("kuni");
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, err, -EEXIST);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_PTR_EQ(test, found, pool);
	KUNIT_EXPECT_NULL(test, other);
	KUNIT_EXPECT_EQ(test, pool->table.nr, 1);
}

static void kft_new_pool(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	u32 i;

	kvmflip_test_states(test, &pool->table);
	KUNIT_EXPECT_EQ(test, kvmflip_pool_bytes(pool), KFT_BUFFERS * SZ_4K);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&pool->free), KFT_BUFFERS);
	for (i = 0; i < KFT_BUFFERS; i++) {
		KUNIT_EXPECT_PTR_EQ(test, kvmflip_pool_page(pool, &pool->table.buf[i]),
				    pool->pages[i]);
		KUNIT_EXPECT_EQ(test, page_ref_count(pool->pages[i]), 1);
		KUNIT_EXPECT_FALSE(test, PageReserved(pool->pages[i]));
		KUNIT_EXPECT_NULL(test, memchr_inv(page_address(pool->pages[i]), 0, PAGE_SIZE));
	}
}

static void kft_new_large(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool_of(test, "kunit", 3, SZ_2M);
	struct page *block;
	u32 i, page;

	kvmflip_test_states(test, &pool->table);
	KUNIT_EXPECT_EQ(test, kvmflip_pool_bytes(pool), 3 * SZ_2M);
	KUNIT_EXPECT_EQ(test, pool->table.chunk_order, ilog2(KFT_PAGES));
	for (i = 0; i < 3; i++) {
		block = kvmflip_pool_page(pool, &pool->table.buf[i]);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(page_to_phys(block), SZ_2M));
		for (page = 0; page < KFT_PAGES; page++)
			KUNIT_ASSERT_PTR_EQ(test, pool->pages[i * KFT_PAGES + page], block + page);
		KUNIT_EXPECT_EQ(test, folio_ref_count(page_folio(block)), 1);
		KUNIT_EXPECT_FALSE(test, PageReserved(block));
		KUNIT_EXPECT_NULL(test, memchr_inv(page_address(block), 0, SZ_2M));
	}
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(page_to_phys(pool->scrap), SZ_2M));
}

/* Longest free first, and never one twice. */
static void kft_take_and_give(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	struct kvmflip_buffer *buf;
	LIST_HEAD(few);
	LIST_HEAD(many);
	u32 i = 0;

	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &few, 0), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&few));
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &few, 3), 3);
	list_for_each_entry(buf, &few, list)
		KUNIT_EXPECT_EQ(test, kvmflip_buffer_index(&pool->table, buf), i++);
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &many, 100), KFT_BUFFERS - 3);
	list_for_each_entry(buf, &many, list)
		KUNIT_EXPECT_EQ(test, kvmflip_buffer_index(&pool->table, buf), i++);
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &many, 1), 0);
	KUNIT_EXPECT_EQ(test, pool->table.count[KVMFLIP_FREE], KFT_BUFFERS);

	kvmflip_pool_give(pool, &many);
	kvmflip_pool_give(pool, &few);
	KUNIT_EXPECT_TRUE(test, list_empty(&few));
	KUNIT_EXPECT_TRUE(test, list_empty(&many));
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &few, 1), 1);
	buf = list_first_entry(&few, struct kvmflip_buffer, list);
	KUNIT_EXPECT_EQ(test, kvmflip_buffer_index(&pool->table, buf), 3);
	kvmflip_pool_give(pool, &few);
}

static void kft_move(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	struct kvmflip_buffer *odd;
	LIST_HEAD(bufs);

	odd = kvmflip_test_buffer(test, pool, KVMFLIP_FILLED);
	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, 3), 3);
	list_add_tail(&odd->list, bufs.next);
	kvmflip_pool_move(pool, &bufs, KVMFLIP_FREE, KVMFLIP_POSTED);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&bufs), 3);
	KUNIT_EXPECT_TRUE(test, list_empty(&odd->list));
	KUNIT_EXPECT_EQ(test, odd->state, KVMFLIP_QUARANTINED);
	KUNIT_EXPECT_EQ(test, pool->table.count[KVMFLIP_POSTED], 3);
	KUNIT_EXPECT_EQ(test, pool->table.illegal, 1);
	kvmflip_test_states(test, &pool->table);
}

static void kft_return(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	LIST_HEAD(bufs);

	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, KFT_BUFFERS), KFT_BUFFERS);
	kvmflip_test_advance(pool, &bufs, KVMFLIP_MAPPED);
	KUNIT_EXPECT_EQ(test, pool->table.count[KVMFLIP_MAPPED], KFT_BUFFERS);
	kvmflip_test_return(pool, &bufs);
	KUNIT_EXPECT_TRUE(test, list_empty(&bufs));
	KUNIT_EXPECT_EQ(test, list_count_nodes(&pool->free), KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, pool->table.count[KVMFLIP_FREE], KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, pool->table.illegal, 0);
	kvmflip_test_states(test, &pool->table);
}

/* What no guest had cannot come back from one. */
static void kft_return_unmapped(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	struct kvmflip_buffer *posted = kvmflip_test_buffer(test, pool, KVMFLIP_POSTED);
	struct kvmflip_buffer *mapped = kvmflip_test_buffer(test, pool, KVMFLIP_MAPPED);
	LIST_HEAD(bufs);

	list_add_tail(&posted->list, &bufs);
	list_add_tail(&mapped->list, &bufs);
	kvmflip_test_return(pool, &bufs);
	KUNIT_EXPECT_EQ(test, posted->state, KVMFLIP_QUARANTINED);
	KUNIT_EXPECT_TRUE(test, list_empty(&posted->list));
	KUNIT_EXPECT_EQ(test, mapped->state, KVMFLIP_FREE);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&pool->free), KFT_BUFFERS - 1);
	KUNIT_EXPECT_EQ(test, pool->table.illegal, 1);
	kvmflip_test_states(test, &pool->table);
}

static void kft_quarantine(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	struct page *page = pool->pages[2];
	struct kvmflip_buffer *buf = &pool->table.buf[2];
	LIST_HEAD(bufs);

	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, 4), 4);
	kvmflip_test_advance(pool, &bufs, KVMFLIP_MAPPED);
	get_page(page);
	kvmflip_test_return(pool, &bufs);
	KUNIT_EXPECT_TRUE(test, list_empty(&bufs));
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_QUARANTINED);
	KUNIT_EXPECT_EQ(test, pool->table.count[KVMFLIP_QUARANTINED], 1);
	KUNIT_EXPECT_EQ(test, pool->table.count[KVMFLIP_FREE], KFT_BUFFERS - 1);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&pool->free), KFT_BUFFERS - 1);
	kvmflip_test_states(test, &pool->table);

	/* It stays for as long as the reference does, and nobody gets it. */
	flush_delayed_work(&pool->quarantine_work);
	flush_delayed_work(&pool->quarantine_work);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_QUARANTINED);
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &bufs, KFT_BUFFERS), KFT_BUFFERS - 1);
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &bufs, 1), 0);
	kvmflip_pool_give(pool, &bufs);

	put_page(page);
	flush_delayed_work(&pool->quarantine_work);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_FREE);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&pool->free), KFT_BUFFERS);
	KUNIT_EXPECT_TRUE(test, list_empty(&pool->quarantine));
	KUNIT_EXPECT_EQ(test, pool->table.illegal, 0);
	kvmflip_test_states(test, &pool->table);
}

/**
 * struct kft_refs - references to a page beyond the pool's own
 * @name: of the case
 * @pins: pins, as a memory registration takes them
 * @gets: other references
 * @umems: memory registrations the pool knows of
 * @idle: whether that is all as it should be
 */
struct kft_refs {
	const char *name;
	int pins;
	int gets;
	int umems;
	bool idle;
};

static const struct kft_refs kft_refs[] = {
	{ "none", 0, 0, 0, true },
	{ "a reference", 0, 1, 0, false },
	{ "two references", 0, 2, 0, false },
	{ "a pin nobody knows of", 1, 0, 0, false },
	{ "a registration's pin", 1, 0, 1, true },
	{ "a registration gone", 0, 0, 1, true },
	{ "a registration's and a reference", 1, 1, 1, false },
	{ "a registration's and another pin", 2, 0, 1, false },
	{ "a reference short of a pin", 0, GUP_PIN_COUNTING_BIAS - 1, 1, false },
};

KUNIT_ARRAY_PARAM_DESC(kft_refs, kft_refs, name);

static void kft_return_refs(struct kunit *test)
{
	const struct kft_refs *row = test->param_value;
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 1);
	int extra = row->pins * GUP_PIN_COUNTING_BIAS + row->gets;
	struct kvmflip_buffer *buf;
	LIST_HEAD(bufs);

	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, 1), 1);
	buf = list_first_entry(&bufs, struct kvmflip_buffer, list);
	kvmflip_test_advance(pool, &bufs, KVMFLIP_MAPPED);
	atomic_set(&pool->umems, row->umems);
	page_ref_add(pool->pages[0], extra);
	kvmflip_test_return(pool, &bufs);
	KUNIT_EXPECT_EQ(test, buf->state, row->idle ? KVMFLIP_FREE : KVMFLIP_QUARANTINED);
	page_ref_sub(pool->pages[0], extra);
	flush_delayed_work(&pool->quarantine_work);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_FREE);
	atomic_set(&pool->umems, 0);
}

/**
 * struct kft_large_refs - references to a buffer of 2 MiB
 * @name: of the case
 * @pins: of pages, more than its mappings' and its own
 * @gets: references, likewise
 * @umems: memory registrations that are known
 * @idle: is nobody else there?
 */
struct kft_large_refs {
	const char *name;
	u32 pins;
	u32 gets;
	u32 umems;
	bool idle;
};

static const struct kft_large_refs kft_large_refs[] = {
	{ "none", 0, 0, 0, true },
	{ "a reference", 0, 1, 0, false },
	{ "a pin nobody knows of", 1, 0, 0, false },
	{ "a registration's pins", KFT_PAGES, 0, 1, true },
	{ "a registration gone", 0, 0, 1, true },
	{ "a registration going", KFT_PAGES - 1, 0, 1, false },
	{ "a registration's and a reference", KFT_PAGES, 1, 1, false },
	{ "a registration's and another pin", KFT_PAGES + 1, 0, 1, false },
	{ "references as many as a registration has", 0, KFT_PAGES, 1, false },
	{ "another pin instead of a registration's", 1, 0, 1, false },
	{ "a registration's, of which nobody knows", KFT_PAGES, 0, 0, false },
};

KUNIT_ARRAY_PARAM_DESC(kft_large_refs, kft_large_refs, name);

/* As pin_user_pages() and folio_get() do. */
static void kft_refer(struct folio *folio, const struct kft_large_refs *row, int sign)
{
	folio_ref_add(folio, sign * (int)(row->pins + row->gets));
	atomic_add(sign * (int)row->pins, &folio->_pincount);
}

static void kft_return_large(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool_of(test, "kunit", 2, SZ_2M);
	const struct kft_large_refs *row = test->param_value;
	struct folio *folio = page_folio(pool->pages[0]);
	LIST_HEAD(bufs);

	if (!folio_test_large(folio))
		kunit_skip(test, "blocks are made of single pages here");
	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, 2), 2);
	kvmflip_test_advance(pool, &bufs, KVMFLIP_MAPPED);
	atomic_set(&pool->umems, row->umems);
	kft_refer(folio, row, 1);
	kvmflip_test_return(pool, &bufs);
	KUNIT_EXPECT_EQ(test, pool->table.buf[0].state,
			row->idle ? KVMFLIP_FREE : KVMFLIP_QUARANTINED);
	KUNIT_EXPECT_EQ(test, pool->table.buf[1].state, KVMFLIP_FREE);
	kft_refer(folio, row, -1);
	flush_delayed_work(&pool->quarantine_work);
	KUNIT_EXPECT_EQ(test, pool->table.buf[0].state, KVMFLIP_FREE);
	atomic_set(&pool->umems, 0);
}

static int kft_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kvmflip_pool *pool = file->private_data;
	unsigned long left = pool->nr_pages;

	return vm_insert_pages(vma, vma->vm_start, pool->pages, &left);
}

static const struct file_operations kft_fops = {
	.owner = THIS_MODULE,
	.mmap = kft_mmap,
};

static void kft_fput(void *data)
{
	fput(data);
}

/* What /dev/kvmflip and the registration of a UMEM do, for real. */
static void kft_return_registered(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool_of(test, "kunit", 2, SZ_2M);
	struct kvmflip_buffer *buf = &pool->table.buf[1];
	u32 n = pool->nr_pages;
	struct page **pages;
	unsigned long addr;
	struct file *file;
	LIST_HEAD(bufs);

	pages = kunit_kcalloc(test, n, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	file = anon_inode_getfile("kvmflip-kunit", &kft_fops, pool, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_fput, file), 0);
	addr = kunit_vm_mmap(test, file, 0, kvmflip_pool_bytes(pool), PROT_READ | PROT_WRITE,
			     MAP_SHARED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_EQ(test, pin_user_pages_fast(addr, n, FOLL_WRITE | FOLL_LONGTERM, pages), n);
	KUNIT_EXPECT_MEMEQ(test, pages, pool->pages, n * sizeof(*pages));
	atomic_set(&pool->umems, 1);

	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, 2), 2);
	kvmflip_test_advance(pool, &bufs, KVMFLIP_MAPPED);
	get_page(pool->pages[n - 1]);
	kvmflip_test_return(pool, &bufs);
	KUNIT_EXPECT_EQ(test, pool->table.buf[0].state, KVMFLIP_FREE);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_QUARANTINED);
	put_page(pool->pages[n - 1]);
	flush_delayed_work(&pool->quarantine_work);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_FREE);

	/* Still mapped, but pinned no more. */
	unpin_user_pages(pages, n);
	atomic_set(&pool->umems, 0);
	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, 2), 2);
	kvmflip_test_advance(pool, &bufs, KVMFLIP_MAPPED);
	kvmflip_test_return(pool, &bufs);
	KUNIT_EXPECT_EQ(test, pool->table.count[KVMFLIP_FREE], 2);
	KUNIT_EXPECT_EQ(test, vm_munmap(addr, kvmflip_pool_bytes(pool)), 0);
}

/* Who had a buffer is still known when it comes back. */
static void kft_return_stays_dirty(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 1);
	LIST_HEAD(bufs);

	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, 1), 1);
	pool->table.buf[0].dirty = 7;
	kvmflip_test_advance(pool, &bufs, KVMFLIP_MAPPED);
	kvmflip_test_return(pool, &bufs);
	KUNIT_EXPECT_EQ(test, pool->table.buf[0].dirty, 7);
}

/**
 * struct kft_use - what keeps a pool from being deleted
 * @name: of the case
 * @ports: number of ports
 * @rxqs: number of queues
 * @files: number of open files
 * @refs: references to a page
 */
struct kft_use {
	const char *name;
	u32 ports;
	u32 rxqs;
	u32 files;
	u32 refs;
};

static const struct kft_use kft_uses[] = {
	{ "a port", 1, 0, 0, 0 },
	{ "a queue", 0, 1, 0, 0 },
	{ "a file", 0, 0, 1, 0 },
	{ "a page", 0, 0, 0, 1 },
};

KUNIT_ARRAY_PARAM_DESC(kft_use, kft_uses, name);

static void kft_del_in_use(struct kunit *test)
{
	const struct kft_use *use = test->param_value;
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	struct netlink_ext_ack extack = {};
	struct kvmflip_pool *found;
	int err;

	mutex_lock(&kvmflip_lock);
	pool->ports = use->ports;
	pool->rxqs = use->rxqs;
	pool->files = use->files;
	page_ref_add(pool->pages[KFT_BUFFERS - 1], use->refs);
	err = kvmflip_pool_del(pool, &extack);
	found = kvmflip_pool_find("kunit");
	page_ref_sub(pool->pages[KFT_BUFFERS - 1], use->refs);
	pool->ports = 0;
	pool->rxqs = 0;
	pool->files = 0;
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, err, -EBUSY);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_PTR_EQ(test, found, pool);
}

static void kft_del_in_use_large(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool_of(test, "kunit", 2, SZ_2M);
	struct netlink_ext_ack extack = {};
	int err;

	mutex_lock(&kvmflip_lock);
	get_page(pool->pages[pool->nr_pages - 1]);
	err = kvmflip_pool_del(pool, &extack);
	put_page(pool->pages[pool->nr_pages - 1]);
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, err, -EBUSY);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_add, kft_size_gen_params),
	KUNIT_CASE(kft_add_twice),
	KUNIT_CASE(kft_new_pool),
	KUNIT_CASE(kft_new_large),
	KUNIT_CASE(kft_take_and_give),
	KUNIT_CASE(kft_move),
	KUNIT_CASE(kft_return),
	KUNIT_CASE(kft_return_unmapped),
	KUNIT_CASE(kft_quarantine),
	KUNIT_CASE_PARAM(kft_return_refs, kft_refs_gen_params),
	KUNIT_CASE_PARAM(kft_return_large, kft_large_refs_gen_params),
	KUNIT_CASE(kft_return_registered),
	KUNIT_CASE(kft_return_stays_dirty),
	KUNIT_CASE_PARAM(kft_del_in_use, kft_use_gen_params),
	KUNIT_CASE(kft_del_in_use_large),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_pool",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
