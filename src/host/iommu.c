// SPDX-License-Identifier: GPL-2.0
/* kvmflip: what memory of a pool a network device can reach. */

#include <linux/dma-map-ops.h>
#include <linux/error-injection.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/xdp_sock.h>
#include <net/xsk_buff_pool.h>

#include "../compat.h"
#include "iommu.h"

/* Nobody looks at a page before the device's access to it has been revoked. */
#define KF_DMA_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

static dma_addr_t kf_iova(const struct xsk_buff_pool *xsk, u32 page)
{
	return xsk->dma_pages[page] & ~XSK_NEXT_PG_CONTIG_MASK;
}

/* Where AF_XDP has mapped the pool for a device, of which each queue has a copy. */
static dma_addr_t *kf_dma_pages(const struct xsk_buff_pool *xsk)
{
	struct xsk_dma_map *map;

	ASSERT_RTNL();

	list_for_each_entry(map, &xsk->umem->xsk_dma_list, list)
		if (map->netdev == xsk->netdev && map->dma_pages_cnt == xsk->dma_pages_cnt)
			return map->dma_pages;
	return NULL;
}

static size_t kf_block_size(const struct kvmflip_iommu *iommu)
{
	return 1UL << iommu->pool->buffer_shift;
}

static bool kf_same_pages(const struct kvmflip_iommu *iommu, const struct xsk_buff_pool *xsk)
{
	u32 i;

	if (xsk->dma_pages_cnt != iommu->pool->nr_pages)
		return false;
	for (i = 0; i < iommu->pool->nr_pages; i++)
		if (iommu->iova[i] != kf_iova(xsk, i))
			return false;
	return true;
}

/* The addresses of chunks that AF_XDP hands to the driver, none handed out yet. */
static bool kf_same_chunks(const struct kvmflip_iommu *iommu, const struct xsk_buff_pool *xsk)
{
	const struct kvmflip_buffers *table = &iommu->pool->table;
	const struct xdp_buff_xsk *head;
	dma_addr_t frame;
	u64 addr;
	u32 i;

	if (xsk->unaligned || xsk->free_list_cnt ||
	    xsk->heads_cnt != table->nr << table->chunk_order)
		return false;
	for (i = 0; i < xsk->heads_cnt; i++) {
		head = &xsk->heads[i];
		addr = (u64)i << iommu->pool->chunk_shift;
		frame = iommu->iova[addr >> PAGE_SHIFT] + offset_in_page(addr);
		if (head->pool != xsk || head->frame_dma != frame ||
		    head->dma != frame + xsk->headroom + XDP_PACKET_HEADROOM)
			return false;
	}
	return true;
}

/* Has a queue use the blocks instead of what AF_XDP has mapped. */
static void kf_use_blocks(const struct kvmflip_iommu *iommu, struct xsk_buff_pool *xsk)
{
	u32 order = kvmflip_pool_order(iommu->pool);
	u32 last = (1U << order) - 1;
	u32 i;

	for (i = 0; i < xsk->dma_pages_cnt; i++) {
		xsk->dma_pages[i] = iommu->block[i >> order] + ((i & last) << PAGE_SHIFT);
		if ((i & last) != last)
			xsk->dma_pages[i] |= XSK_NEXT_PG_CONTIG_MASK;
	}
	for (i = 0; i < xsk->heads_cnt; i++)
		xp_init_xskb_dma(&xsk->heads[i], xsk, xsk->dma_pages,
				 (u64)i << iommu->pool->chunk_shift);
}

/**
 * kvmflip_iommu_share - have another queue use the same mapping of the pool
 * @iommu: mapping
 * @xsk: AF_XDP's view of the pool for another queue of the device, nothing
 *	 posted yet
 *
 * Context: rtnl is held.
 * Return: false if AF_XDP does not have the same addresses for that queue.
 */
bool kvmflip_iommu_share(const struct kvmflip_iommu *iommu, struct xsk_buff_pool *xsk)
{
	if (!kf_same_pages(iommu, xsk))
		return false;
	if (!iommu->block)
		return true;
	if (!kf_same_chunks(iommu, xsk))
		return false;
	kf_use_blocks(iommu, xsk);
	return true;
}

/**
 * kvmflip_iommu_translates - is there an IOMMU that can keep a device out?
 * @dev: device that does DMA
 *
 * Return: true, if its addresses are translated.
 */
bool kvmflip_iommu_translates(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_PAGING;
}

static noinline int kf_check_domain(struct iommu_domain *domain, struct netlink_ext_ack *extack)
{
	if (!domain) {
		NL_SET_ERR_MSG(extack,
			       "the device has no IOMMU, so its access cannot be revoked: boot with intel_iommu=on or amd_iommu=on");
		return -EOPNOTSUPP;
	}
	if (!(domain->type & __IOMMU_DOMAIN_PAGING)) {
		NL_SET_ERR_MSG(extack,
			       "the IOMMU passes the device through, so its access cannot be revoked: boot without iommu=pt");
		return -EOPNOTSUPP;
	}
	return 0;
}
ALLOW_ERROR_INJECTION(kf_check_domain, ERRNO);

/* Takes one buffer away from the device, which gather's owner has to sync. */
static void kf_unmap_buffer(struct kvmflip_iommu *iommu, u32 index,
			    struct iommu_iotlb_gather *gather)
{
	u32 order = kvmflip_pool_order(iommu->pool);
	size_t size = kf_block_size(iommu);
	u32 i;

	if (iommu->block) {
		WARN_ON_ONCE(iommu_unmap_fast(iommu->domain, iommu->block[index], size,
					      gather) != size);
		return;
	}
	for (i = index << order; i < (index + 1) << order; i++)
		WARN_ON_ONCE(iommu_unmap_fast(iommu->domain, iommu->iova[i], PAGE_SIZE,
					      gather) != PAGE_SIZE);
}

/* What AF_XDP mapped when it bound the queue, and the blocks. */
static void kf_unmap_all(struct kvmflip_iommu *iommu)
{
	struct iommu_iotlb_gather gather;
	u32 i;

	iommu_iotlb_gather_init(&gather);
	for (i = 0; iommu->block && i < iommu->pool->nr_pages; i++) {
		WARN_ON_ONCE(iommu_unmap_fast(iommu->domain, iommu->iova[i], PAGE_SIZE,
					      &gather) != PAGE_SIZE);
		cond_resched();
	}
	for (i = 0; i < iommu->pool->table.nr; i++) {
		kf_unmap_buffer(iommu, i, &gather);
		cond_resched();
	}
	iommu_iotlb_sync(iommu->domain, &gather);
}

/* Gives back the addresses of the first @nr blocks, all of which are mapped. */
static void kf_free_blocks(struct kvmflip_iommu *iommu, u32 nr)
{
	while (nr--) {
		dma_unmap_page_attrs(iommu->dev, iommu->block[nr], kf_block_size(iommu),
				     DMA_BIDIRECTIONAL, KF_DMA_ATTRS);
		cond_resched();
	}
	/* A lazy domain would do this later, when the memory may be somebody else's. */
	iommu_flush_iotlb_all(iommu->domain);
	kvfree(iommu->block);
	iommu->block = NULL;
}

/* Maps every buffer as a whole, at an address that suits a single entry. */
static const char *kf_map_blocks(struct kvmflip_iommu *iommu)
{
	struct kvmflip_pool *pool = iommu->pool;
	size_t size = kf_block_size(iommu);
	phys_addr_t phys;
	struct page *page;
	dma_addr_t addr;
	u32 i;

	iommu->block = kvmalloc_array(pool->table.nr, sizeof(*iommu->block), GFP_KERNEL);
	if (!iommu->block)
		return "out of memory";
	for (i = 0; i < pool->table.nr; i++) {
		page = kvmflip_pool_page(pool, &pool->table.buf[i]);
		addr = dma_map_page_attrs(iommu->dev, page, 0, size, DMA_BIDIRECTIONAL,
					  KF_DMA_ATTRS);
		if (dma_mapping_error(iommu->dev, addr)) {
			kf_free_blocks(iommu, i);
			return "the device has no addresses left";
		}
		iommu->block[i] = addr;
		phys = page_to_phys(page);
		if (!IS_ALIGNED(addr, size) ||
		    iommu_iova_to_phys(iommu->domain, addr) != phys ||
		    iommu_iova_to_phys(iommu->domain, addr + size - 1) != phys + size - 1) {
			kf_free_blocks(iommu, i + 1);
			return "the device does not map them directly";
		}
		cond_resched();
	}
	return NULL;
}

/*
 * AF_XDP maps every page for itself, so that it takes 512 calls to revoke 2 MiB
 * and as many to grant them. So buffers of that size are mapped once more, as a
 * whole, and the queues are told so while nothing is posted. What else there may
 * be that keeps addresses of its own will meet pages that are not mapped.
 */
static void kf_try_blocks(struct kvmflip_iommu *iommu, struct xsk_buff_pool *xsk)
{
	const char *why = "the queue has addresses of its own";

	if (!kvmflip_pool_order(iommu->pool))
		return;
	if (kf_same_chunks(iommu, xsk))
		why = kf_map_blocks(iommu);
	if (why)
		netdev_info(xsk->netdev, "kvmflip: buffers are revoked a page at a time: %s\n",
			    why);
}

/**
 * kvmflip_iommu_attach - take the access to a whole pool away from a device
 * @pool: pool
 * @xsk: AF_XDP's view of it for a queue of the device, nothing posted yet
 * @extack: for the reason of an error
 *
 * If this succeeds the queue has addresses that are given back by
 * kvmflip_iommu_free(), so it must not be left to others before it is down.
 *
 * Context: may sleep; rtnl is held.
 * Return: mapping; -EOPNOTSUPP without an IOMMU that translates, -EINVAL if
 * the device's mapping is not as it should be, -ENOMEM.
 */
struct kvmflip_iommu *kvmflip_iommu_attach(struct kvmflip_pool *pool, struct xsk_buff_pool *xsk,
					   struct netlink_ext_ack *extack)
{
	struct kvmflip_iommu *iommu;
	int err;
	u32 i;

	iommu = kzalloc_obj(*iommu);
	if (!iommu)
		return ERR_PTR(-ENOMEM);
	iommu->pool = pool;
	iommu->dev = xsk->dev;
	iommu->domain = iommu_get_domain_for_dev(xsk->dev);
	iommu->prot = IOMMU_READ | IOMMU_WRITE;
	if (dev_is_dma_coherent(xsk->dev))
		iommu->prot |= IOMMU_CACHE;
	err = kf_check_domain(iommu->domain, extack);
	if (err)
		goto err_free;

	err = -EINVAL;
	iommu->iova = kf_dma_pages(xsk);
	if (!iommu->iova || xsk->dma_pages_cnt != pool->nr_pages) {
		NL_SET_ERR_MSG_FMT(extack, "%s maps %u pages of pool %s, which has %u",
				   dev_name(xsk->dev), xsk->dma_pages_cnt, pool->name,
				   pool->nr_pages);
		goto err_free;
	}
	for (i = 0; i < pool->nr_pages; i++) {
		if (iommu->iova[i] == kf_iova(xsk, i) &&
		    iommu_iova_to_phys(iommu->domain, iommu->iova[i]) ==
		    page_to_phys(pool->pages[i]))
			continue;
		NL_SET_ERR_MSG_FMT(extack, "%s does not map page %u of pool %s directly",
				   dev_name(xsk->dev), i, pool->name);
		goto err_free;
	}
	kf_try_blocks(iommu, xsk);
	kf_unmap_all(iommu);
	if (iommu->block)
		kf_use_blocks(iommu, xsk);
	return iommu;

err_free:
	kvmflip_iommu_free(iommu);
	return ERR_PTR(err);
}

static void kf_scrap(struct kvmflip_iommu *iommu, dma_addr_t iova, size_t size,
		     struct iommu_iotlb_gather *gather)
{
	if (iommu_iova_to_phys(iommu->domain, iova))
		iommu_unmap_fast(iommu->domain, iova, size, gather);
	WARN_ON_ONCE(iommu_map(iommu->domain, iova, page_to_phys(iommu->pool->scrap), size,
			       iommu->prot, GFP_KERNEL | __GFP_NOFAIL));
	cond_resched();
}

/**
 * kvmflip_iommu_detach - leave nothing but scrap to the device
 * @iommu: mapping whose queues have all stopped
 *
 * To be called before AF_XDP unmaps the pool from the device. The device may
 * still receive into what its queues had posted: a buffer at a time is replaced,
 * so that it hardly ever finds none.
 *
 * Context: may sleep.
 */
void kvmflip_iommu_detach(struct kvmflip_iommu *iommu)
{
	struct iommu_iotlb_gather gather;
	u32 i;

	iommu_iotlb_gather_init(&gather);
	for (i = 0; iommu->block && i < iommu->pool->table.nr; i++)
		kf_scrap(iommu, iommu->block[i], kf_block_size(iommu), &gather);
	for (i = 0; i < iommu->pool->nr_pages; i++)
		kf_scrap(iommu, iommu->iova[i], PAGE_SIZE, &gather);
	iommu_iotlb_sync(iommu->domain, &gather);
}

/**
 * kvmflip_iommu_free - free a mapping
 * @iommu: mapping that was detached, and all of whose queues are down, or whose
 *	   attach failed
 *
 * Context: may sleep; the device still has its driver.
 */
void kvmflip_iommu_free(struct kvmflip_iommu *iommu)
{
	if (iommu->block)
		kf_free_blocks(iommu, iommu->pool->table.nr);
	kfree(iommu);
}

/**
 * kvmflip_iommu_revoke - take the device's access to buffers away
 * @iommu: mapping
 * @bufs: buffers that were granted
 * @delta: where to count
 *
 * When this returns no write of the device to them is under way or to come.
 *
 * Context: may sleep.
 */
void kvmflip_iommu_revoke(struct kvmflip_iommu *iommu, struct list_head *bufs,
			  struct kvmflip_delta *delta)
{
	struct iommu_iotlb_gather gather;
	struct kvmflip_buffer *buf;

	if (list_empty(bufs))
		return;
	iommu_iotlb_gather_init(&gather);
	list_for_each_entry(buf, bufs, list) {
		kf_unmap_buffer(iommu, kvmflip_buffer_index(&iommu->pool->table, buf), &gather);
		delta->v[KVMFLIP_A_STATS_REVOKES]++;
	}
	iommu_iotlb_sync(iommu->domain, &gather);
	delta->v[KVMFLIP_A_STATS_IOTLB_SYNCS]++;
}

static int kf_grant(struct kvmflip_iommu *iommu, struct kvmflip_buffer *buf)
{
	u32 index = kvmflip_buffer_index(&iommu->pool->table, buf);
	u32 first = kvmflip_pool_first_page(iommu->pool, buf);
	u32 i, n = 1U << kvmflip_pool_order(iommu->pool);
	int err;

	if (iommu->block)
		return iommu_map(iommu->domain, iommu->block[index],
				 page_to_phys(iommu->pool->pages[first]), kf_block_size(iommu),
				 iommu->prot, GFP_KERNEL | __GFP_NOWARN);

	for (i = first; i < first + n; i++) {
		err = iommu_map(iommu->domain, iommu->iova[i], page_to_phys(iommu->pool->pages[i]),
				PAGE_SIZE, iommu->prot, GFP_KERNEL | __GFP_NOWARN);
		if (err)
			goto err_unmap;
	}
	return 0;

err_unmap:
	while (i-- > first)
		iommu_unmap(iommu->domain, iommu->iova[i], PAGE_SIZE);
	return err;
}

/**
 * kvmflip_iommu_grant - give the device access to buffers
 * @iommu: mapping
 * @bufs: buffers that hold nothing anybody else may read; on return those that
 *	  were granted
 * @failed: list to which those are moved for which there was no memory
 * @delta: where to count
 *
 * Context: may sleep.
 */
void kvmflip_iommu_grant(struct kvmflip_iommu *iommu, struct list_head *bufs,
			 struct list_head *failed, struct kvmflip_delta *delta)
{
	struct kvmflip_buffer *buf, *next;

	list_for_each_entry_safe(buf, next, bufs, list) {
		if (kf_grant(iommu, buf))
			list_move_tail(&buf->list, failed);
		else
			delta->v[KVMFLIP_A_STATS_GRANTS]++;
	}
}
