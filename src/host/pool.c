// SPDX-License-Identifier: GPL-2.0
/* kvmflip: pools of buffers. */

#include <linux/delay.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>

#include "../compat.h"
#include "event.h"
#include "pool.h"

/* The tables that describe a pool stay below the 2 GiB of one allocation. */
#define KF_POOL_MAX		BIT_ULL(37)

#define KF_QUARANTINE_PERIOD	msecs_to_jiffies(100)

/* Every pool; kvmflip_lock. */
LIST_HEAD(kvmflip_pools);

/* Taken by whoever changes what pools, queues and ports there are. */
DEFINE_MUTEX(kvmflip_lock);

/**
 * kvmflip_pool_find - find a pool by its name
 * @name: name
 *
 * Context: kvmflip_lock is held.
 * Return: pool, or NULL.
 */
struct kvmflip_pool *kvmflip_pool_find(const char *name)
{
	struct kvmflip_pool *pool;

	lockdep_assert_held(&kvmflip_lock);

	list_for_each_entry(pool, &kvmflip_pools, list)
		if (!strcmp(pool->name, name))
			return pool;
	return NULL;
}

/**
 * kvmflip_block_alloc - allocate pages that are physically contiguous
 * @node: NUMA node, or NUMA_NO_NODE
 * @order: log2 of the number of pages
 * @gfp: how to allocate
 *
 * Every page of a block may be mapped into a process, pinned, and mapped by KVM.
 *
 * Context: may sleep if @gfp says so.
 * Return: first page, or NULL.
 */
struct page *kvmflip_block_alloc(int node, unsigned int order, gfp_t gfp)
{
	struct page *block;

	/* As one compound page it has one reference count, which is soon checked. */
	if (KVMFLIP_KVM_MAPS_TAIL_PAGES)
		return alloc_pages_node(node, gfp | __GFP_COMP, order);

	block = alloc_pages_node(node, gfp, order);
	if (block)
		split_page(block, order);
	return block;
}

/**
 * kvmflip_block_free - free pages
 * @block: from kvmflip_block_alloc()
 * @order: log2 of the number of pages
 */
void kvmflip_block_free(struct page *block, unsigned int order)
{
	u32 i;

	if (KVMFLIP_KVM_MAPS_TAIL_PAGES) {
		__free_pages(block, order);
		return;
	}
	for (i = 0; i < 1U << order; i++)
		__free_page(block + i);
}

/*
 * A folio that only the pool has counts one reference, and one for each mapping
 * of a page of it through /dev/kvmflip, and a pin of each page for each memory
 * registration: of large folios pins are counted apart, and as references. Anything
 * beyond is somebody who may still read or write it.
 */
static bool kf_folio_idle(struct kvmflip_pool *pool, struct folio *folio)
{
	int extra = folio_ref_count(folio) - 1 - folio_mapcount(folio);
	int umems = atomic_read(&pool->umems);
	int pins;

	if (!folio_test_large(folio))
		return !(extra % GUP_PIN_COUNTING_BIAS) && extra / GUP_PIN_COUNTING_BIAS <= umems;

	pins = atomic_read(&folio->_pincount);
	return extra == pins && (!pins || pins == umems * folio_nr_pages(folio));
}

static bool kf_buffer_idle(struct kvmflip_pool *pool, struct kvmflip_buffer *buf)
{
	u32 first = kvmflip_pool_first_page(pool, buf);
	struct folio *folio;
	u32 i;

	for (i = 0; i < 1U << kvmflip_pool_order(pool); i += folio_nr_pages(folio)) {
		folio = page_folio(pool->pages[first + i]);
		if (!kf_folio_idle(pool, folio))
			return false;
	}
	return true;
}

/* KVM and the fault path hold a reference for some microseconds at a time. */
static bool kf_buffer_settles(struct kvmflip_pool *pool, struct kvmflip_buffer *buf)
{
	int tries;

	for (tries = 0; tries < 10; tries++) {
		if (kf_buffer_idle(pool, buf))
			return true;
		usleep_range(20, 50);
	}
	return false;
}

static void kf_quarantine_work(struct work_struct *work)
{
	struct kvmflip_pool *pool = container_of(to_delayed_work(work), struct kvmflip_pool,
						 quarantine_work);
	struct kvmflip_buffer *buf, *next;

	spin_lock(&pool->table.lock);
	list_for_each_entry_safe(buf, next, &pool->quarantine, list) {
		if (!kf_buffer_idle(pool, buf))
			continue;
		kvmflip_buffer_move(&pool->table, buf, KVMFLIP_QUARANTINED, KVMFLIP_FREE);
		list_move_tail(&buf->list, &pool->free);
		pool->nr_free++;
	}
	if (!list_empty(&pool->quarantine))
		schedule_delayed_work(&pool->quarantine_work, KF_QUARANTINE_PERIOD);
	spin_unlock(&pool->table.lock);
}

static void kf_pool_free_pages(struct kvmflip_pool *pool)
{
	u32 i, order = kvmflip_pool_order(pool);

	for (i = 0; i < pool->nr_pages && pool->pages[i]; i += 1U << order) {
		kvmflip_block_free(pool->pages[i], order);
		cond_resched();
	}
	if (pool->scrap)
		kvmflip_block_free(pool->scrap, order);
	kvfree(pool->pages);
}

static void kf_say_shortage(const struct kvmflip_pool *pool, u32 got,
			    struct netlink_ext_ack *extack)
{
	u32 order = kvmflip_pool_order(pool);

	if (order)
		NL_SET_ERR_MSG_FMT(extack,
				   "memory is too fragmented, got %u of %u blocks of 2 MiB: use buffer 4K",
				   got, pool->nr_pages >> order);
	else
		NL_SET_ERR_MSG_FMT(extack, "out of memory after %u of %u pages", got,
				   pool->nr_pages);
}

static int kf_pool_alloc_pages(struct kvmflip_pool *pool, struct netlink_ext_ack *extack)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL;
	u32 i, page, order = kvmflip_pool_order(pool);
	struct page *block;

	pool->pages = kvcalloc(pool->nr_pages, sizeof(*pool->pages), GFP_KERNEL);
	if (!pool->pages)
		return -ENOMEM;
	pool->scrap = kvmflip_block_alloc(NUMA_NO_NODE, order, gfp);
	if (pool->node != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;
	for (i = 0; pool->scrap && i < pool->nr_pages; i += 1U << order) {
		block = kvmflip_block_alloc(pool->node, order, gfp);
		if (!block)
			break;
		for (page = 0; page < 1U << order; page++)
			pool->pages[i + page] = block + page;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	if (i == pool->nr_pages)
		return 0;

	kf_say_shortage(pool, i >> order, extack);
	kf_pool_free_pages(pool);
	return -ENOMEM;
}

static void kf_pool_free(struct kvmflip_pool *pool)
{
	kf_pool_free_pages(pool);
	kvmflip_buffers_destroy(&pool->table);
	kfree(pool);
}

static struct kvmflip_pool *kf_pool_new(const char *name,
					const struct kvmflip_pool_config *config,
					struct netlink_ext_ack *extack)
{
	struct kvmflip_pool *pool;
	u32 i, nr;
	int err;

	pool = kzalloc_obj(*pool);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	strscpy(pool->name, name);
	pool->node = config->node;
	pool->chunk_shift = ilog2(config->chunk_size);
	pool->buffer_shift = ilog2(config->buffer_size);
	pool->nr_pages = config->size >> PAGE_SHIFT;
	INIT_LIST_HEAD(&pool->free);
	INIT_LIST_HEAD(&pool->lru);
	INIT_LIST_HEAD(&pool->quarantine);
	INIT_DELAYED_WORK(&pool->quarantine_work, kf_quarantine_work);

	err = kf_pool_alloc_pages(pool, extack);
	if (err)
		goto err_free;
	nr = config->size >> pool->buffer_shift;
	err = kvmflip_buffers_init(&pool->table, pool->name, nr,
				   pool->buffer_shift - pool->chunk_shift);
	if (err)
		goto err_pages;
	for (i = 0; i < nr; i++)
		list_add_tail(&pool->table.buf[i].list, &pool->free);
	pool->nr_free = nr;
	return pool;

err_pages:
	kf_pool_free_pages(pool);
err_free:
	kfree(pool);
	return ERR_PTR(err);
}

static int kf_check_new(const struct kvmflip_pool_config *config, struct netlink_ext_ack *extack)
{
	if (config->chunk_size != SZ_2K && config->chunk_size != SZ_4K) {
		NL_SET_ERR_MSG_FMT(extack, "chunks of %u bytes are not supported, use %u or %u",
				   config->chunk_size, SZ_2K, SZ_4K);
		return -EINVAL;
	}
	if (config->buffer_size != SZ_4K && config->buffer_size != SZ_2M) {
		NL_SET_ERR_MSG_FMT(extack, "buffers of %u bytes are not supported, use %u or %u",
				   config->buffer_size, SZ_4K, SZ_2M);
		return -EINVAL;
	}
	if (!config->size || config->size % config->buffer_size || config->size > KF_POOL_MAX) {
		NL_SET_ERR_MSG_FMT(extack, "size must be a multiple of %u, up to %llu",
				   config->buffer_size, KF_POOL_MAX);
		return -EINVAL;
	}
	if (config->size >> PAGE_SHIFT > totalram_pages()) {
		NL_SET_ERR_MSG(extack, "the machine has less memory than that");
		return -ENOMEM;
	}
	return 0;
}

/**
 * kvmflip_pool_add - make a pool
 * @name: name, not yet in use
 * @config: what the user asks of it
 * @extack: for the reason of an error
 *
 * Context: may sleep; takes kvmflip_lock, but not while it allocates.
 * Return: 0, -EEXIST, -EINVAL, -ENOMEM.
 */
int kvmflip_pool_add(const char *name, const struct kvmflip_pool_config *config,
		     struct netlink_ext_ack *extack)
{
	struct kvmflip_pool *pool;
	bool exists;
	int err;

	err = kf_check_new(config, extack);
	if (err)
		return err;
	pool = kf_pool_new(name, config, extack);
	if (IS_ERR(pool))
		return PTR_ERR(pool);

	mutex_lock(&kvmflip_lock);
	exists = kvmflip_pool_find(name);
	if (!exists) {
		list_add_tail(&pool->list, &kvmflip_pools);
		kvmflip_event_pool(KVMFLIP_CMD_POOL_ADD_NTF, pool);
	}
	mutex_unlock(&kvmflip_lock);
	if (exists) {
		kf_pool_free(pool);
		NL_SET_ERR_MSG_FMT(extack, "pool %s exists", name);
		return -EEXIST;
	}
	return 0;
}

/* The memory registration of the last socket is dropped from a work item. */
static bool kf_pool_settles(struct kvmflip_pool *pool)
{
	struct folio *folio;
	int tries;
	u32 i;

	for (tries = 0; tries < 25; tries++) {
		for (i = 0; i < pool->nr_pages; i += folio_nr_pages(folio)) {
			folio = page_folio(pool->pages[i]);
			if (folio_ref_count(folio) != 1)
				break;
		}
		if (i == pool->nr_pages)
			return true;
		msleep(20);
	}
	return false;
}

static void kf_pool_remove(struct kvmflip_pool *pool)
{
	cancel_delayed_work_sync(&pool->quarantine_work);
	list_del(&pool->list);
	kf_pool_free(pool);
}

/**
 * kvmflip_pool_del - delete a pool that is not in use
 * @pool: pool
 * @extack: for the reason of an error
 *
 * Context: may sleep; kvmflip_lock is held.
 * Return: 0, -EBUSY.
 */
int kvmflip_pool_del(struct kvmflip_pool *pool, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&kvmflip_lock);

	if (pool->ports || pool->rxqs) {
		NL_SET_ERR_MSG_FMT(extack, "pool %s has %u ports and %u queues: delete them first",
				   pool->name, pool->ports, pool->rxqs);
		return -EBUSY;
	}
	if (pool->files || !kf_pool_settles(pool)) {
		NL_SET_ERR_MSG_FMT(extack, "pool %s: a process still uses its memory",
				   pool->name);
		return -EBUSY;
	}
	kvmflip_event_pool(KVMFLIP_CMD_POOL_DEL_NTF, pool);
	kf_pool_remove(pool);
	return 0;
}

/**
 * kvmflip_pool_exit - free all pools, which nobody uses any more
 *
 * Context: may sleep.
 */
void kvmflip_pool_exit(void)
{
	struct kvmflip_pool *pool, *next;

	mutex_lock(&kvmflip_lock);
	list_for_each_entry_safe(pool, next, &kvmflip_pools, list)
		kf_pool_remove(pool);
	mutex_unlock(&kvmflip_lock);
}

/**
 * kvmflip_pool_take - take free buffers that are kept for nobody
 * @pool: pool
 * @bufs: list to append them to; they stay KVMFLIP_FREE
 * @n: how many at most
 *
 * Context: process context.
 * Return: how many there were.
 */
u32 kvmflip_pool_take(struct kvmflip_pool *pool, struct list_head *bufs, u32 n)
{
	u32 taken;

	spin_lock(&pool->table.lock);
	for (taken = 0; taken < n && pool->nr_free > pool->reserved; taken++) {
		list_move_tail(pool->free.next, bufs);
		pool->nr_free--;
	}
	spin_unlock(&pool->table.lock);
	return taken;
}

/**
 * kvmflip_pool_give - give free buffers back that were not used after all
 * @pool: pool
 * @bufs: KVMFLIP_FREE buffers; the list is empty afterwards
 *
 * Context: process context.
 */
void kvmflip_pool_give(struct kvmflip_pool *pool, struct list_head *bufs)
{
	spin_lock(&pool->table.lock);
	pool->nr_free += list_count_nodes(bufs);
	list_splice_tail_init(bufs, &pool->free);
	spin_unlock(&pool->table.lock);
}

/**
 * kvmflip_pool_claim - take a free buffer for one that a guest is going to hold
 * @pool: pool
 * @share: the guest's
 *
 * What others have been promised is left for them.
 *
 * Context: process context.
 * Return: KVMFLIP_FREE buffer, in no list; or NULL.
 */
struct kvmflip_buffer *kvmflip_pool_claim(struct kvmflip_pool *pool, struct kvmflip_share *share)
{
	struct kvmflip_buffer *buf = NULL;
	bool promised;

	spin_lock(&pool->table.lock);
	promised = share->held < share->min;
	if (pool->nr_free > (promised ? 0 : pool->reserved)) {
		buf = list_first_entry(&pool->free, struct kvmflip_buffer, list);
		list_del_init(&buf->list);
		pool->nr_free--;
		pool->reserved -= promised;
		share->held++;
	}
	spin_unlock(&pool->table.lock);
	return buf;
}

static void kf_unclaim(struct kvmflip_pool *pool, struct kvmflip_share *share, u32 n)
{
	lockdep_assert_held(&pool->table.lock);

	for (; n; n--)
		if (share->held-- <= share->min)
			pool->reserved++;
}

/**
 * kvmflip_pool_unclaim - a guest does not hold buffers after all, or no longer
 * @pool: pool
 * @share: the guest's
 * @n: number of buffers
 *
 * Context: process context.
 */
void kvmflip_pool_unclaim(struct kvmflip_pool *pool, struct kvmflip_share *share, u32 n)
{
	spin_lock(&pool->table.lock);
	kf_unclaim(pool, share, n);
	spin_unlock(&pool->table.lock);
}

/**
 * kvmflip_pool_reserve - promise a guest buffers
 * @pool: pool
 * @share: the guest's
 * @min: how many it is to have whatever others do
 *
 * Context: process context.
 * Return: true, or false if there are not so many.
 */
bool kvmflip_pool_reserve(struct kvmflip_pool *pool, struct kvmflip_share *share, u32 min)
{
	u32 old, new;
	bool fits;

	spin_lock(&pool->table.lock);
	old = share->min > share->held ? share->min - share->held : 0;
	new = min > share->held ? min - share->held : 0;
	fits = new <= old || pool->reserved + (new - old) <= pool->nr_free;
	if (fits) {
		pool->reserved += new - old;
		share->min = min;
	}
	spin_unlock(&pool->table.lock);
	return fits;
}

/**
 * kvmflip_pool_map - a guest has a buffer from now on
 * @pool: pool
 * @buf: KVMFLIP_FILLED buffer, taken out of its list
 * @holder: the guest's port
 * @slot: where it is in the port's window
 *
 * Context: process context.
 * Return: false if it was not KVMFLIP_FILLED, which is a bug, and is nobody's now.
 */
bool kvmflip_pool_map(struct kvmflip_pool *pool, struct kvmflip_buffer *buf, void *holder,
		      u32 slot)
{
	bool moved;

	list_del_init(&buf->list);
	spin_lock(&pool->table.lock);
	moved = kvmflip_buffer_move(&pool->table, buf, KVMFLIP_FILLED, KVMFLIP_MAPPED);
	if (moved) {
		buf->holder = holder;
		buf->slot = slot;
		list_add_tail(&buf->lru, &pool->lru);
	}
	spin_unlock(&pool->table.lock);
	return moved;
}

/**
 * kvmflip_pool_unmap - a guest does not get a buffer after all
 * @pool: pool
 * @buf: KVMFLIP_MAPPED buffer that appeared nowhere; KVMFLIP_FREE on return
 *
 * Context: process context.
 */
void kvmflip_pool_unmap(struct kvmflip_pool *pool, struct kvmflip_buffer *buf)
{
	spin_lock(&pool->table.lock);
	list_del_init(&buf->lru);
	buf->holder = NULL;
	kvmflip_buffer_move(&pool->table, buf, KVMFLIP_MAPPED, KVMFLIP_RETURNED);
	kvmflip_buffer_move(&pool->table, buf, KVMFLIP_RETURNED, KVMFLIP_FREE);
	spin_unlock(&pool->table.lock);
}

/**
 * kvmflip_pool_oldest - find those who have had buffers for longest
 * @pool: pool
 * @holder: port to look at alone, or NULL for all
 * @each: called for each buffer, oldest first, until it returns false; must not
 *	  sleep
 * @arg: for @each
 *
 * Context: process context.
 */
void kvmflip_pool_oldest(struct kvmflip_pool *pool, const void *holder,
			 bool (*each)(struct kvmflip_buffer *buf, void *arg), void *arg)
{
	struct kvmflip_buffer *buf;

	spin_lock(&pool->table.lock);
	list_for_each_entry(buf, &pool->lru, lru)
		if ((!holder || buf->holder == holder) && !each(buf, arg))
			break;
	spin_unlock(&pool->table.lock);
}

/**
 * kvmflip_pool_move - change the state of several buffers
 * @pool: pool
 * @bufs: buffers; those whose change was illegal are taken out of the list
 * @from: state they are in
 * @to: state they go to
 *
 * Context: process context.
 */
void kvmflip_pool_move(struct kvmflip_pool *pool, struct list_head *bufs,
		       enum kvmflip_state from, enum kvmflip_state to)
{
	struct kvmflip_buffer *buf, *next;

	spin_lock(&pool->table.lock);
	list_for_each_entry_safe(buf, next, bufs, list)
		if (!kvmflip_buffer_move(&pool->table, buf, from, to))
			list_del_init(&buf->list);
	spin_unlock(&pool->table.lock);
}

/* Takes buffers off the list of those that guests have. */
static void kf_unmap(struct kvmflip_pool *pool, struct kvmflip_share *share,
		     struct list_head *bufs)
{
	struct kvmflip_buffer *buf;
	u32 n = 0;

	spin_lock(&pool->table.lock);
	list_for_each_entry(buf, bufs, list) {
		list_del_init(&buf->lru);
		buf->holder = NULL;
		n++;
	}
	kf_unclaim(pool, share, n);
	spin_unlock(&pool->table.lock);
}

/* Frees buffers to which nobody has a reference, and puts the others out of use. */
static void kf_settle(struct kvmflip_pool *pool, struct list_head *bufs)
{
	struct kvmflip_buffer *buf, *next;
	LIST_HEAD(quarantine);

	list_for_each_entry_safe(buf, next, bufs, list)
		if (!kf_buffer_settles(pool, buf))
			list_move_tail(&buf->list, &quarantine);
	kvmflip_pool_move(pool, bufs, KVMFLIP_RETURNED, KVMFLIP_FREE);
	kvmflip_pool_give(pool, bufs);

	if (list_empty(&quarantine))
		return;
	kvmflip_pool_move(pool, &quarantine, KVMFLIP_RETURNED, KVMFLIP_QUARANTINED);
	spin_lock(&pool->table.lock);
	list_splice_tail(&quarantine, &pool->quarantine);
	spin_unlock(&pool->table.lock);
	schedule_delayed_work(&pool->quarantine_work, KF_QUARANTINE_PERIOD);
}

/**
 * kvmflip_pool_return - take buffers back that a guest had
 * @pool: pool
 * @share: the guest's
 * @bufs: KVMFLIP_MAPPED buffers, in no slot and unmapped; the list is empty
 *	  afterwards
 *
 * Context: may sleep.
 */
void kvmflip_pool_return(struct kvmflip_pool *pool, struct kvmflip_share *share,
			 struct list_head *bufs)
{
	kf_unmap(pool, share, bufs);
	kvmflip_pool_move(pool, bufs, KVMFLIP_MAPPED, KVMFLIP_RETURNED);
	kf_settle(pool, bufs);
}

/**
 * kvmflip_pool_settle - take buffers back that guests may have had
 * @pool: pool
 * @bufs: KVMFLIP_FILLED buffers, mapped nowhere; the list is empty afterwards
 *
 * Context: may sleep.
 */
void kvmflip_pool_settle(struct kvmflip_pool *pool, struct list_head *bufs)
{
	kvmflip_pool_move(pool, bufs, KVMFLIP_FILLED, KVMFLIP_RETURNED);
	kf_settle(pool, bufs);
}
