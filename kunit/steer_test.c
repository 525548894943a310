// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: queues that are dedicated to one port. */

#include <linux/bottom_half.h>
#include <linux/sizes.h>

#include "steered.h"

#define KFT_BUFFERS	KVMFLIP_STEERED_BUFFERS
#define KFT_CHUNK	KVMFLIP_STEERED_CHUNK
#define KFT_TARGET	KVMFLIP_STEERED_TARGET
#define KFT_SLOTS	KVMFLIP_STEERED_SLOTS
#define KFT_OFFSET	KVMFLIP_STEERED_OFFSET
#define KFT_STALE	KVMFLIP_STEERED_STALE

static u8 *kft_bytes(const struct kvmflip_test_steered *kft, u32 chunk)
{
	return kvmflip_pool_address(kft->pool, chunk);
}

/* A frame of a port of another queue. */
static u32 kft_foreign(struct kunit *test, struct kvmflip_test_steered *kft)
{
	return kvmflip_steered_write(test, kft, kft->port->id + 1, kft->port->gen, 100);
}

static u64 kft_queue(const struct kvmflip_test_steered *kft, unsigned int counter)
{
	return kft->delta.v[counter];
}

static u64 kft_port(const struct kvmflip_test_steered *kft, unsigned int counter)
{
	return kft->port->stats.v[counter];
}

/* The guest has seen all there is. */
static void kft_consume(struct kvmflip_test_steered *kft)
{
	kft->port->rx.shared->cons = kft->port->rx.shared->prod;
}

/* A frame is named at once, and the buffer goes round without a toll. */
static void kft_round(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	u32 chunk = kvmflip_steered_own(test, kft, 100);
	struct kvmflip_buffer *buf = kvmflip_steered_buffer(kft, chunk);
	u32 slot = buf->slot, i;
	u64 flips;

	kvmflip_steered_states(test, kft, 0, KFT_TARGET, 0);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_serve(kft), U64_MAX);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 1);
	kvmflip_steered_expect_desc(test, kft, 0, slot, KFT_OFFSET, 100, 0);
	/* What drivers and the XDP program have noted is gone, the frame is there. */
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk) + KFT_OFFSET - 64, 0, 64));
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk) + KFT_OFFSET, KFT_STALE, 100));
	/* Another is ready to be posted instead of it. */
	kvmflip_steered_states(test, kft, 0, KFT_TARGET + 1, 0);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);

	KUNIT_EXPECT_EQ(test, kvmflip_steered_own(test, kft, 1500), chunk + 1);
	kvmflip_steered_serve(kft);
	kvmflip_steered_expect_desc(test, kft, 1, slot, KFT_CHUNK + KFT_OFFSET, 1500,
				    KVMFLIP_RX_LAST);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_STEERED);
	KUNIT_EXPECT_EQ(test, buf->told, KVMFLIP_TOLD_NOTHING);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);

	flips = kft_port(kft, KVMFLIP_A_STATS_FLIPS);
	KUNIT_EXPECT_EQ(test, flips, KFT_TARGET + 1);
	for (i = 0; i < 100; i++) {
		buf = kvmflip_steered_given(test, kft);
		kft_consume(kft);
		kvmflip_steered_return(kft, buf->slot);
	}
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_FLIPPED), 202);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 101);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_FLIPS), flips);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_UNMAP_CALLS), 0);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BYTES_ZEROED), 0);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 0);
	kvmflip_steered_states(test, kft, 0, KFT_TARGET + 1, 0);
}

static bool kft_soft(struct kvmflip_test_steered *kft)
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
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	struct kvmflip_buffer *buf;

	KUNIT_EXPECT_TRUE(test, kft_soft(kft));
	buf = kvmflip_steered_buffer(kft, kvmflip_steered_own(test, kft, 100));
	/* There is none to be posted in its place. */
	KUNIT_EXPECT_FALSE(test, kft_soft(kft));
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 0);
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 1);
	/* It is the last of its buffer. */
	kvmflip_steered_own(test, kft, 100);
	KUNIT_EXPECT_FALSE(test, kft_soft(kft));
	kvmflip_steered_serve(kft);
	kvmflip_steered_return(kft, buf->slot);

	/* Now there is one. */
	buf = kvmflip_steered_buffer(kft, kvmflip_steered_own(test, kft, 1000));
	kvmflip_port_lock(kft->port);
	KUNIT_EXPECT_FALSE(test, kft_soft(kft));
	kvmflip_port_unlock(kft->port);
	KUNIT_EXPECT_TRUE(test, kft_soft(kft));
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 3);
	kvmflip_steered_expect_desc(test, kft, 2, buf->slot, KFT_OFFSET, 1000, 0);
	KUNIT_EXPECT_EQ(test, buf->told, KVMFLIP_TOLD_FRAMES);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_FLIPPED), 3);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_FLIPPED), 3);
	kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_serve(kft);

	kvmflip_steered_write(test, kft, kft->port->id, kft->port->gen - 1, 100);
	KUNIT_EXPECT_FALSE(test, kft_soft(kft));
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 4);
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

static u32 kft_write_other(struct kunit *test, struct kvmflip_test_steered *kft)
{
	const struct kft_other *other = test->param_value;

	return kvmflip_steered_write(test, kft, kft->port->id + other->port,
				     kft->port->gen + other->gen, other->len);
}

/* It comes last: the guest is told that there are no more. */
static void kft_other_last(struct kunit *test)
{
	const struct kft_other *other = test->param_value;
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	u32 chunk, slot;

	chunk = kvmflip_steered_own(test, kft, 100);
	slot = kvmflip_steered_buffer(kft, chunk)->slot;
	KUNIT_EXPECT_EQ(test, kft_write_other(test, kft), chunk + 1);
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 2);
	kvmflip_steered_expect_desc(test, kft, 0, slot, KFT_OFFSET, 100, 0);
	kvmflip_steered_expect_desc(test, kft, 1, slot, 0, 0, KVMFLIP_RX_LAST);
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk + 1), 0, KFT_CHUNK));
	KUNIT_EXPECT_EQ(test, kft_queue(kft, other->verdict), 1);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECEIVED), 2);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RECEIVED), 1);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BYTES_ZEROED), KFT_CHUNK);
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);
}

/* It comes first: the frame behind it carries the flag. */
static void kft_other_first(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	u32 chunk = kft_write_other(test, kft);

	KUNIT_EXPECT_EQ(test, kvmflip_steered_own(test, kft, 100), chunk + 1);
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 1);
	kvmflip_steered_expect_desc(test, kft, 0, kvmflip_steered_buffer(kft, chunk)->slot,
				    KFT_CHUNK + KFT_OFFSET, 100, KVMFLIP_RX_LAST);
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk), 0, KFT_CHUNK));
}

/* Nothing else comes: the guest is not told, and the buffer posted again. */
static void kft_other_only(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	u32 chunk = kft_write_other(test, kft);
	struct kvmflip_buffer *buf = kvmflip_steered_buffer(kft, chunk);

	KUNIT_EXPECT_EQ(test, kft_write_other(test, kft), chunk + 1);
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 0);
	KUNIT_EXPECT_EQ(test, buf->left, 2);
	KUNIT_EXPECT_PTR_EQ(test, kft->port->window.slot[buf->slot], buf);
	KUNIT_EXPECT_EQ(test, kft_queue(kft, KVMFLIP_A_STATS_RECYCLED), 1);
	KUNIT_EXPECT_NULL(test, memchr_inv(kft_bytes(kft, chunk), 0, 2 * KFT_CHUNK));
	kvmflip_steered_states(test, kft, 0, KFT_TARGET, 0);
}

static void kft_bad_returns(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	u32 chunk, slot;

	chunk = kvmflip_steered_own(test, kft, 100);
	slot = kvmflip_steered_buffer(kft, chunk)->slot;
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 1, "posted");
	kvmflip_steered_serve(kft);
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 2, "before LAST");
	kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 3, "not served");
	kvmflip_steered_serve(kft);
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 4, "twice");
	kvmflip_steered_return(kft, KFT_SLOTS - 1);
	KUNIT_EXPECT_EQ_MSG(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 5, "empty");
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);
	kvmflip_steered_states(test, kft, 0, KFT_TARGET + 1, 0);
}

/* There is no space in the ring: frames are lost, but not the flag. */
static void kft_ring_full(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	struct kvmflip_host_ring *rx = &kft->port->rx;
	u32 chunk, slot, prod;

	chunk = kvmflip_steered_own(test, kft, 100);
	slot = kvmflip_steered_buffer(kft, chunk)->slot;
	kvmflip_steered_serve(kft);
	while (kvmflip_ring_space(rx) > KFT_SLOTS)
		kvmflip_rx_put(rx, 0, 0, 0, 0);
	kvmflip_ring_publish(rx);
	prod = kvmflip_steered_prod(kft);

	kvmflip_steered_own(test, kft, 100);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_serve(kft), NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), prod);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_DROPPED_RING_FULL), 1);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_BAD_RETURNS), 1);

	kft_consume(kft);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_serve(kft), U64_MAX);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), prod + 1);
	kvmflip_steered_expect_desc(test, kft, prod, slot, 0, 0, KVMFLIP_RX_LAST);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
	kvmflip_steered_return(kft, slot);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_RETURNS), 1);
	kvmflip_steered_states(test, kft, 0, KFT_TARGET + 1, 0);
}

/* A guest that returns nothing gets all it may have, and then copies. */
static void kft_quota(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	u32 i, chunk, prod;
	const u8 *frame;

	for (i = KFT_TARGET; i < KFT_SLOTS; i++)
		kvmflip_steered_given(test, kft);
	kvmflip_steered_states(test, kft, 0, KFT_SLOTS, 0);
	prod = kvmflip_steered_prod(kft);
	chunk = kvmflip_steered_own(test, kft, 100);
	kft_foreign(test, kft);
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_COPIED_QUOTA), 1);
	kvmflip_steered_expect_desc(test, kft, prod, KFT_SLOTS, 0, 100, 0);
	/* It may look there all the same, and sees what the frame is and no more. */
	frame = kvmflip_pool_address(kft->pool, chunk) + kft->pool->table.chunk[chunk].offset;
	KUNIT_EXPECT_NULL(test, memchr_inv(frame - KVMFLIP_NOTES, 0, KVMFLIP_NOTES));
	KUNIT_EXPECT_EQ(test, kvmflip_steered_buffer(kft, chunk)->left, 2);
	KUNIT_EXPECT_EQ(test, kft->rxq->buffers, KFT_TARGET);
	kvmflip_steered_states(test, kft, 0, KFT_SLOTS, 0);
}

/* The guest touches a slot in the moment before the buffer is there. */
static void kft_slot_touched(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	struct kvmflip_window *window = &kft->port->window;

	__set_bit(KFT_TARGET, window->sunk);
	kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_EQ(test, kft_port(kft, KVMFLIP_A_STATS_COPIED_QUOTA), 1);
	KUNIT_EXPECT_NULL(test, window->slot[KFT_TARGET]);
	kvmflip_steered_states(test, kft, 0, KFT_TARGET, 0);
	KUNIT_EXPECT_EQ(test, kft->port->leased, KFT_TARGET);
	KUNIT_EXPECT_EQ(test, kft->rxq->steer->lease.nr_idle, 0);
	/* The next one is another. */
	kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_serve(kft);
	KUNIT_EXPECT_NOT_NULL(test, window->slot[KFT_TARGET + 1]);
	kvmflip_steered_states(test, kft, 0, KFT_TARGET + 1, 0);
	__clear_bit(KFT_TARGET, window->sunk);
	__clear_bit(KFT_TARGET, window->busy);
}

static void kft_refused(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered_new(test, KFT_SLOTS - 1);
	struct kvmflip_pool *other = kvmflip_test_pool(test, "kunit-other", KFT_BUFFERS);

	kvmflip_test_port(test, "kunit-b", other, KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_init(kft, "kunit-x"), -ENOENT);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_init(kft, "kunit-b"), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvmflip_steered_init(kft, "kunit-a"), -ERANGE);
	KUNIT_EXPECT_NULL(test, kft->rxq->steer);
	KUNIT_EXPECT_EQ(test, kft->port->dedicated, 0);
	KUNIT_EXPECT_EQ(test, kref_read(&kft->port->ref), 1);
}

/* The guest sees a buffer before a frame is in it, but nothing that others had there. */
static void kft_scrubbed(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered_new(test, KFT_SLOTS);
	struct kvmflip_buffer *buf;
	u32 i, seen = 0;

	for (i = 0; i < KFT_BUFFERS; i++) {
		buf = &kft->pool->table.buf[i];
		memset(kvmflip_test_bytes(kft->pool, buf), KFT_STALE, PAGE_SIZE);
		buf->dirty = i % 2 ? KVMFLIP_DIRTY : kft->port->tenant + 1;
	}
	kvmflip_steered_start(test, kft);
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
	struct kvmflip_test_steered *kft = kvmflip_steered(test);
	u32 i, chunk;

	for (i = 0; i < 4; i++) {
		kft->meta_flags = i & 1 ? KVMFLIP_META_CSUM_VALID : 0;
		chunk = kvmflip_steered_own(test, kft, 100);
		kft->port->features = i & 2 ? KVMFLIP_F_RX_CSUM : ~KVMFLIP_F_RX_CSUM;
		kvmflip_steered_serve(kft);
		kvmflip_steered_expect_desc(test, kft, i, kvmflip_steered_buffer(kft, chunk)->slot,
					    i & 1 ? KFT_CHUNK + KFT_OFFSET : KFT_OFFSET, 100,
					    (i & 1 ? KVMFLIP_RX_LAST : 0) |
					    (i == 3 ? KVMFLIP_RX_CSUM_VALID : 0));
	}
	kft->meta_flags = KVMFLIP_META_CSUM_VALID << 1;
	kvmflip_steered_own(test, kft, 100);
	kvmflip_steered_serve(kft);
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
	KUNIT_CASE(kft_slot_touched),
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
