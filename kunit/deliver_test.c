// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: from a queue to the guest, or the host, that a frame is for. */

#include <kunit/resource.h>
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "../src/host/deliver.h"
#include "fixture.h"

#define KFT_BUFFERS	32
#define KFT_SLOTS	8
/* What a device wrote around the frame, and earlier. */
#define KFT_STALE	0xa5
#define KFT_FRAMES	16

#define KFT_DROPPED \
	(BIT_ULL(KVMFLIP_A_STATS_DROPPED_NO_META) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_NO_PORT) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_CLOSED) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_QUOTA) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_NO_BUFFER) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_RING_FULL) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_UNPOSTED) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_INVALID) | \
	 BIT_ULL(KVMFLIP_A_STATS_DROPPED_NO_MEMORY))

/**
 * struct kft_deliver - a queue under test
 * @pool: its pool
 * @port: a port of that pool, running
 * @filled: buffers of @frames
 * @frames: a batch
 * @n: number of frames in it
 * @delta: counters of the queue
 */
struct kft_deliver {
	struct kvmflip_pool *pool;
	struct kvmflip_port *port;
	struct list_head filled;
	struct kvmflip_frame frames[KFT_FRAMES];
	u32 n;
	struct kvmflip_delta delta;
};

static struct kft_deliver *kft_deliver(struct kunit *test)
{
	struct kft_deliver *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kft);
	INIT_LIST_HEAD(&kft->filled);
	kft->pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	kft->port = kvmflip_test_port_running(test, "kunit-a", kft->pool, KFT_SLOTS);
	return kft;
}

static u8 kft_byte(u32 frame, u32 i)
{
	return 7 * frame + i + 1;
}

/* A frame in a buffer full of somebody's bytes. */
static struct kvmflip_frame *kft_frame(struct kunit *test, struct kft_deliver *kft,
				       const struct kvmflip_port *port, u32 offset, u32 len)
{
	struct kvmflip_frame *frame = &kft->frames[kft->n];
	u32 i;

	KUNIT_ASSERT_LT(test, kft->n, KFT_FRAMES);
	memset(frame, 0, sizeof(*frame));
	frame->buf = kvmflip_test_buffer(test, kft->pool, KVMFLIP_FILLED);
	list_add_tail(&frame->buf->list, &kft->filled);
	frame->buf->dirty = true;
	frame->data = kvmflip_test_bytes(kft->pool, frame->buf) + offset;
	frame->offset = offset;
	frame->len = len;
	memset(frame->data - offset, KFT_STALE, PAGE_SIZE);
	for (i = 0; i < len; i++)
		((u8 *)frame->data)[i] = kft_byte(kft->n, i);
	frame->meta.magic = KVMFLIP_META_MAGIC;
	frame->meta.port = port ? port->id : KVMFLIP_PORT_HOST;
	frame->meta.gen = port ? port->gen : 0;
	kft->n++;
	return frame;
}

static u32 kft_go(struct kft_deliver *kft, struct net_device *dev, u32 spares)
{
	u32 flips = kvmflip_deliver(kft->pool, dev, kft->frames, kft->n, spares, &kft->delta);

	kft->n = 0;
	return flips;
}

static u64 kft_dropped(const u64 *v)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < KVMFLIP_STATS_NR; i++)
		if (KFT_DROPPED & BIT_ULL(i))
			sum += v[i];
	return sum;
}

static void kft_sums(struct kunit *test, const struct kft_deliver *kft, u32 received)
{
	const u64 *queue = kft->delta.v, *port = kft->port->stats.v;

	KUNIT_EXPECT_EQ(test, queue[KVMFLIP_A_STATS_RECEIVED], received);
	KUNIT_EXPECT_EQ(test, queue[KVMFLIP_A_STATS_RECEIVED], queue[KVMFLIP_A_STATS_FLIPPED] +
			queue[KVMFLIP_A_STATS_COPIED] + kft_dropped(queue));
	KUNIT_EXPECT_EQ(test, port[KVMFLIP_A_STATS_RECEIVED], port[KVMFLIP_A_STATS_FLIPPED] +
			port[KVMFLIP_A_STATS_COPIED] + kft_dropped(port));
	KUNIT_EXPECT_EQ(test, port[KVMFLIP_A_STATS_FLIPPED], port[KVMFLIP_A_STATS_FLIPS]);
	kvmflip_test_states(test, &kft->pool->table);
}

static const struct kvmflip_rx_desc *kft_desc(const struct kvmflip_port *port, u32 index)
{
	const struct kvmflip_rx_desc *desc = port->rx.entries;

	return &desc[index & (port->rx.nr - 1)];
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
	{ "one byte", 1000, 1 },
	{ "the last byte", 4095, 1 },
	{ "the whole buffer", 0, 4096 },
	{ "odd places", 333, 777 },
};

KUNIT_ARRAY_PARAM_DESC(kft_place, kft_places, name);

static void kft_flip(struct kunit *test)
{
	const struct kft_place *place = test->param_value;
	struct kft_deliver *kft = kft_deliver(test);
	const struct kvmflip_rx_desc *desc;
	struct kvmflip_buffer *buf;
	u32 i, wrong = 0;
	u8 *bytes;

	buf = kft_frame(test, kft, kft->port, place->offset, place->len)->buf;
	bytes = kvmflip_test_bytes(kft->pool, buf);
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, 1), 1);

	/* The guest finds the frame and not a byte of anything else. */
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes, 0, place->offset));
	for (i = 0; i < place->len; i++)
		wrong += bytes[place->offset + i] != kft_byte(0, i);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(bytes + place->offset + place->len, 0,
					   PAGE_SIZE - place->offset - place->len));

	KUNIT_EXPECT_NULL(test, kft->frames[0].buf);
	KUNIT_EXPECT_NULL(test, kft->frames[0].port);
	KUNIT_EXPECT_TRUE(test, list_empty(&kft->filled));
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_MAPPED);
	KUNIT_EXPECT_PTR_EQ(test, kft->port->window.slot[0], buf);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&kft->port->window), 1);

	desc = kft_desc(kft->port, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(kft->port->rx.shared->prod), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->slot), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->offset), place->offset);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->len), place->len);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->flags), KVMFLIP_RX_LAST);

	kft_sums(test, kft, 1);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_FLIPPED], 1);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_RECEIVED_BYTES], place->len);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_RECEIVED], 1);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_RECEIVED_BYTES], place->len);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL],
			PAGE_SIZE - place->len);
	/* Nobody is at the other end of an interrupt. */
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_INTERRUPTS], 0);
}

/**
 * struct kft_drop - a frame that must not be delivered
 * @name: of the case
 * @meta: what is added to the metadata of a good frame
 * @state: of the port
 * @ring: what the guest adds to its index of the RX ring, with 3 to take
 * @no_spare: the queue has no buffer to replace the frame's
 * @ring_full: the ring has no space
 * @no_slot: the window has no slot
 * @reason: counter
 * @port_counts: whether the port counts it too
 * @failed: whether the port is out of order afterwards
 */
struct kft_drop {
	const char *name;
	struct kvmflip_meta meta;
	enum kvmflip_port_state state;
	u32 ring;
	bool no_spare;
	bool ring_full;
	bool no_slot;
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
	KFT_DROP(NO_META, RUNNING, .name = "reserved 1", .meta.reserved = 1),
	KFT_DROP(NO_META, RUNNING, .name = "reserved, highest bit", .meta.reserved = BIT(31)),
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
	KFT_DROP(RING_FULL, RUNNING, .name = "ring full", .ring_full = true,
		 .port_counts = true),
	KFT_DROP(NO_BUFFER, RUNNING, .name = "no spare", .no_spare = true,
		 .port_counts = true),
	KFT_DROP(QUOTA, RUNNING, .name = "no slot", .no_slot = true, .port_counts = true),
};

KUNIT_ARRAY_PARAM_DESC(kft_drop, kft_drops, name);

static void kft_set_up_drop(struct kunit *test, struct kft_deliver *kft,
			    const struct kft_drop *row)
{
	struct kvmflip_port *port = kft->port;
	u32 i;

	if (row->state == KVMFLIP_PORT_STATE_CLOSED) {
		kvmflip_port_close(port);
		return;
	}
	mutex_lock(&port->lock);
	port->state = row->state;
	for (i = 0; i < (row->ring_full ? port->rx.nr : 3); i++)
		kvmflip_rx_put(&port->rx, 0, 0, 0, 0);
	kvmflip_rx_publish(&port->rx);
	port->rx.shared->cons = cpu_to_le32(row->ring);
	mutex_unlock(&port->lock);
	for (i = 0; row->no_slot && i < KFT_SLOTS; i++)
		KUNIT_ASSERT_EQ(test, kvmflip_window_alloc(&port->window), i);
}

static void kft_release_slots(struct kft_deliver *kft)
{
	u32 slots[KFT_SLOTS];
	u32 n = kvmflip_window_used(&kft->port->window, slots, KFT_SLOTS);

	kvmflip_window_release(&kft->port->window, slots, n);
}

static void kft_dropped_frame(struct kunit *test)
{
	const struct kft_drop *row = test->param_value;
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_frame *frame;
	struct kvmflip_buffer *buf;
	u32 i, prod = 0;

	kft_set_up_drop(test, kft, row);
	if (kft->port->state != KVMFLIP_PORT_STATE_CLOSED)
		prod = kft->port->rx.prod;
	frame = kft_frame(test, kft, kft->port, 256, 100);
	frame->meta.magic += row->meta.magic;
	frame->meta.port += row->meta.port;
	frame->meta.gen += row->meta.gen;
	frame->meta.reserved += row->meta.reserved;
	buf = frame->buf;
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, !row->no_spare), 0);

	/* The buffer is still the queue's, and no guest has seen of it. */
	KUNIT_EXPECT_PTR_EQ(test, frame->buf, buf);
	KUNIT_EXPECT_FALSE(test, list_empty(&kft->filled));
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_FILLED);
	if (row->state == KVMFLIP_PORT_STATE_CLOSED) {
		KUNIT_EXPECT_EQ(test, kft->port->state, KVMFLIP_PORT_STATE_CLOSED);
	} else {
		KUNIT_EXPECT_EQ(test, kft->port->rx.prod, prod);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(kft->port->rx.shared->prod), prod);
		for (i = 0; i < KFT_SLOTS; i++)
			KUNIT_EXPECT_NULL(test, kft->port->window.slot[i]);
		KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&kft->port->window),
				row->no_slot ? KFT_SLOTS : 0);
		KUNIT_EXPECT_EQ(test, kft->port->state == KVMFLIP_PORT_STATE_FAILED, row->failed);
		kft_release_slots(kft);
	}

	kft_sums(test, kft, 1);
	KUNIT_EXPECT_EQ(test, kft->delta.v[row->reason], 1);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_RECEIVED_BYTES], 100);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[row->reason], row->port_counts);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_RECEIVED], row->port_counts);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_FLIPS], 0);
	KUNIT_EXPECT_EQ(test, kref_read(&kft->port->ref), 1);
}

/* The address of a port changes while a frame for the old one is under way. */
static void kft_stale_generation(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_port_config config = kft->port->config;
	u32 gen = kft->port->gen;
	int err;

	kft_frame(test, kft, kft->port, 256, 100);
	mutex_lock(&kvmflip_lock);
	config.mac[4]++;
	err = kvmflip_port_set(kft->port, &config, NULL);
	mutex_unlock(&kvmflip_lock);
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_EXPECT_NE(test, kft->port->gen, gen);
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, 1), 0);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_DROPPED_NO_PORT], 1);

	kft_frame(test, kft, kft->port, 256, 100);
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, 1), 1);
	kft_sums(test, kft, 2);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_RECEIVED], 1);
}

static void kft_other_pool(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit-other", KFT_BUFFERS);
	struct kvmflip_port *port = kvmflip_test_port_running(test, "kunit-b", pool, KFT_SLOTS);

	kft_frame(test, kft, port, 256, 100);
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, 1), 0);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_DROPPED_NO_PORT], 1);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_RECEIVED], 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&port->window), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&port->ref), 1);
	kft_sums(test, kft, 1);
}

/* A frame whose buffer is not the module's is none. */
static void kft_not_filled(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_frame *frame = kft_frame(test, kft, kft->port, 256, 100);
	struct kvmflip_buffer *filled = frame->buf;
	struct kvmflip_buffer *buf = kvmflip_test_buffer(test, kft->pool, KVMFLIP_POSTED);

	list_replace_init(&filled->list, &buf->list);
	frame->buf = buf;
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, 1), 0);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_QUARANTINED);
	KUNIT_EXPECT_NULL(test, frame->buf);
	KUNIT_EXPECT_TRUE(test, list_empty(&kft->filled));
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&kft->port->window), 0);
	KUNIT_EXPECT_NULL(test, kft->port->window.slot[0]);
	KUNIT_EXPECT_EQ(test, kft->port->rx.prod, 0);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_DROPPED_INVALID], 1);
	KUNIT_EXPECT_EQ(test, kft->pool->table.illegal, 1);
	kft_sums(test, kft, 1);
}

static void kft_quota(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	u32 i;

	for (i = 0; i < KFT_SLOTS + 3; i++)
		kft_frame(test, kft, kft->port, 256, 100 + i);
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, KFT_FRAMES), KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_FLIPPED], KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_DROPPED_QUOTA], 3);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->filled), 3);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_MAPPED], KFT_SLOTS);
	for (i = 0; i < KFT_SLOTS; i++) {
		KUNIT_EXPECT_EQ(test, le32_to_cpu(kft_desc(kft->port, i)->slot), i);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(kft_desc(kft->port, i)->len), 100 + i);
	}
	kft_sums(test, kft, KFT_SLOTS + 3);
}

/* The guest touches the slot between its allocation and the buffer. */
static void kft_slot_touched(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_window *window = &kft->port->window;
	struct kvmflip_buffer *buf;

	__set_bit(0, window->sunk);
	buf = kft_frame(test, kft, kft->port, 256, 100)->buf;
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, 1), 0);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_DROPPED_QUOTA], 1);
	KUNIT_EXPECT_NULL(test, window->slot[0]);
	KUNIT_EXPECT_EQ(test, window->mapped, 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(window), 0);
	KUNIT_EXPECT_EQ(test, kft->port->rx.prod, 0);
	/* No guest has seen it, but it went that way, and so it goes back. */
	KUNIT_EXPECT_NULL(test, kft->frames[0].buf);
	KUNIT_EXPECT_TRUE(test, list_empty(&kft->filled));
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_FREE);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->pool->free), KFT_BUFFERS);

	/* The sink is still there, so the slot is left out. */
	buf = kft_frame(test, kft, kft->port, 256, 100)->buf;
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, 1), 1);
	KUNIT_EXPECT_PTR_EQ(test, window->slot[1], buf);
	kft_sums(test, kft, 2);
}

/* Every port gets its own frames, in order, as long as there are spares. */
static void kft_ports_interleaved(struct kunit *test)
{
	static const u8 order[] = { 0, 1, 2, 1, 1, 0, 2, 0, 1, 2, 0, 0 };
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_port *port[3] = { kft->port };
	u32 i, p, index, slot, len, got[3] = {};
	struct kvmflip_buffer *buf;
	u8 *bytes;

	port[1] = kvmflip_test_port_running(test, "kunit-b", kft->pool, KFT_SLOTS);
	port[2] = kvmflip_test_port_running(test, "kunit-c", kft->pool, KFT_SLOTS);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		kft_frame(test, kft, port[order[i]], 256, 100 + i);
		got[order[i]]++;
	}
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, KFT_FRAMES), ARRAY_SIZE(order));
	for (p = 0; p < 3; p++) {
		KUNIT_EXPECT_EQ(test, le32_to_cpu(port[p]->rx.shared->prod), got[p]);
		KUNIT_EXPECT_EQ(test, port[p]->stats.v[KVMFLIP_A_STATS_FLIPPED], got[p]);
		KUNIT_EXPECT_EQ(test, kref_read(&port[p]->ref), 1);
		for (i = 0, index = 0; i < ARRAY_SIZE(order); i++) {
			if (order[i] != p)
				continue;
			slot = le32_to_cpu(kft_desc(port[p], index)->slot);
			len = le32_to_cpu(kft_desc(port[p], index)->len);
			KUNIT_EXPECT_EQ(test, len, 100 + i);
			buf = port[p]->window.slot[slot];
			KUNIT_ASSERT_NOT_NULL(test, buf);
			bytes = kvmflip_test_bytes(kft->pool, buf);
			KUNIT_EXPECT_EQ(test, bytes[256], kft_byte(i, 0));
			KUNIT_EXPECT_EQ(test, bytes[256 + len - 1], kft_byte(i, len - 1));
			index++;
		}
	}
	kft_sums(test, kft, ARRAY_SIZE(order));
}

static void kft_spares_run_out(struct kunit *test)
{
	struct kft_deliver *kft = kft_deliver(test);
	struct kvmflip_port *other;
	u32 i;

	other = kvmflip_test_port_running(test, "kunit-b", kft->pool, KFT_SLOTS);
	for (i = 0; i < 10; i++)
		kft_frame(test, kft, i % 2 ? other : kft->port, 256, 100);
	KUNIT_EXPECT_EQ(test, kft_go(kft, NULL, 7), 7);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_FLIPPED], 7);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_DROPPED_NO_BUFFER], 3);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_MAPPED], 7);
	kft_sums(test, kft, 10);
}

/**
 * struct kft_host - a network device and who listens behind it
 * @type: what to listen for
 * @dev: the device, which nobody registers
 * @seen: frames that came up
 * @bytes: their bytes
 * @last: the last of them
 */
struct kft_host {
	struct packet_type type;
	struct net_device *dev;
	u32 seen;
	u32 bytes;
	u8 last[ETH_FRAME_LEN];
};

static int kft_up_the_stack(struct sk_buff *skb, struct net_device *dev, struct packet_type *type,
			    struct net_device *orig_dev)
{
	struct kft_host *host = container_of(type, struct kft_host, type);
	u32 len = skb->len + ETH_HLEN;

	host->seen++;
	host->bytes += len;
	if (len <= sizeof(host->last)) {
		skb_push(skb, ETH_HLEN);
		skb_copy_bits(skb, 0, host->last, len);
	}
	consume_skb(skb);
	return NET_RX_SUCCESS;
}

static void kft_host_del(void *data)
{
	struct kft_host *host = data;

	dev_remove_pack(&host->type);
	free_netdev(host->dev);
}

static struct kft_host *kft_host(struct kunit *test)
{
	struct kft_host *host = kunit_kzalloc(test, sizeof(*host), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, host);
	host->dev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, host->dev);
	host->type.type = htons(ETH_P_802_EX1);
	host->type.dev = host->dev;
	host->type.func = kft_up_the_stack;
	dev_add_pack(&host->type);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_host_del, host), 0);
	return host;
}

static void kft_to_host(struct kunit *test)
{
	static const u32 lengths[] = { ETH_HLEN, 60, 1514 };
	struct kft_deliver *kft = kft_deliver(test);
	struct kft_host *host = kft_host(test);
	struct kvmflip_frame *frame;
	struct ethhdr *eth;
	u32 i, bytes = 0;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		frame = kft_frame(test, kft, NULL, 256, lengths[i]);
		eth = frame->data;
		eth_broadcast_addr(eth->h_dest);
		eth->h_proto = htons(ETH_P_802_EX1);
		KUNIT_EXPECT_EQ(test, kft_go(kft, host->dev, 0), 0);
		bytes += lengths[i];
		KUNIT_EXPECT_EQ(test, host->seen, i + 1);
		KUNIT_EXPECT_EQ(test, host->bytes, bytes);
		KUNIT_EXPECT_MEMEQ(test, host->last, frame->data, lengths[i]);
		/* A copy: the buffer stays. */
		KUNIT_EXPECT_NOT_NULL(test, frame->buf);
		KUNIT_EXPECT_EQ(test, frame->buf->state, KVMFLIP_FILLED);
	}
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_COPIED], ARRAY_SIZE(lengths));
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_BYTES_COPIED], bytes);

	/* No header, no frame. */
	kft_frame(test, kft, NULL, 256, ETH_HLEN - 1);
	kft_frame(test, kft, NULL, 256, 1);
	KUNIT_EXPECT_EQ(test, kft_go(kft, host->dev, 0), 0);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_DROPPED_INVALID], 2);
	KUNIT_EXPECT_EQ(test, host->seen, ARRAY_SIZE(lengths));

	/* Nor without the magic number, of course. */
	frame = kft_frame(test, kft, NULL, 256, 60);
	frame->meta.magic = 0;
	KUNIT_EXPECT_EQ(test, kft_go(kft, host->dev, 0), 0);
	KUNIT_EXPECT_EQ(test, kft->delta.v[KVMFLIP_A_STATS_DROPPED_NO_META], 1);
	KUNIT_EXPECT_EQ(test, host->seen, ARRAY_SIZE(lengths));
	kft_sums(test, kft, ARRAY_SIZE(lengths) + 3);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_flip, kft_place_gen_params),
	KUNIT_CASE_PARAM(kft_dropped_frame, kft_drop_gen_params),
	KUNIT_CASE(kft_stale_generation),
	KUNIT_CASE(kft_other_pool),
	KUNIT_CASE(kft_not_filled),
	KUNIT_CASE(kft_quota),
	KUNIT_CASE(kft_slot_touched),
	KUNIT_CASE(kft_ports_interleaved),
	KUNIT_CASE(kft_spares_run_out),
	KUNIT_CASE(kft_to_host),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_deliver",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
