// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: traffic at random, every byte of which is looked at. */

#include <kunit/resource.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "queue.h"

#define KFT_PORTS	4
#define KFT_SLOTS	6
/* Frames of a port that are on their way. */
#define KFT_AHEAD	8192
/* Buffers that the device fills at the same time. */
#define KFT_ACTIVE	3

/**
 * struct kft_sent - a frame on its way
 * @len: bytes
 * @byte: each of them
 */
struct kft_sent {
	u16 len;
	u8 byte;
};

/**
 * struct kft_guest - what a guest knows
 * @port: its port
 * @tag: of its bytes
 * @sent: frames it should get, a ring
 * @head: free-running index of the next one
 * @tail: free-running index behind the last
 * @complete: bit per slot that is full
 */
struct kft_guest {
	struct kvmflip_port *port;
	u8 tag;
	struct kft_sent *sent;
	u32 head;
	u32 tail;
	unsigned long complete;
};

/**
 * struct kft_traffic - guests and a queue
 * @pool: the pool
 * @queue: the queue
 * @guest: the guests
 * @active: buffers that the device has, or NULL
 * @next: the next chunk in each
 * @rnd: for everything
 * @frames: frames that came
 * @wrong: things that must not be
 */
struct kft_traffic {
	struct kvmflip_pool *pool;
	struct kvmflip_test_queue *queue;
	struct kft_guest guest[KFT_PORTS];
	struct kvmflip_buffer *active[KFT_ACTIVE];
	u32 next[KFT_ACTIVE];
	struct rnd_state rnd;
	u32 frames;
	u32 wrong;
};

/**
 * struct kft_size - sizes of buffers
 * @name: of the case
 * @nr: buffers
 * @buffer_size: bytes of a buffer
 * @chunk_size: bytes of a chunk
 * @frames: to send
 */
struct kft_size {
	const char *name;
	u32 nr;
	u32 buffer_size;
	u32 chunk_size;
	u32 frames;
};

static const struct kft_size kft_sizes[] = {
	{ "4 KiB", 60, SZ_4K, SZ_4K, 5000 },
	{ "4 KiB of 2 KiB", 60, SZ_4K, SZ_2K, 5000 },
	{ "2 MiB", 30, SZ_2M, SZ_4K, 20000 },
	{ "2 MiB of 2 KiB", 30, SZ_2M, SZ_2K, 30000 },
};

/* With few chunks in a buffer there is most going on. */
static const struct kft_size kft_small_sizes[] = {
	{ "4 KiB", 60, SZ_4K, SZ_4K },
	{ "4 KiB of 2 KiB", 60, SZ_4K, SZ_2K },
};

KUNIT_ARRAY_PARAM_DESC(kft_size, kft_sizes, name);
KUNIT_ARRAY_PARAM_DESC(kft_small, kft_small_sizes, name);

static struct kft_traffic *kft_traffic(struct kunit *test)
{
	static const char * const names[] = { "kunit-a", "kunit-b", "kunit-c", "kunit-d" };
	static const u32 copybreak[] = { 0, 64, 256, 256 };
	struct kft_traffic *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);
	const struct kft_size *size = test->param_value;
	struct kft_guest *guest;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, kft);
	prandom_seed_state(&kft->rnd, 2004);
	kft->pool = kvmflip_test_pool_chunks(test, "kunit", size->nr, size->buffer_size,
					     size->chunk_size);
	for (i = 0; i < KFT_PORTS; i++) {
		guest = &kft->guest[i];
		guest->port = kvmflip_test_port_running(test, names[i], kft->pool, KFT_SLOTS);
		guest->port->config.copybreak = copybreak[i];
		guest->port->config.latency = i % 2 ? 10000 : 100000;
		guest->tag = KVMFLIP_TEST_TAG(i);
		guest->sent = kunit_kcalloc(test, KFT_AHEAD, sizeof(*guest->sent), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, guest->sent);
	}
	kft->queue = kvmflip_test_queue(test, kft->pool);
	/* A buffer fills soon enough, as far as the queue knows. */
	kft->queue->tally.steady_ns = 1;
	for (i = 0; i < KFT_ACTIVE; i++)
		kft->active[i] = kvmflip_test_post(test, kft->queue);
	return kft;
}

static u32 kft_random(struct kft_traffic *kft, u32 n)
{
	return prandom_u32_state(&kft->rnd) % n;
}

/* Something arrives in one of the buffers that the device has. */
static void kft_arrive(struct kft_traffic *kft, u32 favourite)
{
	struct kft_guest *guest = &kft->guest[kft_random(kft, 5) ? favourite : kft_random(kft, 4)];
	u32 chunk, offset, len, room, i = kft_random(kft, KFT_ACTIVE);
	u32 size = 1U << kft->pool->chunk_shift;
	struct kvmflip_meta none = {};
	struct kft_sent *sent;
	u8 *bytes;

	while (!kft->active[i])
		i = (i + 1) % KFT_ACTIVE;
	chunk = kvmflip_test_chunk(kft->queue, kft->active[i], kft->next[i]++);
	if (kft->next[i] == 1U << kft->pool->table.chunk_order)
		kft->active[i] = NULL;
	offset = kft_random(kft, 4) ? 256 : 16 + kft_random(kft, 300);
	room = size - offset;
	len = kft_random(kft, 3) ? 1 + kft_random(kft, room) : 1 + kft_random(kft, 100);

	/* Around it the device leaves another guest's. */
	bytes = kvmflip_test_chunk_bytes(kft->queue, chunk);
	memset(bytes + offset - min(offset, 64), KVMFLIP_TEST_STALE, min(offset, 64));
	memset(bytes + offset, KVMFLIP_TEST_STALE, room);
	kft->frames++;
	switch (kft_random(kft, 40)) {
	case 0:
		kvmflip_test_complete(kft->queue, chunk);
		return;
	case 1:
		kvmflip_test_frame(kft->queue, chunk, &none, KVMFLIP_TEST_STALE, offset, len);
		return;
	}
	sent = &guest->sent[guest->tail++ % KFT_AHEAD];
	sent->len = len;
	sent->byte = kvmflip_test_arrive(kft->queue, chunk, guest->port, guest->tag, offset, len);
}

/* A guest looks at all of a slot, and writes all over it. */
static void kft_scan(struct kft_traffic *kft, struct kft_guest *guest, u32 slot)
{
	u32 i, n, foreign = 0, size = 1U << kft->pool->chunk_shift;
	struct kvmflip_buffer *buf = guest->port->window.slot[slot];
	u8 *bytes;

	for (n = 0; n < 1U << kft->pool->table.chunk_order; n++) {
		bytes = kvmflip_test_chunk_bytes(kft->queue,
						 kvmflip_test_chunk(kft->queue, buf, n));
		for (i = 0; i < size; i++)
			foreign += bytes[i] && (bytes[i] & KVMFLIP_TEST_CLASS) != guest->tag;
		memset(bytes, guest->tag, size);
	}
	kft->wrong += foreign;
}

static void kft_give_back(struct kft_guest *guest, u32 slot)
{
	kvmflip_test_give_back(guest->port, slot);
	guest->complete &= ~BIT(slot);
}

/* A guest takes what there is, which must be just what was sent to it. */
static void kft_receive(struct kft_traffic *kft, struct kft_guest *guest)
{
	const struct kft_sent *sent;
	struct kvmflip_test_rx rx;

	while (kvmflip_test_receive(guest->port, &rx)) {
		sent = &guest->sent[guest->head++ % KFT_AHEAD];
		kft->wrong += (s32)(guest->tail - guest->head) < 0;
		if (!rx.bytes || rx.len != sent->len) {
			kft->wrong++;
			continue;
		}
		kft->wrong += !!memchr_inv(rx.bytes, sent->byte, sent->len);
		if (rx.slot < KFT_SLOTS)
			kft->wrong += test_bit(rx.slot, &guest->complete);
		if (!(rx.flags & KVMFLIP_RX_LAST))
			continue;
		if (rx.slot >= KFT_SLOTS) {
			kvmflip_test_give_back(guest->port, rx.slot);
			continue;
		}
		__set_bit(rx.slot, &guest->complete);
		kft_scan(kft, guest, rx.slot);
	}
	/* It lets go of what it has now and then, in any order. */
	if (guest->complete && !kft_random(kft, 3)) {
		u32 slot = kft_random(kft, KFT_SLOTS);

		if (test_bit(slot, &guest->complete))
			kft_give_back(guest, slot);
	}
}

/* The device has as many as ever, those first that it had before. */
static void kft_repost(struct kunit *test, struct kft_traffic *kft)
{
	u32 i;

	kvmflip_pool_move(kft->pool, &kft->queue->free, KVMFLIP_FREE, KVMFLIP_POSTED);
	list_splice_tail_init(&kft->queue->free, &kft->queue->again);
	for (i = 0; i < KFT_ACTIVE; i++) {
		if (kft->active[i])
			continue;
		KUNIT_ASSERT_FALSE(test, list_empty(&kft->queue->again));
		kft->active[i] = list_first_entry(&kft->queue->again, struct kvmflip_buffer, list);
		kft->next[i] = 0;
		list_del_init(&kft->active[i]->list);
		kvmflip_test_prepare(kft->queue, kft->active[i]);
	}
}

static u32 kft_active(const struct kft_traffic *kft)
{
	u32 i, n = 0;

	for (i = 0; i < KFT_ACTIVE; i++)
		n += !!kft->active[i];
	return n;
}

/* Nobody gets a byte of anybody else's, and everybody all of their own, in order. */
static void kft_everything(struct kunit *test)
{
	const struct kft_size *size = test->param_value;
	struct kft_traffic *kft = kft_traffic(test);
	u32 i, n, copied = 0, flipped = 0;
	u64 now = 1;

	while (kft->frames < size->frames) {
		now += kft_random(kft, 400) * 1000;
		kft->queue->delivery.now = now;
		for (n = kft_random(kft, 64); n && kft_active(kft); n--)
			kft_arrive(kft, kft->frames * 5 / size->frames % KFT_PORTS);
		kvmflip_test_deliver(kft->queue);
		if (!kft_random(kft, 8))
			kvmflip_deliver_due(&kft->queue->delivery);
		if (!kft_random(kft, 400))
			kvmflip_deliver_all(&kft->queue->delivery);
		kft_repost(test, kft);
		for (i = 0; i < KFT_PORTS; i++)
			kft_receive(kft, &kft->guest[i]);
		KUNIT_ASSERT_EQ(test, kft->wrong, 0);
	}
	kvmflip_deliver_all(&kft->queue->delivery);
	for (i = 0; i < KFT_PORTS; i++) {
		kft_receive(kft, &kft->guest[i]);
		KUNIT_EXPECT_EQ(test, kft->guest[i].head, kft->guest[i].tail);
		/* Of each that it has it has been told that it is complete. */
		KUNIT_EXPECT_EQ(test, hweight_long(kft->guest[i].complete),
				kft->guest[i].port->window.mapped);
		kvmflip_test_sums(test, kft->guest[i].port->stats.v);
		copied += kft->guest[i].port->stats.v[KVMFLIP_A_STATS_COPIED];
		flipped += kft->guest[i].port->stats.v[KVMFLIP_A_STATS_FLIPPED];
	}
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
	KUNIT_EXPECT_GT(test, copied, size->frames / 20);
	KUNIT_EXPECT_GT(test, flipped, size->frames / 20);
	kvmflip_test_sums(test, kft->queue->delta.v);
	kvmflip_test_states(test, &kft->pool->table);
	KUNIT_EXPECT_EQ(test, kft->pool->table.illegal, 0);
}

/* A guest that returns whatever it may be about to get. */
static int kft_hostile_guest(void *data)
{
	struct kvmflip_port *port = data;
	__le32 *entry = port->ret.entries;
	struct rnd_state rnd;
	u32 prod = 0;

	prandom_seed_state(&rnd, 42);
	while (!kthread_should_stop()) {
		WRITE_ONCE(entry[prod % port->ret.nr],
			   cpu_to_le32(prandom_u32_state(&rnd) % (KFT_SLOTS + 2)));
		if (prod - le32_to_cpu(READ_ONCE(port->ret.shared->cons)) < port->ret.nr) {
			/* Pairs with the acquire of the host. */
			smp_store_release(&port->ret.shared->prod, cpu_to_le32(++prod));
			kvmflip_port_doorbell(port);
		}
		WRITE_ONCE(port->rx.shared->cons, READ_ONCE(port->rx.shared->prod));
		cond_resched();
	}
	return 0;
}

/* It harms nobody, and nothing is lost. */
static void kft_hostile(struct kunit *test)
{
	struct kft_traffic *kft = kft_traffic(test);
	struct kvmflip_port *hostile = kft->guest[3].port;
	u32 i, n, out, posted = KFT_ACTIVE;
	struct task_struct *guest;

	guest = kthread_run(kft_hostile_guest, hostile, "kvmflip-guest");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, guest);
	for (i = 0; i < 3000 && !kft->wrong; i++) {
		for (n = 6; n && kft_active(kft); n--)
			kft_arrive(kft, 3);
		kvmflip_test_deliver(kft->queue);
		kft_repost(test, kft);
		for (n = 0; n < 3; n++)
			kft_receive(kft, &kft->guest[n]);
		cond_resched();
	}
	kthread_stop(guest);
	flush_work(&hostile->return_work);
	KUNIT_EXPECT_EQ(test, kft->wrong, 0);
	KUNIT_EXPECT_EQ(test, hostile->state, KVMFLIP_PORT_STATE_RUNNING);
	KUNIT_EXPECT_GT(test, hostile->stats.v[KVMFLIP_A_STATS_RETURNS], 0);
	KUNIT_EXPECT_GT(test, hostile->stats.v[KVMFLIP_A_STATS_BAD_RETURNS], 0);
	KUNIT_EXPECT_EQ(test, hostile->share.held, hostile->window.mapped);
	KUNIT_EXPECT_EQ(test, kft->pool->table.illegal, 0);
	kvmflip_test_sums(test, hostile->stats.v);
	kvmflip_test_states(test, &kft->pool->table);

	/* What is nowhere else is free. */
	posted += list_count_nodes(&kft->queue->again);
	out = kft->pool->table.count[KVMFLIP_MAPPED] + posted;
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->pool->free), kft->pool->table.nr - out);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->pool->lru),
			kft->pool->table.count[KVMFLIP_MAPPED]);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_everything, kft_size_gen_params),
	KUNIT_CASE_PARAM(kft_hostile, kft_small_gen_params),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_traffic",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
