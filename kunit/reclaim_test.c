// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: making guests return buffers. */

#include <kunit/resource.h>
#include <linux/netlink.h>
#include <linux/sizes.h>

#include "../src/host/main.h"
#include "../src/host/reclaim.h"
#include "fixture.h"

#define KFT_BUFFERS	32
#define KFT_SLOTS	8

/**
 * struct kft_reclaim - a port under test
 * @pool: its pool
 * @port: the port, running, which has a buffer in every slot
 */
struct kft_reclaim {
	struct kvmflip_pool *pool;
	struct kvmflip_port *port;
};

/* What is owed is taken when a test says so. */
static void kft_hold_all(struct kunit *test, struct kvmflip_port *port)
{
	u32 i;

	disable_delayed_work_sync(&port->reclaim_work);
	for (i = 0; i < KFT_SLOTS; i++)
		kvmflip_test_hold(test, port);
}

static struct kft_reclaim *kft_reclaim(struct kunit *test)
{
	struct kft_reclaim *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	kft->port = kvmflip_test_port_running(test, "kunit-a", kft->pool, KFT_SLOTS);
	kft_hold_all(test, kft->port);
	return kft;
}

static int kft_ask(struct kvmflip_port *port, u64 bytes, struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&kvmflip_lock);
	err = kvmflip_reclaim(port, bytes, extack);
	mutex_unlock(&kvmflip_lock);
	return err;
}

static void kft_force(struct kvmflip_port *port)
{
	kvmflip_reclaim_work(&port->reclaim_work.work);
}

static void kft_return(struct kvmflip_port *port, const u32 *slots, u32 n)
{
	while (n--)
		kvmflip_test_put_back(port, *slots++);
	kvmflip_test_doorbell(port);
}

static u64 kft_counter(const struct kvmflip_port *port, unsigned int counter)
{
	return port->stats.v[counter];
}

/**
 * struct kft_amount - how much is asked for, of 8 buffers of 4 KiB
 * @name: of the case
 * @bytes: the amount
 * @n: buffers that makes
 */
struct kft_amount {
	const char *name;
	u64 bytes;
	u32 n;
};

static const struct kft_amount kft_amounts[] = {
	{ "nothing", 0, 0 },
	{ "a byte", 1, 1 },
	{ "one", SZ_4K, 1 },
	{ "a byte more than one", SZ_4K + 1, 2 },
	{ "three", 3 * SZ_4K, 3 },
	{ "all", 8 * SZ_4K, 8 },
	{ "more than it has", 9 * SZ_4K, 8 },
	{ "everything", U64_MAX, 8 },
	{ "2^32 buffers and one", ((1ULL << 32) + 1) * SZ_4K, 8 },
};

KUNIT_ARRAY_PARAM_DESC(kft_amount, kft_amounts, name);

static void kft_asks(struct kunit *test)
{
	const struct kft_amount *row = test->param_value;
	struct kvmflip_port *port = kft_reclaim(test)->port;

	KUNIT_EXPECT_EQ(test, kft_ask(port, row->bytes, NULL), 0);
	KUNIT_EXPECT_EQ(test, port->owed, row->n);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(port->ret.shared->wanted), row->n);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_RECLAIM_ASKED), row->n);
	/* It is only asked. */
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_REVOKED), 0);
	KUNIT_EXPECT_EQ(test, port->window.mapped, KFT_SLOTS);
}

/* Who asks for less in between takes nothing back; for more, gets the rest. */
static void kft_asks_again(struct kunit *test)
{
	struct kvmflip_port *port = kft_reclaim(test)->port;
	static const u32 back[] = { 7, 0 };

	KUNIT_EXPECT_EQ(test, kft_ask(port, 5 * SZ_4K, NULL), 0);
	KUNIT_EXPECT_EQ(test, kft_ask(port, 2 * SZ_4K, NULL), 0);
	KUNIT_EXPECT_EQ(test, port->owed, 5);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_RECLAIM_ASKED), 5);
	KUNIT_EXPECT_EQ(test, kft_ask(port, 6 * SZ_4K, NULL), 0);
	KUNIT_EXPECT_EQ(test, port->owed, 6);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_RECLAIM_ASKED), 6);

	/* Any buffer will do, as long as it is the guest that chooses. */
	kft_return(port, back, ARRAY_SIZE(back));
	KUNIT_EXPECT_EQ(test, port->owed, 4);
	KUNIT_EXPECT_EQ(test, kft_ask(port, 5 * SZ_4K, NULL), 0);
	KUNIT_EXPECT_EQ(test, port->owed, 5);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(port->ret.shared->wanted), 2 + 5);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_RECLAIM_ASKED), 7);
}

/* A guest that does as it is told is not forced. */
static void kft_obeys(struct kunit *test)
{
	struct kvmflip_port *port = kft_reclaim(test)->port;
	static const u32 back[] = { 2, 3, 4, 5, 6 };

	KUNIT_EXPECT_EQ(test, kft_ask(port, 4 * SZ_4K, NULL), 0);
	/* Slots that hold nothing, or no buffer, are not what it owes. */
	kft_return(port, (u32[]) { KFT_SLOTS, KFT_SLOTS + 1, 1000 }, 3);
	KUNIT_EXPECT_EQ(test, port->owed, 4);
	kft_return(port, back, ARRAY_SIZE(back));
	KUNIT_EXPECT_EQ(test, port->owed, 0);
	kft_force(port);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_REVOKED), 0);
	KUNIT_EXPECT_EQ(test, port->window.mapped, KFT_SLOTS - ARRAY_SIZE(back));
	KUNIT_EXPECT_EQ(test, port->rx.prod, 0);
}

/* Oldest first, and the guest is told. */
static void kft_forces(struct kunit *test)
{
	struct kft_reclaim *kft = kft_reclaim(test);
	struct kvmflip_port *port = kft->port;
	const struct kvmflip_rx_desc *desc = port->rx.entries;
	static const u32 oldest[] = { 1, 3, 4 };
	u32 i;

	/* Slot 0 is young again; 2 went home. */
	kft_return(port, (u32[]) { 0, 2 }, 2);
	kvmflip_test_hold(test, port);
	KUNIT_ASSERT_NOT_NULL(test, port->window.slot[0]);
	KUNIT_ASSERT_NULL(test, port->window.slot[2]);

	KUNIT_EXPECT_EQ(test, kft_ask(port, 4 * SZ_4K, NULL), 0);
	kft_return(port, (u32[]) { 7 }, 1);
	kft_force(port);
	KUNIT_EXPECT_EQ(test, port->owed, 0);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_REVOKED), 3);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(port->rx.shared->prod), 3);
	for (i = 0; i < ARRAY_SIZE(oldest); i++) {
		KUNIT_EXPECT_NULL(test, port->window.slot[oldest[i]]);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(desc[i].slot), oldest[i]);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(desc[i].flags), KVMFLIP_RX_REVOKED);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(desc[i].len), 0);
	}
	KUNIT_EXPECT_NOT_NULL(test, port->window.slot[0]);
	KUNIT_EXPECT_NOT_NULL(test, port->window.slot[5]);
	KUNIT_EXPECT_NOT_NULL(test, port->window.slot[6]);
	KUNIT_EXPECT_EQ(test, port->window.mapped, 3);
	KUNIT_EXPECT_EQ(test, port->share.held, 3);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_FREE], KFT_BUFFERS - 3);
	kvmflip_test_states(test, &kft->pool->table);
}

/* More than is taken at a time. */
static void kft_forces_many(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 200);
	struct kvmflip_port *port = kvmflip_test_port_running(test, "kunit-a", pool, 200);
	const struct kvmflip_rx_desc *desc = port->rx.entries;
	u32 i, wrong = 0;

	disable_delayed_work_sync(&port->reclaim_work);
	for (i = 0; i < 200; i++)
		kvmflip_test_hold(test, port);
	KUNIT_EXPECT_EQ(test, kft_ask(port, 150 * SZ_4K, NULL), 0);
	kft_force(port);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_REVOKED), 150);
	KUNIT_EXPECT_EQ(test, port->window.mapped, 50);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(port->rx.shared->prod), 150);
	for (i = 0; i < 150; i++)
		wrong += le32_to_cpu(desc[i].slot) != i || port->window.slot[i];
	KUNIT_EXPECT_EQ(test, wrong, 0);
	/* A call for each contiguous run. */
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_UNMAP_CALLS), 3);
}

/* A slot whose buffer was taken is used again when the guest says that it knows. */
static void kft_slot_waits(struct kunit *test)
{
	struct kvmflip_port *port = kft_reclaim(test)->port;
	struct kvmflip_window *window = &port->window;
	u32 slot;

	KUNIT_EXPECT_EQ(test, kft_ask(port, 3 * SZ_4K, NULL), 0);
	kft_force(port);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(window), KFT_SLOTS);
	KUNIT_EXPECT_FALSE(test, kvmflip_window_room(window));
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), KVMFLIP_NO_SLOT);

	kft_return(port, (u32[]) { 1 }, 1);
	KUNIT_EXPECT_TRUE(test, kvmflip_window_room(window));
	slot = kvmflip_window_alloc(window);
	KUNIT_EXPECT_EQ(test, slot, 1);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(window), KVMFLIP_NO_SLOT);
	kvmflip_window_release(window, &slot, 1);
	/* It has said so, so it is neither a return nor a bad one; again it is. */
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_RETURNS), 0);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_BAD_RETURNS), 0);
	kft_return(port, (u32[]) { 1 }, 1);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_BAD_RETURNS), 1);

	/* What it owes it does not pay with slots that are empty. */
	KUNIT_EXPECT_EQ(test, kft_ask(port, 2 * SZ_4K, NULL), 0);
	kft_return(port, (u32[]) { 0 }, 1);
	KUNIT_EXPECT_EQ(test, port->owed, 2);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(window), KFT_SLOTS - 2);
}

/* A reset clears all of it. */
static void kft_reset(struct kunit *test)
{
	struct kft_reclaim *kft = kft_reclaim(test);
	struct kvmflip_port *port = kft->port;

	KUNIT_EXPECT_EQ(test, kft_ask(port, 3 * SZ_4K, NULL), 0);
	kft_force(port);
	KUNIT_EXPECT_EQ(test, kft_ask(port, 2 * SZ_4K, NULL), 0);
	KUNIT_EXPECT_EQ(test, port->owed, 2);
	kvmflip_port_reset(port);
	KUNIT_EXPECT_EQ(test, port->owed, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(port->ret.shared->wanted), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&port->window), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_window_alloc(&port->window), 0);
	kvmflip_window_release(&port->window, (u32[]) { 0 }, 1);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_REVOKED), KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_FREE], KFT_BUFFERS);
	kft_force(port);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_REVOKED), KFT_SLOTS);
}

/* A guest that never reads its ring is not told for ever. */
static void kft_ring_full(struct kunit *test)
{
	struct kvmflip_port *port = kft_reclaim(test)->port;
	u32 i;

	kvmflip_port_lock(port);
	for (i = 0; i < port->rx.nr - 2; i++)
		kvmflip_rx_put(&port->rx, 0, 0, 0, 0);
	kvmflip_port_unlock(port);
	KUNIT_EXPECT_EQ(test, kft_ask(port, 5 * SZ_4K, NULL), 0);
	kft_force(port);
	KUNIT_EXPECT_EQ(test, kft_counter(port, KVMFLIP_A_STATS_REVOKED), 5);
	KUNIT_EXPECT_EQ(test, port->rx.prod, port->rx.nr);
	KUNIT_EXPECT_EQ(test, port->window.mapped, 3);
}

static void kft_nobody(struct kunit *test)
{
	struct kft_reclaim *kft = kft_reclaim(test);
	struct netlink_ext_ack extack = {};

	kvmflip_port_close(kft->port);
	KUNIT_EXPECT_EQ(test, kft_ask(kft->port, SZ_4K, &extack), -ENOTCONN);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_EQ(test, kft->port->owed, 0);
}

/* Who was asked and is gone owes nothing, and nobody comes for it. */
static void kft_closed(struct kunit *test)
{
	struct kvmflip_port *port = kft_reclaim(test)->port;

	enable_delayed_work(&port->reclaim_work);
	KUNIT_EXPECT_EQ(test, kft_ask(port, 3 * SZ_4K, NULL), 0);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&port->reclaim_work));
	kvmflip_port_close(port);
	KUNIT_EXPECT_EQ(test, port->owed, 0);
	/* Or else it would come to a port that is deleted. */
	KUNIT_EXPECT_FALSE(test, cancel_delayed_work_sync(&port->reclaim_work));
}

/* Without anybody doing anything. */
static void kft_in_time(struct kunit *test)
{
	struct kvmflip_port *port = kft_reclaim(test)->port;

	enable_delayed_work(&port->reclaim_work);
	KUNIT_EXPECT_EQ(test, kft_ask(port, 3 * SZ_4K, NULL), 0);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&port->reclaim_work));
	KUNIT_EXPECT_EQ(test, port->window.mapped, KFT_SLOTS);
	flush_delayed_work(&port->reclaim_work);
	KUNIT_EXPECT_EQ(test, port->window.mapped, KFT_SLOTS - 3);
}

static void kft_press(struct kvmflip_pool *pool)
{
	kvmflip_reclaim_pressure(pool);
	flush_workqueue(kvmflip_wq);
}

/* Those that have had theirs for longest, and of them just what was not promised. */
static void kft_pressure(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 128);
	struct kvmflip_port *a = kvmflip_test_port_running(test, "kunit-a", pool, KFT_SLOTS);
	struct kvmflip_port *b = kvmflip_test_port_running(test, "kunit-b", pool, KFT_SLOTS);
	struct kvmflip_port *c = kvmflip_test_port_running(test, "kunit-c", pool, KFT_SLOTS);

	kft_hold_all(test, a);
	kft_hold_all(test, b);
	kft_hold_all(test, c);
	a->config.min = 6 * SZ_4K;
	KUNIT_ASSERT_EQ(test, kvmflip_test_set(a, &a->config), 0);

	/* A thirty-second part of the pool, from who came first. */
	kft_press(pool);
	KUNIT_EXPECT_EQ(test, a->owed, 2);
	KUNIT_EXPECT_EQ(test, b->owed, 2);
	KUNIT_EXPECT_EQ(test, c->owed, 0);
	KUNIT_EXPECT_FALSE(test, pool->pressed);

	/* As long as that is not paid there is no more to be asked for. */
	kft_press(pool);
	KUNIT_EXPECT_EQ(test, a->owed, 2);
	KUNIT_EXPECT_EQ(test, b->owed, 2);
	KUNIT_EXPECT_EQ(test, c->owed, 0);

	kft_force(a);
	kft_force(b);
	kft_press(pool);
	KUNIT_EXPECT_EQ(test, a->owed, 0);
	KUNIT_EXPECT_EQ(test, b->owed, 4);
	KUNIT_EXPECT_EQ(test, a->window.mapped, 6);
}

/* Another pool's guests have nothing to do with it, and a small pool asks for one. */
static void kft_pressure_elsewhere(struct kunit *test)
{
	struct kft_reclaim *kft = kft_reclaim(test);
	struct kvmflip_pool *other = kvmflip_test_pool(test, "kunit-other", 4);

	kft_press(other);
	KUNIT_EXPECT_EQ(test, kft->port->owed, 0);
	kft_press(kft->pool);
	KUNIT_EXPECT_EQ(test, kft->port->owed, 1);
}

/* Everybody has just what was promised: then there is nothing to take. */
static void kft_pressure_promised(struct kunit *test)
{
	struct kft_reclaim *kft = kft_reclaim(test);

	kft->port->config.min = KFT_SLOTS * SZ_4K;
	KUNIT_ASSERT_EQ(test, kvmflip_test_set(kft->port, &kft->port->config), 0);
	kft_press(kft->pool);
	KUNIT_EXPECT_EQ(test, kft->port->owed, 0);
	KUNIT_EXPECT_EQ(test, kft_counter(kft->port, KVMFLIP_A_STATS_RECLAIM_ASKED), 0);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_asks, kft_amount_gen_params),
	KUNIT_CASE(kft_asks_again),
	KUNIT_CASE(kft_obeys),
	KUNIT_CASE(kft_forces),
	KUNIT_CASE(kft_forces_many),
	KUNIT_CASE(kft_slot_waits),
	KUNIT_CASE(kft_reset),
	KUNIT_CASE(kft_ring_full),
	KUNIT_CASE(kft_nobody),
	KUNIT_CASE(kft_closed),
	KUNIT_CASE(kft_in_time),
	KUNIT_CASE(kft_pressure),
	KUNIT_CASE(kft_pressure_elsewhere),
	KUNIT_CASE(kft_pressure_promised),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_reclaim",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
