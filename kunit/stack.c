// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: the stack of the host, and a guest to which it sends. */

#include <linux/netdevice.h>

#include "../src/host/netdev.h"
#include "stack.h"

#define KFT_BUFFERS	32

/* Frames wait in the device, not in front of it, where they can be counted. */
static void kft_no_limit(struct net_device *dev)
{
#ifdef CONFIG_BQL
	struct dql *dql = &netdev_get_tx_queue(dev, 0)->dql;

	dql->min_limit = DQL_MAX_LIMIT;
	dql->limit = DQL_MAX_LIMIT;
	dql->adj_limit = DQL_MAX_LIMIT;
#endif
}

/**
 * kvmflip_test_stack - make a guest to which the stack can send
 * @test: at the end of which it is gone
 * @features: KVMFLIP_F_* that its driver has accepted
 *
 * Return: the stack's end.
 */
struct kvmflip_test_stack *kvmflip_test_stack(struct kunit *test, u32 features)
{
	struct kvmflip_test_stack *stack = kunit_kzalloc(test, sizeof(*stack), GFP_KERNEL);
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", KFT_BUFFERS);
	struct kvmflip_netdev *nd;

	KUNIT_ASSERT_NOT_NULL(test, stack);
	stack->port = kvmflip_test_port_running(test, "kunit-a", pool, KVMFLIP_TEST_SLOTS);
	stack->port->features = features;
	stack->dev = kvmflip_test_netdev(test, stack->port);
	kft_no_limit(stack->dev);
	nd = netdev_priv(stack->dev);
	stack->inject = &nd->inject;
	return stack;
}

/**
 * kvmflip_test_lost - number of frames that the device has dropped
 * @stack: stack
 *
 * Return: number.
 */
u64 kvmflip_test_lost(const struct kvmflip_test_stack *stack)
{
	struct rtnl_link_stats64 stats;

	dev_get_stats(stack->dev, &stats);
	return stats.tx_dropped;
}

/**
 * kvmflip_test_under_way - let the device do what it can
 * @stack: stack
 */
void kvmflip_test_under_way(struct kvmflip_test_stack *stack)
{
	flush_work(&stack->inject->work);
}

/**
 * kvmflip_test_skb - make a frame
 * @test: test
 * @stack: stack
 * @len: its bytes, which are all alike and most of them in pages
 *
 * Return: the frame.
 */
struct sk_buff *kvmflip_test_skb(struct kunit *test, struct kvmflip_test_stack *stack, u32 len)
{
	u32 linear = min(len, 100), at, n;
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(linear, len - linear, PAGE_ALLOC_COSTLY_ORDER, &err,
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_put(skb, linear);
	skb->data_len = len - linear;
	skb->len = len;
	for (at = 0; at < len; at += n) {
		u8 bytes[64];

		n = min(len - at, sizeof(bytes));
		memset(bytes, stack->seq, n);
		KUNIT_ASSERT_EQ(test, skb_store_bits(skb, at, bytes, n), 0);
	}
	stack->seq++;
	skb_reset_mac_header(skb);
	skb->dev = stack->dev;
	skb->protocol = htons(ETH_P_802_3_MIN);
	return skb;
}
