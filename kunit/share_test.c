// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: guests' shares of a pool, and who has had a buffer for longest. */

#include <kunit/resource.h>
#include <linux/netlink.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "fixture.h"

#define KFT_BUFFERS	16
#define KFT_SHARES	4

/**
 * struct kft_size - sizes of buffers
 * @name: of the case
 * @bytes: of a buffer
 */
struct kft_size {
	const char *name;
	u32 bytes;
};

static const struct kft_size kft_sizes[] = {
	{ "4 KiB", SZ_4K },
	{ "2 MiB", SZ_2M },
};

KUNIT_ARRAY_PARAM_DESC(kft_size, kft_sizes, name);

static struct kvmflip_pool *kft_pool(struct kunit *test)
{
	const struct kft_size *size = test->param_value;

	return kvmflip_test_pool_of(test, "kunit", KFT_BUFFERS, size->bytes);
}

/* What must hold of a pool and all shares of it. */
static void kft_sums(struct kunit *test, struct kvmflip_pool *pool,
		     const struct kvmflip_share *share, u32 n)
{
	u32 i, promised = 0;

	for (i = 0; i < n; i++)
		promised += share[i].min > share[i].held ? share[i].min - share[i].held : 0;
	KUNIT_ASSERT_EQ(test, pool->reserved, promised);
	KUNIT_ASSERT_EQ(test, pool->nr_free, list_count_nodes(&pool->free));
	KUNIT_ASSERT_LE(test, pool->reserved, pool->nr_free);
}

/* A buffer is claimed and goes to a guest; returns whether there was one. */
static bool kft_map(struct kvmflip_pool *pool, struct kvmflip_share *share, void *holder, u32 slot)
{
	struct kvmflip_buffer *buf = kvmflip_pool_claim(pool, share);
	LIST_HEAD(bufs);

	if (!buf)
		return false;
	list_add_tail(&buf->list, &bufs);
	kvmflip_test_advance(pool, &bufs, KVMFLIP_FILLED);
	return kvmflip_pool_map(pool, buf, holder, slot);
}

/**
 * struct kft_found - buffers as kvmflip_pool_oldest() shows them
 * @n: number of them
 * @max: how many are wanted
 * @index: number of each in the pool
 */
struct kft_found {
	u32 n;
	u32 max;
	u32 index[KFT_BUFFERS];
};

static bool kft_collect(struct kvmflip_buffer *buf, void *arg)
{
	struct kft_found *found = arg;

	/* A holder's slots are numbered like its buffers here. */
	found->index[found->n++] = buf->slot;
	return found->n < found->max;
}

static u32 kft_oldest(struct kvmflip_pool *pool, const void *holder, u32 max,
		      struct kft_found *found)
{
	memset(found, 0, sizeof(*found));
	found->max = max;
	kvmflip_pool_oldest(pool, holder, kft_collect, found);
	return found->n;
}

static bool kft_take_slot(struct kvmflip_buffer *buf, void *arg)
{
	struct kvmflip_buffer **found = arg;

	if (buf->slot != (*found)->slot)
		return true;
	*found = buf;
	return false;
}

/* The guest returns what it has in a slot. */
static void kft_unmap(struct kvmflip_pool *pool, struct kvmflip_share *share, const void *holder,
		      u32 slot)
{
	struct kvmflip_buffer wanted = { .slot = slot };
	struct kvmflip_buffer *buf = &wanted;
	LIST_HEAD(bufs);

	kvmflip_pool_oldest(pool, holder, kft_take_slot, &buf);
	if (buf == &wanted)
		return;
	list_add_tail(&buf->list, &bufs);
	kvmflip_pool_return(pool, share, &bufs);
}

static void kft_unmap_all(struct kvmflip_pool *pool, struct kvmflip_share *share,
			  const void *holder)
{
	struct kft_found found;

	while (kft_oldest(pool, holder, 1, &found))
		kft_unmap(pool, share, holder, found.index[0]);
}

/* What is promised to one is there for it, and for nobody else. */
static void kft_reserved(struct kunit *test)
{
	struct kvmflip_share share[2] = {}, *a = &share[0], *b = &share[1];
	struct kvmflip_pool *pool = kft_pool(test);
	LIST_HEAD(bufs);
	u32 i;

	KUNIT_EXPECT_TRUE(test, kvmflip_pool_reserve(pool, a, 6));
	kft_sums(test, pool, share, 2);
	for (i = 0; i < KFT_BUFFERS - 6; i++)
		KUNIT_EXPECT_TRUE(test, kft_map(pool, b, b, i));
	KUNIT_EXPECT_FALSE(test, kft_map(pool, b, b, i));
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &bufs, 1), 0);
	kft_sums(test, pool, share, 2);

	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_TRUE(test, kft_map(pool, a, a, i));
		kft_sums(test, pool, share, 2);
	}
	KUNIT_EXPECT_FALSE(test, kft_map(pool, a, a, i));
	KUNIT_EXPECT_EQ(test, a->held, 6);

	/* What it returns is kept for it again. */
	kft_unmap(pool, a, a, 3);
	kft_sums(test, pool, share, 2);
	KUNIT_EXPECT_FALSE(test, kft_map(pool, b, b, 10));
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &bufs, 1), 0);
	KUNIT_EXPECT_TRUE(test, kft_map(pool, a, a, 3));
	/* What the other one returns is anybody's. */
	kft_unmap(pool, b, b, 0);
	KUNIT_EXPECT_TRUE(test, kft_map(pool, a, a, 6));
	kft_sums(test, pool, share, 2);
	/* Beyond what was promised it is like the others. */
	kft_unmap(pool, a, a, 6);
	KUNIT_EXPECT_TRUE(test, kft_map(pool, b, b, 0));
	kft_sums(test, pool, share, 2);

	kft_unmap_all(pool, a, a);
	kft_unmap_all(pool, b, b);
	kft_sums(test, pool, share, 2);
	KUNIT_EXPECT_EQ(test, pool->reserved, 6);
	KUNIT_EXPECT_EQ(test, pool->nr_free, KFT_BUFFERS);
	kvmflip_test_states(test, &pool->table);
}

static void kft_reserve_refused(struct kunit *test)
{
	struct kvmflip_share share[2] = {}, *a = &share[0], *b = &share[1];
	struct kvmflip_pool *pool = kft_pool(test);
	LIST_HEAD(bufs);

	KUNIT_EXPECT_FALSE(test, kvmflip_pool_reserve(pool, a, KFT_BUFFERS + 1));
	KUNIT_EXPECT_FALSE(test, kvmflip_pool_reserve(pool, a, U32_MAX));
	KUNIT_EXPECT_EQ(test, a->min, 0);
	kft_sums(test, pool, share, 2);
	KUNIT_EXPECT_TRUE(test, kvmflip_pool_reserve(pool, a, KFT_BUFFERS));
	KUNIT_EXPECT_TRUE(test, kvmflip_pool_reserve(pool, a, 10));
	KUNIT_EXPECT_FALSE(test, kvmflip_pool_reserve(pool, b, 7));
	KUNIT_EXPECT_EQ(test, b->min, 0);
	KUNIT_EXPECT_TRUE(test, kvmflip_pool_reserve(pool, b, 6));
	kft_sums(test, pool, share, 2);
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &bufs, 1), 0);

	/* What a queue has is not to be had. */
	KUNIT_EXPECT_TRUE(test, kvmflip_pool_reserve(pool, b, 0));
	KUNIT_EXPECT_EQ(test, kvmflip_pool_take(pool, &bufs, KFT_BUFFERS), 6);
	KUNIT_EXPECT_FALSE(test, kvmflip_pool_reserve(pool, b, 1));
	KUNIT_EXPECT_FALSE(test, kvmflip_pool_reserve(pool, a, 11));
	KUNIT_EXPECT_EQ(test, a->min, 10);
	kft_sums(test, pool, share, 2);
	kvmflip_pool_give(pool, &bufs);
	kft_sums(test, pool, share, 2);
}

/* A share that changes while some of it is in use. */
static void kft_reserve_changes(struct kunit *test)
{
	struct kvmflip_share share[1] = {}, *a = &share[0];
	struct kvmflip_pool *pool = kft_pool(test);
	static const u32 mins[] = { 0, 3, 5, 6, 16, 4, 0, 16, 5 };
	u32 i;

	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_TRUE(test, kft_map(pool, a, a, i));
	for (i = 0; i < ARRAY_SIZE(mins); i++) {
		KUNIT_EXPECT_TRUE(test, kvmflip_pool_reserve(pool, a, mins[i]));
		KUNIT_EXPECT_EQ(test, a->min, mins[i]);
		kft_sums(test, pool, share, 1);
	}
	KUNIT_EXPECT_FALSE(test, kvmflip_pool_reserve(pool, a, 17));
	kft_unmap_all(pool, a, a);
	kft_sums(test, pool, share, 1);
	KUNIT_EXPECT_EQ(test, a->held, 0);
}

/* Claimed and not used after all. */
static void kft_unclaim(struct kunit *test)
{
	struct kvmflip_share share[1] = {}, *a = &share[0];
	struct kvmflip_pool *pool = kft_pool(test);
	struct kvmflip_buffer *buf;
	LIST_HEAD(bufs);
	u32 i;

	KUNIT_ASSERT_TRUE(test, kvmflip_pool_reserve(pool, a, 2));
	for (i = 0; i < 4; i++) {
		buf = kvmflip_pool_claim(pool, a);
		KUNIT_ASSERT_NOT_NULL(test, buf);
		KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_FREE);
		KUNIT_EXPECT_TRUE(test, list_empty(&buf->list));
		list_add_tail(&buf->list, &bufs);
		kft_sums(test, pool, share, 1);
	}
	KUNIT_EXPECT_EQ(test, a->held, 4);
	KUNIT_EXPECT_EQ(test, pool->reserved, 0);
	kvmflip_pool_give(pool, &bufs);
	kvmflip_pool_unclaim(pool, a, 3);
	KUNIT_EXPECT_EQ(test, a->held, 1);
	kft_sums(test, pool, share, 1);
	kvmflip_pool_unclaim(pool, a, 1);
	kft_sums(test, pool, share, 1);
	KUNIT_EXPECT_EQ(test, pool->reserved, 2);
}

/* Whatever happens in whatever order, the sums hold and promises are kept. */
static void kft_random(struct kunit *test)
{
	struct kvmflip_share share[KFT_SHARES] = {};
	struct kvmflip_pool *pool = kft_pool(test);
	u32 slot[KFT_SHARES] = {}, refused = 0, granted = 0;
	u32 i, r, step, broken = 0;
	struct kft_found found;
	struct rnd_state rnd;
	bool got, promised;

	prandom_seed_state(&rnd, 2004);
	for (step = 0; step < 5000; step++) {
		r = prandom_u32_state(&rnd);
		i = r % KFT_SHARES;
		switch ((r >> 8) % 8) {
		case 0:
			got = kvmflip_pool_reserve(pool, &share[i], (r >> 16) % 9);
			granted += got;
			refused += !got;
			break;
		case 1 ... 4:
			promised = share[i].held < share[i].min;
			got = kft_map(pool, &share[i], &share[i], slot[i]++);
			broken += promised && !got;
			break;
		default:
			if (kft_oldest(pool, &share[i], 1, &found))
				kft_unmap(pool, &share[i], &share[i], found.index[0]);
		}
		kft_sums(test, pool, share, KFT_SHARES);
	}
	KUNIT_EXPECT_EQ(test, broken, 0);
	KUNIT_EXPECT_GT(test, granted, 100);
	KUNIT_EXPECT_GT(test, refused, 100);
	for (i = 0; i < KFT_SHARES; i++) {
		kft_unmap_all(pool, &share[i], &share[i]);
		KUNIT_EXPECT_EQ(test, share[i].held, 0);
	}
	kvmflip_test_states(test, &pool->table);
	KUNIT_EXPECT_EQ(test, pool->table.illegal, 0);
}

/* Longest first, by holder or of all. */
static void kft_lru(struct kunit *test)
{
	struct kvmflip_share share[2] = {}, *a = &share[0], *b = &share[1];
	static const u32 all[] = { 0, 100, 1, 2, 101, 3, 102 };
	struct kvmflip_pool *pool = kft_pool(test);
	struct kft_found found;
	u32 i;

	KUNIT_EXPECT_EQ(test, kft_oldest(pool, NULL, 9, &found), 0);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		KUNIT_ASSERT_TRUE(test, kft_map(pool, all[i] < 100 ? a : b,
						all[i] < 100 ? a : b, all[i]));
	KUNIT_EXPECT_EQ(test, kft_oldest(pool, NULL, 9, &found), ARRAY_SIZE(all));
	KUNIT_EXPECT_MEMEQ(test, found.index, all, sizeof(all));
	KUNIT_EXPECT_EQ(test, kft_oldest(pool, a, 9, &found), 4);
	KUNIT_EXPECT_EQ(test, found.index[0], 0);
	KUNIT_EXPECT_EQ(test, found.index[3], 3);
	KUNIT_EXPECT_EQ(test, kft_oldest(pool, b, 2, &found), 2);
	KUNIT_EXPECT_EQ(test, found.index[0], 100);
	KUNIT_EXPECT_EQ(test, found.index[1], 101);
	KUNIT_EXPECT_EQ(test, kft_oldest(pool, &pool, 9, &found), 0);

	/* What comes back and goes out again is the youngest. */
	kft_unmap(pool, a, a, 0);
	KUNIT_EXPECT_EQ(test, kft_oldest(pool, NULL, 1, &found), 1);
	KUNIT_EXPECT_EQ(test, found.index[0], 100);
	KUNIT_ASSERT_TRUE(test, kft_map(pool, b, b, 0));
	KUNIT_EXPECT_EQ(test, kft_oldest(pool, NULL, 9, &found), 7);
	KUNIT_EXPECT_EQ(test, found.index[6], 0);
	KUNIT_EXPECT_EQ(test, kft_oldest(pool, a, 9, &found), 3);

	kft_unmap_all(pool, a, a);
	kft_unmap_all(pool, b, b);
	KUNIT_EXPECT_TRUE(test, list_empty(&pool->lru));
	for (i = 0; i < KFT_BUFFERS; i++)
		KUNIT_EXPECT_NULL(test, pool->table.buf[i].holder);
}

/* A buffer that goes to quarantine is no longer held, and keeps no promise. */
static void kft_quarantined(struct kunit *test)
{
	struct kvmflip_share share[1] = {}, *a = &share[0];
	struct kvmflip_pool *pool = kft_pool(test);
	struct page *page;
	LIST_HEAD(bufs);

	KUNIT_ASSERT_TRUE(test, kvmflip_pool_reserve(pool, a, 1));
	KUNIT_ASSERT_TRUE(test, kft_map(pool, a, a, 0));
	page = kvmflip_pool_page(pool, list_first_entry(&pool->lru, struct kvmflip_buffer, lru));
	get_page(page);
	kft_unmap(pool, a, a, 0);
	KUNIT_EXPECT_EQ(test, pool->table.count[KVMFLIP_QUARANTINED], 1);
	KUNIT_EXPECT_EQ(test, a->held, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&pool->lru));
	KUNIT_EXPECT_EQ(test, pool->nr_free, KFT_BUFFERS - 1);
	kft_sums(test, pool, share, 1);
	put_page(page);
	flush_delayed_work(&pool->quarantine_work);
	KUNIT_EXPECT_EQ(test, pool->table.count[KVMFLIP_FREE], KFT_BUFFERS);
	kft_sums(test, pool, share, 1);
}

/**
 * struct kft_min - what a user wants a port to be promised, of 16 buffers
 * @name: of the case
 * @min: buffers
 * @odd: bytes more
 * @max: buffers
 * @err: what kvmflip_port_add() must say while another port was promised 4
 */
struct kft_min {
	const char *name;
	u32 min;
	u32 odd;
	u32 max;
	int err;
};

static const struct kft_min kft_mins[] = {
	{ "nothing", 0, 0, 8, 0 },
	{ "one", 1, 0, 8, 0 },
	{ "all it may have", 8, 0, 8, 0 },
	{ "all there is", 12, 0, 12, 0 },
	{ "more than there is", 13, 0, 16, -ENOSPC },
	{ "more than it may have", 9, 0, 8, -ERANGE },
	{ "no whole buffers", 1, 1, 8, -ERANGE },
};

KUNIT_ARRAY_PARAM_DESC(kft_min, kft_mins, name);

static void kft_port_min(struct kunit *test)
{
	const struct kft_min *row = test->param_value;
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	struct kvmflip_port *other = kvmflip_test_port(test, "kunit-a", pool, 8);
	struct kvmflip_port_config config = other->config;
	struct netlink_ext_ack extack = {};
	struct kvmflip_port *port = NULL;
	int err, set, del = 0;
	uuid_t uuid;
	u32 reserved;

	uuid_gen(&uuid);
	mutex_lock(&kvmflip_lock);
	config.min = 4 * SZ_4K;
	set = kvmflip_port_set(other, &config, NULL);
	config.mac[5]++;
	config.min = row->min * SZ_4K + row->odd;
	config.max = row->max * SZ_4K;
	err = kvmflip_port_add("kunit-new", pool, &uuid, &config, &port, &extack);
	reserved = pool->reserved;
	if (!err)
		del = kvmflip_port_del(port, NULL);
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, set, 0);
	KUNIT_EXPECT_EQ(test, err, row->err);
	KUNIT_EXPECT_EQ(test, del, 0);
	KUNIT_EXPECT_EQ(test, !extack._msg, !err);
	KUNIT_EXPECT_EQ(test, reserved, 4 + (err ? 0 : row->min));
	/* What a port was promised is free when it is deleted. */
	KUNIT_EXPECT_EQ(test, pool->reserved, 4);
}

/* A refusal leaves everything as it was. */
static void kft_port_set_min(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	struct kvmflip_port *a = kvmflip_test_port_running(test, "kunit-a", pool, 8);
	struct kvmflip_port *b = kvmflip_test_port_running(test, "kunit-b", pool, 16);
	struct kvmflip_port_config config = a->config;
	u32 gen = b->gen;

	config.min = 8 * SZ_4K;
	KUNIT_EXPECT_EQ(test, kvmflip_test_set(a, &config), 0);
	config = b->config;
	config.min = 9 * SZ_4K;
	config.vlan = 7;
	KUNIT_EXPECT_EQ(test, kvmflip_test_set(b, &config), -ENOSPC);
	config.min = 8 * SZ_4K;
	config.vlan = 0;
	KUNIT_EXPECT_EQ(test, kvmflip_test_set(b, &config), 0);
	KUNIT_EXPECT_EQ(test, b->config.vlan, 0);
	KUNIT_EXPECT_EQ(test, b->gen, gen);
	KUNIT_EXPECT_EQ(test, pool->reserved, 16);
	KUNIT_EXPECT_EQ(test, b->share.min, 8);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_reserved, kft_size_gen_params),
	KUNIT_CASE_PARAM(kft_reserve_refused, kft_size_gen_params),
	KUNIT_CASE_PARAM(kft_reserve_changes, kft_size_gen_params),
	KUNIT_CASE_PARAM(kft_unclaim, kft_size_gen_params),
	KUNIT_CASE_PARAM(kft_random, kft_size_gen_params),
	KUNIT_CASE_PARAM(kft_lru, kft_size_gen_params),
	KUNIT_CASE_PARAM(kft_quarantined, kft_size_gen_params),
	KUNIT_CASE_PARAM(kft_port_min, kft_min_gen_params),
	KUNIT_CASE(kft_port_set_min),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_share",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
