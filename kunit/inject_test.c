// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: frames of the host on their way into a guest. */

#include <linux/completion.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/xdp.h>

#include "stack.h"

/* Frames of the host that need a slot each, and how many of those it gets. */
#define KFT_BIG		61440
#define KFT_BIGS	(KVMFLIP_BOUNCES - KVMFLIP_BOUNCES_SPARE)

static u64 kft_counter(const struct kvmflip_test_stack *stack, unsigned int id)
{
	return stack->port->stats.v[id];
}

static void kft_send(struct kunit *test, struct kvmflip_test_stack *stack, u32 len, u32 n)
{
	while (n--)
		dev_queue_xmit(kvmflip_test_skb(test, stack, len));
}

/* The guest takes frames of one length until there are no more, and returns slots. */
static u32 kft_take(struct kunit *test, struct kvmflip_test_stack *stack, u32 len, u32 most)
{
	struct kvmflip_test_rx rx;
	u32 n = 0;

	while (n < most && kvmflip_test_receive(stack->port, &rx)) {
		if (rx.len) {
			KUNIT_ASSERT_EQ(test, rx.len, len);
			KUNIT_ASSERT_NULL(test, memchr_inv(rx.bytes, stack->got, len));
			stack->got++;
			n++;
		}
		if (rx.flags & KVMFLIP_RX_LAST)
			kvmflip_test_give_back(stack->port, rx.slot);
	}
	return n;
}

static struct xdp_frame *kft_xdp(struct kunit *test, struct kvmflip_test_stack *stack, u32 len)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);
	struct xdp_frame *xdp = page;

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(page, 0, sizeof(*xdp));
	xdp->data = page + XDP_PACKET_HEADROOM;
	xdp->len = len;
	xdp->frame_sz = PAGE_SIZE;
	xdp->mem_type = MEM_TYPE_PAGE_ORDER0;
	memset(xdp->data, stack->seq++, len);
	return xdp;
}

static int kft_xdp_xmit(struct kvmflip_test_stack *stack, struct xdp_frame **frames, int n,
			u32 flags)
{
	int sent;

	local_bh_disable();
	sent = stack->dev->netdev_ops->ndo_xdp_xmit(stack->dev, n, frames, flags);
	local_bh_enable();
	return sent;
}

/**
 * struct kft_length - a frame of the host's
 * @name: of the case
 * @len: bytes
 * @good: it reaches the guest
 */
struct kft_length {
	const char *name;
	u32 len;
	bool good;
};

static const struct kft_length kft_lengths[] = {
	{ "a byte short of a header", ETH_HLEN - 1, false },
	{ "just a header", ETH_HLEN, true },
	{ "smallest", 60, true },
	{ "full size", 1514, true },
	{ "jumbo", 3832, true },
	{ "the longest", KVMFLIP_FRAME_MAX, true },
	{ "a byte more", KVMFLIP_FRAME_MAX + 1, false },
};

KUNIT_ARRAY_PARAM_DESC(kft_length, kft_lengths, name);

static void kft_frame(struct kunit *test)
{
	const struct kft_length *row = test->param_value;
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	struct rtnl_link_stats64 stats;
	struct kvmflip_test_rx rx;

	stack->seq = 0x5a;
	kft_send(test, stack, row->len, 1);
	kvmflip_test_under_way(stack);
	KUNIT_ASSERT_EQ(test, kvmflip_test_receive(stack->port, &rx), row->good);
	if (row->good) {
		KUNIT_EXPECT_EQ(test, rx.slot, KVMFLIP_TEST_SLOTS);
		KUNIT_EXPECT_EQ(test, rx.offset, 0);
		KUNIT_EXPECT_EQ(test, rx.len, row->len);
		KUNIT_EXPECT_EQ(test, rx.flags, 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(rx.bytes, 0x5a, row->len));
	}
	dev_get_stats(stack->dev, &stats);
	KUNIT_EXPECT_EQ(test, stats.tx_packets, row->good);
	KUNIT_EXPECT_EQ(test, stats.tx_bytes, row->good ? row->len : 0);
	KUNIT_EXPECT_EQ(test, stats.tx_dropped, !row->good);
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST), row->good);
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST_BYTES),
			row->good ? row->len : 0);
	/* What NICs receive adds up without it. */
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_COPIED), 0);
}

/* A slot that it does not fit into behind another is the guest's to return. */
static void kft_closing(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	struct kvmflip_test_rx rx;

	kft_send(test, stack, 60, 1);
	kft_send(test, stack, KVMFLIP_FRAME_MAX, 2);
	kvmflip_test_under_way(stack);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(stack->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.len, 60);
	KUNIT_EXPECT_EQ(test, rx.flags, 0);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(stack->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, KVMFLIP_TEST_SLOTS);
	KUNIT_EXPECT_EQ(test, rx.offset, 64);
	KUNIT_EXPECT_EQ(test, rx.len, KVMFLIP_FRAME_MAX);
	KUNIT_EXPECT_EQ(test, rx.flags, KVMFLIP_RX_LAST);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(stack->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, KVMFLIP_TEST_SLOTS + 1);
	KUNIT_EXPECT_EQ(test, rx.offset, 0);
	KUNIT_EXPECT_EQ(test, rx.flags, 0);

	kft_send(test, stack, KVMFLIP_FRAME_MAX, 1);
	kvmflip_test_under_way(stack);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(stack->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, KVMFLIP_TEST_SLOTS + 1);
	KUNIT_EXPECT_EQ(test, rx.len, 0);
	KUNIT_EXPECT_EQ(test, rx.flags, KVMFLIP_RX_LAST);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(stack->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, KVMFLIP_TEST_SLOTS + 2);
	KUNIT_EXPECT_EQ(test, rx.len, KVMFLIP_FRAME_MAX);
	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(stack->port, &rx));
}

/* It waits for slots, loses nothing, and leaves some to NICs. */
static void kft_no_slot(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	u32 n = KFT_BIGS + 20;
	u8 frame[60] = {};

	kft_send(test, stack, KFT_BIG, n);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST), KFT_BIGS);
	KUNIT_EXPECT_NE(test, stack->inject->since, 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 0);
	kvmflip_port_lock(stack->port);
	KUNIT_EXPECT_TRUE(test, kvmflip_deliver_copy(stack->port, frame, sizeof(frame), 0));
	kvmflip_port_unlock(stack->port);

	/* The guest is told of each slot, and with each it returns another frame comes. */
	KUNIT_EXPECT_EQ(test, kft_take(test, stack, KFT_BIG, KFT_BIGS), KFT_BIGS);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST), n);
	KUNIT_EXPECT_EQ(test, stack->inject->since, 0);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 0);
}

/* The queue behind it is stopped, and goes on by itself once there is room. */
static void kft_queue(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	struct netdev_queue *queue = netdev_get_tx_queue(stack->dev, 0);
	u32 i, n = 0;

	/* Beyond what the ring holds they wait in the queueing discipline. */
	kft_send(test, stack, 4000, 1000 + KFT_BIGS * 15);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_TRUE(test, netif_xmit_stopped(queue));
	for (i = 0; i < 200 && n < 1000 + KFT_BIGS * 15; i++) {
		n += kft_take(test, stack, 4000, 4000);
		kvmflip_test_under_way(stack);
		if (i > 100)
			msleep(20);
	}
	KUNIT_EXPECT_EQ(test, n, 1000 + KFT_BIGS * 15);
	KUNIT_EXPECT_FALSE(test, netif_xmit_stopped(queue));
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 0);
}

/* The guest does not consume: NICs have some of the ring to themselves. */
static void kft_ring_full(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	struct kvmflip_port *port = stack->port;
	u32 i, spare = (port->rx.nr - port->window.nr) / 4;
	u32 most = port->rx.nr - port->window.nr - spare - 1;

	kft_send(test, stack, 60, 1000);
	kvmflip_test_under_way(stack);
	kft_send(test, stack, 60, 1000);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST), most);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 0);

	/* It says nothing when it does, and returns nothing. */
	for (i = 0; i < 100 && kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST) < 2000; i++) {
		port->rx.shared->cons = port->rx.shared->prod;
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST), 2000);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 0);
}

/* What waits too long is dropped, and more of it too, until the guest is back. */
static void kft_impatient(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);

	kft_send(test, stack, KFT_BIG, KFT_BIGS + 10);
	kvmflip_test_under_way(stack);
	kvmflip_port_lock(stack->port);
	KUNIT_EXPECT_NE(test, stack->inject->since, 0);
	stack->inject->since = (jiffies - 6 * HZ) | 1;
	kvmflip_port_unlock(stack->port);
	kvmflip_inject_kick(stack->inject);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 10);
	kft_send(test, stack, KFT_BIG, 2);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 12);
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST), KFT_BIGS);

	KUNIT_EXPECT_EQ(test, kft_take(test, stack, KFT_BIG, KFT_BIGS), KFT_BIGS);
	stack->got = stack->seq;
	kft_send(test, stack, KFT_BIG, 2);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 12);
	KUNIT_EXPECT_EQ(test, kft_take(test, stack, KFT_BIG, 10), 2);
	KUNIT_EXPECT_EQ(test, stack->inject->since, 0);
}

/* Straight to the device, whatever the stack knows of it. */
static void kft_force(struct kunit *test, struct kvmflip_test_stack *stack, u32 n)
{
	struct netdev_queue *queue = netdev_get_tx_queue(stack->dev, 0);
	struct sk_buff *skb;

	while (n--) {
		skb = kvmflip_test_skb(test, stack, 60);
		local_bh_disable();
		__netif_tx_lock(queue, smp_processor_id());
		kvmflip_inject_skb(stack->inject, skb);
		__netif_tx_unlock(queue);
		local_bh_enable();
	}
}

/* A driver that goes takes what waits with it, and the next one begins anew. */
static void kft_no_driver(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);

	kft_send(test, stack, KFT_BIG, KFT_BIGS + 10);
	kvmflip_test_under_way(stack);
	kvmflip_port_reset(stack->port);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 10);
	KUNIT_EXPECT_EQ(test, stack->inject->since, 0);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(stack->dev));
	KUNIT_EXPECT_TRUE(test, __ptr_ring_empty(&stack->inject->ring));

	kft_force(test, stack, 1);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 11);

	kvmflip_port_start(stack->port);
	KUNIT_EXPECT_TRUE(test, netif_carrier_ok(stack->dev));
	stack->got = stack->seq;
	kft_force(test, stack, 1);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kft_take(test, stack, 60, 10), 1);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 11);
}

/* So does a device that is taken down. */
static void kft_down(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);

	kft_send(test, stack, KFT_BIG, KFT_BIGS + 10);
	kvmflip_test_under_way(stack);
	rtnl_lock();
	dev_close(stack->dev);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 10);
	KUNIT_EXPECT_TRUE(test, __ptr_ring_empty(&stack->inject->ring));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&stack->inject->timer));

	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_open(stack->dev, NULL), 0);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, kft_take(test, stack, KFT_BIG, 100), KFT_BIGS);
	stack->got = stack->seq;
	kft_send(test, stack, 60, 1);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kft_take(test, stack, 60, 10), 1);
}

/**
 * struct kft_slow - a frame whose owner takes its time
 * @freed: the device has begun to free it
 * @go_on: it may
 * @gone: it is freed
 */
struct kft_slow {
	struct completion freed;
	struct completion go_on;
	bool gone;
};

static void kft_free_slowly(struct sk_buff *skb)
{
	struct kft_slow *slow = skb_shinfo(skb)->destructor_arg;

	complete(&slow->freed);
	wait_for_completion_timeout(&slow->go_on, HZ / 2);
	WRITE_ONCE(slow->gone, true);
}

/* When a device is down nothing is done any more with what was sent on it. */
static void kft_down_in_the_middle(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	struct sk_buff *skb = kvmflip_test_skb(test, stack, 60);
	struct kft_slow slow = {};
	bool gone;

	init_completion(&slow.freed);
	init_completion(&slow.go_on);
	skb_shinfo(skb)->destructor_arg = &slow;
	skb->destructor = kft_free_slowly;
	dev_queue_xmit(skb);
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(&slow.freed, 5 * HZ), 0);
	rtnl_lock();
	dev_close(stack->dev);
	gone = READ_ONCE(slow.gone);
	rtnl_unlock();
	KUNIT_EXPECT_TRUE(test, gone);
	complete(&slow.go_on);
	kvmflip_test_under_way(stack);
}

/* Bytes that the stack thinks are in the device, so that it sends no more than that. */
static u32 kft_queued(struct kunit *test, const struct kvmflip_test_stack *stack)
{
#ifdef CONFIG_BQL
	const struct dql *dql = &netdev_get_tx_queue(stack->dev, 0)->dql;

	return dql->num_queued - dql->num_completed;
#else
	kunit_skip(test, "no byte queue limits");
	return 0;
#endif
}

/* It learns what has become of all that it has sent: taken, dropped, or waiting. */
static void kft_queue_limits(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	struct xdp_frame *xdp;
	u32 lost;

	kft_send(test, stack, 60, 3);
	kft_send(test, stack, KVMFLIP_FRAME_MAX + 1, 3);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 3);
	KUNIT_EXPECT_EQ(test, kft_queued(test, stack), 0);

	/* Frames of programs are none of the stack's. */
	xdp = kft_xdp(test, stack, 1514);
	KUNIT_EXPECT_EQ(test, kft_xdp_xmit(stack, &xdp, 1, XDP_XMIT_FLUSH), 1);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kft_queued(test, stack), 0);

	kft_send(test, stack, KFT_BIG, KFT_BIGS + 10);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST), KFT_BIGS + 4);
	KUNIT_EXPECT_EQ(test, kft_queued(test, stack), 10 * KFT_BIG);
	kvmflip_port_reset(stack->port);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 13);
	KUNIT_EXPECT_EQ(test, kft_queued(test, stack), 0);

	/* What does not fit into the device is none of what is in it. */
	kvmflip_port_start(stack->port);
	kvmflip_port_lock(stack->port);
	kft_force(test, stack, 600);
	lost = kvmflip_test_lost(stack) - 13;
	KUNIT_EXPECT_GT(test, lost, 0);
	KUNIT_EXPECT_EQ(test, kft_queued(test, stack), 60 * (600 - lost));
	kvmflip_port_unlock(stack->port);
}

/* An index that cannot be: the port has failed, and nothing hangs. */
static void kft_broken(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);

	stack->port->rx.shared->cons = cpu_to_le32(1);
	kft_send(test, stack, 60, 3);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, stack->port->state, KVMFLIP_PORT_STATE_FAILED);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(stack->dev));
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 3);
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST), 0);
}

/* Frames that XDP programs send go the same way; what does not fit is not taken. */
static void kft_redirected(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	struct xdp_frame *frames[8];
	u32 i, n = 0;
	int sent;

	for (i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = kft_xdp(test, stack, 1514);
	KUNIT_EXPECT_EQ(test, kft_xdp_xmit(stack, frames, 1, ~XDP_XMIT_FLAGS_MASK), -EINVAL);
	KUNIT_ASSERT_EQ(test, kft_xdp_xmit(stack, frames, 8, XDP_XMIT_FLUSH), 8);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kft_take(test, stack, 1514, 100), 8);
	KUNIT_EXPECT_EQ(test, kft_counter(stack, KVMFLIP_A_STATS_TO_GUEST), 8);

	/* Nobody takes them while we have the lock. */
	kvmflip_port_lock(stack->port);
	do {
		frames[0] = kft_xdp(test, stack, 60);
		sent = kft_xdp_xmit(stack, frames, 1, 0);
		n += sent;
	} while (sent == 1);
	KUNIT_EXPECT_EQ(test, sent, 0);
	KUNIT_EXPECT_TRUE(test, netif_xmit_stopped(netdev_get_tx_queue(stack->dev, 0)));
	kvmflip_port_unlock(stack->port);
	xdp_return_frame(frames[0]);
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 1);
	kvmflip_test_under_way(stack);
	KUNIT_EXPECT_EQ(test, kft_take(test, stack, 60, 4000), n);
	KUNIT_EXPECT_FALSE(test, netif_xmit_stopped(netdev_get_tx_queue(stack->dev, 0)));

	kvmflip_port_reset(stack->port);
	frames[0] = kft_xdp(test, stack, 60);
	KUNIT_EXPECT_EQ(test, kft_xdp_xmit(stack, frames, 1, XDP_XMIT_FLUSH), -ENETDOWN);
	xdp_return_frame(frames[0]);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_frame, kft_length_gen_params),
	KUNIT_CASE(kft_closing),
	KUNIT_CASE(kft_no_slot),
	KUNIT_CASE(kft_queue),
	KUNIT_CASE(kft_ring_full),
	KUNIT_CASE(kft_impatient),
	KUNIT_CASE(kft_no_driver),
	KUNIT_CASE(kft_down),
	KUNIT_CASE(kft_down_in_the_middle),
	KUNIT_CASE(kft_queue_limits),
	KUNIT_CASE(kft_broken),
	KUNIT_CASE(kft_redirected),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_inject",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
