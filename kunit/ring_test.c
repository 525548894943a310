// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: the host's ends of the rings that are shared with a guest. */

#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/prandom.h>

#include "../src/host/ring.h"

#define KFT_NR		8
#define KFT_CANARY	0xdeadbeef

/* Where the free-running indices may stand. */
static const u32 kft_bases[] = {
	0, 1, KFT_NR - 1, 0x7ffffffe, 0x80000000, U32_MAX - 3, U32_MAX,
};

/*
 * The memory ends with the last entry, so that KASAN sees any access to an
 * entry that does not exist.
 */
static void kft_ring(struct kunit *test, struct kvmflip_host_ring *ring, size_t entry_size,
		     u32 base)
{
	void *mem = kunit_kzalloc(test, KVMFLIP_RING_ENTRIES_OFF + KFT_NR * entry_size,
				  GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	kvmflip_ring_init(ring, mem, KFT_NR);
	ring->prod = base;
	ring->cons = base;
	ring->published = base;
	ring->shared->prod = cpu_to_le32(base);
	ring->shared->cons = cpu_to_le32(base);
	ring->shared->event = cpu_to_le32(base);
}

static void kft_rx_ring(struct kunit *test, struct kvmflip_host_ring *ring, u32 base)
{
	kft_ring(test, ring, sizeof(struct kvmflip_rx_desc), base);
}

static void kft_ret_ring(struct kunit *test, struct kvmflip_host_ring *ring, u32 base)
{
	kft_ring(test, ring, sizeof(__le32), base);
}

static void kft_layout(struct kunit *test)
{
	struct kvmflip_host_ring ring;
	size_t bytes;
	void *mem;
	u32 nr;

	for (nr = 1; nr <= 65536; nr *= 2) {
		bytes = kvmflip_ring_bytes(nr, sizeof(struct kvmflip_rx_desc));
		KUNIT_EXPECT_GE(test, bytes, 128 + nr * 16);
		KUNIT_EXPECT_EQ(test, bytes % 64, 0);
		bytes = kvmflip_ring_bytes(nr, sizeof(__le32));
		KUNIT_EXPECT_GE(test, bytes, 128 + nr * 4);
		KUNIT_EXPECT_EQ(test, bytes % 64, 0);
	}
	/* What guests rely on. */
	KUNIT_EXPECT_EQ(test, sizeof(struct kvmflip_ring), KVMFLIP_RING_ENTRIES_OFF);
	KUNIT_EXPECT_EQ(test, offsetof(struct kvmflip_ring, prod), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct kvmflip_ring, cons), 64);
	KUNIT_EXPECT_EQ(test, offsetof(struct kvmflip_ring, event), 68);
	KUNIT_EXPECT_EQ(test, offsetof(struct kvmflip_ring, wanted), 72);
	KUNIT_EXPECT_EQ(test, sizeof(struct kvmflip_rx_desc), 16);

	/* Whatever a guest left there, a ring begins empty. */
	bytes = kvmflip_ring_bytes(KFT_NR, sizeof(__le32));
	mem = kunit_kmalloc(test, bytes, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	memset(mem, 0xff, bytes);
	kvmflip_ring_init(&ring, mem, KFT_NR);
	KUNIT_EXPECT_EQ(test, kvmflip_ring_space(&ring), KFT_NR);
	KUNIT_EXPECT_FALSE(test, kvmflip_ring_publish(&ring));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->prod), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->cons), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->event), 0);
}

/**
 * struct kft_space - an index of the RX ring's consumer, which the guest writes
 * @name: of the case
 * @pending: descriptors the guest has been given since the host last looked
 * @cons: what the guest writes, from where the host knows it to be
 * @space: what kvmflip_ring_space() must say
 */
struct kft_space {
	const char *name;
	u32 pending;
	u32 cons;
	int space;
};

static const struct kft_space kft_spaces[] = {
	{ "empty ring, not moved", 0, 0, KFT_NR },
	{ "empty ring, 1 ahead", 0, 1, -EPROTO },
	{ "empty ring, 1 behind", 0, -1, -EPROTO },
	{ "empty ring, nr ahead", 0, KFT_NR, -EPROTO },
	{ "3 pending, not moved", 3, 0, KFT_NR - 3 },
	{ "3 pending, 1 taken", 3, 1, KFT_NR - 2 },
	{ "3 pending, all taken", 3, 3, KFT_NR },
	{ "3 pending, 1 ahead", 3, 4, -EPROTO },
	{ "3 pending, 1 behind", 3, -1, -EPROTO },
	{ "3 pending, nr behind", 3, -KFT_NR, -EPROTO },
	{ "3 pending, 2^31 ahead", 3, 0x80000000, -EPROTO },
	{ "3 pending, 2^31 - 1 ahead", 3, 0x7fffffff, -EPROTO },
	{ "full ring, not moved", KFT_NR, 0, 0 },
	{ "full ring, 1 taken", KFT_NR, 1, 1 },
	{ "full ring, all taken", KFT_NR, KFT_NR, KFT_NR },
	{ "full ring, 1 ahead", KFT_NR, KFT_NR + 1, -EPROTO },
	{ "full ring, 1 behind", KFT_NR, -1, -EPROTO },
	{ "full ring, 2^31 ahead", KFT_NR, 0x80000000, -EPROTO },
};

KUNIT_ARRAY_PARAM_DESC(kft_space, kft_spaces, name);

static void kft_rx_space(struct kunit *test)
{
	const struct kft_space *row = test->param_value;
	struct kvmflip_host_ring ring;
	u32 i, base, put;

	for (i = 0; i < ARRAY_SIZE(kft_bases); i++) {
		base = kft_bases[i];
		kft_rx_ring(test, &ring, base);
		for (put = 0; put < row->pending; put++)
			kvmflip_rx_put(&ring, put, 0, 0, 0);
		ring.shared->cons = cpu_to_le32(base + row->cons);
		KUNIT_EXPECT_EQ_MSG(test, kvmflip_ring_space(&ring), row->space, "from %u", base);
		/* An index that is refused is not remembered. */
		KUNIT_EXPECT_EQ(test, ring.cons, row->space < 0 ? base : base + row->cons);
		KUNIT_EXPECT_EQ(test, ring.prod, base + row->pending);
	}
}

/* Good when it was looked at first, and then taken back. */
static void kft_rx_cons_changes(struct kunit *test)
{
	struct kvmflip_host_ring ring;
	u32 i;

	kft_rx_ring(test, &ring, U32_MAX - 2);
	for (i = 0; i < KFT_NR; i++)
		kvmflip_rx_put(&ring, i, 0, 0, 0);
	ring.shared->cons = cpu_to_le32(U32_MAX + 3);
	KUNIT_EXPECT_EQ(test, kvmflip_ring_space(&ring), 5);
	ring.shared->cons = cpu_to_le32(U32_MAX);
	KUNIT_EXPECT_EQ(test, kvmflip_ring_space(&ring), -EPROTO);
	ring.shared->cons = cpu_to_le32(U32_MAX + 2);
	KUNIT_EXPECT_EQ(test, kvmflip_ring_space(&ring), -EPROTO);
	ring.shared->cons = cpu_to_le32(U32_MAX + 3);
	KUNIT_EXPECT_EQ(test, kvmflip_ring_space(&ring), 5);
}

/* Only its own index tells the host where to write. */
static void kft_rx_put_ignores_guest(struct kunit *test)
{
	static const u32 garbage[] = { 0, 1, KFT_NR, 0x7fffffff, 0x80000000, U32_MAX };
	struct kvmflip_host_ring ring;
	struct kvmflip_rx_desc *desc;
	u32 i, place;

	kft_rx_ring(test, &ring, U32_MAX - 1);
	desc = ring.entries;
	for (i = 0; i < ARRAY_SIZE(garbage); i++) {
		ring.shared->prod = cpu_to_le32(garbage[i]);
		ring.shared->cons = cpu_to_le32(garbage[i]);
		ring.shared->event = cpu_to_le32(garbage[i]);
		kvmflip_rx_put(&ring, 100 + i, 200 + i, 300 + i, KVMFLIP_RX_LAST);
		place = (U32_MAX - 1 + i) % KFT_NR;
		KUNIT_EXPECT_EQ(test, le32_to_cpu(desc[place].slot), 100 + i);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(desc[place].offset), 200 + i);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(desc[place].len), 300 + i);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(desc[place].flags), KVMFLIP_RX_LAST);
	}
	kvmflip_ring_publish(&ring);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->prod), U32_MAX - 1 + i);
}

static void kft_rx_unseen_until_published(struct kunit *test)
{
	struct kvmflip_host_ring ring;

	kft_rx_ring(test, &ring, 5);
	kvmflip_rx_put(&ring, 1, 2, 3, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->prod), 5);
	kvmflip_ring_publish(&ring);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->prod), 6);
	/* Nothing new, no matter what the guest asks for. */
	KUNIT_EXPECT_FALSE(test, kvmflip_ring_publish(&ring));
}

/* The law: notify if the entry at index event is among the new ones. */
static bool kft_wants(u32 old, u32 n, u32 event)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (old + i == event)
			return true;
	return false;
}

static void kft_rx_event(struct kunit *test)
{
	static const u32 offsets[] = {
		-KFT_NR - 1, -KFT_NR, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		0x7fffffff, 0x80000000, 0x80000001,
	};
	u32 b, n, o, i, old, event;
	struct kvmflip_host_ring ring;
	bool told;

	for (b = 0; b < ARRAY_SIZE(kft_bases); b++) {
		old = kft_bases[b];
		kft_rx_ring(test, &ring, old);
		for (n = 0; n <= KFT_NR; n++) {
			for (o = 0; o < ARRAY_SIZE(offsets); o++) {
				ring.prod = old;
				ring.published = old;
				event = old + offsets[o];
				ring.shared->event = cpu_to_le32(event);
				for (i = 0; i < n; i++)
					kvmflip_rx_put(&ring, 0, 0, 0, 0);
				told = kvmflip_ring_publish(&ring);
				KUNIT_EXPECT_EQ_MSG(test, told, kft_wants(old, n, event),
						    "%u + %u, event %u", old, n, event);
			}
		}
	}
}

/* What was published without a word still counts when the guest asks later. */
static void kft_rx_event_every_one(struct kunit *test)
{
	struct kvmflip_host_ring ring;
	u32 i, told = 0;

	kft_rx_ring(test, &ring, U32_MAX - 7);
	for (i = 0; i < 64; i++) {
		ring.shared->event = cpu_to_le32(ring.prod);
		kvmflip_rx_put(&ring, i, 0, 0, 0);
		told += kvmflip_ring_publish(&ring);
		/* Still where it was: one interrupt is enough. */
		kvmflip_rx_put(&ring, i, 0, 0, 0);
		told += kvmflip_ring_publish(&ring);
		ring.shared->cons = cpu_to_le32(ring.prod);
		KUNIT_ASSERT_EQ(test, kvmflip_ring_space(&ring), KFT_NR);
	}
	KUNIT_EXPECT_EQ(test, told, 64);
}

static void kft_rx_wraps(struct kunit *test)
{
	u32 sent = 0, seen = 0, n, index = U32_MAX - 20;
	struct kvmflip_host_ring ring;
	struct kvmflip_rx_desc *desc;
	int space;

	kft_rx_ring(test, &ring, index);
	desc = ring.entries;
	for (n = 0; n < 100; n++) {
		space = kvmflip_ring_space(&ring);
		KUNIT_ASSERT_GE(test, space, 0);
		while (space-- && sent - seen < 1 + n % KFT_NR)
			kvmflip_rx_put(&ring, sent++, 0, 0, 0);
		kvmflip_ring_publish(&ring);
		while (index != le32_to_cpu(ring.shared->prod)) {
			KUNIT_ASSERT_EQ(test, le32_to_cpu(desc[index % KFT_NR].slot), seen);
			seen++;
			index++;
		}
		ring.shared->cons = cpu_to_le32(index);
	}
	KUNIT_EXPECT_EQ(test, sent, seen);
	KUNIT_EXPECT_GT(test, seen, 200);
}

/**
 * struct kft_pull - an index of the return ring's producer, which the guest writes
 * @name: of the case
 * @prod: what the guest writes, from where the host is
 * @max: how many the host wants
 * @n: what kvmflip_return_pull() must say
 */
struct kft_pull {
	const char *name;
	u32 prod;
	u32 max;
	int n;
};

static const struct kft_pull kft_pulls[] = {
	{ "none", 0, KFT_NR, 0 },
	{ "1", 1, KFT_NR, 1 },
	{ "nr - 1", KFT_NR - 1, KFT_NR, KFT_NR - 1 },
	{ "nr", KFT_NR, KFT_NR, KFT_NR },
	{ "nr, room for more", KFT_NR, 4 * KFT_NR, KFT_NR },
	{ "nr, 1 wanted", KFT_NR, 1, 1 },
	{ "nr, none wanted", KFT_NR, 0, 0 },
	{ "3, 2 wanted", 3, 2, 2 },
	{ "3, 3 wanted", 3, 3, 3 },
	{ "nr + 1", KFT_NR + 1, 4 * KFT_NR, -EPROTO },
	{ "nr + 1, 1 wanted", KFT_NR + 1, 1, -EPROTO },
	{ "2 nr", 2 * KFT_NR, 4 * KFT_NR, -EPROTO },
	{ "2^31 - 1", 0x7fffffff, 4 * KFT_NR, -EPROTO },
	{ "2^31", 0x80000000, 4 * KFT_NR, -EPROTO },
	{ "2^31 + 1", 0x80000001, 4 * KFT_NR, -EPROTO },
	{ "1 behind", -1, 4 * KFT_NR, -EPROTO },
	{ "nr behind", -KFT_NR, 4 * KFT_NR, -EPROTO },
};

KUNIT_ARRAY_PARAM_DESC(kft_pull, kft_pulls, name);

static void kft_return_pull(struct kunit *test)
{
	const struct kft_pull *row = test->param_value;
	struct kvmflip_host_ring ring;
	u32 slots[4 * KFT_NR + 1];
	u32 b, i, base, taken;
	__le32 *entry;

	for (b = 0; b < ARRAY_SIZE(kft_bases); b++) {
		base = kft_bases[b];
		kft_ret_ring(test, &ring, base);
		entry = ring.entries;
		for (i = 0; i < KFT_NR; i++)
			entry[(base + i) % KFT_NR] = cpu_to_le32(1000 + i);
		for (i = 0; i < ARRAY_SIZE(slots); i++)
			slots[i] = KFT_CANARY;
		ring.shared->prod = cpu_to_le32(base + row->prod);
		KUNIT_EXPECT_EQ_MSG(test, kvmflip_return_pull(&ring, slots, row->max), row->n,
				    "from %u", base);
		taken = max(row->n, 0);
		for (i = 0; i < taken; i++)
			KUNIT_EXPECT_EQ(test, slots[i], 1000 + i);
		for (; i < ARRAY_SIZE(slots); i++)
			KUNIT_EXPECT_EQ(test, slots[i], KFT_CANARY);
		KUNIT_EXPECT_EQ(test, ring.cons, base + taken);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->cons), base + taken);
	}
}

/* A partial pull, after which the guest thinks better of it. */
static void kft_return_prod_changes(struct kunit *test)
{
	struct kvmflip_host_ring ring;
	u32 slots[KFT_NR];
	__le32 *entry;
	u32 i;

	kft_ret_ring(test, &ring, U32_MAX - 1);
	entry = ring.entries;
	for (i = 0; i < KFT_NR; i++)
		entry[(U32_MAX - 1 + i) % KFT_NR] = cpu_to_le32(i);
	ring.shared->prod = cpu_to_le32(U32_MAX - 1 + KFT_NR);
	KUNIT_EXPECT_EQ(test, kvmflip_return_pull(&ring, slots, 3), 3);

	/* What was pulled is the host's own copy. */
	memset(entry, 0xff, KFT_NR * sizeof(*entry));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, slots[i], i);

	/* Behind what the host has taken. */
	ring.shared->prod = cpu_to_le32(U32_MAX);
	KUNIT_EXPECT_EQ(test, kvmflip_return_pull(&ring, slots, 3), -EPROTO);
	KUNIT_EXPECT_EQ(test, ring.cons, U32_MAX + 2);
	/* From the first entry on again: one more than there can be. */
	ring.shared->prod = cpu_to_le32(U32_MAX + 2 + KFT_NR + 1);
	KUNIT_EXPECT_EQ(test, kvmflip_return_pull(&ring, slots, 3), -EPROTO);
	ring.shared->prod = cpu_to_le32(U32_MAX + 2 + KFT_NR);
	KUNIT_EXPECT_EQ(test, kvmflip_return_pull(&ring, slots, KFT_NR), KFT_NR);
}

/* The host's consumer index is its own, whatever the guest writes over it. */
static void kft_return_cons_is_own(struct kunit *test)
{
	struct kvmflip_host_ring ring;
	u32 slots[KFT_NR];
	__le32 *entry;
	u32 i;

	kft_ret_ring(test, &ring, 0);
	entry = ring.entries;
	for (i = 0; i < KFT_NR; i++)
		entry[i] = cpu_to_le32(i);
	for (i = 0; i < 3 * KFT_NR; i++) {
		ring.shared->cons = cpu_to_le32(i * 0x12345678);
		ring.shared->event = cpu_to_le32(~i);
		ring.shared->prod = cpu_to_le32(i + 1);
		KUNIT_ASSERT_EQ(test, kvmflip_return_pull(&ring, slots, KFT_NR), 1);
		KUNIT_EXPECT_EQ(test, slots[0], i % KFT_NR);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->cons), i + 1);
	}
}

static void kft_return_arm(struct kunit *test)
{
	struct kvmflip_host_ring ring;
	u32 slots[KFT_NR];
	u32 b, base;

	for (b = 0; b < ARRAY_SIZE(kft_bases); b++) {
		base = kft_bases[b];
		kft_ret_ring(test, &ring, base);
		ring.shared->event = cpu_to_le32(~base);
		KUNIT_EXPECT_FALSE(test, kvmflip_ring_arm(&ring));
		KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->event), base);

		/* Returned between the last pull and the arming: nobody rings for it. */
		ring.shared->prod = cpu_to_le32(base + 1);
		KUNIT_EXPECT_TRUE(test, kvmflip_ring_arm(&ring));
		KUNIT_EXPECT_EQ(test, kvmflip_return_pull(&ring, slots, KFT_NR), 1);
		KUNIT_EXPECT_FALSE(test, kvmflip_ring_arm(&ring));
		KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->event), base + 1);

		/* Nonsense is something to look at as well. */
		ring.shared->prod = cpu_to_le32(base - 5);
		KUNIT_EXPECT_TRUE(test, kvmflip_ring_arm(&ring));
		KUNIT_EXPECT_EQ(test, kvmflip_return_pull(&ring, slots, KFT_NR), -EPROTO);
	}
}

/* The index that the guest is to reach counts from what was pulled. */
static void kft_return_want(struct kunit *test)
{
	struct kvmflip_host_ring ring;
	u32 b, slots[KFT_NR];

	for (b = 0; b < ARRAY_SIZE(kft_bases); b++) {
		kft_ret_ring(test, &ring, kft_bases[b]);
		ring.shared->prod = cpu_to_le32(kft_bases[b] + 3);
		kvmflip_return_want(&ring, 5);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->wanted), kft_bases[b] + 5);
		KUNIT_ASSERT_EQ(test, kvmflip_return_pull(&ring, slots, KFT_NR), 3);
		kvmflip_return_want(&ring, 5);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->wanted), kft_bases[b] + 8);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(ring.shared->event), kft_bases[b]);
	}
}

/* A guest that writes whatever it likes at any time. */
static int kft_guest(void *data)
{
	struct kvmflip_host_ring *ring = data;
	__le32 *entry = ring->entries;
	struct rnd_state rnd;
	u32 r, cons;

	prandom_seed_state(&rnd, 42);
	while (!kthread_should_stop()) {
		r = prandom_u32_state(&rnd);
		/* No guest sees this, but near it are indices that are good now and then. */
		cons = data_race(ring->cons);
		WRITE_ONCE(ring->shared->prod, cpu_to_le32(cons + r % (2 * KFT_NR) - 2));
		WRITE_ONCE(entry[r % KFT_NR], cpu_to_le32(r));
		WRITE_ONCE(ring->shared->cons, cpu_to_le32(r));
		WRITE_ONCE(ring->shared->event, cpu_to_le32(r));
		cond_resched();
	}
	return 0;
}

static void kft_return_hostile(struct kunit *test)
{
	u32 i, before, good = 0, refused = 0, wrong = 0;
	struct kvmflip_host_ring ring;
	struct task_struct *guest;
	u32 slots[KFT_NR + 1];
	int n;

	kft_ret_ring(test, &ring, U32_MAX - 1000);
	guest = kthread_run(kft_guest, &ring, "kvmflip-guest");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, guest);
	slots[KFT_NR] = KFT_CANARY;
	for (i = 0; i < 200000 && (good < 1000 || refused < 1000); i++) {
		before = ring.cons;
		n = kvmflip_return_pull(&ring, slots, KFT_NR);
		if (n == -EPROTO) {
			refused++;
			wrong += ring.cons != before;
		} else {
			good += n > 0;
			wrong += n < 0 || n > KFT_NR || ring.cons != before + n;
		}
		kvmflip_ring_arm(&ring);
		cond_resched();
	}
	kthread_stop(guest);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, slots[KFT_NR], KFT_CANARY);
	KUNIT_EXPECT_GT(test, good, 0);
	KUNIT_EXPECT_GT(test, refused, 0);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_layout),
	KUNIT_CASE_PARAM(kft_rx_space, kft_space_gen_params),
	KUNIT_CASE(kft_rx_cons_changes),
	KUNIT_CASE(kft_rx_put_ignores_guest),
	KUNIT_CASE(kft_rx_unseen_until_published),
	KUNIT_CASE(kft_rx_event),
	KUNIT_CASE(kft_rx_event_every_one),
	KUNIT_CASE(kft_rx_wraps),
	KUNIT_CASE_PARAM(kft_return_pull, kft_pull_gen_params),
	KUNIT_CASE(kft_return_prod_changes),
	KUNIT_CASE(kft_return_cons_is_own),
	KUNIT_CASE(kft_return_arm),
	KUNIT_CASE(kft_return_want),
	KUNIT_CASE(kft_return_hostile),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_ring",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
