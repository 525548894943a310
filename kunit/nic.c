// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: a NIC's queue that is served, whose driver is the test. */

#include <kunit/resource.h>
#include <linux/etherdevice.h>
#include <linux/if_xdp.h>
#include <linux/sizes.h>

#include "../src/host/serve.h"
#include "nic.h"

static void kft_netdev_free(void *data)
{
	free_netdev(data);
}

static void kft_destroy(void *data)
{
	kvmflip_serve_destroy(data);
}

static void kft_ring(struct kunit *test, struct kvmflip_xsk_ring *ring, size_t desc_size,
		     struct kvmflip_test_indices *shared)
{
	ring->desc = kunit_kzalloc(test, KVMFLIP_TEST_RING * desc_size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ring->desc);
	ring->producer = &shared->producer;
	ring->consumer = &shared->consumer;
	ring->flags = &shared->flags;
	ring->nr = KVMFLIP_TEST_RING;
}

/**
 * kvmflip_test_nic_of - make a queue that is not served yet
 * @test: at the end of which it goes
 * @port: name of the port that is its guest's
 * @pool: pool, of chunks of 2 KiB
 *
 * Return: queue.
 */
struct kvmflip_test_nic *kvmflip_test_nic_of(struct kunit *test, const char *port,
					     struct kvmflip_pool *pool)
{
	struct kvmflip_test_nic *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);
	struct kvmflip_rxq *rxq = &kft->rxq;

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->pool = pool;
	kft->port = kvmflip_test_port_running(test, port, pool, KVMFLIP_TEST_SLOTS);
	/* As long as a test may take. */
	kft->port->config.latency = U32_MAX;
	kft->test = kvmflip_test_queue(test, kft->pool);
	kft->nic.iommu = &kft->test->iommu;
	kft->nic.netdev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, kft->nic.netdev);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_netdev_free, kft->nic.netdev), 0);
	init_waitqueue_head(&kft->wq.wait);
	RCU_INIT_POINTER(kft->xs.sk.sk_wq, &kft->wq);

	rxq->nic = &kft->nic;
	rxq->pool = kft->pool;
	rxq->queue = 7;
	rxq->id = KVMFLIP_TEST_QUEUE;
	rxq->target = KVMFLIP_TEST_TARGET;
	rxq->most = 2 * KVMFLIP_TEST_TARGET;
	rxq->xsk.xs = &kft->xs;
	kvmflip_stats_init(&rxq->stats);
	kft_ring(test, &rxq->xsk.rx, sizeof(struct xdp_desc), &kft->rx);
	kft_ring(test, &rxq->xsk.fill, sizeof(u64), &kft->fill);
	KUNIT_ASSERT_EQ(test, kvmflip_serve_init(rxq), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_destroy, rxq), 0);
	/* A buffer fills soon enough, as far as the queue knows. */
	rxq->tally.steady_ns = 1;
	rxq->tally.frame_ns = 1;
	rxq->delivery.pool = kft->pool;
	rxq->delivery.tally = &rxq->tally;
	rxq->delivery.delta = &kft->test->delta;
	return kft;
}

/**
 * kvmflip_test_nic - make a queue with a pool of buffers of two chunks
 * @test: at the end of which they go
 *
 * Return: queue that is not served yet.
 */
struct kvmflip_test_nic *kvmflip_test_nic(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool_chunks(test, "kunit", KVMFLIP_TEST_BUFFERS,
							     SZ_4K, SZ_2K);

	return kvmflip_test_nic_of(test, "kunit-a", pool);
}
