// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: a queue that is dedicated to one port, and its NIC. */

#include <kunit/resource.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/sizes.h>

#include "../src/host/serve.h"
#include "steered.h"

#define KFT_QUEUE	7

static void kft_end(void *data)
{
	struct kvmflip_test_steered *kft = data;

	if (!kft->ended)
		kvmflip_lease_end(&kft->rxq->steer->lease);
	kft->ended = true;
	kvmflip_serve_drain(kft->rxq);
	mutex_lock(&kvmflip_lock);
	kvmflip_steer_destroy(kft->rxq);
	mutex_unlock(&kvmflip_lock);
}

struct kvmflip_test_steered *kvmflip_steered_new(struct kunit *test, u32 slots)
{
	struct kvmflip_test_steered *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->rxq = kunit_kzalloc(test, sizeof(*kft->rxq), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kft->rxq);
	kft->pool = kvmflip_test_pool_chunks(test, "kunit", KVMFLIP_STEERED_BUFFERS, PAGE_SIZE,
					     KVMFLIP_STEERED_CHUNK);
	kft->port = kvmflip_test_port_running(test, "kunit-a", kft->pool, slots);
	kft->nic.active = 1;
	kft->rxq->nic = &kft->nic;
	kft->rxq->pool = kft->pool;
	kft->rxq->mode = KVMFLIP_MODE_STEERED;
	kft->rxq->id = KFT_QUEUE;
	kft->rxq->target = KVMFLIP_STEERED_TARGET;
	kft->rxq->most = KVMFLIP_STEERED_TARGET;
	INIT_LIST_HEAD(&kft->rxq->full);
	kft->rxq->delivery.delta = &kft->delta;
	kft->rxq->xsk.fill.desc = kft->fill;
	kft->rxq->xsk.fill.nr = KVMFLIP_STEERED_FILL;
	kft->rxq->xsk.fill.producer = &kft->producer;
	kft->rxq->xsk.fill.flags = &kft->flags;
	kvmflip_stats_init(&kft->rxq->stats);
	return kft;
}

int kvmflip_steered_init(struct kvmflip_test_steered *kft, const char *port)
{
	struct netlink_ext_ack extack = {};
	int err;

	mutex_lock(&kvmflip_lock);
	err = kvmflip_steer_init(kft->rxq, port, &extack);
	mutex_unlock(&kvmflip_lock);
	return err;
}

/* Dedicates the queue to its port, and serves it. */
void kvmflip_steered_start(struct kunit *test, struct kvmflip_test_steered *kft)
{
	KUNIT_ASSERT_EQ(test, kvmflip_steered_init(kft, "kunit-a"), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_end, kft), 0);
	kvmflip_steer_start(kft->rxq);
}

struct kvmflip_test_steered *kvmflip_steered(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered_new(test, KVMFLIP_STEERED_SLOTS);

	kvmflip_steered_start(test, kft);
	return kft;
}

/* The next chunk that the NIC would use. */
static u32 kft_chunk(struct kunit *test, struct kvmflip_test_steered *kft)
{
	KUNIT_ASSERT_NE(test, kft->taken, kft->producer);
	return kft->fill[kft->taken++ % KVMFLIP_STEERED_FILL] / KVMFLIP_STEERED_CHUNK;
}

static u8 *kft_bytes(const struct kvmflip_test_steered *kft, u32 chunk)
{
	return kvmflip_pool_address(kft->pool, chunk);
}

struct kvmflip_buffer *kvmflip_steered_buffer(const struct kvmflip_test_steered *kft, u32 chunk)
{
	return kvmflip_buffer_of(&kft->pool->table, chunk);
}

/* The NIC writes a frame with this metadata to the next chunk. Returns that. */
u32 kvmflip_steered_write(struct kunit *test, struct kvmflip_test_steered *kft, u32 port, u32 gen,
			  u32 len)
{
	u32 chunk = kft_chunk(test, kft);
	u64 at = (u64)chunk * KVMFLIP_STEERED_CHUNK + KVMFLIP_STEERED_OFFSET;
	struct xdp_desc desc = { .addr = at, .len = len };
	struct kvmflip_meta *meta;
	LIST_HEAD(full);

	memset(kft_bytes(kft, chunk), KVMFLIP_STEERED_STALE, KVMFLIP_STEERED_CHUNK);
	meta = (void *)(kft_bytes(kft, chunk) + KVMFLIP_STEERED_OFFSET - sizeof(*meta));
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
u32 kvmflip_steered_own(struct kunit *test, struct kvmflip_test_steered *kft, u32 len)
{
	return kvmflip_steered_write(test, kft, kft->port->id, kft->port->gen, len);
}

u64 kvmflip_steered_serve(struct kvmflip_test_steered *kft)
{
	return kvmflip_steer_serve(kft->rxq, &kft->delta);
}

void kvmflip_steered_expect_desc(struct kunit *test, const struct kvmflip_test_steered *kft,
				 u32 index, u32 slot, u32 offset, u32 len, u32 flags)
{
	const struct kvmflip_host_ring *rx = &kft->port->rx;
	const struct kvmflip_rx_desc *desc = rx->entries;

	desc += index & (rx->nr - 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->slot), slot);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->offset), offset);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->len), len);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(desc->flags), flags);
}

u32 kvmflip_steered_prod(const struct kvmflip_test_steered *kft)
{
	return le32_to_cpu(kft->port->rx.shared->prod);
}

void kvmflip_steered_return(struct kvmflip_test_steered *kft, u32 slot)
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
struct kvmflip_buffer *kvmflip_steered_given(struct kunit *test, struct kvmflip_test_steered *kft)
{
	u32 chunk = kvmflip_steered_own(test, kft, 100);

	KUNIT_ASSERT_EQ(test, kvmflip_steered_own(test, kft, 100), chunk + 1);
	kvmflip_steered_serve(kft);
	KUNIT_ASSERT_EQ(test, kvmflip_steered_buffer(kft, chunk)->told, KVMFLIP_TOLD_LAST);
	return kvmflip_steered_buffer(kft, chunk);
}

void kvmflip_steered_states(struct kunit *test, const struct kvmflip_test_steered *kft, u32 posted,
			    u32 steered, u32 mapped)
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
