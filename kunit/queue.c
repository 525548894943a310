// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: a queue without a NIC, and the guests at its other end. */

#include <kunit/resource.h>
#include <linux/dma-mapping.h>

#include "queue.h"

static size_t kft_unmap_pages(struct iommu_domain *domain, unsigned long iova, size_t size,
			      size_t n, struct iommu_iotlb_gather *gather)
{
	iommu_iotlb_gather_add_range(gather, iova, size * n);
	return size * n;
}

static int kft_map_pages(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys,
			 size_t size, size_t n, int prot, gfp_t gfp, size_t *mapped)
{
	struct kvmflip_test_queue *queue = container_of(domain, struct kvmflip_test_queue, domain);

	if (queue->no_memory)
		return -ENOMEM;
	*mapped = size * n;
	return 0;
}

static void kft_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	struct kvmflip_test_queue *queue = container_of(domain, struct kvmflip_test_queue, domain);

	if (queue->synced)
		queue->synced(queue);
}

static const struct iommu_domain_ops kft_domain_ops = {
	.map_pages = kft_map_pages,
	.unmap_pages = kft_unmap_pages,
	.iotlb_sync = kft_iotlb_sync,
};

static void kft_queue_stop(void *data)
{
	struct kvmflip_test_queue *queue = data;

	kvmflip_deliver_all(&queue->delivery);
	kvmflip_tally_destroy(&queue->tally);
}

/**
 * kvmflip_test_queue - make a queue
 * @test: at the end of which it is stopped
 * @pool: where its buffers come from
 *
 * Return: queue that has posted nothing, of a device with an IOMMU.
 */
struct kvmflip_test_queue *kvmflip_test_queue(struct kunit *test, struct kvmflip_pool *pool)
{
	struct kvmflip_test_queue *queue = kunit_kzalloc(test, sizeof(*queue), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, queue);
	queue->pool = pool;
	INIT_LIST_HEAD(&queue->full);
	INIT_LIST_HEAD(&queue->again);
	INIT_LIST_HEAD(&queue->free);
	queue->domain.type = IOMMU_DOMAIN_UNMANAGED;
	queue->domain.ops = &kft_domain_ops;
	queue->domain.pgsize_bitmap = PAGE_SIZE;
	queue->iommu.pool = pool;
	queue->iommu.domain = &queue->domain;
	queue->iommu.iova = kunit_kcalloc(test, pool->nr_pages, sizeof(dma_addr_t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, queue->iommu.iova);
	for (i = 0; i < pool->nr_pages; i++)
		queue->iommu.iova[i] = (u64)i << PAGE_SHIFT;
	KUNIT_ASSERT_EQ(test, kvmflip_tally_init(&queue->tally, pool->table.nr,
						 1U << pool->table.chunk_order), 0);
	queue->delivery.pool = pool;
	queue->delivery.iommu = &queue->iommu;
	queue->delivery.tally = &queue->tally;
	queue->delivery.delta = &queue->delta;
	queue->delivery.now = 1;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_queue_stop, queue), 0);
	return queue;
}

/**
 * kvmflip_test_prepare - the chunks of a buffer are the device's
 * @queue: queue
 * @buf: KVMFLIP_POSTED buffer
 */
void kvmflip_test_prepare(struct kvmflip_test_queue *queue, struct kvmflip_buffer *buf)
{
	struct kvmflip_buffers *table = &queue->pool->table;
	u32 i;

	buf->left = 1U << table->chunk_order;
	for (i = 0; i < 1U << table->chunk_order; i++)
		table->chunk[kvmflip_test_chunk(queue, buf, i)].waiter = KVMFLIP_NO_WAITER;
}

/**
 * kvmflip_test_post - give the device a buffer
 * @test: test
 * @queue: queue
 *
 * Return: buffer.
 */
struct kvmflip_buffer *kvmflip_test_post(struct kunit *test, struct kvmflip_test_queue *queue)
{
	struct kvmflip_buffer *buf = kvmflip_test_buffer(test, queue->pool, KVMFLIP_POSTED);

	kvmflip_test_prepare(queue, buf);
	return buf;
}

/**
 * kvmflip_test_repost - give the device what a delivery left
 * @queue: queue
 */
void kvmflip_test_repost(struct kvmflip_test_queue *queue)
{
	struct kvmflip_buffer *buf, *next;

	kvmflip_pool_move(queue->pool, &queue->free, KVMFLIP_FREE, KVMFLIP_POSTED);
	list_splice_tail_init(&queue->free, &queue->again);
	list_for_each_entry_safe(buf, next, &queue->again, list) {
		list_del_init(&buf->list);
		kvmflip_test_prepare(queue, buf);
	}
}

/**
 * kvmflip_test_chunk - number of a chunk
 * @queue: queue
 * @buf: buffer it is in
 * @n: which of that buffer
 *
 * Return: number in the pool.
 */
u32 kvmflip_test_chunk(const struct kvmflip_test_queue *queue, const struct kvmflip_buffer *buf,
		       u32 n)
{
	const struct kvmflip_buffers *table = &queue->pool->table;

	return (kvmflip_buffer_index(table, buf) << table->chunk_order) + n;
}

/**
 * kvmflip_test_chunk_bytes - what is in a chunk
 * @queue: queue
 * @chunk: number of the chunk in the pool
 *
 * Return: its first byte.
 */
u8 *kvmflip_test_chunk_bytes(const struct kvmflip_test_queue *queue, u32 chunk)
{
	u64 bytes = (u64)chunk << queue->pool->chunk_shift;

	return page_address(queue->pool->pages[bytes >> PAGE_SHIFT]) + offset_in_page(bytes);
}

/**
 * kvmflip_test_complete - the device is done with a chunk
 * @queue: queue
 * @chunk: number of the chunk, which the device had
 */
void kvmflip_test_complete(struct kvmflip_test_queue *queue, u32 chunk)
{
	struct kvmflip_buffer *buf = kvmflip_buffer_of(&queue->pool->table, chunk);

	if (!--buf->left)
		list_add_tail(&buf->list, &queue->full);
}

/**
 * kvmflip_test_frame - a frame arrives, whatever it may be
 * @queue: queue
 * @chunk: number of the chunk it is put into, which the device had
 * @meta: what the XDP program says of it
 * @byte: each of its bytes
 * @offset: where in the chunk it begins
 * @len: its bytes
 */
void kvmflip_test_frame(struct kvmflip_test_queue *queue, u32 chunk,
			const struct kvmflip_meta *meta, u8 byte, u32 offset, u32 len)
{
	struct kvmflip_chunk *c = &queue->pool->table.chunk[chunk];
	u8 *bytes = kvmflip_test_chunk_bytes(queue, chunk);

	memset(bytes + offset, byte, len);
	memcpy(bytes + offset - sizeof(*meta), meta, sizeof(*meta));
	c->offset = offset;
	c->len = len;
	kvmflip_test_complete(queue, chunk);
	queue->delivery.dev = queue->dev;
	kvmflip_deliver_arrival(&queue->delivery, kvmflip_buffer_of(&queue->pool->table, chunk),
				c, chunk, bytes + offset);
}

/**
 * kvmflip_test_meta - what the XDP program says of a frame for a port
 * @port: whose it is
 *
 * Return: metadata.
 */
struct kvmflip_meta kvmflip_test_meta(const struct kvmflip_port *port)
{
	return (struct kvmflip_meta) {
		.magic = KVMFLIP_META_MAGIC,
		.port = port->id,
		.gen = port->gen,
	};
}

/**
 * kvmflip_test_arrive - a frame arrives for a port
 * @queue: queue
 * @chunk: number of the chunk it is put into, which the device had
 * @port: whose it is
 * @tag: high bits of its bytes
 * @offset: where in the chunk it begins
 * @len: its bytes
 *
 * Return: each of its bytes.
 */
u8 kvmflip_test_arrive(struct kvmflip_test_queue *queue, u32 chunk,
		       const struct kvmflip_port *port, u8 tag, u32 offset, u32 len)
{
	struct kvmflip_meta meta = kvmflip_test_meta(port);
	u8 byte = tag | (queue->seq++ & KVMFLIP_TEST_SEQ);

	kvmflip_test_frame(queue, chunk, &meta, byte, offset, len);
	return byte;
}

/**
 * kvmflip_test_deliver - deliver the full buffers
 * @queue: queue
 */
void kvmflip_test_deliver(struct kvmflip_test_queue *queue)
{
	kvmflip_deliver_full(&queue->delivery, &queue->full, &queue->again, &queue->free);
}

/**
 * kvmflip_test_receive - a guest takes a descriptor
 * @port: its port
 * @rx: to fill in; @rx->bytes is NULL if its slot is empty
 *
 * Return: false if there is none.
 */
bool kvmflip_test_receive(struct kvmflip_port *port, struct kvmflip_test_rx *rx)
{
	u32 cons = le32_to_cpu(port->rx.shared->cons);
	const struct kvmflip_rx_desc *desc = port->rx.entries;
	const struct kvmflip_pool *pool = port->pool;
	const struct kvmflip_buffer *buf;

	if (cons == le32_to_cpu(port->rx.shared->prod))
		return false;
	desc += cons & (port->rx.nr - 1);
	rx->slot = le32_to_cpu(desc->slot);
	rx->offset = le32_to_cpu(desc->offset);
	rx->len = le32_to_cpu(desc->len);
	rx->flags = le32_to_cpu(desc->flags);
	rx->bytes = NULL;
	if (rx->slot >= port->window.nr) {
		rx->bytes = port->bounce.mem + rx->offset +
			((size_t)(rx->slot - port->window.nr) << KVMFLIP_BOUNCE_SHIFT);
	} else if (port->window.slot[rx->slot]) {
		buf = port->window.slot[rx->slot];
		rx->bytes = page_address(pool->pages[kvmflip_pool_first_page(pool, buf) +
						     (rx->offset >> PAGE_SHIFT)]) +
			offset_in_page(rx->offset);
	}
	port->rx.shared->cons = cpu_to_le32(cons + 1);
	return true;
}

/**
 * kvmflip_test_sums - check that counters of frames add up
 * @test: test
 * @v: the counters, of a queue or a port
 */
void kvmflip_test_sums(struct kunit *test, const u64 *v)
{
	static const unsigned int copied[] = {
		KVMFLIP_A_STATS_COPIED_HOST, KVMFLIP_A_STATS_COPIED_SMALL,
		KVMFLIP_A_STATS_COPIED_STRAY, KVMFLIP_A_STATS_COPIED_LATENCY,
		KVMFLIP_A_STATS_COPIED_QUOTA, KVMFLIP_A_STATS_COPIED_MODE,
	};
	static const unsigned int dropped[] = {
		KVMFLIP_A_STATS_DROPPED_NO_META, KVMFLIP_A_STATS_DROPPED_NO_PORT,
		KVMFLIP_A_STATS_DROPPED_CLOSED, KVMFLIP_A_STATS_DROPPED_QUOTA,
		KVMFLIP_A_STATS_DROPPED_NO_BOUNCE, KVMFLIP_A_STATS_DROPPED_RING_FULL,
		KVMFLIP_A_STATS_DROPPED_UNPOSTED, KVMFLIP_A_STATS_DROPPED_INVALID,
		KVMFLIP_A_STATS_DROPPED_NO_MEMORY,
	};
	u64 sum = 0, all;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(copied); i++)
		sum += v[copied[i]];
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_COPIED], sum);
	all = sum + v[KVMFLIP_A_STATS_FLIPPED];
	for (i = 0; i < ARRAY_SIZE(dropped); i++)
		all += v[dropped[i]];
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_RECEIVED], all);
}
