/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip tests: a queue that is dedicated to one port, and its NIC. */
#ifndef _KVMFLIP_KUNIT_STEERED_H
#define _KVMFLIP_KUNIT_STEERED_H

#include <linux/sizes.h>

#include "../src/host/rxq.h"
#include "../src/host/steer.h"
#include "fixture.h"

#define KVMFLIP_STEERED_BUFFERS		64
/* Two chunks in each. */
#define KVMFLIP_STEERED_CHUNK		SZ_2K
#define KVMFLIP_STEERED_TARGET		4
/* What a steered queue needs: what is posted and a batch. */
#define KVMFLIP_STEERED_SLOTS		(KVMFLIP_STEERED_TARGET + KVMFLIP_NOTED / 2)
#define KVMFLIP_STEERED_FILL		1024
#define KVMFLIP_STEERED_OFFSET		256
#define KVMFLIP_STEERED_STALE		0xa5

/**
 * struct kvmflip_test_steered - a queue under test
 * @pool: its pool
 * @port: the port it is dedicated to
 * @rxq: the queue
 * @nic: a device, of which nothing is known
 * @fill: its fill ring, which the test takes chunks from as the NIC would
 * @taken: how many it took
 * @producer: index in @fill
 * @flags: of @fill
 * @delta: counters of the queue
 * @meta_flags: what the program says of a frame
 * @ended: the queue was detached
 */
struct kvmflip_test_steered {
	struct kvmflip_pool *pool;
	struct kvmflip_port *port;
	struct kvmflip_rxq *rxq;
	struct kvmflip_nic nic;
	u64 fill[KVMFLIP_STEERED_FILL];
	u32 taken;
	u32 producer;
	u32 flags;
	struct kvmflip_delta delta;
	u32 meta_flags;
	bool ended;
};

struct kvmflip_test_steered *kvmflip_steered_new(struct kunit *test, u32 slots);
int kvmflip_steered_init(struct kvmflip_test_steered *kft, const char *port);
void kvmflip_steered_start(struct kunit *test, struct kvmflip_test_steered *kft);
struct kvmflip_test_steered *kvmflip_steered(struct kunit *test);
struct kvmflip_buffer *kvmflip_steered_buffer(const struct kvmflip_test_steered *kft, u32 chunk);
u32 kvmflip_steered_write(struct kunit *test, struct kvmflip_test_steered *kft, u32 port, u32 gen,
			  u32 len);
u32 kvmflip_steered_own(struct kunit *test, struct kvmflip_test_steered *kft, u32 len);
u64 kvmflip_steered_serve(struct kvmflip_test_steered *kft);
void kvmflip_steered_expect_desc(struct kunit *test, const struct kvmflip_test_steered *kft,
				 u32 index, u32 slot, u32 offset, u32 len, u32 flags);
u32 kvmflip_steered_prod(const struct kvmflip_test_steered *kft);
void kvmflip_steered_return(struct kvmflip_test_steered *kft, u32 slot);
struct kvmflip_buffer *kvmflip_steered_given(struct kunit *test, struct kvmflip_test_steered *kft);
void kvmflip_steered_states(struct kunit *test, const struct kvmflip_test_steered *kft, u32 posted,
			    u32 steered, u32 mapped);

#endif /* _KVMFLIP_KUNIT_STEERED_H */
