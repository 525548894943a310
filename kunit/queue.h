/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip tests: a queue without a NIC, and the guests at its other end. */
#ifndef _KVMFLIP_KUNIT_QUEUE_H
#define _KVMFLIP_KUNIT_QUEUE_H

#include "../src/host/deliver.h"
#include "../src/host/iommu.h"
#include "fixture.h"

/* A byte tells in its high bits whose it is, and in the others of which frame. */
#define KVMFLIP_TEST_CLASS	0xe0
#define KVMFLIP_TEST_SEQ	0x1f
#define KVMFLIP_TEST_TAG(n)	(((n) + 1) << 5)
#define KVMFLIP_TEST_STALE	KVMFLIP_TEST_TAG(6)

/**
 * struct kvmflip_test_queue - a queue under test
 * @pool: where its buffers come from
 * @tally: its frames that wait
 * @delivery: what it delivers from
 * @delta: its counters
 * @iommu: what its device may reach
 * @domain: of that device, which does not exist
 * @synced: called when the device's access to buffers has ended, or NULL
 * @arg: for @synced
 * @no_memory: the device's access to nothing can be granted
 * @dev: its network device, or NULL as long as no frame is for the host
 * @full: buffers with no chunk left
 * @again: buffers that nobody got
 * @free: what replaces the others
 * @seq: frames that came
 */
struct kvmflip_test_queue {
	struct kvmflip_pool *pool;
	struct kvmflip_tally tally;
	struct kvmflip_delivery delivery;
	struct kvmflip_delta delta;
	struct kvmflip_iommu iommu;
	struct iommu_domain domain;
	void (*synced)(struct kvmflip_test_queue *queue);
	void *arg;
	bool no_memory;
	struct net_device *dev;
	struct list_head full;
	struct list_head again;
	struct list_head free;
	u32 seq;
};

/**
 * struct kvmflip_test_rx - a descriptor that a guest got
 * @slot: slot or bounce slot
 * @offset: of the frame in it
 * @len: of the frame
 * @flags: KVMFLIP_RX_*
 * @bytes: the frame
 */
struct kvmflip_test_rx {
	u32 slot;
	u32 offset;
	u32 len;
	u32 flags;
	const u8 *bytes;
};

struct kvmflip_test_queue *kvmflip_test_queue(struct kunit *test, struct kvmflip_pool *pool);
void kvmflip_test_prepare(struct kvmflip_test_queue *queue, struct kvmflip_buffer *buf);
struct kvmflip_buffer *kvmflip_test_post(struct kunit *test, struct kvmflip_test_queue *queue);
void kvmflip_test_repost(struct kvmflip_test_queue *queue);
u32 kvmflip_test_chunk(const struct kvmflip_test_queue *queue, const struct kvmflip_buffer *buf,
		       u32 n);
u8 *kvmflip_test_chunk_bytes(const struct kvmflip_test_queue *queue, u32 chunk);
void kvmflip_test_complete(struct kvmflip_test_queue *queue, u32 chunk);
void kvmflip_test_frame(struct kvmflip_test_queue *queue, u32 chunk,
			const struct kvmflip_meta *meta, u8 byte, u32 offset, u32 len);
struct kvmflip_meta kvmflip_test_meta(const struct kvmflip_port *port);
u8 kvmflip_test_arrive(struct kvmflip_test_queue *queue, u32 chunk,
		       const struct kvmflip_port *port, u8 tag, u32 offset, u32 len);
void kvmflip_test_deliver(struct kvmflip_test_queue *queue);
bool kvmflip_test_receive(struct kvmflip_port *port, struct kvmflip_test_rx *rx);
void kvmflip_test_sums(struct kunit *test, const u64 *v);

#endif /* _KVMFLIP_KUNIT_QUEUE_H */
