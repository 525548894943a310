// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: ports, the guests' endpoints. */

#include <kunit/resource.h>
#include <linux/netlink.h>
#include <linux/sizes.h>

#include "../src/host/layout.h"
#include "fixture.h"

#define KFT_BUFFERS	32
#define KFT_SLOTS	8

/**
 * struct kft_port - a port under test
 * @pool: its pool
 * @port: the port, running
 */
struct kft_port {
	struct kvmflip_pool *pool;
	struct kvmflip_port *port;
};

static struct kft_port *kft_port(struct kunit *test)
{
	struct kft_port *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	kft->port = kvmflip_test_port_running(test, "kunit-a", kft->pool, KFT_SLOTS);
	return kft;
}

/* Lets the guest have n buffers, in the slots from 0 on. */
static void kft_map(struct kunit *test, struct kft_port *kft, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, kvmflip_test_hold(test, kft->port)->slot, i);
	KUNIT_ASSERT_EQ(test, kft->pool->table.count[KVMFLIP_MAPPED], n);
	KUNIT_ASSERT_EQ(test, kft->port->share.held, n);
}

/**
 * struct kft_config - what a user may ask of a port
 * @name: of the case
 * @mac: address
 * @vlan: VLAN id
 * @max: bytes, of a pool of 32 buffers of 4 KiB
 * @err: what kvmflip_port_add() must say, with 02:00:00:00:00:61 taken
 */
struct kft_config {
	const char *name;
	u8 mac[ETH_ALEN];
	u16 vlan;
	u64 max;
	int err;
};

static const struct kft_config kft_configs[] = {
	{ "good", { 2, 0, 0, 0, 0, 1 }, 0, SZ_16K, 0 },
	{ "good, VLAN", { 2, 0, 0, 0, 0, 1 }, 7, SZ_16K, 0 },
	{ "one buffer", { 2, 0, 0, 0, 0, 1 }, 0, SZ_4K, 0 },
	{ "whole pool", { 2, 0, 0, 0, 0, 1 }, 0, SZ_128K, 0 },
	{ "nothing", { 2, 0, 0, 0, 0, 1 }, 0, 0, -ERANGE },
	{ "no whole buffers", { 2, 0, 0, 0, 0, 1 }, 0, SZ_16K + 1, -ERANGE },
	{ "less than a buffer", { 2, 0, 0, 0, 0, 1 }, 0, SZ_4K - 1, -ERANGE },
	{ "more than the pool", { 2, 0, 0, 0, 0, 1 }, 0, SZ_128K + SZ_4K, -ERANGE },
	{ "all there is", { 2, 0, 0, 0, 0, 1 }, 0, U64_MAX, -ERANGE },
	{ "no address", {}, 0, SZ_16K, -EADDRNOTAVAIL },
	{ "multicast", { 3, 0, 0, 0, 0, 1 }, 0, SZ_16K, -EADDRNOTAVAIL },
	{ "broadcast", { 255, 255, 255, 255, 255, 255 }, 0, SZ_16K, -EADDRNOTAVAIL },
	{ "taken", { 2, 0, 0, 0, 0, 'a' }, 0, SZ_16K, -EADDRINUSE },
	{ "taken in another VLAN", { 2, 0, 0, 0, 0, 'a' }, 1, SZ_16K, 0 },
};

KUNIT_ARRAY_PARAM_DESC(kft_config, kft_configs, name);

static void kft_add(struct kunit *test)
{
	const struct kft_config *row = test->param_value;
	struct kvmflip_port_config config = { .vlan = row->vlan, .max = row->max };
	struct kft_port *kft = kft_port(test);
	struct netlink_ext_ack extack = {};
	struct kvmflip_port *port = NULL;
	uuid_t uuid;
	u32 ports;
	int err;

	memcpy(config.mac, row->mac, sizeof(config.mac));
	uuid_gen(&uuid);
	mutex_lock(&kvmflip_lock);
	err = kvmflip_port_add("kunit-new", kft->pool, &uuid, &config, &port, &extack);
	ports = kft->pool->ports;
	if (port && !err) {
		KUNIT_EXPECT_PTR_EQ(test, kvmflip_port_find("kunit-new"), port);
		KUNIT_EXPECT_PTR_EQ(test, kvmflip_port_find_uuid(&uuid), port);
		KUNIT_EXPECT_EQ(test, kvmflip_layout_slots(port), row->max / SZ_4K);
		KUNIT_EXPECT_NE(test, port->id, KVMFLIP_PORT_HOST);
		KUNIT_EXPECT_NE(test, port->id, kft->port->id);
		KUNIT_EXPECT_NE(test, port->gen, 0);
		KUNIT_EXPECT_NE(test, port->gen, kft->port->gen);
		KUNIT_EXPECT_EQ(test, kvmflip_port_del(port, NULL), 0);
	}
	port = kvmflip_port_find("kunit-new");
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, err, row->err);
	KUNIT_EXPECT_EQ(test, ports, err ? 1 : 2);
	KUNIT_EXPECT_EQ(test, !extack._msg, !err);
	KUNIT_EXPECT_NULL(test, port);
}

static void kft_add_twice(struct kunit *test)
{
	struct kft_port *kft = kft_port(test);
	struct kvmflip_port_config config = kft->port->config;
	struct kvmflip_port *port = NULL;
	int same_name, same_uuid;
	uuid_t uuid;

	config.mac[5]++;
	uuid_gen(&uuid);
	mutex_lock(&kvmflip_lock);
	same_name = kvmflip_port_add("kunit-a", kft->pool, &uuid, &config, &port, NULL);
	same_uuid = kvmflip_port_add("kunit-b", kft->pool, &kft->port->uuid, &config, &port, NULL);
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, same_name, -EEXIST);
	KUNIT_EXPECT_EQ(test, same_uuid, -EEXIST);
	KUNIT_EXPECT_NULL(test, port);
	KUNIT_EXPECT_EQ(test, kft->pool->ports, 1);
}

/* While somebody has the device open. */
static void kft_del_open(struct kunit *test)
{
	struct kft_port *kft = kft_port(test);
	struct netlink_ext_ack extack = {};
	struct kvmflip_port *found;
	int port_err, pool_err;

	mutex_lock(&kvmflip_lock);
	port_err = kvmflip_port_del(kft->port, &extack);
	pool_err = kvmflip_pool_del(kft->pool, NULL);
	found = kvmflip_port_find("kunit-a");
	mutex_unlock(&kvmflip_lock);
	KUNIT_EXPECT_EQ(test, port_err, -EBUSY);
	KUNIT_EXPECT_EQ(test, pool_err, -EBUSY);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_PTR_EQ(test, found, kft->port);
	KUNIT_EXPECT_FALSE(test, kft->port->dead);
}

/* A reference outlives the port; the device of a deleted one does not open. */
static void kft_del_referenced(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	struct kvmflip_port_config config = { .mac = { 2, 0, 0, 0, 0, 1 }, .max = SZ_16K };
	struct address_space *mapping = kvmflip_test_mapping(test);
	struct kvmflip_port *port, *held, *again;
	u32 id = 0, ports;
	uuid_t uuid;
	int err;

	uuid_gen(&uuid);
	mutex_lock(&kvmflip_lock);
	err = kvmflip_port_add("kunit-a", pool, &uuid, &config, &port, NULL);
	held = NULL;
	again = NULL;
	if (!err) {
		id = port->id;
		held = kvmflip_port_get(id);
		err = kvmflip_port_del(port, NULL);
		again = kvmflip_port_get(id);
	}
	ports = pool->ports;
	mutex_unlock(&kvmflip_lock);
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_EXPECT_NULL(test, again);
	KUNIT_EXPECT_EQ(test, ports, 0);
	KUNIT_ASSERT_NOT_NULL(test, held);
	KUNIT_EXPECT_EQ(test, kvmflip_test_open(held, mapping), -ENODEV);
	KUNIT_EXPECT_EQ(test, held->state, KVMFLIP_PORT_STATE_CLOSED);
	KUNIT_EXPECT_EQ(test, kref_read(&held->ref), 1);
	kvmflip_port_put(held);
}

static void kft_set(struct kunit *test)
{
	struct kft_port *kft = kft_port(test);
	struct kvmflip_port_config config = kft->port->config;
	u32 gen = kft->port->gen;

	KUNIT_EXPECT_EQ(test, kvmflip_test_set(kft->port, &config), 0);
	KUNIT_EXPECT_EQ(test, kft->port->gen, gen);
	config.vlan = 9;
	KUNIT_EXPECT_EQ(test, kvmflip_test_set(kft->port, &config), 0);
	KUNIT_EXPECT_NE(test, kft->port->gen, gen);
	gen = kft->port->gen;
	config.mac[5]++;
	KUNIT_EXPECT_EQ(test, kvmflip_test_set(kft->port, &config), 0);
	KUNIT_EXPECT_NE(test, kft->port->gen, gen);
	gen = kft->port->gen;
	/* The window has the size it has. */
	config.max -= SZ_4K;
	KUNIT_EXPECT_EQ(test, kvmflip_test_set(kft->port, &config), -EBUSY);
	KUNIT_EXPECT_EQ(test, kft->port->config.max, KFT_SLOTS * SZ_4K);
	KUNIT_EXPECT_EQ(test, kft->port->gen, gen);
}

static void kft_returns(struct kunit *test)
{
	struct kft_port *kft = kft_port(test);
	struct kvmflip_port *port = kft->port;
	u32 i;

	kft_map(test, kft, KFT_SLOTS);
	for (i = 0; i < 5; i++)
		kvmflip_test_put_back(port, i);
	kvmflip_test_doorbell(port);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_RETURNS], 5);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_BAD_RETURNS], 0);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_UNMAP_CALLS], 1);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_DOORBELLS], 1);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&port->window), KFT_SLOTS - 5);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_MAPPED], KFT_SLOTS - 5);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(port->ret.shared->cons), 5);
	/* The next return is to ring. */
	KUNIT_EXPECT_EQ(test, le32_to_cpu(port->ret.shared->event), 5);
	kvmflip_test_states(test, &kft->pool->table);
}

static void kft_bad_returns(struct kunit *test)
{
	static const u32 bad[] = {
		2, 2, 7, KFT_SLOTS, KFT_SLOTS + KVMFLIP_BOUNCES, U32_MAX, 0x80000000, 100,
	};
	struct kft_port *kft = kft_port(test);
	struct kvmflip_port *port = kft->port;
	u32 i;

	kft_map(test, kft, 4);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		kvmflip_test_put_back(port, bad[i]);
	kvmflip_test_doorbell(port);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_RETURNS], 1);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_BAD_RETURNS], ARRAY_SIZE(bad) - 1);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&port->window), 3);
	KUNIT_EXPECT_NULL(test, port->window.slot[2]);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_MAPPED], 3);
	KUNIT_EXPECT_EQ(test, kft->pool->table.illegal, 0);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_RUNNING);
	kvmflip_test_states(test, &kft->pool->table);
}

/* A doorbell for nothing, and then an index that cannot be. */
static void kft_broken_return_ring(struct kunit *test)
{
	struct kft_port *kft = kft_port(test);
	struct kvmflip_port *port = kft->port;

	kft_map(test, kft, 4);
	kvmflip_test_doorbell(port);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_RUNNING);
	port->ret.shared->prod = cpu_to_le32(port->ret.nr + 1);
	kvmflip_test_doorbell(port);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_FAILED);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_RETURNS], 0);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_MAPPED], 4);

	kvmflip_port_reset(port);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_OPENED);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_FREE], KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(port->ret.shared->prod), 0);
	kvmflip_port_start(port);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_RUNNING);
}

static void kft_reset(struct kunit *test)
{
	struct kft_port *kft = kft_port(test);
	struct kvmflip_port *port = kft->port;

	kft_map(test, kft, KFT_SLOTS);
	kvmflip_port_lock(port);
	kvmflip_rx_put(&port->rx, 0, 0, 0, 0);
	kvmflip_ring_publish(&port->rx);
	kvmflip_port_unlock(port);
	kvmflip_test_put_back(port, 3);
	kvmflip_test_doorbell(port);

	kvmflip_port_reset(port);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_OPENED);
	KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&port->window), 0);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_REVOKED], KFT_SLOTS - 1);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_FREE], KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->pool->free), KFT_BUFFERS);
	KUNIT_EXPECT_NULL(test, memchr_inv(port->rx.shared, 0, sizeof(*port->rx.shared)));
	KUNIT_EXPECT_NULL(test, memchr_inv(port->ret.shared, 0, sizeof(*port->ret.shared)));
	KUNIT_EXPECT_EQ(test, kvmflip_ring_space(&port->rx), port->rx.nr);
	kvmflip_test_states(test, &kft->pool->table);
}

/* The VMM dies with everything it could hold. */
static void kft_close(struct kunit *test)
{
	struct kft_port *kft = kft_port(test);
	struct kvmflip_port *port = kft->port;
	u32 i;

	kft_map(test, kft, KFT_SLOTS);
	for (i = 0; i < KFT_SLOTS; i++)
		kvmflip_test_put_back(port, i / 2);
	kvmflip_port_doorbell(port);
	kvmflip_port_close(port);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_CLOSED);
	KUNIT_EXPECT_EQ(test, port->pid, 0);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_REVOKED] +
			port->stats.v[KVMFLIP_A_STATS_RETURNS], KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, kft->pool->table.count[KVMFLIP_FREE], KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&kft->pool->free), KFT_BUFFERS);
	kvmflip_test_states(test, &kft->pool->table);

	/* A start from a guest that is gone starts nothing. */
	kvmflip_port_start(port);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_CLOSED);
}

/* What the next VMM finds is as new. */
static void kft_open_again(struct kunit *test)
{
	struct address_space *mapping = kvmflip_test_mapping(test);
	struct kft_port *kft = kft_port(test);
	struct kvmflip_port *port = kft->port;
	u32 i;

	for (i = 0; i < 3; i++) {
		kft_map(test, kft, 3);
		memset(port->window.rings, 0xff, port->window.ring_bytes);
		memset(page_address(port->window.sink), 0xff, PAGE_SIZE);
		kvmflip_port_close(port);
		KUNIT_ASSERT_EQ(test, kvmflip_test_open(port, mapping), 0);
		KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_OPENED);
		KUNIT_EXPECT_EQ(test, kvmflip_test_slots(&port->window), 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(port->window.rings, 0,
						   port->window.ring_bytes));
		KUNIT_EXPECT_NULL(test, memchr_inv(page_address(port->window.sink), 0,
						   PAGE_SIZE));
		kvmflip_port_start(port);
	}
}

/**
 * struct kft_geometry - what a window is for
 * @name: of the case
 * @shift: log2 of a buffer's bytes
 * @order: log2 of the chunks in a buffer
 * @nr: slots
 */
struct kft_geometry {
	const char *name;
	u32 shift;
	u32 order;
	u32 nr;
};

static const struct kft_geometry kft_geometries[] = {
	{ "1 x 4 KiB", 12, 0, 1 },
	{ "63 x 4 KiB", 12, 0, 63 },
	{ "65 x 4 KiB", 12, 0, 65 },
	{ "1000 x 4 KiB", 12, 0, 1000 },
	{ "32767 x 4 KiB", 12, 0, 32767 },
	{ "65536 x 4 KiB", 12, 0, 65536 },
	{ "1 x 4 KiB of 2 KiB", 12, 1, 1 },
	{ "65536 x 4 KiB of 2 KiB", 12, 1, 65536 },
	{ "1 x 2 MiB", 21, 9, 1 },
	{ "7 x 2 MiB", 21, 9, 7 },
	{ "508 x 2 MiB", 21, 9, 508 },
	{ "1 x 2 MiB of 2 KiB", 21, 10, 1 },
	{ "508 x 2 MiB of 2 KiB", 21, 10, 508 },
};

KUNIT_ARRAY_PARAM_DESC(kft_geometry, kft_geometries, name);

/* All rings, the bounce slots and all slots fit where the guest is told they are. */
static void kft_layout(struct kunit *test)
{
	const struct kft_geometry *row = test->param_value;
	struct kvmflip_port *port = kunit_kzalloc(test, sizeof(*port), GFP_KERNEL);
	struct kvmflip_pool *pool = kunit_kzalloc(test, sizeof(*pool), GFP_KERNEL);
	u32 rx, rets, ret, tx, txc, bounce;

	KUNIT_ASSERT_NOT_NULL(test, port);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	pool->buffer_shift = row->shift;
	pool->table.chunk_order = row->order;
	port->pool = pool;
	port->config.max = (u64)row->nr << row->shift;
	KUNIT_EXPECT_EQ(test, kvmflip_layout_slots(port), row->nr);

	rx = kvmflip_layout_rx_entries(port);
	KUNIT_EXPECT_EQ(test, rx & (rx - 1), 0);
	KUNIT_EXPECT_LE(test, rx, 131072);
	/* A buffer's frames beside a word on the loss of every buffer. */
	KUNIT_EXPECT_GE(test, rx, row->nr + (1 << row->order));
	rets = kvmflip_layout_ret_entries(port);
	KUNIT_EXPECT_EQ(test, rets & (rets - 1), 0);
	KUNIT_EXPECT_GE(test, rets, row->nr + KVMFLIP_BOUNCES);

	ret = kvmflip_layout_ret_off(port);
	KUNIT_EXPECT_GE(test, ret, 128 + rx * 16);
	KUNIT_EXPECT_EQ(test, ret % 64, 0);
	tx = kvmflip_layout_tx_off(port);
	KUNIT_EXPECT_GE(test, tx, ret + 128 + rets * 4);
	KUNIT_EXPECT_EQ(test, tx % 64, 0);
	txc = kvmflip_layout_txc_off(port);
	KUNIT_EXPECT_GE(test, txc, tx + 128 + KVMFLIP_TX_ENTRIES * 16);
	KUNIT_EXPECT_EQ(test, txc % 64, 0);
	bounce = kvmflip_layout_bounce_off(port);
	KUNIT_EXPECT_GE(test, bounce, txc + 128 + KVMFLIP_TX_ENTRIES * 4);
	KUNIT_EXPECT_EQ(test, bounce % PAGE_SIZE, 0);
	KUNIT_EXPECT_LE(test, bounce + KVMFLIP_BOUNCE_BYTES, KVMFLIP_SLOTS_OFF);
	KUNIT_EXPECT_EQ(test, KVMFLIP_SLOTS_OFF % SZ_2M, 0);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_add, kft_config_gen_params),
	KUNIT_CASE(kft_add_twice),
	KUNIT_CASE(kft_del_open),
	KUNIT_CASE(kft_del_referenced),
	KUNIT_CASE(kft_set),
	KUNIT_CASE(kft_returns),
	KUNIT_CASE(kft_bad_returns),
	KUNIT_CASE(kft_broken_return_ring),
	KUNIT_CASE(kft_reset),
	KUNIT_CASE(kft_close),
	KUNIT_CASE(kft_open_again),
	KUNIT_CASE_PARAM(kft_layout, kft_geometry_gen_params),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_port",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
