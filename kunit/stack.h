/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip tests: the stack of the host, and a guest to which it sends. */
#ifndef _KVMFLIP_KUNIT_STACK_H
#define _KVMFLIP_KUNIT_STACK_H

#include "../src/host/inject.h"
#include "queue.h"

/* Of the guest's window. */
#define KVMFLIP_TEST_SLOTS	4

/**
 * struct kvmflip_test_stack - a port with a network device
 * @port: the port, whose guest takes frames
 * @dev: its device
 * @inject: what is on its way
 * @seq: frames that were sent
 * @got: frames that the guest has got
 */
struct kvmflip_test_stack {
	struct kvmflip_port *port;
	struct net_device *dev;
	struct kvmflip_inject *inject;
	u8 seq;
	u8 got;
};

struct kvmflip_test_stack *kvmflip_test_stack(struct kunit *test, u32 features);
u64 kvmflip_test_lost(const struct kvmflip_test_stack *stack);
void kvmflip_test_under_way(struct kvmflip_test_stack *stack);
struct sk_buff *kvmflip_test_skb(struct kunit *test, struct kvmflip_test_stack *stack, u32 len);

#endif /* _KVMFLIP_KUNIT_STACK_H */
