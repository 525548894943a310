// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: the rings of an AF_XDP socket, used from within the kernel. */

#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/sizes.h>

#include "../src/host/xsk.h"

#define KFT_NR		8

/**
 * struct kft_layout - a layout that a process claims a ring to have
 * @name: of the case
 * @layout: the layout
 * @valid: whether it can be one
 */
struct kft_layout {
	const char *name;
	struct kvmflip_xsk_layout layout;
	bool valid;
};

static const struct kft_layout kft_layouts[] = {
	{ "as the kernel has it", { 2048, 0, 64, 128, 192 }, true },
	{ "one entry", { 1, 0, 64, 128, 192 }, true },
	{ "the most entries", { SZ_1M, 0, 64, 128, 192 }, true },
	{ "far away", { 64, SZ_1M - 64, 64, 128, SZ_1M }, true },
	{ "close together", { 64, 0, 4, 8, 16 }, true },
	{ "no entry", { 0, 0, 64, 128, 192 }, false },
	{ "no power of two", { 3, 0, 64, 128, 192 }, false },
	{ "too many entries", { SZ_2M, 0, 64, 128, 192 }, false },
	{ "2^31 entries", { BIT(31), 0, 64, 128, 192 }, false },
	{ "producer unaligned", { 64, 2, 64, 128, 192 }, false },
	{ "consumer unaligned", { 64, 0, 65, 128, 192 }, false },
	{ "flags unaligned", { 64, 0, 64, 127, 192 }, false },
	{ "descriptors unaligned", { 64, 0, 64, 128, 196 }, false },
	{ "producer among descriptors", { 64, 192, 64, 128, 192 }, false },
	{ "consumer among descriptors", { 64, 0, 200, 128, 192 }, false },
	{ "flags among descriptors", { 64, 0, 64, 256, 192 }, false },
	{ "descriptors at the start", { 64, 0, 64, 128, 0 }, false },
	{ "producer too far", { 64, SZ_2M, 64, 128, SZ_1M }, false },
	{ "descriptors too far", { 64, 0, 64, 128, SZ_1M + 8 }, false },
	{ "producer wraps", { 64, -4, 64, 128, 192 }, false },
	{ "consumer wraps", { 64, 0, -4, 128, 192 }, false },
	{ "flags wrap", { 64, 0, 64, -4, 192 }, false },
	{ "descriptors wrap", { 64, 0, 64, 128, -8 }, false },
};

KUNIT_ARRAY_PARAM_DESC(kft_layout, kft_layouts, name);

static void kft_layout_valid(struct kunit *test)
{
	const struct kft_layout *row = test->param_value;

	KUNIT_EXPECT_EQ(test, kf_layout_valid(&row->layout, sizeof(struct xdp_desc)), row->valid);
	KUNIT_EXPECT_EQ(test, kf_layout_valid(&row->layout, sizeof(u64)), row->valid);
}

/**
 * struct kft_indices - what the other end of a ring writes
 * @producer: its index, or ours
 * @consumer: its index, or ours
 * @flags: from the driver
 */
struct kft_indices {
	u32 producer;
	u32 consumer;
	u32 flags;
};

/* The descriptors end with their memory, so that KASAN sees what is beyond. */
static void kft_ring(struct kunit *test, struct kvmflip_xsk_ring *ring, size_t desc_size,
		     u32 base)
{
	struct kft_indices *shared = kunit_kzalloc(test, sizeof(*shared), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, shared);
	ring->desc = kunit_kzalloc(test, KFT_NR * desc_size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ring->desc);
	ring->producer = &shared->producer;
	ring->consumer = &shared->consumer;
	ring->flags = &shared->flags;
	ring->nr = KFT_NR;
	ring->index = base;
	shared->producer = base;
	shared->consumer = base;
}

static struct kvmflip_xsk *kft_xsk(struct kunit *test, u32 base)
{
	struct kvmflip_xsk *xsk = kunit_kzalloc(test, sizeof(*xsk), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, xsk);
	kft_ring(test, &xsk->rx, sizeof(struct xdp_desc), base);
	kft_ring(test, &xsk->fill, sizeof(u64), base);
	return xsk;
}

static const u32 kft_bases[] = { 0, KFT_NR - 1, 0x7fffffff, U32_MAX - 2, U32_MAX };

/**
 * struct kft_peek - an index of the RX ring's producer
 * @name: of the case
 * @producer: from where we are
 * @max: how many we want
 * @n: what kvmflip_xsk_peek() must say if the ring does not end before
 */
struct kft_peek {
	const char *name;
	u32 producer;
	u32 max;
	int n;
};

static const struct kft_peek kft_peeks[] = {
	{ "none", 0, KFT_NR, 0 },
	{ "1", 1, KFT_NR, 1 },
	{ "nr", KFT_NR, 2 * KFT_NR, KFT_NR },
	{ "nr, 3 wanted", KFT_NR, 3, 3 },
	{ "nr, none wanted", KFT_NR, 0, 0 },
	{ "nr + 1", KFT_NR + 1, 2 * KFT_NR, -EPROTO },
	{ "nr + 1, 1 wanted", KFT_NR + 1, 1, -EPROTO },
	{ "2^31", BIT(31), 2 * KFT_NR, -EPROTO },
	{ "1 behind", -1, 2 * KFT_NR, -EPROTO },
};

KUNIT_ARRAY_PARAM_DESC(kft_peek, kft_peeks, name);

static void kft_xsk_peek(struct kunit *test)
{
	const struct kft_peek *row = test->param_value;
	const struct xdp_desc *descs;
	struct kvmflip_xsk *xsk;
	struct xdp_desc *desc;
	u32 i, b, base;
	int n, left;

	for (b = 0; b < ARRAY_SIZE(kft_bases); b++) {
		base = kft_bases[b];
		xsk = kft_xsk(test, base);
		desc = xsk->rx.desc;
		for (i = 0; i < KFT_NR; i++)
			desc[(base + i) % KFT_NR].addr = 1000 + i;
		*xsk->rx.producer = base + row->producer;
		/* Those behind the end of the ring are found the next time. */
		for (i = 0, left = row->n; left > 0; i += n, left -= n) {
			n = kvmflip_xsk_peek(xsk, &descs, min_t(u32, row->max, left));
			KUNIT_ASSERT_EQ_MSG(test, n, min(left, KFT_NR - (base + i) % KFT_NR),
					    "from %u", base);
			KUNIT_EXPECT_EQ(test, descs->addr, 1000 + i);
			KUNIT_EXPECT_EQ(test, descs[n - 1].addr, 1000 + i + n - 1);
			/* AF_XDP writes to none that may still be looked at. */
			KUNIT_EXPECT_EQ(test, *xsk->rx.consumer, base + i);
			kvmflip_xsk_release(xsk, n);
			KUNIT_EXPECT_EQ(test, *xsk->rx.consumer, base + i + n);
		}
		if (row->n <= 0)
			KUNIT_EXPECT_EQ_MSG(test, kvmflip_xsk_peek(xsk, &descs, row->max),
					    row->n, "from %u", base);
		KUNIT_EXPECT_EQ(test, xsk->rx.index, base + max(row->n, 0));
	}
}

/* Our own index is never read back from where others can write. */
static void kft_index_is_own(struct kunit *test)
{
	struct kvmflip_xsk *xsk = kft_xsk(test, U32_MAX - 5);
	const struct xdp_desc *descs;
	u32 i;

	for (i = 0; i < 3 * KFT_NR; i++) {
		*xsk->rx.consumer = i * 0x12345678;
		*xsk->rx.producer = xsk->rx.index + 1;
		KUNIT_ASSERT_EQ(test, kvmflip_xsk_peek(xsk, &descs, 1), 1);
		kvmflip_xsk_release(xsk, 1);
		KUNIT_EXPECT_EQ(test, *xsk->rx.consumer, U32_MAX - 5 + i + 1);
	}
}

static void kft_fill(struct kunit *test)
{
	struct kvmflip_xsk *xsk;
	u32 i, b, base;
	u64 *desc;

	for (b = 0; b < ARRAY_SIZE(kft_bases); b++) {
		base = kft_bases[b];
		xsk = kft_xsk(test, base);
		desc = xsk->fill.desc;
		for (i = 0; i < KFT_NR; i++)
			kvmflip_xsk_fill_put(xsk, BIT_ULL(40) + i, 0, 1);
		/* The driver does not see any of it yet. */
		KUNIT_EXPECT_EQ(test, *xsk->fill.producer, base);
		KUNIT_EXPECT_FALSE(test, kvmflip_xsk_fill_publish(xsk));
		KUNIT_EXPECT_EQ(test, *xsk->fill.producer, base + KFT_NR);
		for (i = 0; i < KFT_NR; i++)
			KUNIT_EXPECT_EQ(test, desc[(base + i) % KFT_NR], BIT_ULL(40) + i);
	}
}

static __poll_t kft_poll(struct file *file, poll_table *table)
{
	u32 *polls = file->private_data;

	(*polls)++;
	return 0;
}

static const struct file_operations kft_fops = {
	.owner = THIS_MODULE,
	.poll = kft_poll,
};

static void kft_fput(void *data)
{
	fput(data);
}

/* Only a driver that sleeps is woken, through the poll of the socket. */
static void kft_fill_wakes(struct kunit *test)
{
	struct kvmflip_xsk *xsk = kft_xsk(test, 0);
	u32 *polls = kunit_kzalloc(test, sizeof(*polls), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, polls);
	xsk->file = anon_inode_getfile("kvmflip-kunit", &kft_fops, polls, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, xsk->file);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_fput, xsk->file), 0);

	KUNIT_EXPECT_FALSE(test, kvmflip_xsk_fill_publish(xsk));
	KUNIT_EXPECT_EQ(test, *polls, 0);
	*xsk->fill.flags = ~XDP_RING_NEED_WAKEUP;
	KUNIT_EXPECT_FALSE(test, kvmflip_xsk_fill_publish(xsk));
	KUNIT_EXPECT_EQ(test, *polls, 0);
	*xsk->fill.flags = XDP_RING_NEED_WAKEUP;
	KUNIT_EXPECT_TRUE(test, kvmflip_xsk_fill_publish(xsk));
	KUNIT_EXPECT_EQ(test, *polls, 1);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_layout_valid, kft_layout_gen_params),
	KUNIT_CASE_PARAM(kft_xsk_peek, kft_peek_gen_params),
	KUNIT_CASE(kft_index_is_own),
	KUNIT_CASE(kft_fill),
	KUNIT_CASE(kft_fill_wakes),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_xsk",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
