// SPDX-License-Identifier: GPL-2.0
/* kvmflip: what memory of a pool a network device can reach. */

#include <linux/dma-map-ops.h>
#include <linux/netlink.h>
#include <net/xsk_buff_pool.h>

#include "../compat.h"
#include "iommu.h"

static dma_addr_t kf_iova(const struct xsk_buff_pool *xsk, u32 page)
{
	return xsk->dma_pages[page] & ~XSK_NEXT_PG_CONTIG_MASK;
}

/**
 * kvmflip_iommu_same - does a queue use the same mapping of the pool?
 * @iommu: mapping
 * @xsk: AF_XDP's view of the pool for another queue of the device
 *
 * Context: rtnl is held.
 * Return: true if every page has the same address.
 */
bool kvmflip_iommu_same(const struct kvmflip_iommu *iommu, const struct xsk_buff_pool *xsk)
{
	u32 i;

	if (xsk->dma_pages_cnt != iommu->pool->nr_pages)
		return false;
	for (i = 0; i < iommu->pool->nr_pages; i++)
		if (iommu->iova[i] != kf_iova(xsk, i))
			return false;
	return true;
}

static int kf_check_domain(struct iommu_domain *domain, struct netlink_ext_ack *extack)
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

/* Everything that was mapped when AF_XDP bound the queue. */
static void kf_unmap_all(struct kvmflip_iommu *iommu)
{
	struct iommu_iotlb_gather gather;
	u32 i;

	iommu_iotlb_gather_init(&gather);
	for (i = 0; i < iommu->pool->nr_pages; i++) {
		WARN_ON_ONCE(iommu_unmap_fast(iommu->domain, iommu->iova[i], PAGE_SIZE,
					      &gather) != PAGE_SIZE);
		cond_resched();
	}
	iommu_iotlb_sync(iommu->domain, &gather);
}

/**
 * kvmflip_iommu_attach - take the access to a whole pool away from a device
 * @pool: pool
 * @xsk: AF_XDP's view of it for a queue of the device, nothing posted yet
 * @extack: for the reason of an error
 *
 * Context: may sleep; rtnl is held.
 * Return: mapping; -EOPNOTSUPP without an IOMMU that translates, -EINVAL if
 * the device's mapping is not as it should be, -ENOMEM.
 */
struct kvmflip_iommu *kvmflip_iommu_attach(struct kvmflip_pool *pool, struct xsk_buff_pool *xsk,
					   struct netlink_ext_ack *extack)
{
	struct kvmflip_iommu *iommu;
	int err = -ENOMEM;
	u32 i;

	iommu = kzalloc_obj(*iommu);
	if (!iommu)
		return ERR_PTR(-ENOMEM);
	iommu->pool = pool;
	iommu->iova = kvmalloc_array(pool->nr_pages, sizeof(*iommu->iova), GFP_KERNEL);
	if (!iommu->iova)
		goto err_free;

	iommu->domain = iommu_get_domain_for_dev(xsk->dev);
	iommu->prot = IOMMU_READ | IOMMU_WRITE;
	if (dev_is_dma_coherent(xsk->dev))
		iommu->prot |= IOMMU_CACHE;
	err = kf_check_domain(iommu->domain, extack);
	if (err)
		goto err_free;

	err = -EINVAL;
	if (xsk->dma_pages_cnt != pool->nr_pages) {
		NL_SET_ERR_MSG_FMT(extack, "%s maps %u pages of pool %s, which has %u",
				   dev_name(xsk->dev), xsk->dma_pages_cnt, pool->name,
				   pool->nr_pages);
		goto err_free;
	}
	for (i = 0; i < pool->nr_pages; i++) {
		iommu->iova[i] = kf_iova(xsk, i);
		if (iommu_iova_to_phys(iommu->domain, iommu->iova[i]) ==
		    page_to_phys(pool->pages[i]))
			continue;
		NL_SET_ERR_MSG_FMT(extack, "%s does not map page %u of pool %s directly",
				   dev_name(xsk->dev), i, pool->name);
		goto err_free;
	}
	kf_unmap_all(iommu);
	return iommu;

err_free:
	kvmflip_iommu_free(iommu);
	return ERR_PTR(err);
}

/**
 * kvmflip_iommu_detach - leave nothing but the scrap page to the device
 * @iommu: mapping whose queues have all stopped
 *
 * To be called before AF_XDP unmaps the pool from the device. The device may
 * still receive into what its queues had posted: a page at a time is replaced,
 * so that it hardly ever finds none.
 *
 * Context: may sleep.
 */
void kvmflip_iommu_detach(struct kvmflip_iommu *iommu)
{
	struct iommu_iotlb_gather gather;
	u32 i;

	iommu_iotlb_gather_init(&gather);
	for (i = 0; i < iommu->pool->nr_pages; i++) {
		if (iommu_iova_to_phys(iommu->domain, iommu->iova[i]))
			iommu_unmap_fast(iommu->domain, iommu->iova[i], PAGE_SIZE, &gather);
		WARN_ON_ONCE(iommu_map(iommu->domain, iommu->iova[i],
				       page_to_phys(iommu->pool->scrap), PAGE_SIZE, iommu->prot,
				       GFP_KERNEL | __GFP_NOFAIL));
		cond_resched();
	}
	iommu_iotlb_sync(iommu->domain, &gather);
	iommu->domain = NULL;
}

/**
 * kvmflip_iommu_free - free what describes a mapping
 * @iommu: mapping that AF_XDP has unmapped, or whose attach failed
 */
void kvmflip_iommu_free(struct kvmflip_iommu *iommu)
{
	kvfree(iommu->iova);
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
	u32 pages = 1U << (iommu->pool->buffer_shift - PAGE_SHIFT);
	struct iommu_iotlb_gather gather;
	struct kvmflip_buffer *buf;
	u32 first, i;

	if (list_empty(bufs))
		return;
	iommu_iotlb_gather_init(&gather);
	list_for_each_entry(buf, bufs, list) {
		first = kvmflip_pool_first_page(iommu->pool, buf);
		for (i = first; i < first + pages; i++)
			WARN_ON_ONCE(iommu_unmap_fast(iommu->domain, iommu->iova[i], PAGE_SIZE,
						      &gather) != PAGE_SIZE);
		delta->v[KVMFLIP_A_STATS_REVOKES]++;
	}
	iommu_iotlb_sync(iommu->domain, &gather);
	delta->v[KVMFLIP_A_STATS_IOTLB_SYNCS]++;
}

static int kf_grant(struct kvmflip_iommu *iommu, struct kvmflip_buffer *buf)
{
	u32 pages = 1U << (iommu->pool->buffer_shift - PAGE_SHIFT);
	u32 first = kvmflip_pool_first_page(iommu->pool, buf);
	u32 i;
	int err;

	for (i = first; i < first + pages; i++) {
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
