// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: what memory of a pool a network device can reach. */

#include <linux/iommu.h>
#include <linux/sizes.h>

#include "../src/host/iommu.h"
#include "fixture.h"

#define KFT_BUFFERS	3
#define KFT_PAGES	(SZ_2M / PAGE_SIZE)

/* Addresses of the device, in pages: those of pages, and behind them those of blocks. */
#define KFT_PAGES_AT	1
#define KFT_BLOCKS_AT	(4 * KFT_PAGES)
#define KFT_SPAN	(KFT_BLOCKS_AT + KFT_BUFFERS * KFT_PAGES)

/**
 * struct kft_iommu - a device
 * @domain: its IOMMU domain
 * @iommu: what it is to reach of a pool
 * @delta: counters
 * @phys: what it reaches at each of its pages, or 0
 * @left: mappings that there is memory for
 * @wrong: mappings over others, or not for reading and writing
 * @syncs: how often it was made to forget what it reached before
 * @early: pages of those revoked that it still reached then
 */
struct kft_iommu {
	struct iommu_domain domain;
	struct kvmflip_iommu iommu;
	struct kvmflip_delta delta;
	phys_addr_t phys[KFT_SPAN];
	u32 left;
	u32 wrong;
	u32 syncs;
	u32 early;
};

static struct kft_iommu *kft_of(struct iommu_domain *domain)
{
	return container_of(domain, struct kft_iommu, domain);
}

static int kft_map_pages(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys,
			 size_t size, size_t n, int prot, gfp_t gfp, size_t *mapped)
{
	struct kft_iommu *kft = kft_of(domain);
	u32 i, first = iova >> PAGE_SHIFT;

	if (!kft->left)
		return -ENOMEM;
	kft->left--;
	kft->wrong += prot != (IOMMU_READ | IOMMU_WRITE);
	for (i = 0; i < size * n >> PAGE_SHIFT; i++) {
		kft->wrong += kft->phys[first + i] != 0;
		kft->phys[first + i] = phys + ((phys_addr_t)i << PAGE_SHIFT);
	}
	*mapped = size * n;
	return 0;
}

static size_t kft_unmap_pages(struct iommu_domain *domain, unsigned long iova, size_t size,
			      size_t n, struct iommu_iotlb_gather *gather)
{
	struct kft_iommu *kft = kft_of(domain);
	u32 i, first = iova >> PAGE_SHIFT;

	for (i = 0; i < size * n >> PAGE_SHIFT; i++) {
		kft->wrong += !kft->phys[first + i];
		kft->phys[first + i] = 0;
	}
	iommu_iotlb_gather_add_range(gather, iova, size * n);
	return size * n;
}

static void kft_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	struct kft_iommu *kft = kft_of(domain);
	unsigned long iova;

	kft->syncs++;
	for (iova = gather->start; iova < gather->end; iova += PAGE_SIZE)
		kft->early += kft->phys[iova >> PAGE_SHIFT] != 0;
}

static phys_addr_t kft_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	return kft_of(domain)->phys[iova >> PAGE_SHIFT];
}

static const struct iommu_domain_ops kft_domain_ops = {
	.map_pages = kft_map_pages,
	.unmap_pages = kft_unmap_pages,
	.iotlb_sync = kft_iotlb_sync,
	.iova_to_phys = kft_iova_to_phys,
};

/**
 * struct kft_way - how a pool is mapped
 * @name: of the case
 * @blocks: a buffer at a time, and not a page
 */
struct kft_way {
	const char *name;
	bool blocks;
};

static const struct kft_way kft_ways[] = {
	{ "pages", false },
	{ "blocks", true },
};

KUNIT_ARRAY_PARAM_DESC(kft_way, kft_ways, name);

static struct kft_iommu *kft_iommu(struct kunit *test, bool blocks)
{
	struct kft_iommu *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);
	struct kvmflip_iommu *iommu = &kft->iommu;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->left = U32_MAX;
	kft->domain.type = IOMMU_DOMAIN_UNMANAGED;
	kft->domain.ops = &kft_domain_ops;
	kft->domain.pgsize_bitmap = PAGE_SIZE | SZ_2M;
	iommu->pool = kvmflip_test_pool_of(test, "kunit", KFT_BUFFERS, SZ_2M);
	iommu->domain = &kft->domain;
	iommu->prot = IOMMU_READ | IOMMU_WRITE;
	iommu->iova = kunit_kcalloc(test, iommu->pool->nr_pages, sizeof(dma_addr_t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, iommu->iova);
	for (i = 0; i < iommu->pool->nr_pages; i++)
		iommu->iova[i] = (u64)(KFT_PAGES_AT + i) << PAGE_SHIFT;
	if (!blocks)
		return kft;
	iommu->block = kunit_kcalloc(test, KFT_BUFFERS, sizeof(dma_addr_t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, iommu->block);
	for (i = 0; i < KFT_BUFFERS; i++)
		iommu->block[i] = (u64)(KFT_BLOCKS_AT + i * KFT_PAGES) << PAGE_SHIFT;
	return kft;
}

/* The device reaches those buffers, a bit for each, and nothing else. */
static void kft_reaches(struct kunit *test, const struct kft_iommu *kft, unsigned long buffers)
{
	u32 i, page, at = kft->iommu.block ? KFT_BLOCKS_AT : KFT_PAGES_AT, wrong = 0;
	const struct kvmflip_pool *pool = kft->iommu.pool;

	for (i = 0; i < KFT_SPAN; i++) {
		page = i - at;
		if (i >= at && page < pool->nr_pages && buffers & BIT(page / KFT_PAGES))
			wrong += kft->phys[i] != page_to_phys(pool->pages[page]);
		else
			wrong += kft->phys[i] != 0;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
	KUNIT_EXPECT_EQ(test, kft->early, 0);
}

static void kft_take(struct kft_iommu *kft, unsigned long buffers, struct list_head *bufs)
{
	struct kvmflip_buffers *table = &kft->iommu.pool->table;
	u32 i;

	for_each_set_bit(i, &buffers, KFT_BUFFERS)
		list_move_tail(&table->buf[i].list, bufs);
}

static void kft_give(struct kft_iommu *kft, struct list_head *bufs)
{
	list_splice_tail_init(bufs, &kft->iommu.pool->free);
}

/* Each buffer for itself, all of it, and in the end none. */
static void kft_grants(struct kunit *test)
{
	const struct kft_way *way = test->param_value;
	struct kft_iommu *kft = kft_iommu(test, way->blocks);
	const u64 *v = kft->delta.v;
	LIST_HEAD(failed);
	LIST_HEAD(bufs);

	kft_take(kft, BIT(0) | BIT(2), &bufs);
	kvmflip_iommu_grant(&kft->iommu, &bufs, &failed, &kft->delta);
	kft_reaches(test, kft, BIT(0) | BIT(2));
	KUNIT_EXPECT_TRUE(test, list_empty(&failed));
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_GRANTS], 2);
	kft_give(kft, &bufs);

	kft_take(kft, BIT(1), &bufs);
	kvmflip_iommu_grant(&kft->iommu, &bufs, &failed, &kft->delta);
	kft_reaches(test, kft, BIT(0) | BIT(1) | BIT(2));
	KUNIT_EXPECT_EQ(test, kft->syncs, 0);

	/* It is made to forget once, when it reaches none of them any more. */
	kft_take(kft, BIT(0), &bufs);
	kvmflip_iommu_revoke(&kft->iommu, &bufs, &kft->delta);
	kft_reaches(test, kft, BIT(2));
	KUNIT_EXPECT_EQ(test, kft->syncs, 1);
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_REVOKES], 2);
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_IOTLB_SYNCS], 1);
	kft_give(kft, &bufs);
	kvmflip_iommu_revoke(&kft->iommu, &bufs, &kft->delta);
	KUNIT_EXPECT_EQ(test, kft->syncs, 1);
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_IOTLB_SYNCS], 1);
}

/**
 * struct kft_memory - there is not enough memory for all mappings of two buffers
 * @name: of the case
 * @blocks: a buffer at a time, and not a page
 * @left: for how many there is
 * @granted: buffers that the device reaches
 */
struct kft_memory {
	const char *name;
	bool blocks;
	u32 left;
	unsigned long granted;
};

static const struct kft_memory kft_memories[] = {
	{ "none", false, 0, 0 },
	{ "a page", false, 1, 0 },
	{ "all pages of a buffer but one", false, KFT_PAGES - 1, 0 },
	{ "a buffer, by pages", false, KFT_PAGES, BIT(0) },
	{ "a page of the second", false, KFT_PAGES + 1, BIT(0) },
	{ "all pages but one", false, 2 * KFT_PAGES - 1, BIT(0) },
	{ "no block", true, 0, 0 },
	{ "a block", true, 1, BIT(0) },
};

KUNIT_ARRAY_PARAM_DESC(kft_memory, kft_memories, name);

/* What it cannot reach as a whole it does not reach at all. */
static void kft_no_memory(struct kunit *test)
{
	const struct kft_memory *row = test->param_value;
	struct kft_iommu *kft = kft_iommu(test, row->blocks);
	LIST_HEAD(failed);
	LIST_HEAD(bufs);

	kft_take(kft, BIT(0) | BIT(1), &bufs);
	kft->left = row->left;
	kvmflip_iommu_grant(&kft->iommu, &bufs, &failed, &kft->delta);
	kft_reaches(test, kft, row->granted);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&bufs), hweight_long(row->granted));
	KUNIT_EXPECT_EQ(test, list_count_nodes(&failed), 2 - hweight_long(row->granted));
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_GRANTS], hweight_long(row->granted));
	kft_give(kft, &bufs);
	kft_give(kft, &failed);
}

/* Whatever it had, it has nothing but scrap, at each of its addresses. */
static void kft_detach(struct kunit *test)
{
	const struct kft_way *way = test->param_value;
	struct kft_iommu *kft = kft_iommu(test, way->blocks);
	const struct kvmflip_pool *pool = kft->iommu.pool;
	phys_addr_t scrap = page_to_phys(pool->scrap);
	u32 i, wrong = 0;
	LIST_HEAD(failed);
	LIST_HEAD(bufs);

	kft_take(kft, BIT(1), &bufs);
	kvmflip_iommu_grant(&kft->iommu, &bufs, &failed, &kft->delta);
	kvmflip_iommu_detach(&kft->iommu);
	kft_give(kft, &bufs);
	for (i = 0; i < pool->nr_pages; i++) {
		wrong += kft->phys[KFT_PAGES_AT + i] != scrap;
		if (way->blocks)
			wrong += kft->phys[KFT_BLOCKS_AT + i] !=
				 scrap + (i % KFT_PAGES << PAGE_SHIFT);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
	KUNIT_EXPECT_GT(test, kft->syncs, 0);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_grants, kft_way_gen_params),
	KUNIT_CASE_PARAM(kft_no_memory, kft_memory_gen_params),
	KUNIT_CASE_PARAM(kft_detach, kft_way_gen_params),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_iommu",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
