// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: what a guest learns of checksums that the NIC has verified. */

#include <linux/sizes.h>

#include "queue.h"

#define KFT_BUFFERS	16
#define KFT_SLOTS	4
#define KFT_TAG		KVMFLIP_TEST_TAG(0)
#define KFT_LEN		100

/**
 * struct kft_checksum - a port, and a queue
 * @port: the port, running
 * @queue: the queue, with buffers of two chunks
 */
struct kft_checksum {
	struct kvmflip_port *port;
	struct kvmflip_test_queue *queue;
};

static struct kft_checksum *kft_checksum(struct kunit *test, u32 features)
{
	struct kft_checksum *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);
	struct kvmflip_pool *pool;

	KUNIT_ASSERT_NOT_NULL(test, kft);
	pool = kvmflip_test_pool_chunks(test, "kunit", KFT_BUFFERS, SZ_4K, SZ_2K);
	kft->port = kvmflip_test_port_running(test, "kunit-a", pool, KFT_SLOTS);
	kft->port->features = features;
	kft->queue = kvmflip_test_queue(test, pool);
	return kft;
}

/* What a program writes of a frame for the port: the flags of the NIC. */
static struct kvmflip_meta *kft_arrive(struct kft_checksum *kft, struct kvmflip_buffer *buf, u32 n,
				       u32 flags)
{
	u32 chunk = kvmflip_test_chunk(kft->queue, buf, n);
	struct kvmflip_meta meta = kvmflip_test_meta(kft->port);

	meta.flags = flags;
	kvmflip_test_frame(kft->queue, chunk, &meta, KFT_TAG, 256, KFT_LEN);
	return (void *)(kvmflip_test_chunk_bytes(kft->queue, chunk) + 256 - sizeof(meta));
}

/**
 * struct kft_verified - what the guest learns of two frames of a buffer
 * @name: of the case
 * @features: that its driver accepted
 * @copybreak: of the port
 * @flags: of the frames' metadata
 * @told: KVMFLIP_RX_* that the guest finds besides
 */
struct kft_verified {
	const char *name;
	u32 features;
	u32 copybreak;
	u32 flags[2];
	u32 told[2];
};

#define KFT_ASKED	KVMFLIP_F_RX_CSUM
#define KFT_VALID	KVMFLIP_RX_CSUM_VALID

static const struct kft_verified kft_verifieds[] = {
	{ "nothing to tell", KFT_ASKED, 0, { 0, 0 }, { 0, 0 } },
	{ "not asked", ~KFT_ASKED, 0, { 1, 1 }, { 0, 0 } },
	{ "verified", KFT_ASKED, 0, { 1, 1 }, { KFT_VALID, KFT_VALID } },
	{ "the first", KFT_ASKED, 0, { 1, 0 }, { KFT_VALID, 0 } },
	{ "the second", KFT_ASKED, 0, { 0, 1 }, { 0, KFT_VALID } },
	{ "copied, nothing to tell", KFT_ASKED, KFT_LEN, { 0, 0 }, { 0, 0 } },
	{ "copied, not asked", ~KFT_ASKED, KFT_LEN, { 1, 1 }, { 0, 0 } },
	{ "copied, verified", KFT_ASKED, KFT_LEN, { 1, 1 }, { KFT_VALID, KFT_VALID } },
	{ "copied, the second", KFT_ASKED, KFT_LEN, { 0, 1 }, { 0, KFT_VALID } },
};

KUNIT_ARRAY_PARAM_DESC(kft_verified, kft_verifieds, name);

static void kft_told(struct kunit *test)
{
	const struct kft_verified *row = test->param_value;
	struct kft_checksum *kft = kft_checksum(test, row->features);
	const struct kvmflip_buffers *table = &kft->queue->pool->table;
	const u64 *v = kft->port->stats.v;
	struct kvmflip_buffer *buf;
	struct kvmflip_test_rx rx;
	u32 i, round, chunk;

	kft->port->config.copybreak = row->copybreak;
	/* The second time the chunks have had frames before, with other flags. */
	for (round = 0; round < 2; round++) {
		buf = kvmflip_test_post(test, kft->queue);
		for (i = 0; i < 2; i++) {
			chunk = kvmflip_test_chunk(kft->queue, buf, i);
			table->chunk[chunk].flags = round ? !row->flags[i] : 0;
			kft_arrive(kft, buf, i, row->flags[i]);
		}
		kvmflip_test_deliver(kft->queue);
		for (i = 0; i < 2; i++) {
			KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
			KUNIT_EXPECT_EQ(test, rx.len, KFT_LEN);
			KUNIT_EXPECT_EQ(test, rx.flags & ~KVMFLIP_RX_LAST, row->told[i]);
		}
	}
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_COPIED], row->copybreak ? 4 : 0);
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_RECEIVED], 4);
	kvmflip_test_sums(test, v);
}

/* Another frame lies there, of which it is not known. */
static void kft_changed(struct kunit *test)
{
	struct kft_checksum *kft = kft_checksum(test, KFT_ASKED);
	struct kvmflip_test_rx rx;
	u32 i, n;

	for (i = 0; i < 2; i++) {
		struct kvmflip_buffer *buf = kvmflip_test_post(test, kft->queue);

		for (n = 0; n < 2; n++)
			kft_arrive(kft, buf, n, i)->flags = !i;
		kvmflip_test_deliver(kft->queue);
		KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port, &rx));
		KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_DROPPED_INVALID],
				2 * i + 2);
	}
	kvmflip_test_sums(test, kft->port->stats.v);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_told, kft_verified_gen_params),
	KUNIT_CASE(kft_changed),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_checksum",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
