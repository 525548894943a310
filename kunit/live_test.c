// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip tests: buffers that go into a guest that is one, and come back. Whoever wants
 * this has it run in flipvm --mode spin-write at a port called "live": what it has returned
 * it goes on writing to. There need be no NIC and no IOMMU.
 */

#include <kunit/resource.h>
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "../src/host/main.h"
#include "../src/host/port.h"
#include "queue.h"

#define KFT_ROUNDS	40
#define KFT_AT_ONCE	8
#define KFT_TAG		0x90 /* flipvm's of that port */
#define KFT_OFFSET	256
#define KFT_LEN		1500
#define KFT_PATIENCE	(30 * HZ)
#define KFT_LOOK_US	2000

static void kft_put(void *data)
{
	kvmflip_port_put(data);
}

static struct kvmflip_port *kft_live(struct kunit *test)
{
	struct kvmflip_port *port;

	mutex_lock(&kvmflip_lock);
	port = kvmflip_port_find("live");
	if (port)
		port = kvmflip_port_get(port->id);
	mutex_unlock(&kvmflip_lock);
	if (!port)
		kunit_skip(test, "no port \"live\"");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_put, port), 0);
	return port;
}

static bool kft_is_back(const struct kvmflip_buffer *buf)
{
	unsigned long end = jiffies + KFT_PATIENCE;

	while (READ_ONCE(buf->state) != KVMFLIP_FREE) {
		if (time_after(jiffies, end))
			return false;
		fsleep(KFT_LOOK_US);
	}
	return true;
}

/* Not a byte of a buffer changes once the guest has lost it. */
static void kft_lost(struct kunit *test)
{
	struct kvmflip_port *port = kft_live(test);
	struct kvmflip_test_queue *queue = kvmflip_test_queue(test, port->pool);
	struct kvmflip_buffer *buf[KFT_AT_ONCE];
	u8 *bytes[KFT_AT_ONCE], *seen = kunit_kmalloc(test, KFT_AT_ONCE * PAGE_SIZE, GFP_KERNEL);
	u32 round, chunk, i;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	KUNIT_ASSERT_EQ(test, 1U << port->pool->chunk_shift, PAGE_SIZE);
	for (round = 0; round < KFT_ROUNDS; round++) {
		for (i = 0; i < KFT_AT_ONCE; i++) {
			buf[i] = kvmflip_test_post(test, queue);
			chunk = kvmflip_test_chunk(queue, buf[i], 0);
			bytes[i] = kvmflip_test_chunk_bytes(queue, chunk);
			kvmflip_test_arrive(queue, chunk, port, KFT_TAG, KFT_OFFSET, KFT_LEN);
		}
		kvmflip_test_deliver(queue);
		kvmflip_pool_give(port->pool, &queue->free);
		KUNIT_ASSERT_TRUE(test, list_empty(&queue->again));
		for (i = 0; i < KFT_AT_ONCE; i++) {
			KUNIT_ASSERT_TRUE(test, kft_is_back(buf[i]));
			memcpy(seen + i * PAGE_SIZE, bytes[i], PAGE_SIZE);
		}
		fsleep(KFT_LOOK_US);
		for (i = 0; i < KFT_AT_ONCE; i++)
			KUNIT_EXPECT_MEMEQ(test, bytes[i], seen + i * PAGE_SIZE, PAGE_SIZE);
	}
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_SLOW(kft_lost),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_live",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
