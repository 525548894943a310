// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: from a queue to the guest, or the host, that a frame is for. */

#include <kunit/resource.h>
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <linux/sizes.h>

#include "queue.h"

#define KFT_BUFFERS	32
#define KFT_SLOTS	8
#define KFT_TAG		KVMFLIP_TEST_TAG(0)

/**
 * struct kft_deliver - a port of a pool, and a queue
 * @pool: the pool, whose buffers are a chunk each
 * @port: the port, running
 * @queue: the queue
 */
struct kft_deliver {
	struct kvmflip_pool *pool;
	struct kvmflip_port *port;
	struct kvmflip_test_queue *queue;
};

static struct kft_deliver *kft_deliver_of(struct kunit *test, u32 chunk_size)
{
	struct kft_deliver *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->pool = kvmflip_test_pool_chunks(test, "kunit", KFT_BUFFERS, SZ_4K, chunk_size);
	kft->port = kvmflip_test_port_running(test, "kunit-a", kft->pool, KFT_SLOTS);
	kft->queue = kvmflip_test_queue(test, kft->pool);
	return kft;
}

static struct kft_deliver *kft_deliver(struct kunit *test)
{
	return kft_deliver_of(test, SZ_4K);
}

/* A buffer full of somebody's bytes, with the device. */
static struct kvmflip_buffer *kft_buffer(struct kunit *test, struct kft_deliver *kft)
{
	struct kvmflip_buffer *buf = kvmflip_test_post(test, kft->queue);

	memset(kvmflip_test_bytes(kft->pool, buf), KVMFLIP_TEST_STALE, SZ_4K);
	buf->dirty = KVMFLIP_DIRTY;
	return buf;
}

/* A frame for the port in a buffer of its own. */
static struct kvmflip_buffer *kft_arrive(struct kunit *test, struct kft_deliver *kft, u32 offset,
					 u32 len)
{
	struct kvmflip_buffer *buf = kft_buffer(test, kft);

	kvmflip_test_arrive(kft->queue, kvmflip_test_chunk(kft->queue, buf, 0), kft->port,
			    KFT_TAG, offset, len);
	return buf;
}

static u64 kft_queue(const struct kft_deliver *kft, unsigned int counter)
{
	return kft->queue->delta.v[counter];
}

static u64 kft_port(const struct kft_deliver *kft, unsigned int counter)
{
	return kft->port->stats.v[counter];
}

static void kft_sums(struct kunit *test, const struct kft_deliver *kft, u32 received)
{
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECEIVED), received);
	kvmflip_test_sums(test, kft->queue->delta.v);
	kvmflip_test_sums(test, kft->port->stats.v);
	KUNIT_EXPECT_EQ(test, kref_read(&kft->port->ref), 1);
	KUNIT_EXPECT_EQ(test, kft->port->share.held, kft->pool->table.count[KVMFLIP_MAPPED]);
	KUNIT_EXPECT_TRUE(test, list_empty(&kft->queue->full));
	kvmflip_test_states(test, &kft->pool->table);
}

/**
 * struct kft_place - where a frame lies in its buffer
 * @name: of the case
 * @offset: of its first byte
 * @len: bytes
 */
struct kft_place {
	const char *name;
	u32 offset;
	u32 len;
};

static const struct kft_place kft_places[] = {
	{ "smallest", 256, 60 },
	{ "full size", 256, 1514 },
	{ "to the end", 256, 3840 },
	{ "a byte short of the end", 256, 3839 },
	{ "right behind the metadata", 16, 100 },
	{ "right behind the driver's notes", 64, 100 },
	{ "a byte behind the driver's notes", 65, 100 },
	{ "one byte", 1000, 1 },
	{ "the last byte", 4095, 1 },
	{ "all but the metadata", 16, 4080 },
	{ "odd places", 333, 777 },
};

KUNIT_ARRAY_PARAM_DESC(kft_place, kft_places, name);

static void kft_flip(struct kunit *test)
{
	const struct kft_place *place = test->param_value;
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_buffer *buf = kft_arrive(test, kft, place->offset, place->len);
	u8 *bytes = kvmflip_test_bytes(kft->pool, buf);
	u32 notes = min(place->offset, 64);
	struct kvmflip_test_rx rx;

	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port, &rx));
	kvmflip_test_deliver(kft->queue);

	/* The guest finds the frame and not a byte of anything else. */
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes, 0, place->offset));
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes + place->offset, KFT_TAG, place->len));
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes + place->offset + place->len, 0,
					   SZ_4K - place->offset - place->len));

	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_MAPPED);
	KUNIT_EXPECT_PTR_EQ(test, buf->holder, (void *)kft->port);
	KUNIT_EXPECT_EQ(test, buf->slot, 0);
	KUNIT_EXPECT_EQ(test, buf->flip, KVMFLIP_NO_FLIP);
	KUNIT_EXPECT_EQ(test, buf->dirty, kft->port->tenant);
	KUNIT_EXPECT_PTR_EQ(test, kft->port->window.slot[0], buf);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&kft->port->window), 1);
	/* The device gets another one for it. */
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->queue->free), 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&kft->queue->again));

	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, 0);
	KUNIT_EXPECT_EQ(test, rx.offset, place->offset);
	KUNIT_EXPECT_EQ(test, rx.len, place->len);
	KUNIT_EXPECT_EQ(test, rx.flags, KVMFLIP_RX_LAST);
	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port, &rx));

	kft_sums(test, kft, 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECEIVED_BYTES), place->len);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_REVOKES), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_IOTLB_SYNCS), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECYCLED), 0);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RECEIVED_BYTES), place->len);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_FLIPS), 1);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BYTES_COPIED), 0);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BYTES_ZEROED), place->offset - notes);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BYTES_ZEROED_TAIL),
			SZ_4K - place->len - place->offset + notes);
	/* Nobody is at the other end of an interrupt. */
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_INTERRUPTS), 0);
}

/* What there is no more of when a frame comes. */
#define KFT_NO_SLOT	BIT(0)
#define KFT_NO_SPARE	BIT(1)
#define KFT_NO_BOUNCE	BIT(2)
#define KFT_NO_SPACE	BIT(3)
#define KFT_NO_IOMMU	BIT(4)

static void kft_use_up(struct kunit *test, struct kft_deliver *kft, unsigned int what)
{
	struct kvmflip_port *port = kft->port;
	struct kvmflip_bounced where = {};
	LIST_HEAD(bufs);

	if (what & KFT_NO_IOMMU)
		kft->queue->delivery.iommu = NULL;
	if (what & KFT_NO_SPARE)
		kvmflip_pool_take(kft->pool, &bufs, KFT_BUFFERS);
	while (what & KFT_NO_SLOT && kvmflip_window_alloc(&port->window) != KVMFLIP_NO_SLOT)
		;
	kvmflip_port_lock(port);
	while (what & KFT_NO_BOUNCE && kvmflip_bounce_put(&port->bounce, "", 1, &where))
		;
	while (what & KFT_NO_SPACE && kvmflip_port_rx_space(port) > 0)
		kvmflip_rx_put(&port->rx, 0, 0, 0, 0);
	kvmflip_port_unlock(port);
}

static void kft_release_slots(struct kft_deliver *kft)
{
	u32 slots[KFT_SLOTS];
	u32 i, n, empty = 0;

	n = kvmflip_window_used(&kft->port->window, slots, KFT_SLOTS);
	for (i = 0; i < n; i++)
		if (!kft->port->window.slot[slots[i]])
			slots[empty++] = slots[i];
	kvmflip_window_release(&kft->port->window, slots, empty);
}

/**
 * struct kft_copy - a frame that is copied
 * @name: of the case
 * @missing: what there is no more of
 * @copybreak: of the port
 * @len: of the frame
 * @reason: counter
 */
struct kft_copy {
	const char *name;
	unsigned int missing;
	u32 copybreak;
	u32 len;
	unsigned int reason;
};

static const struct kft_copy kft_copies[] = {
	{ "as long as copybreak", 0, 256, 256, KVMFLIP_A_STATS_COPIED_SMALL },
	{ "a byte", 0, 1, 1, KVMFLIP_A_STATS_COPIED_SMALL },
	{ "shorter, no slot", KFT_NO_SLOT, 256, 60, KVMFLIP_A_STATS_COPIED_SMALL },
	{ "longer than copybreak, no slot", KFT_NO_SLOT, 256, 257, KVMFLIP_A_STATS_COPIED_QUOTA },
	{ "no spare", KFT_NO_SPARE, 0, 1514, KVMFLIP_A_STATS_COPIED_QUOTA },
	{ "no IOMMU", KFT_NO_IOMMU, 0, 1514, KVMFLIP_A_STATS_COPIED_MODE },
	{ "short, no IOMMU", KFT_NO_IOMMU, 256, 60, KVMFLIP_A_STATS_COPIED_MODE },
};

KUNIT_ARRAY_PARAM_DESC(kft_copy, kft_copies, name);

static void kft_copied_frame(struct kunit *test)
{
	const struct kft_copy *row = test->param_value;
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_buffer *buf;
	struct kvmflip_test_rx rx;

	kft->port->config.copybreak = row->copybreak;
	buf = kft_arrive(test, kft, 256, row->len);
	buf->dirty = KVMFLIP_CLEAN;
	kft_use_up(test, kft, row->missing);
	kvmflip_test_deliver(kft->queue);

	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, rx.offset, 0);
	KUNIT_EXPECT_EQ(test, rx.len, row->len);
	KUNIT_EXPECT_EQ(test, rx.flags, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(rx.bytes, KFT_TAG, row->len));
	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port, &rx));

	/* The device gets it again as it is, and nothing was taken away from it. */
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_POSTED);
	KUNIT_EXPECT_EQ(test, buf->dirty, KVMFLIP_DIRTY);
	KUNIT_EXPECT_EQ(test, buf->flip, KVMFLIP_NO_FLIP);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&kft->queue->again));
	KUNIT_EXPECT_TRUE(test, list_empty(&kft->queue->free));
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECYCLED), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_REVOKES), 0);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, row->reason), 1);
	KUNIT_EXPECT_EQ(test, kft_port(kft, row->reason), 1);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BYTES_COPIED), row->len);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BYTES_ZEROED), 0);
	kft_release_slots(kft);
	kft_sums(test, kft, 1);
}

/* One byte more than is copied. */
static void kft_copybreak(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);

	kft->port->config.copybreak = 256;
	kft_arrive(test, kft, 256, 257);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_FLIPPED), 1);
	kft_sums(test, kft, 1);
}

/**
 * struct kft_drop - a frame that must not be delivered
 * @name: of the case
 * @meta: what is added to the metadata of a good frame
 * @state: of the port
 * @ring: what the guest adds to its index of the RX ring, with 3 to take
 * @missing: what there is no more of
 * @copybreak: of the port
 * @reason: counter
 * @port_counts: whether the port counts it too
 * @failed: whether the port is out of order afterwards
 */
struct kft_drop {
	const char *name;
	struct kvmflip_meta meta;
	enum kvmflip_port_state state;
	u32 ring;
	unsigned int missing;
	u32 copybreak;
	unsigned int reason;
	bool port_counts;
	bool failed;
};

#define KFT_DROP(reason_, state_, ...) { \
	.state = KVMFLIP_PORT_STATE_##state_, \
	.reason = KVMFLIP_A_STATS_DROPPED_##reason_, \
	__VA_ARGS__ \
}

static const struct kft_drop kft_drops[] = {
	KFT_DROP(NO_META, RUNNING, .name = "magic + 1", .meta.magic = 1),
	KFT_DROP(NO_META, RUNNING, .name = "magic 0", .meta.magic = -KVMFLIP_META_MAGIC),
	KFT_DROP(NO_META, RUNNING, .name = "unknown flag", .meta.flags = 2),
	KFT_DROP(NO_META, RUNNING, .name = "highest flag", .meta.flags = BIT(31)),
	KFT_DROP(NO_PORT, RUNNING, .name = "port + 1", .meta.port = 1),
	KFT_DROP(NO_PORT, RUNNING, .name = "port - 2", .meta.port = -2),
	KFT_DROP(NO_PORT, RUNNING, .name = "port, highest bit", .meta.port = BIT(31)),
	KFT_DROP(NO_PORT, RUNNING, .name = "generation + 1", .meta.gen = 1),
	KFT_DROP(NO_PORT, RUNNING, .name = "generation - 1", .meta.gen = -1),
	KFT_DROP(CLOSED, OPENED, .name = "no driver", .port_counts = true),
	KFT_DROP(CLOSED, FAILED, .name = "failed", .port_counts = true, .failed = true),
	KFT_DROP(CLOSED, CLOSED, .name = "closed", .port_counts = true),
	KFT_DROP(CLOSED, RUNNING, .name = "ring index ahead", .ring = 4,
		 .port_counts = true, .failed = true),
	KFT_DROP(CLOSED, RUNNING, .name = "ring index behind", .ring = -1,
		 .port_counts = true, .failed = true),
	KFT_DROP(RING_FULL, RUNNING, .name = "ring full", .missing = KFT_NO_SPACE,
		 .port_counts = true),
	KFT_DROP(RING_FULL, RUNNING, .name = "ring full, short", .missing = KFT_NO_SPACE,
		 .copybreak = 256, .port_counts = true),
	KFT_DROP(QUOTA, RUNNING, .name = "no slot, no bounce",
		 .missing = KFT_NO_SLOT | KFT_NO_BOUNCE, .port_counts = true),
	KFT_DROP(QUOTA, RUNNING, .name = "no spare, no bounce",
		 .missing = KFT_NO_SPARE | KFT_NO_BOUNCE, .port_counts = true),
	KFT_DROP(NO_BOUNCE, RUNNING, .name = "short, no bounce", .missing = KFT_NO_BOUNCE,
		 .copybreak = 256, .port_counts = true),
	KFT_DROP(NO_BOUNCE, RUNNING, .name = "no IOMMU, no bounce",
		 .missing = KFT_NO_IOMMU | KFT_NO_BOUNCE, .port_counts = true),
};

KUNIT_ARRAY_PARAM_DESC(kft_drop, kft_drops, name);

static void kft_set_up_drop(struct kunit *test, struct kft_deliver *kft,
			    const struct kft_drop *row)
{
	struct kvmflip_port *port = kft->port;
	u32 i;

	port->config.copybreak = row->copybreak;
	kft_use_up(test, kft, row->missing);
	kvmflip_port_lock(port);
	for (i = 0; i < 3 && !row->missing; i++)
		kvmflip_rx_put(&port->rx, 0, 0, 0, 0);
	kvmflip_ring_publish(&port->rx);
	port->rx.shared->cons = cpu_to_le32(row->ring);
	kvmflip_port_unlock(port);
	if (row->state == KVMFLIP_PORT_STATE_CLOSED) {
		kvmflip_port_close(port);
		return;
	}
	kvmflip_port_lock(port);
	port->state = row->state;
	kvmflip_port_unlock(port);
}

static void kft_dropped_frame(struct kunit *test)
{
	const struct kft_drop *row = test->param_value;
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_buffer *buf = kft_buffer(test, kft);
	struct kvmflip_meta meta = row->meta;
	u32 i, prod = 0;

	kft_set_up_drop(test, kft, row);
	if (kft->port->state != KVMFLIP_PORT_STATE_CLOSED)
		prod = kft->port->rx.prod;
	meta.magic += KVMFLIP_META_MAGIC;
	meta.port += kft->port->id;
	meta.gen += kft->port->gen;
	kvmflip_test_frame(kft->queue, kvmflip_test_chunk(kft->queue, buf, 0), &meta, KFT_TAG,
			   256, 100);
	kvmflip_test_deliver(kft->queue);

	/* The device gets it or another one, and no guest has seen of it. */
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->queue->again) +
			list_count_nodes(&kft->queue->free), 1);
	KUNIT_EXPECT_NE(test, buf->state, KVMFLIP_MAPPED);
	KUNIT_EXPECT_EQ(test, buf->dirty, KVMFLIP_DIRTY);
	KUNIT_EXPECT_EQ(test, buf->flip, KVMFLIP_NO_FLIP);
	if (row->state == KVMFLIP_PORT_STATE_CLOSED) {
		KUNIT_EXPECT_EQ(test, kft->port->state, KVMFLIP_PORT_STATE_CLOSED);
	} else {
		KUNIT_EXPECT_EQ(test, kft->port->rx.prod, prod);
		for (i = 0; i < KFT_SLOTS; i++)
			KUNIT_EXPECT_NULL(test, kft->port->window.slot[i]);
		KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&kft->port->window),
				row->missing & KFT_NO_SLOT ? KFT_SLOTS : 0);
		KUNIT_EXPECT_EQ(test, kft->port->state == KVMFLIP_PORT_STATE_FAILED, row->failed);
		kft_release_slots(kft);
	}

	kft_sums(test, kft, 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, row->reason), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECEIVED_BYTES), 100);
	KUNIT_EXPECT_EQ(test, kft_port(kft, row->reason), row->port_counts);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RECEIVED), row->port_counts);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_FLIPS), 0);
}

/* The address of a port changes while a frame for the old one waits. */
static void kft_stale_generation(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_port_config config = kft->port->config;
	u32 gen = kft->port->gen;

	kft_arrive(test, kft, 256, 100);
	config.mac[4]++;
	KUNIT_ASSERT_EQ(test, kvmflip_test_set(kft->port, &config), 0);
	KUNIT_EXPECT_NE(test, kft->port->gen, gen);
	kft_arrive(test, kft, 256, 100);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_DROPPED_NO_PORT), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 1);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RECEIVED), 1);
	kft_sums(test, kft, 2);
}

static void kft_other_pool(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit-other", KFT_BUFFERS);
	struct kvmflip_port *port = kvmflip_test_port_running(test, "kunit-b", pool, KFT_SLOTS);
	struct kvmflip_buffer *buf = kft_buffer(test, kft);

	kvmflip_test_arrive(kft->queue, kvmflip_test_chunk(kft->queue, buf, 0), port, KFT_TAG,
			    256, 100);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_DROPPED_NO_PORT), 1);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_RECEIVED], 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&port->window), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&port->ref), 1);
	kft_sums(test, kft, 1);
}

/* The guest is gone, or the port itself, before the buffer is full. */
static void kft_gone_meanwhile(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver_of(test, SZ_2K);
	struct kvmflip_port_config config = { .mac = { 2, 0, 0, 0, 0, 1 }, .max = SZ_16K };
	struct kvmflip_buffer *buf = kft_buffer(test, kft);
	struct kvmflip_port *port;
	uuid_t uuid;
	int err;

	uuid_gen(&uuid);
	mutex_lock(&kvmflip_lock);
	err = kvmflip_port_add("kunit-b", kft->pool, &uuid, &config, &port, NULL);
	mutex_unlock(&kvmflip_lock);
	KUNIT_ASSERT_EQ(test, err, 0);
	kvmflip_test_arrive(kft->queue, kvmflip_test_chunk(kft->queue, buf, 0), port, KFT_TAG,
			    256, 100);
	kvmflip_test_arrive(kft->queue, kvmflip_test_chunk(kft->queue, buf, 1), kft->port, KFT_TAG,
			    256, 100);
	mutex_lock(&kvmflip_lock);
	err = kvmflip_port_del(port, NULL);
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, err, 0);
	kvmflip_port_close(kft->port);

	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_DROPPED_CLOSED), 2);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_DROPPED_CLOSED), 1);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(kft->queue->tally.used, KVMFLIP_WAITERS));
	KUNIT_EXPECT_TRUE(test, list_is_singular(&kft->queue->again));
	kft_sums(test, kft, 2);
}

/* Full again under another tenant: what the former one had is not its own. */
static void kft_next_tenant(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct address_space *mapping = kft->port->window.mapping;
	struct kvmflip_buffer *buf = kft_arrive(test, kft, 256, 100);
	u64 tenant = kft->port->tenant;
	u8 *bytes = kvmflip_test_bytes(kft->pool, buf);

	kvmflip_test_deliver(kft->queue);
	KUNIT_ASSERT_EQ(test, buf->dirty, tenant);
	memset(bytes, KVMFLIP_TEST_TAG(1), SZ_4K);
	kvmflip_port_close(kft->port);
	KUNIT_ASSERT_EQ(test, kvmflip_test_open(kft->port, mapping), 0);
	kvmflip_port_start(kft->port);
	KUNIT_EXPECT_NE(test, kft->port->tenant, tenant);

	list_move_tail(&buf->list, &kft->queue->free);
	kft->pool->nr_free--;
	kvmflip_test_repost(kft->queue);
	kvmflip_test_arrive(kft->queue, kvmflip_test_chunk(kft->queue, buf, 0), kft->port, KFT_TAG,
			    256, 100);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_MAPPED);
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes, 0, 256));
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes + 356, 0, SZ_4K - 356));
}

/* A buffer that is not the queue's appears in no window. */
static void kft_not_posted(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_buffer *buf = kft_arrive(test, kft, 256, 100);

	spin_lock(&kft->pool->table.lock);
	kvmflip_buffer_move(&kft->pool->table, buf, KVMFLIP_POSTED, KVMFLIP_FILLED);
	spin_unlock(&kft->pool->table.lock);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_QUARANTINED);
	KUNIT_EXPECT_TRUE(test, list_empty(&buf->list));
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&kft->port->window), 0);
	KUNIT_EXPECT_NULL(test, kft->port->window.slot[0]);
	KUNIT_EXPECT_EQ(test, kft->port->window.mapped, 0);
	KUNIT_EXPECT_GE(test, kft->pool->table.illegal, 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 0);
	kft_sums(test, kft, 1);
}

/* At its quota a port's frames are copied, and then dropped, and then flipped again. */
static void kft_quota(struct kunit *test)
{
	u32 i, bounced = KVMFLIP_BOUNCE_BYTES / SZ_2K;
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_test_rx rx;

	for (i = 0; i < KFT_SLOTS; i++)
		kft_arrive(test, kft, 256, 100 + i);
	kvmflip_test_deliver(kft->queue);
	kvmflip_test_repost(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), KFT_SLOTS);
	for (i = 0; i < KFT_SLOTS; i++) {
		KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
		KUNIT_EXPECT_EQ(test, rx.slot, i);
		KUNIT_EXPECT_EQ(test, rx.len, 100 + i);
	}
	for (i = 0; i < bounced; i++) {
		struct kvmflip_buffer *buf = i ? list_first_entry(&kft->queue->again,
				struct kvmflip_buffer, list) : kft_buffer(test, kft);

		kvmflip_test_repost(kft->queue);
		kvmflip_test_arrive(kft->queue, kvmflip_test_chunk(kft->queue, buf, 0),
				    kft->port, KFT_TAG, 256, 1985);
		kvmflip_test_deliver(kft->queue);
		kvmflip_test_receive(kft->port, &rx);
	}
	/* The longest frame must still fit into a slot, or it is closed. */
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_QUOTA), bounced - 64);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_DROPPED_QUOTA), 64);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_MAPPED], KFT_SLOTS);
	kft_sums(test, kft, KFT_SLOTS + bounced);

	kvmflip_test_give_back(kft->port, 3);
	kft_arrive(test, kft, 256, 100);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), KFT_SLOTS + 1);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, 3);
	kft_sums(test, kft, KFT_SLOTS + bounced + 1);
}

/* The guest touches the slot between its allocation and the buffer. */
static void kft_slot_touched(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_window *window = &kft->port->window;
	struct kvmflip_buffer *buf;

	__set_bit(0, window->sunk);
	buf = kft_arrive(test, kft, 256, 100);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_COPIED_QUOTA), 1);
	KUNIT_EXPECT_NULL(test, window->slot[0]);
	KUNIT_EXPECT_EQ(test, window->mapped, 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(window), 0);
	/* No guest has seen it, so it is the device's next one. */
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_FREE);
	KUNIT_EXPECT_EQ(test, buf->dirty, KVMFLIP_DIRTY);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&kft->queue->free));
	KUNIT_EXPECT_PTR_EQ(test, kft->queue->free.next, &buf->list);
	KUNIT_EXPECT_TRUE(test, list_empty(&buf->lru));
	kft_sums(test, kft, 1);

	/* The sink is still there, so the slot is left out. */
	buf = kft_arrive(test, kft, 256, 100);
	kvmflip_test_deliver(kft->queue);
	KUNIT_EXPECT_PTR_EQ(test, window->slot[1], buf);
	kft_sums(test, kft, 2);
}

/* A guest that guesses the slot's number returns it at the last moment it can. */
static void kft_guess(struct kvmflip_window *window, u32 slot, bool hold)
{
	struct kunit *test = kunit_get_current_test();
	LIST_HEAD(bufs);

	kunit_deactivate_static_stub(test, kvmflip_window_hold);
	if (!hold)
		KUNIT_EXPECT_EQ(test, kvmflip_window_empty(window, (u32[]) { slot }, 1, &bufs), 0);
	kvmflip_window_hold(window, slot, hold);
	kunit_activate_static_stub(test, kvmflip_window_hold, kft_guess);
	*(u32 *)test->priv += hold ? 1 : 100;
}

/* As long as it is not told of all frames of a buffer it cannot return it. */
static void kft_guessed(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_buffer *buf;
	u32 calls = 0;

	test->priv = &calls;
	kunit_activate_static_stub(test, kvmflip_window_hold, kft_guess);
	buf = kft_arrive(test, kft, 256, 100);
	kvmflip_test_deliver(kft->queue);
	kunit_deactivate_static_stub(test, kvmflip_window_hold);
	KUNIT_EXPECT_EQ(test, calls, 101);
	KUNIT_EXPECT_PTR_EQ(test, kft->port->window.slot[0], buf);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_MAPPED);
	kft_sums(test, kft, 1);

	/* From then on it can. */
	kvmflip_test_give_back(kft->port, 0);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_FREE);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_flip, kft_place_gen_params),
	KUNIT_CASE_PARAM(kft_copied_frame, kft_copy_gen_params),
	KUNIT_CASE(kft_copybreak),
	KUNIT_CASE_PARAM(kft_dropped_frame, kft_drop_gen_params),
	KUNIT_CASE(kft_stale_generation),
	KUNIT_CASE(kft_other_pool),
	KUNIT_CASE(kft_gone_meanwhile),
	KUNIT_CASE(kft_next_tenant),
	KUNIT_CASE(kft_not_posted),
	KUNIT_CASE(kft_quota),
	KUNIT_CASE(kft_slot_touched),
	KUNIT_CASE(kft_guessed),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_deliver",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
