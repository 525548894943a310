// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: pools and ports that go away with the test. */

#include <kunit/resource.h>
#include <kunit/test-bug.h>
#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/rtnetlink.h>

#include "../src/host/netdev.h"
#include "fixture.h"

static void kft_pool_del(void *data)
{
	struct kvmflip_pool *pool = data;
	int err;

	mutex_lock(&kvmflip_lock);
	err = kvmflip_pool_del(pool, NULL);
	mutex_unlock(&kvmflip_lock);
	if (err)
		kunit_fail_current_test("pool cannot be deleted: %d", err);
}

/**
 * kvmflip_test_pool_chunks - make a pool
 * @test: at the end of which it is deleted
 * @name: name
 * @nr: number of buffers
 * @buffer_size: bytes of each
 * @chunk_size: bytes of a chunk
 *
 * Return: pool.
 */
struct kvmflip_pool *kvmflip_test_pool_chunks(struct kunit *test, const char *name, u32 nr,
					      u32 buffer_size, u32 chunk_size)
{
	struct kvmflip_pool_config config = {
		.size = (u64)nr * buffer_size,
		.buffer_size = buffer_size,
		.chunk_size = chunk_size,
		.node = NUMA_NO_NODE,
	};
	struct kvmflip_pool *pool;
	int err;

	err = kvmflip_pool_add(name, &config, NULL);
	mutex_lock(&kvmflip_lock);
	pool = kvmflip_pool_find(name);
	mutex_unlock(&kvmflip_lock);
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_pool_del, pool), 0);
	KUNIT_ASSERT_EQ(test, pool->table.nr, nr);
	return pool;
}

/**
 * kvmflip_test_pool_of - make a pool of buffers of some size
 * @test: at the end of which it is deleted
 * @name: name
 * @nr: number of buffers
 * @buffer_size: bytes of each
 *
 * Return: pool, with chunks of a page.
 */
struct kvmflip_pool *kvmflip_test_pool_of(struct kunit *test, const char *name, u32 nr,
					  u32 buffer_size)
{
	return kvmflip_test_pool_chunks(test, name, nr, buffer_size, SZ_4K);
}

/**
 * kvmflip_test_pool - make a pool of small buffers
 * @test: at the end of which it is deleted
 * @name: name
 * @nr: number of buffers of one page
 *
 * Return: pool.
 */
struct kvmflip_pool *kvmflip_test_pool(struct kunit *test, const char *name, u32 nr)
{
	return kvmflip_test_pool_of(test, name, nr, PAGE_SIZE);
}

/**
 * kvmflip_test_advance - have free buffers go through their life
 * @pool: pool
 * @bufs: KVMFLIP_FREE buffers taken from it
 * @to: state to stop at
 */
void kvmflip_test_advance(struct kvmflip_pool *pool, struct list_head *bufs,
			  enum kvmflip_state to)
{
	enum kvmflip_state state;

	/* The states are numbered in the order in which a buffer goes through. */
	for (state = KVMFLIP_FREE; state != to; state++)
		kvmflip_pool_move(pool, bufs, state, state + 1);
}

/**
 * kvmflip_test_buffer - take a buffer
 * @test: test
 * @pool: pool
 * @state: that it is to be in
 *
 * Return: buffer, in no list.
 */
struct kvmflip_buffer *kvmflip_test_buffer(struct kunit *test, struct kvmflip_pool *pool,
					   enum kvmflip_state state)
{
	struct kvmflip_buffer *buf;
	LIST_HEAD(bufs);

	KUNIT_ASSERT_EQ(test, kvmflip_pool_take(pool, &bufs, 1), 1);
	buf = list_first_entry(&bufs, struct kvmflip_buffer, list);
	kvmflip_test_advance(pool, &bufs, state);
	list_del_init(&buf->list);
	KUNIT_ASSERT_EQ(test, buf->state, state);
	return buf;
}

/**
 * kvmflip_test_return - give back buffers that nobody has claimed
 * @pool: pool
 * @bufs: KVMFLIP_MAPPED buffers, the list is empty afterwards
 */
void kvmflip_test_return(struct kvmflip_pool *pool, struct list_head *bufs)
{
	struct kvmflip_share share = { .held = list_count_nodes(bufs) };

	kvmflip_pool_return(pool, &share, bufs);
}

/**
 * kvmflip_test_states - check the counts per state against the buffers
 * @test: test
 * @table: buffers
 */
void kvmflip_test_states(struct kunit *test, struct kvmflip_buffers *table)
{
	u32 count[KVMFLIP_STATES] = {};
	u32 i, sum = 0;

	spin_lock(&table->lock);
	for (i = 0; i < table->nr; i++)
		if (table->buf[i].state < KVMFLIP_STATES)
			count[table->buf[i].state]++;
	spin_unlock(&table->lock);
	for (i = 0; i < KVMFLIP_STATES; i++) {
		KUNIT_EXPECT_EQ_MSG(test, table->count[i], count[i], "state %u", i);
		sum += table->count[i];
	}
	KUNIT_EXPECT_EQ(test, sum, table->nr);
}

/**
 * kvmflip_test_bytes - what is in a buffer
 * @pool: pool
 * @buf: buffer of it
 *
 * Return: its first byte.
 */
u8 *kvmflip_test_bytes(const struct kvmflip_pool *pool, const struct kvmflip_buffer *buf)
{
	return page_address(kvmflip_pool_page(pool, buf));
}

static void kft_port_del(void *data)
{
	struct kvmflip_port *port = data;
	int err;

	if (port->state != KVMFLIP_PORT_STATE_CLOSED)
		kvmflip_port_close(port);
	rtnl_lock();
	mutex_lock(&kvmflip_lock);
	err = kvmflip_port_del(port, NULL);
	mutex_unlock(&kvmflip_lock);
	rtnl_unlock();
	if (err)
		kunit_fail_current_test("port cannot be deleted: %d", err);
}

/**
 * kvmflip_test_port - make a port that nobody has open
 * @test: at the end of which it is closed and deleted
 * @name: name, whose last letter makes its address
 * @pool: pool
 * @slots: of its window
 *
 * Return: port.
 */
struct kvmflip_port *kvmflip_test_port(struct kunit *test, const char *name,
				       struct kvmflip_pool *pool, u32 slots)
{
	struct kvmflip_port_config config = {
		.mac = { 0x02, 0, 0, 0, 0, name[strlen(name) - 1] },
		.max = (u64)slots << pool->buffer_shift,
	};
	struct kvmflip_port *port;
	uuid_t uuid;
	int err;

	uuid_gen(&uuid);
	mutex_lock(&kvmflip_lock);
	err = kvmflip_port_add(name, pool, &uuid, &config, &port, NULL);
	mutex_unlock(&kvmflip_lock);
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_port_del, port), 0);
	return port;
}

/**
 * kvmflip_test_set - change what a user asked of a port
 * @port: port
 * @config: all of it, changed or not
 *
 * Return: what kvmflip_port_set() returns.
 */
int kvmflip_test_set(struct kvmflip_port *port, const struct kvmflip_port_config *config)
{
	int err;

	mutex_lock(&kvmflip_lock);
	err = kvmflip_port_set(port, config, NULL);
	mutex_unlock(&kvmflip_lock);
	return err;
}

static int kft_read(void *arg, u64 iova, void *buf, size_t len)
{
	return -EFAULT;
}

/**
 * kvmflip_test_open - have a VMM open a port
 * @port: port
 * @mapping: kvmflip_test_mapping()
 *
 * Return: what kvmflip_port_open() returns. The VMM has no memory to read.
 */
int kvmflip_test_open(struct kvmflip_port *port, struct address_space *mapping)
{
	struct kvmflip_vmm vmm = {
		.mapping = mapping,
		.base = KVMFLIP_TEST_BASE,
		.read = kft_read,
	};

	return kvmflip_port_open(port, &vmm);
}

/**
 * kvmflip_test_port_running - make a port whose guest takes frames
 * @test: at the end of which it is closed and deleted
 * @name: name, whose last letter makes its address
 * @pool: pool
 * @slots: of its window
 *
 * Return: port.
 */
struct kvmflip_port *kvmflip_test_port_running(struct kunit *test, const char *name,
					       struct kvmflip_pool *pool, u32 slots)
{
	/* Before the port, so that it is still there when the port is closed. */
	struct address_space *mapping = kvmflip_test_mapping(test);
	struct kvmflip_port *port = kvmflip_test_port(test, name, pool, slots);

	KUNIT_ASSERT_EQ(test, kvmflip_test_open(port, mapping), 0);
	kvmflip_port_start(port);
	KUNIT_ASSERT_EQ(test, port->state, KVMFLIP_PORT_STATE_RUNNING);
	return port;
}

/**
 * kvmflip_test_netdev - give a port a network device
 * @test: test
 * @port: port
 *
 * Return: the device, which is up, goes with the port, and on which nothing is
 * sent but what the test sends.
 */
struct net_device *kvmflip_test_netdev(struct kunit *test, struct kvmflip_port *port)
{
	int err;

	rtnl_lock();
	mutex_lock(&kvmflip_lock);
	err = kvmflip_netdev_add(port, &init_net, NULL);
	mutex_unlock(&kvmflip_lock);
	if (!err) {
		port->netdev->priv_flags |= IFF_NO_ADDRCONF;
		kvmflip_netdev_carrier(port, port->state == KVMFLIP_PORT_STATE_RUNNING);
		err = dev_open(port->netdev, NULL);
	}
	rtnl_unlock();
	KUNIT_ASSERT_EQ(test, err, 0);
	return port->netdev;
}

/**
 * kvmflip_test_hold - let a guest have a buffer
 * @test: test
 * @port: port that is open
 *
 * Return: the buffer, in the next slot of the port.
 */
struct kvmflip_buffer *kvmflip_test_hold(struct kunit *test, struct kvmflip_port *port)
{
	struct kvmflip_buffer *buf = kvmflip_pool_claim(port->pool, &port->share);
	u32 slot = kvmflip_window_alloc(&port->window);
	LIST_HEAD(bufs);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_NE(test, slot, KVMFLIP_NO_SLOT);
	list_add_tail(&buf->list, &bufs);
	kvmflip_test_advance(port->pool, &bufs, KVMFLIP_FILLED);
	KUNIT_ASSERT_TRUE(test, kvmflip_pool_map(port->pool, buf, port, slot));
	KUNIT_ASSERT_TRUE(test, kvmflip_window_fill(&port->window, slot, buf));
	return buf;
}

/**
 * kvmflip_test_put_back - a guest writes a slot into its return ring
 * @port: its port, which does not look yet
 * @slot: slot or bounce slot, or any number
 */
void kvmflip_test_put_back(struct kvmflip_port *port, u32 slot)
{
	u32 prod = le32_to_cpu(port->ret.shared->prod);
	__le32 *entry = port->ret.entries;

	entry[prod & (port->ret.nr - 1)] = cpu_to_le32(slot);
	port->ret.shared->prod = cpu_to_le32(prod + 1);
}

/**
 * kvmflip_test_doorbell - a guest says that it has returned something
 * @port: its port, which has looked when this returns
 */
void kvmflip_test_doorbell(struct kvmflip_port *port)
{
	kvmflip_port_doorbell(port);
	flush_work(&port->return_work);
}

/**
 * kvmflip_test_give_back - a guest returns a slot
 * @port: its port
 * @slot: slot or bounce slot
 */
void kvmflip_test_give_back(struct kvmflip_port *port, u32 slot)
{
	kvmflip_test_put_back(port, slot);
	kvmflip_test_doorbell(port);
}

/**
 * kvmflip_test_mapping - what nobody has mapped
 * @test: test
 *
 * Return: address space for windows that no process looks into.
 */
struct address_space *kvmflip_test_mapping(struct kunit *test)
{
	struct address_space *mapping = kunit_kzalloc(test, sizeof(*mapping), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mapping);
	address_space_init_once(mapping);
	return mapping;
}

/**
 * kvmflip_test_slots - number of slots that are allocated
 * @window: window
 *
 * Return: number.
 */
u32 kvmflip_test_slots(const struct kvmflip_window *window)
{
	return bitmap_weight(window->used, window->nr);
}
