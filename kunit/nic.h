/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip tests: a NIC's queue that is served, whose driver is the test. */
#ifndef _KVMFLIP_KUNIT_NIC_H
#define _KVMFLIP_KUNIT_NIC_H

#include <net/xdp_sock.h>

#include "../src/host/rxq.h"
#include "queue.h"

#define KVMFLIP_TEST_BUFFERS	24
#define KVMFLIP_TEST_SLOTS	8
#define KVMFLIP_TEST_TARGET	6
#define KVMFLIP_TEST_QUEUE	3
#define KVMFLIP_TEST_RING	64
#define KVMFLIP_TEST_CHUNKS	(2 * KVMFLIP_TEST_BUFFERS)

/* Where in the pool something in a chunk of 2 KiB is. */
#define KVMFLIP_TEST_AT(chunk, offset)	(((u64)(chunk) << 11) + (offset))

/**
 * struct kvmflip_test_indices - what the other end of a ring writes
 * @producer: its index, or ours
 * @consumer: its index, or ours
 * @flags: from the driver
 */
struct kvmflip_test_indices {
	u32 producer;
	u32 consumer;
	u32 flags;
};

/**
 * struct kvmflip_test_nic - a queue, its driver and a guest
 * @rxq: the queue
 * @nic: its device
 * @xs: its socket
 * @wq: who waits for the socket
 * @test: what has the device's IOMMU
 * @pool: the pool, whose buffers are two chunks each
 * @port: a port of that pool, running
 * @rx: indices of the RX ring
 * @fill: indices of the fill ring
 * @owned: bit per chunk that the driver has
 * @wrong: chunks that it should not have had
 * @written: behind the last chunk of which it has said anything
 */
struct kvmflip_test_nic {
	struct kvmflip_rxq rxq;
	struct kvmflip_nic nic;
	struct xdp_sock xs;
	struct socket_wq wq;
	struct kvmflip_test_queue *test;
	struct kvmflip_pool *pool;
	struct kvmflip_port *port;
	struct kvmflip_test_indices rx;
	struct kvmflip_test_indices fill;
	DECLARE_BITMAP(owned, KVMFLIP_TEST_CHUNKS);
	u32 wrong;
	u32 written;
};

struct kvmflip_test_nic *kvmflip_test_nic_of(struct kunit *test, const char *port,
					     struct kvmflip_pool *pool);
struct kvmflip_test_nic *kvmflip_test_nic(struct kunit *test);

#endif /* _KVMFLIP_KUNIT_NIC_H */
