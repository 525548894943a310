// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: queues that are dedicated to one port. */

#include <kunit/resource.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/time64.h>

#include "../src/host/reclaim.h"
#include "../src/host/rxq.h"
#include "../src/host/serve.h"
#include "../src/host/steer.h"
#include "fixture.h"

#define KFT_BUFFERS	64
/* Two chunks in each. */
#define KFT_CHUNK	SZ_2K
#define KFT_TARGET	4
/* What a steered queue needs: what is posted and a batch. */
#define KFT_SLOTS	(KFT_TARGET + KVMFLIP_NOTED / 2)
#define KFT_FILL	1024
#define KFT_OFFSET	256
#define KFT_STALE	0xa5
#define KFT_QUEUE	7

/**
 * struct kft_steer - a queue under test
 * @pool: its pool
 * @port: the port it is dedicated to
 * @rxq: the queue
 * @nic: a device, of which nothing is known
 * @fill: its fill ring, which the test takes chunks from as the NIC would
 * @taken: how many it took
 * @producer: index in @fill
 * @flags: of @fill
 * @delta: counters of the queue
 * @meta_flags: what the program says of a frame
 * @ended: the queue was detached
 */
struct kft_steer {
	struct kvmflip_pool *pool;
	struct kvmflip_port *port;
	struct kvmflip_rxq *rxq;
	struct kvmflip_nic nic;
	u64 fill[KFT_FILL];
	u32 taken;
	u32 producer;
	u32 flags;
	struct kvmflip_delta delta;
	u32 meta_flags;
	bool ended;
};

static void kft_end(void *data)
{
	struct kft_steer *kft = data;

	if (!kft->ended)
		kvmflip_lease_end(&kft->rxq->steer->lease);
	kft->ended = true;
	kvmflip_serve_drain(kft->rxq);
	mutex_lock(&kvmflip_lock);
	kvmflip_steer_destroy(kft->rxq);
	mutex_unlock(&kvmflip_lock);
}

static struct kft_steer *kft_new(struct kunit *test, u32 slots)
{
	struct kft_steer *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->rxq = kunit_kzalloc(test, sizeof(*kft->rxq), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kft->rxq);
	kft->pool = kvmflip_test_pool_chunks(test, "kunit", KFT_BUFFERS, PAGE_SIZE, KFT_CHUNK);
	kft->port = kvmflip_test_port_running(test, "kunit-a", kft->pool, slots);
	kft->nic.active = 1;
	kft->rxq->nic = &kft->nic;
	kft->rxq->pool = kft->pool;
	kft->rxq->mode = KVMFLIP_MODE_STEERED;
	kft->rxq->id = KFT_QUEUE;
	kft->rxq->target = KFT_TARGET;
	INIT_LIST_HEAD(&kft->rxq->full);
	kft->rxq->delivery.delta = &kft->delta;
	kft->rxq->xsk.fill.desc = kft->fill;
	kft->rxq->xsk.fill.nr = KFT_FILL;
	kft->rxq->xsk.fill.producer = &kft->producer;
	kft->rxq->xsk.fill.flags = &kft->flags;
	kvmflip_stats_init(&kft->rxq->stats);
	return kft;
}

static int kft_init(struct kft_steer *kft, const char *port)
{
	struct netlink_ext_ack extack = {};
	int err;

	mutex_lock(&kvmflip_lock);
	err = kvmflip_steer_init(kft->rxq, port, &extack);
	mutex_unlock(&kvmflip_lock);
	return err;
}

static struct kft_steer *kft_steer(struct kunit *test)
{
	struct kft_steer *kft = kft_new(test, KFT_SLOTS);

	KUNIT_ASSERT_EQ(test, kft_init(kft, "kunit-a"), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_end, kft), 0);
	kvmflip_steer_start(kft->rxq);
	return kft;
}

/* The next chunk that the NIC would use. */
static u32 kft_chunk(struct kunit *test, struct kft_steer *kft)
{
	KUNIT_ASSERT_NE(test, kft->taken, kft->producer);
	return kft->fill[kft->taken++ % KFT_FILL] / KFT_CHUNK;
}

static u8 *kft_bytes(const struct kft_steer *kft, u32 chunk)
{
	return kvmflip_pool_address(kft->pool, chunk);
}

static struct kvmflip_buffer *kft_buffer(const struct kft_steer *kft, u32 chunk)
{
	return kvmflip_buffer_of(&kft->pool->table, chunk);
}

/* The NIC writes a frame with this metadata to the next chunk. Returns that. */
static u32 kft_write(struct kunit *test, struct kft_steer *kft, u32 port, u32 gen, u32 len)
{
	u32 chunk = kft_chunk(test, kft);
	struct xdp_desc desc = { .addr = (u64)chunk * KFT_CHUNK + KFT_OFFSET, .len = len };
	struct kvmflip_meta *meta;
	LIST_HEAD(full);

	memset(kft_bytes(kft, chunk), KFT_STALE, KFT_CHUNK);
	meta = (void *)(kft_bytes(kft, chunk) + KFT_OFFSET - sizeof(*meta));
	*meta = (struct kvmflip_meta) {
		.magic = KVMFLIP_META_MAGIC,
		.port = port,
		.gen = gen,
		.flags = kft->meta_flags,
	};
	kf_complete(kft->rxq, &desc, 1, &full);
	KUNIT_EXPECT_TRUE(test, list_empty(&full));
	return chunk;
}

/* A frame of the port. */
static u32 kft_own(struct kunit *test, struct kft_steer *kft, u32 len)
{
	return kft_write(test, kft, kft->port->id, kft->port->gen, len);
}

/* A frame of a port of another queue. */
static u32 kft_foreign(struct kunit *test, struct kft_steer *kft)
{
	return kft_write(test, kft, kft->port->id + 1, kft->port->gen, 100);
}

static u64 kft_serve(struct kft_steer *kft)
{
	return kvmflip_steer_serve(kft->rxq, &kft->delta);
}

static u64 kft_queue(const struct kft_steer *kft, unsigned int counter)
{
	return kft->delta.v[counter];
}

static u64 kft_port(const struct kft_steer *kft, unsigned int counter)
{
	return kft->port->stats.v[counter];
}

static void kft_expect_desc(struct kunit *test, const struct kft_steer *kft, u32 index, u32 slot,
			    u32 offset, u32 len, u32 flags)
{
	const struct kvmflip_host_ring *rx = &kft->port->rx;
	const struct kvmflip_rx_desc *desc = rx->entries;

	desc += index & (rx->nr - 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->slot), slot);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->offset), offset);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->len), len);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->flags), flags);
}

static u32 kft_prod(const struct kft_steer *kft)
{
	return le32_to_cpu(kft->port->rx.shared->prod);
}

/* The guest has seen all there is. */
static void kft_consume(struct kft_steer *kft)
{
	kft->port->rx.shared->cons = kft->port->rx.shared->prod;
}

static void kft_return(struct kft_steer *kft, u32 slot)
{
	struct kvmflip_host_ring *ret = &kft->port->ret;
	u32 prod = le32_to_cpu(ret->shared->prod);
	__le32 *entry = ret->entries;

	entry[prod & (ret->nr - 1)] = cpu_to_le32(slot);
	ret->shared->prod = cpu_to_le32(prod + 1);
	kvmflip_port_doorbell(kft->port);
	flush_work(&kft->port->return_work);
}

/* Frames of the port in both chunks of a buffer: the guest's to return. */
static struct kvmflip_buffer *kft_given(struct kunit *test, struct kft_steer *kft)
{
	u32 chunk = kft_own(test, kft, 100);

	KUNIT_ASSERT_EQ(test, kft_own(test, kft, 100), chunk + 1);
	kft_serve(kft);
	KUNIT_ASSERT_EQ(test, kft_buffer(kft, chunk)->told, KVMFLIP_TOLD_LAST);
	return kft_buffer(kft, chunk);
}

static void kft_states(struct kunit *test, const struct kft_steer *kft, u32 posted, u32 steered,
		       u32 mapped)
{
	struct kvmflip_buffers *table = &kft->pool->table;

	kvmflip_test_states(test, table);
	KUNIT_EXPECT_EQ(test, table->count[KVMFLIP_POSTED], posted);
	KUNIT_EXPECT_EQ(test, table->count[KVMFLIP_STEERED], steered);
	KUNIT_EXPECT_EQ(test, table->count[KVMFLIP_MAPPED], mapped);
	KUNIT_EXPECT_EQ(test, table->illegal, 0);
	KUNIT_EXPECT_EQ(test, kft->port->share.held, steered + mapped);
	KUNIT_EXPECT_EQ(test, kft->port->window.mapped, steered + mapped);
}

/* A frame is named at once, and the buffer goes round without a toll. */
static void kft_round(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	u32 chunk = kft_own(test, kft, 100), slot = kft_buffer(kft, chunk)->slot, i;
	struct kvmflip_buffer *buf = kft_buffer(kft, chunk);
	u64 flips;

	kft_states(test, kft, 0, KFT_TARGET, 0);
	KUNIT_EXPECT_EQ(test, kft_serve(kft), U64_MAX);
	KUNIT_EXPECT_EQ(test, kft_prod(kft), 1);
	kft_expect_desc(test, kft, 0, slot, KFT_OFFSET, 100, 0);
	/* What drivers and the XDP program have noted is gone, the frame is there. */
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk) + KFT_OFFSET - 64, 0, 64));
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk) + KFT_OFFSET, KFT_STALE, 100));
	/* Another is ready to be posted instead of it. */
	kft_states(test, kft, 0, KFT_TARGET + 1, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);

	KUNIT_EXPECT_EQ(test, kft_own(test, kft, 1500), chunk + 1);
	kft_serve(kft);
	kft_expect_desc(test, kft, 1, slot, KFT_CHUNK + KFT_OFFSET, 1500, KVMFLIP_RX_LAST);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_STEERED);
	KUNIT_EXPECT_EQ(test, buf->told, KVMFLIP_TOLD_NOTHING);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);

	flips = kft_port(kft, KVMFLIP_A_STATS_FLIPS);
	KUNIT_EXPECT_EQ(test, flips, KFT_TARGET + 1);
	for (i = 0; i < 100; i++) {
		buf = kft_given(test, kft);
		kft_consume(kft);
		kft_return(kft, buf->slot);
	}
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_FLIPPED), 202);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 101);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_FLIPS), flips);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_UNMAP_CALLS), 0);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BYTES_ZEROED), 0);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 0);
	kft_states(test, kft, 0, KFT_TARGET + 1, 0);
}

static bool kft_soft(struct kft_steer *kft)
{
	bool soft;

	local_bh_disable();
	soft = kvmflip_steer_soft(kft->rxq, &kft->delta);
	local_bh_enable();
	return soft;
}

/* In softirq frames are named for which nothing else has to be done, or none are. */
static void kft_softirq(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	struct kvmflip_buffer *buf;

	KUNIT_EXPECT_TRUE(test, kft_soft(kft));
	buf = kft_buffer(kft, kft_own(test, kft, 100));
	/* There is none to be posted in its place. */
	KUNIT_EXPECT_FALSE(test, kft_soft(kft));
	KUNIT_EXPECT_EQ(test, kft_prod(kft), 0);
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_prod(kft), 1);
	/* It is the last of its buffer. */
	kft_own(test, kft, 100);
	KUNIT_EXPECT_FALSE(test, kft_soft(kft));
	kft_serve(kft);
	kft_return(kft, buf->slot);

	/* Now there is one. */
	buf = kft_buffer(kft, kft_own(test, kft, 1000));
	kvmflip_port_lock(kft->port);
	KUNIT_EXPECT_FALSE(test, kft_soft(kft));
	kvmflip_port_unlock(kft->port);
	KUNIT_EXPECT_TRUE(test, kft_soft(kft));
	KUNIT_EXPECT_EQ(test, kft_prod(kft), 3);
	kft_expect_desc(test, kft, 2, buf->slot, KFT_OFFSET, 1000, 0);
	KUNIT_EXPECT_EQ(test, buf->told, KVMFLIP_TOLD_FRAMES);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 3);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_FLIPPED), 3);
	kft_own(test, kft, 100);
	kft_serve(kft);

	kft_write(test, kft, kft->port->id, kft->port->gen - 1, 100);
	KUNIT_EXPECT_FALSE(test, kft_soft(kft));
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_prod(kft), 4);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_DROPPED_NO_PORT), 1);
}

/**
 * struct kft_other - a frame that is not to reach the guest
 * @name: of the case
 * @port: what is added to the port's id
 * @gen: what is added to its generation
 * @len: of the frame; longer than a chunk: an invalid completion
 * @verdict: counter
 */
struct kft_other {
	const char *name;
	u32 port;
	u32 gen;
	u32 len;
	unsigned int verdict;
};

static const struct kft_other kft_others[] = {
	{ "another port", 1, 0, 100, KVMFLIP_A_STATS_DROPPED_FOREIGN },
	{ "older generation", 0, -1, 100, KVMFLIP_A_STATS_DROPPED_NO_PORT },
	{ "invalid", 0, 0, KFT_CHUNK, KVMFLIP_A_STATS_DROPPED_INVALID },
	{ "empty", 0, 0, 0, KVMFLIP_A_STATS_DROPPED_INVALID },
};

KUNIT_ARRAY_PARAM_DESC(kft_other, kft_others, name);

static u32 kft_write_other(struct kunit *test, struct kft_steer *kft)
{
	const struct kft_other *other = test->param_value;

	return kft_write(test, kft, kft->port->id + other->port, kft->port->gen + other->gen,
			 other->len);
}

/* It comes last: the guest is told that there are no more. */
static void kft_other_last(struct kunit *test)
{
	const struct kft_other *other = test->param_value;
	struct kft_steer *kft = kft_steer(test);
	u32 chunk, slot;

	chunk = kft_own(test, kft, 100);
	slot = kft_buffer(kft, chunk)->slot;
	KUNIT_EXPECT_EQ(test, kft_write_other(test, kft), chunk + 1);
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_prod(kft), 2);
	kft_expect_desc(test, kft, 0, slot, KFT_OFFSET, 100, 0);
	kft_expect_desc(test, kft, 1, slot, 0, 0, KVMFLIP_RX_LAST);
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk + 1), 0, KFT_CHUNK));
	KUNIT_EXPECT_EQ(test, kft_queue(kft, other->verdict), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECEIVED), 2);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RECEIVED), 1);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BYTES_ZEROED), KFT_CHUNK);
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);
}

/* It comes first: the frame behind it carries the flag. */
static void kft_other_first(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	u32 chunk = kft_write_other(test, kft);

	KUNIT_EXPECT_EQ(test, kft_own(test, kft, 100), chunk + 1);
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_prod(kft), 1);
	kft_expect_desc(test, kft, 0, kft_buffer(kft, chunk)->slot, KFT_CHUNK + KFT_OFFSET, 100,
			KVMFLIP_RX_LAST);
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk), 0, KFT_CHUNK));
}

/* Nothing else comes: the guest is not told, and the buffer posted again. */
static void kft_other_only(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	u32 chunk = kft_write_other(test, kft);
	struct kvmflip_buffer *buf = kft_buffer(kft, chunk);

	KUNIT_EXPECT_EQ(test, kft_write_other(test, kft), chunk + 1);
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_prod(kft), 0);
	KUNIT_EXPECT_EQ(test, buf->left, 2);
	KUNIT_EXPECT_PTR_EQ(test, kft->port->window.slot[buf->slot], buf);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECYCLED), 1);
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk), 0, 2 * KFT_CHUNK));
	kft_states(test, kft, 0, KFT_TARGET, 0);
}

static void kft_bad_returns(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	u32 chunk, slot;

	chunk = kft_own(test, kft, 100);
	slot = kft_buffer(kft, chunk)->slot;
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 1, "posted");
	kft_serve(kft);
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 2, "before LAST");
	kft_own(test, kft, 100);
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 3, "not served");
	kft_serve(kft);
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 4, "twice");
	kft_return(kft, KFT_SLOTS - 1);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 5, "empty");
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);
	kft_states(test, kft, 0, KFT_TARGET + 1, 0);
}

/* There is no space in the ring: frames are lost, but not the flag. */
static void kft_ring_full(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	struct kvmflip_host_ring *rx = &kft->port->rx;
	u32 chunk, slot, prod;

	chunk = kft_own(test, kft, 100);
	slot = kft_buffer(kft, chunk)->slot;
	kft_serve(kft);
	while (kvmflip_ring_space(rx) > KFT_SLOTS)
		kvmflip_rx_put(rx, 0, 0, 0, 0);
	kvmflip_ring_publish(rx);
	prod = kft_prod(kft);

	kft_own(test, kft, 100);
	KUNIT_EXPECT_EQ(test, kft_serve(kft), NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, kft_prod(kft), prod);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_DROPPED_RING_FULL), 1);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 1);

	kft_consume(kft);
	KUNIT_EXPECT_EQ(test, kft_serve(kft), U64_MAX);
	KUNIT_EXPECT_EQ(test, kft_prod(kft), prod + 1);
	kft_expect_desc(test, kft, prod, slot, 0, 0, KVMFLIP_RX_LAST);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);
	kft_states(test, kft, 0, KFT_TARGET + 1, 0);
}

/* A guest that returns nothing gets all it may have, and then copies. */
static void kft_quota(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	u32 i, chunk, prod;

	for (i = KFT_TARGET; i < KFT_SLOTS; i++)
		kft_given(test, kft);
	kft_states(test, kft, 0, KFT_SLOTS, 0);
	prod = kft_prod(kft);
	chunk = kft_own(test, kft, 100);
	kft_foreign(test, kft);
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_COPIED_QUOTA), 1);
	kft_expect_desc(test, kft, prod, KFT_SLOTS, 0, 100, 0);
	KUNIT_EXPECT_EQ(test, kft_buffer(kft, chunk)->left, 2);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
	kft_states(test, kft, 0, KFT_SLOTS, 0);
}

/* A buffer of each kind: idle, begun, given, and those that are posted. */
static struct kvmflip_buffer *kft_all_kinds(struct kunit *test, struct kft_steer *kft)
{
	struct kvmflip_buffer *buf = kft_given(test, kft);

	kft_given(test, kft);
	kft_return(kft, buf->slot);
	kft_given(test, kft);
	kft_own(test, kft, 100);
	kft_serve(kft);
	return buf;
}

/* All buffers leave the guest; what the NIC has comes home by and by. */
static void kft_reset(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	struct kvmflip_buffer *buf;
	u32 i, chunk;
	u8 *bytes;

	kft_all_kinds(test, kft);
	kvmflip_port_reset(kft->port);
	kft_states(test, kft, KFT_TARGET, 0, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->steer->lease.nr_idle, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->steer->lease.promised, 0);
	KUNIT_EXPECT_EQ(test, kft->port->leased, 0);

	/* The rest of the buffer that the guest knew of, and one that it did not. */
	for (i = 0; i < 3; i++)
		kft_own(test, kft, 100);
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_DROPPED_CLOSED), 3);
	kft_states(test, kft, KFT_TARGET, 0, 0);

	/* The guest is back: what the NIC has is copied, and replaced. */
	kvmflip_port_start(kft->port);
	for (i = 0; i < 2 * KFT_TARGET; i++) {
		chunk = kft_own(test, kft, 100);
		kft_serve(kft);
		KUNIT_EXPECT_NE(test, kft_buffer(kft, chunk)->dirty, kft->port->tenant);
	}
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_COPIED_MODE), 2 * KFT_TARGET);
	kft_states(test, kft, 0, KFT_TARGET, 0);
	/* Nothing of what the NIC wrote meanwhile is in what the guest sees. */
	for (i = 0; i < KFT_SLOTS; i++) {
		buf = kft->port->window.slot[i];
		if (!buf)
			continue;
		bytes = kvmflip_test_bytes(kft->pool, buf);
		KUNIT_EXPECT_NULL(test, memchr_inv(bytes, 0, PAGE_SIZE));
	}
	kft_given(test, kft);
}

/* The queue goes: the guest keeps what it was given, and no more. */
static void kft_detach(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	u32 prod, slot;

	kft_all_kinds(test, kft);
	slot = kft->pool->table.buf[0].slot;
	prod = kft_prod(kft);
	kvmflip_lease_end(&kft->rxq->steer->lease);
	kft->ended = true;
	kft_states(test, kft, KFT_TARGET, 0, 2);
	/* It is told of the one that it knew of. */
	KUNIT_EXPECT_EQ(test, kft_prod(kft), prod + 1);
	KUNIT_EXPECT_EQ(test, kft->port->rx.prod, prod + 1);
	KUNIT_EXPECT_EQ(test, bitmap_weight(kft->port->window.revoked, KFT_SLOTS), 1);
	slot = find_first_bit(kft->port->window.revoked, KFT_SLOTS);
	kft_expect_desc(test, kft, prod, slot, 0, 0, KVMFLIP_RX_REVOKED);
	kft_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 0);

	kvmflip_serve_drain(kft->rxq);
	kft_states(test, kft, 0, 0, 2);
	for (slot = 0; slot < KFT_SLOTS; slot++)
		if (kft->port->window.slot[slot])
			kft_return(kft, slot);
	kft_states(test, kft, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, kft->pool->nr_free, KFT_BUFFERS);
}

static void kft_reclaim(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	struct kvmflip_buffer *given;
	int err;

	given = kft_given(test, kft);
	kft_all_kinds(test, kft);
	mutex_lock(&kvmflip_lock);
	err = kvmflip_reclaim(kft->port, U64_MAX & PAGE_MASK, NULL);
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, err, 0);
	/* Only what the guest can return is asked for. */
	KUNIT_EXPECT_EQ(test, kft->port->owed, 3);
	KUNIT_EXPECT_EQ(test, kft->port->window.mapped - kft->port->leased, 3);
	kft_return(kft, given->slot);
	KUNIT_EXPECT_EQ(test, given->state, KVMFLIP_FREE);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 2);
	/* And by force. */
	mod_delayed_work(system_wq, &kft->port->reclaim_work, 0);
	flush_delayed_work(&kft->port->reclaim_work);
	KUNIT_EXPECT_EQ(test, kft->port->owed, 0);
	KUNIT_EXPECT_EQ(test, kft->port->window.mapped, kft->port->leased);
	kft_states(test, kft, 0, kft->port->leased, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
}

/* The guest touches a slot in the moment before the buffer is there. */
static void kft_slot_touched(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	struct kvmflip_window *window = &kft->port->window;

	__set_bit(KFT_TARGET, window->sunk);
	kft_own(test, kft, 100);
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_COPIED_QUOTA), 1);
	KUNIT_EXPECT_NULL(test, window->slot[KFT_TARGET]);
	kft_states(test, kft, 0, KFT_TARGET, 0);
	KUNIT_EXPECT_EQ(test, kft->port->leased, KFT_TARGET);
	KUNIT_EXPECT_EQ(test, kft->rxq->steer->lease.nr_idle, 0);
	/* The next one is another. */
	kft_own(test, kft, 100);
	kft_serve(kft);
	KUNIT_EXPECT_NOT_NULL(test, window->slot[KFT_TARGET + 1]);
	kft_states(test, kft, 0, KFT_TARGET + 1, 0);
	__clear_bit(KFT_TARGET, window->sunk);
	__clear_bit(KFT_TARGET, window->busy);
}

/* Nobody is running: everything is posted, and in no window. */
static void kft_no_guest(struct kunit *test)
{
	struct kft_steer *kft = kft_new(test, KFT_SLOTS);

	kvmflip_port_reset(kft->port);
	KUNIT_ASSERT_EQ(test, kft_init(kft, "kunit-a"), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_end, kft), 0);
	kvmflip_steer_start(kft->rxq);
	kft_states(test, kft, KFT_TARGET, 0, 0);
	kft_own(test, kft, 100);
	kft_own(test, kft, 100);
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_DROPPED_CLOSED), 2);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECYCLED), 1);
	kft_states(test, kft, KFT_TARGET, 0, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
}

static void kft_refused(struct kunit *test)
{
	struct kft_steer *kft = kft_new(test, KFT_SLOTS - 1);
	struct kvmflip_pool *other = kvmflip_test_pool(test, "kunit-other", KFT_BUFFERS);

	kvmflip_test_port(test, "kunit-b", other, KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, kft_init(kft, "kunit-x"), -ENOENT);
	KUNIT_EXPECT_EQ(test, kft_init(kft, "kunit-b"), -EINVAL);
	KUNIT_EXPECT_EQ(test, kft_init(kft, "kunit-a"), -ERANGE);
	KUNIT_EXPECT_NULL(test, kft->rxq->steer);
	KUNIT_EXPECT_EQ(test, kft->port->dedicated, 0);
	KUNIT_EXPECT_EQ(test, kref_read(&kft->port->ref), 1);
}

/* The guest sees a buffer before a frame is in it, but nothing that others had there. */
static void kft_scrubbed(struct kunit *test)
{
	struct kft_steer *kft = kft_new(test, KFT_SLOTS);
	struct kvmflip_buffer *buf;
	u32 i, seen = 0;

	for (i = 0; i < KFT_BUFFERS; i++) {
		buf = &kft->pool->table.buf[i];
		memset(kvmflip_test_bytes(kft->pool, buf), KFT_STALE, PAGE_SIZE);
		buf->dirty = i % 2 ? KVMFLIP_DIRTY : kft->port->tenant + 1;
	}
	KUNIT_ASSERT_EQ(test, kft_init(kft, "kunit-a"), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_end, kft), 0);
	kvmflip_steer_start(kft->rxq);
	for (i = 0; i < KFT_SLOTS; i++) {
		buf = kft->port->window.slot[i];
		if (!buf)
			continue;
		seen++;
		KUNIT_EXPECT_EQ(test, buf->dirty, kft->port->tenant);
		KUNIT_EXPECT_NULL(test, memchr_inv(kvmflip_test_bytes(kft->pool, buf), 0,
						   PAGE_SIZE));
	}
	KUNIT_EXPECT_GE(test, seen, KFT_TARGET);
}

/* What the program knows of checksums the guest learns, if it asked for it. */
static void kft_checksums(struct kunit *test)
{
	struct kft_steer *kft = kft_steer(test);
	u32 i, chunk;

	for (i = 0; i < 4; i++) {
		kft->meta_flags = i & 1 ? KVMFLIP_META_CSUM_VALID : 0;
		chunk = kft_own(test, kft, 100);
		kft->port->features = i & 2 ? KVMFLIP_F_RX_CSUM : ~KVMFLIP_F_RX_CSUM;
		kft_serve(kft);
		kft_expect_desc(test, kft, i, kft_buffer(kft, chunk)->slot,
				i & 1 ? KFT_CHUNK + KFT_OFFSET : KFT_OFFSET, 100,
				(i & 1 ? KVMFLIP_RX_LAST : 0) |
				(i == 3 ? KVMFLIP_RX_CSUM_VALID : 0));
	}
	kft->meta_flags = KVMFLIP_META_CSUM_VALID << 1;
	kft_own(test, kft, 100);
	kft_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_DROPPED_NO_META), 1);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_round),
	KUNIT_CASE(kft_softirq),
	KUNIT_CASE_PARAM(kft_other_last, kft_other_gen_params),
	KUNIT_CASE_PARAM(kft_other_first, kft_other_gen_params),
	KUNIT_CASE_PARAM(kft_other_only, kft_other_gen_params),
	KUNIT_CASE(kft_bad_returns),
	KUNIT_CASE(kft_ring_full),
	KUNIT_CASE(kft_quota),
	KUNIT_CASE(kft_reset),
	KUNIT_CASE(kft_detach),
	KUNIT_CASE(kft_reclaim),
	KUNIT_CASE(kft_slot_touched),
	KUNIT_CASE(kft_no_guest),
	KUNIT_CASE(kft_refused),
	KUNIT_CASE(kft_scrubbed),
	KUNIT_CASE(kft_checksums),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_steer",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
