/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: what memory of a pool a network device can reach. */
#ifndef _KVMFLIP_IOMMU_H
#define _KVMFLIP_IOMMU_H

#include <linux/iommu.h>

#include "pool.h"

struct netlink_ext_ack;
struct xsk_buff_pool;

/**
 * struct kvmflip_iommu - one device's mapping of a pool
 * @pool: pool
 * @dev: device; whoever has this holds its network device, so that the driver
 *	 does not let go of it
 * @domain: paging domain of @dev
 * @prot: how the device's pages are mapped
 * @iova: address of each page of the pool for the device, AF_XDP's own table, which it
 *	  keeps as long as one of the device's queues is bound
 * @block: address of each buffer for the device, of our own, or NULL if buffers
 *	   are single pages or could not be mapped as a whole
 *
 * AF_XDP maps all pages of a pool for the device. From kvmflip_iommu_attach()
 * on the device can reach just the buffers that were granted to it, which are
 * those that one of its queues has posted, at their @block if there are any and
 * else at their pages' @iova. kvmflip_iommu_detach() puts the pool's scrap behind
 * every address of both kinds, so that everybody finds something to unmap and the
 * device reaches no buffer meanwhile. kvmflip_iommu_free() gives the blocks'
 * addresses back when no queue uses them any more.
 *
 * Locking: the caller sees to it that no two calls work on the same buffer.
 */
struct kvmflip_iommu {
	struct kvmflip_pool *pool;
	struct device *dev;
	struct iommu_domain *domain;
	int prot;
	dma_addr_t *iova;
	dma_addr_t *block;
};

struct kvmflip_iommu *kvmflip_iommu_attach(struct kvmflip_pool *pool, struct xsk_buff_pool *xsk,
					   struct netlink_ext_ack *extack);
bool kvmflip_iommu_translates(struct device *dev);
void kvmflip_iommu_detach(struct kvmflip_iommu *iommu);
void kvmflip_iommu_free(struct kvmflip_iommu *iommu);
bool kvmflip_iommu_share(const struct kvmflip_iommu *iommu, struct xsk_buff_pool *xsk);
void kvmflip_iommu_revoke(struct kvmflip_iommu *iommu, struct list_head *bufs,
			  struct kvmflip_delta *delta);
void kvmflip_iommu_grant(struct kvmflip_iommu *iommu, struct list_head *bufs,
			 struct list_head *failed, struct kvmflip_delta *delta);

#endif /* _KVMFLIP_IOMMU_H */
