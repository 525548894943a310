// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: frames of the host on their way into a guest. */

#include <kunit/resource.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/tcp.h>
#include <net/xdp.h>

#include "../src/host/netdev.h"
#include "queue.h"

#define KFT_SLOTS	4
#define KFT_PAYLOAD	1400
#define KFT_HEADERS	(ETH_HLEN + sizeof(struct iphdr) + sizeof(struct tcphdr))
#define KFT_CSUM	KVMFLIP_F_RX_CSUM
#define KFT_GSO		(KVMFLIP_F_RX_CSUM | KVMFLIP_F_RX_GSO)

/* Frames of the host that need a slot each, and how many of those it gets. */
#define KFT_BIG		61440
#define KFT_BIGS	(KVMFLIP_BOUNCES - KVMFLIP_BOUNCES_SPARE)

/**
 * struct kft_inject - a port with a network device
 * @port: the port, whose guest takes frames
 * @dev: its device
 * @inject: what is on its way
 * @seq: frames that were sent
 * @got: frames that the guest has got
 */
struct kft_inject {
	struct kvmflip_port *port;
	struct net_device *dev;
	struct kvmflip_inject *inject;
	u8 seq;
	u8 got;
};

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

static struct kft_inject *kft_inject(struct kunit *test, u32 features)
{
	struct kft_inject *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 32);
	struct kvmflip_netdev *nd;

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->port = kvmflip_test_port_running(test, "kunit-a", pool, KFT_SLOTS);
	kft->port->features = features;
	kft->dev = kvmflip_test_netdev(test, kft->port);
	kft_no_limit(kft->dev);
	nd = netdev_priv(kft->dev);
	kft->inject = &nd->inject;
	return kft;
}

static u64 kft_dropped(const struct kft_inject *kft)
{
	struct rtnl_link_stats64 stats;

	dev_get_stats(kft->dev, &stats);
	return stats.tx_dropped;
}

static u64 kft_counter(const struct kft_inject *kft, unsigned int id)
{
	return kft->port->stats.v[id];
}

static void kft_settle(struct kft_inject *kft)
{
	flush_work(&kft->inject->work);
}

/* A frame whose bytes are all alike, most of them in pages. */
static struct sk_buff *kft_skb(struct kunit *test, struct kft_inject *kft, u32 len)
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
		memset(bytes, kft->seq, n);
		KUNIT_ASSERT_EQ(test, skb_store_bits(skb, at, bytes, n), 0);
	}
	kft->seq++;
	skb_reset_mac_header(skb);
	skb->dev = kft->dev;
	skb->protocol = htons(ETH_P_802_3_MIN);
	return skb;
}

static void kft_send(struct kunit *test, struct kft_inject *kft, u32 len, u32 n)
{
	while (n--)
		dev_queue_xmit(kft_skb(test, kft, len));
}

/* The guest takes frames of one length until there are no more, and returns slots. */
static u32 kft_take(struct kunit *test, struct kft_inject *kft, u32 len, u32 most)
{
	struct kvmflip_test_rx rx;
	u32 n = 0;

	while (n < most && kvmflip_test_receive(kft->port, &rx)) {
		if (rx.len) {
			KUNIT_ASSERT_EQ(test, rx.len, len);
			KUNIT_ASSERT_NULL(test, memchr_inv(rx.bytes, kft->got, len));
			kft->got++;
			n++;
		}
		if (rx.flags & KVMFLIP_RX_LAST)
			kvmflip_test_give_back(kft->port, rx.slot);
	}
	return n;
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
	struct kft_inject *kft = kft_inject(test, 0);
	struct rtnl_link_stats64 stats;
	struct kvmflip_test_rx rx;

	kft->seq = 0x5a;
	kft_send(test, kft, row->len, 1);
	kft_settle(kft);
	KUNIT_ASSERT_EQ(test, kvmflip_test_receive(kft->port, &rx), row->good);
	if (row->good) {
		KUNIT_EXPECT_EQ(test, rx.slot, KFT_SLOTS);
		KUNIT_EXPECT_EQ(test, rx.offset, 0);
		KUNIT_EXPECT_EQ(test, rx.len, row->len);
		KUNIT_EXPECT_EQ(test, rx.flags, 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(rx.bytes, 0x5a, row->len));
	}
	dev_get_stats(kft->dev, &stats);
	KUNIT_EXPECT_EQ(test, stats.tx_packets, row->good);
	KUNIT_EXPECT_EQ(test, stats.tx_bytes, row->good ? row->len : 0);
	KUNIT_EXPECT_EQ(test, stats.tx_dropped, !row->good);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST), row->good);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST_BYTES),
			row->good ? row->len : 0);
	/* What NICs receive adds up without it. */
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_COPIED), 0);
}

/* A slot that it does not fit into behind another is the guest's to return. */
static void kft_closing(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);
	struct kvmflip_test_rx rx;

	kft_send(test, kft, 60, 1);
	kft_send(test, kft, KVMFLIP_FRAME_MAX, 2);
	kft_settle(kft);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.len, 60);
	KUNIT_EXPECT_EQ(test, rx.flags, 0);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, KFT_SLOTS);
	KUNIT_EXPECT_EQ(test, rx.offset, 64);
	KUNIT_EXPECT_EQ(test, rx.len, KVMFLIP_FRAME_MAX);
	KUNIT_EXPECT_EQ(test, rx.flags, KVMFLIP_RX_LAST);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, KFT_SLOTS + 1);
	KUNIT_EXPECT_EQ(test, rx.offset, 0);
	KUNIT_EXPECT_EQ(test, rx.flags, 0);

	kft_send(test, kft, KVMFLIP_FRAME_MAX, 1);
	kft_settle(kft);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, KFT_SLOTS + 1);
	KUNIT_EXPECT_EQ(test, rx.len, 0);
	KUNIT_EXPECT_EQ(test, rx.flags, KVMFLIP_RX_LAST);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.slot, KFT_SLOTS + 2);
	KUNIT_EXPECT_EQ(test, rx.len, KVMFLIP_FRAME_MAX);
	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port, &rx));
}

/* It waits for slots, loses nothing, and leaves some to NICs. */
static void kft_no_slot(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);
	u32 n = KFT_BIGS + 20;
	u8 frame[60] = {};

	kft_send(test, kft, KFT_BIG, n);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST), KFT_BIGS);
	KUNIT_EXPECT_NE(test, kft->inject->since, 0);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 0);
	mutex_lock(&kft->port->lock);
	KUNIT_EXPECT_TRUE(test, kvmflip_deliver_copy(kft->port, frame, sizeof(frame), 0));
	mutex_unlock(&kft->port->lock);

	/* The guest is told of each slot, and with each it returns another frame comes. */
	KUNIT_EXPECT_EQ(test, kft_take(test, kft, KFT_BIG, KFT_BIGS), KFT_BIGS);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST), n);
	KUNIT_EXPECT_EQ(test, kft->inject->since, 0);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 0);
}

/* The queue behind it is stopped, and goes on by itself once there is room. */
static void kft_queue(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);
	struct netdev_queue *queue = netdev_get_tx_queue(kft->dev, 0);
	u32 i, n = 0;

	/* Beyond what the ring holds they wait in the queueing discipline. */
	kft_send(test, kft, 4000, 1000 + KFT_BIGS * 15);
	kft_settle(kft);
	KUNIT_EXPECT_TRUE(test, netif_xmit_stopped(queue));
	for (i = 0; i < 200 && n < 1000 + KFT_BIGS * 15; i++) {
		n += kft_take(test, kft, 4000, 4000);
		kft_settle(kft);
		if (i > 100)
			msleep(20);
	}
	KUNIT_EXPECT_EQ(test, n, 1000 + KFT_BIGS * 15);
	KUNIT_EXPECT_FALSE(test, netif_xmit_stopped(queue));
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 0);
}

/* The guest does not consume: NICs have some of the ring to themselves. */
static void kft_ring_full(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);
	struct kvmflip_port *port = kft->port;
	u32 i, spare = (port->rx.nr - port->window.nr) / 4;
	u32 most = port->rx.nr - port->window.nr - spare - 1;

	kft_send(test, kft, 60, 1000);
	kft_settle(kft);
	kft_send(test, kft, 60, 1000);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST), most);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 0);

	/* It says nothing when it does, and returns nothing. */
	for (i = 0; i < 100 && kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST) < 2000; i++) {
		port->rx.shared->cons = port->rx.shared->prod;
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST), 2000);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 0);
}

/* What waits too long is dropped, and more of it too, until the guest is back. */
static void kft_impatient(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);

	kft_send(test, kft, KFT_BIG, KFT_BIGS + 10);
	kft_settle(kft);
	mutex_lock(&kft->port->lock);
	KUNIT_EXPECT_NE(test, kft->inject->since, 0);
	kft->inject->since = (jiffies - 6 * HZ) | 1;
	mutex_unlock(&kft->port->lock);
	kvmflip_inject_kick(kft->inject);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 10);
	kft_send(test, kft, KFT_BIG, 2);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 12);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST), KFT_BIGS);

	KUNIT_EXPECT_EQ(test, kft_take(test, kft, KFT_BIG, KFT_BIGS), KFT_BIGS);
	kft->got = kft->seq;
	kft_send(test, kft, KFT_BIG, 2);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 12);
	KUNIT_EXPECT_EQ(test, kft_take(test, kft, KFT_BIG, 10), 2);
	KUNIT_EXPECT_EQ(test, kft->inject->since, 0);
}

static void kft_force(struct kunit *test, struct kft_inject *kft)
{
	struct netdev_queue *queue = netdev_get_tx_queue(kft->dev, 0);
	struct sk_buff *skb = kft_skb(test, kft, 60);

	local_bh_disable();
	__netif_tx_lock(queue, smp_processor_id());
	kvmflip_inject_skb(kft->inject, skb);
	__netif_tx_unlock(queue);
	local_bh_enable();
}

/* A driver that goes takes what waits with it, and the next one begins anew. */
static void kft_no_driver(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);

	kft_send(test, kft, KFT_BIG, KFT_BIGS + 10);
	kft_settle(kft);
	kvmflip_port_reset(kft->port);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 10);
	KUNIT_EXPECT_EQ(test, kft->inject->since, 0);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(kft->dev));
	KUNIT_EXPECT_TRUE(test, __ptr_ring_empty(&kft->inject->ring));

	/* Straight to the device, the stack does not ask it any more. */
	kft_force(test, kft);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 11);

	kvmflip_port_start(kft->port);
	KUNIT_EXPECT_TRUE(test, netif_carrier_ok(kft->dev));
	kft->got = kft->seq;
	kft_force(test, kft);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_take(test, kft, 60, 10), 1);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 11);
}

/* So does a device that is taken down. */
static void kft_down(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);

	kft_send(test, kft, KFT_BIG, KFT_BIGS + 10);
	kft_settle(kft);
	rtnl_lock();
	dev_close(kft->dev);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 10);
	KUNIT_EXPECT_TRUE(test, __ptr_ring_empty(&kft->inject->ring));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&kft->inject->timer));

	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_open(kft->dev, NULL), 0);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, kft_take(test, kft, KFT_BIG, 100), KFT_BIGS);
	kft->got = kft->seq;
	kft_send(test, kft, 60, 1);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_take(test, kft, 60, 10), 1);
}

/* An index that cannot be: the port has failed, and nothing hangs. */
static void kft_broken(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);

	kft->port->rx.shared->cons = cpu_to_le32(1);
	kft_send(test, kft, 60, 3);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft->port->state, KVMFLIP_PORT_STATE_FAILED);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(kft->dev));
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 3);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST), 0);
}

/* A TCP segment, its checksum still to be made, or several in one. */
static struct sk_buff *kft_tcp(struct kunit *test, struct kft_inject *kft, u32 segments)
{
	u32 len = KFT_HEADERS + segments * KFT_PAYLOAD;
	struct sk_buff *skb;
	struct tcphdr *tcp;
	struct iphdr *ip;

	skb = alloc_skb(LL_MAX_HEADER + len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, LL_MAX_HEADER);
	memset(skb_put(skb, len), 0x33, len);
	skb_reset_mac_header(skb);
	eth_hdr(skb)->h_proto = htons(ETH_P_IP);
	skb_set_network_header(skb, ETH_HLEN);
	ip = ip_hdr(skb);
	*ip = (struct iphdr) {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
		.tot_len = htons(len - ETH_HLEN),
		.saddr = htonl(0x0a000001), .daddr = htonl(0x0a000002),
	};
	ip_send_check(ip);
	skb_set_transport_header(skb, ETH_HLEN + sizeof(*ip));
	tcp = tcp_hdr(skb);
	*tcp = (struct tcphdr) { .source = htons(1), .dest = htons(2), .doff = 5, .ack = 1 };
	skb->dev = kft->dev;
	skb->protocol = htons(ETH_P_IP);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	tcp->check = ~tcp_v4_check(len - ETH_HLEN - sizeof(*ip), ip->saddr, ip->daddr, 0);
	if (segments > 1) {
		skb_shinfo(skb)->gso_size = KFT_PAYLOAD;
		skb_shinfo(skb)->gso_segs = segments;
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	}
	return skb;
}

static bool kft_tcp_is_right(const u8 *frame, u32 len)
{
	const struct iphdr *ip = (void *)(frame + ETH_HLEN);
	u32 tcp = len - ETH_HLEN - sizeof(*ip);

	return !ip_fast_csum(ip, ip->ihl) && ntohs(ip->tot_len) == len - ETH_HLEN &&
		!csum_tcpudp_magic(ip->saddr, ip->daddr, tcp, IPPROTO_TCP,
				   csum_partial(frame + len - tcp, tcp, 0));
}

/**
 * struct kft_offload - what is left to the guest
 * @name: of the case
 * @features: KVMFLIP_F_* that it does
 * @segments: sent in one
 * @frames: that arrive
 * @flags: their KVMFLIP_RX_*
 * @gso_type: in the header
 */
struct kft_offload {
	const char *name;
	u32 features;
	u32 segments;
	u32 frames;
	u32 flags;
	u8 gso_type;
};

static const struct kft_offload kft_offloads[] = {
	{ "checksum by the host", 0, 1, 1, 0, 0 },
	{ "checksum by the guest", KFT_CSUM, 1, 1, KVMFLIP_RX_NET_HDR, 0 },
	{ "segments and checksums by the host", 0, 5, 5, 0, 0 },
	{ "segments by the host", KFT_CSUM, 5, 5, KVMFLIP_RX_NET_HDR, 0 },
	{ "all by the guest", KFT_GSO, 5, 1, KVMFLIP_RX_NET_HDR, 1 },
	{ "as long as it may be", KFT_GSO, 43, 1, KVMFLIP_RX_NET_HDR, 1 },
	{ "longer than that", KFT_GSO, 44, 44, KVMFLIP_RX_NET_HDR, 0 },
};

KUNIT_ARRAY_PARAM_DESC(kft_offload, kft_offloads, name);

static void kft_offloaded(struct kunit *test)
{
	const struct kft_offload *row = test->param_value;
	struct kft_inject *kft = kft_inject(test, row->features);
	u32 n = 0, segments = row->segments / row->frames;
	const struct kvmflip_net_hdr *hdr;
	struct kvmflip_test_rx rx;

	dev_queue_xmit(kft_tcp(test, kft, row->segments));
	kft_settle(kft);
	while (kvmflip_test_receive(kft->port, &rx)) {
		n++;
		KUNIT_EXPECT_EQ(test, rx.len, KFT_HEADERS + segments * KFT_PAYLOAD);
		KUNIT_EXPECT_EQ(test, rx.flags & ~KVMFLIP_RX_LAST, row->flags);
		if (!row->flags) {
			KUNIT_EXPECT_TRUE(test, kft_tcp_is_right(rx.bytes, rx.len));
			continue;
		}
		hdr = (void *)rx.bytes - sizeof(*hdr);
		KUNIT_EXPECT_EQ(test, hdr->flags, KVMFLIP_NET_HDR_F_NEEDS_CSUM);
		KUNIT_EXPECT_EQ(test, hdr->gso_type, row->gso_type);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(hdr->gso_size),
				row->gso_type ? KFT_PAYLOAD : 0);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(hdr->csum_start), ETH_HLEN + 20);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(hdr->csum_offset), 16);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(hdr->reserved), 0);
		KUNIT_EXPECT_FALSE(test, kft_tcp_is_right(rx.bytes, rx.len));
	}
	KUNIT_EXPECT_EQ(test, n, row->frames);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 0);
}

/* The stack asked one driver, and another one gets the frame. */
static void kft_other_driver(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, KFT_GSO);
	struct kvmflip_test_rx rx;

	mutex_lock(&kft->port->lock);
	dev_queue_xmit(kft_tcp(test, kft, 5));
	dev_queue_xmit(kft_tcp(test, kft, 1));
	WRITE_ONCE(kft->port->features, 0);
	mutex_unlock(&kft->port->lock);
	kft_settle(kft);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.flags, 0);
	KUNIT_EXPECT_TRUE(test, kft_tcp_is_right(rx.bytes, rx.len));
	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 1);
}

/* What somebody has verified is said to a driver that understands it. */
static void kft_verified(struct kunit *test)
{
	static const u32 features[] = { 0, KFT_CSUM };
	struct kft_inject *kft = kft_inject(test, 0);
	struct kvmflip_test_rx rx;
	struct sk_buff *skb;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		kft->port->features = features[i];
		skb = kft_skb(test, kft, 60);
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		dev_queue_xmit(skb);
		kft_settle(kft);
		KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
		KUNIT_EXPECT_EQ(test, rx.flags, i ? KVMFLIP_RX_CSUM_VALID : 0);
	}
}

/* A tag that the stack keeps beside the frame is in it when it arrives. */
static void kft_vlan(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);
	struct sk_buff *skb = kft_skb(test, kft, 60);
	struct kvmflip_test_rx rx;

	__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), 7);
	dev_queue_xmit(skb);
	kft_settle(kft);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(kft->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.len, 64);
	KUNIT_EXPECT_EQ(test, memcmp(rx.bytes + 12, "\x81\x00\x00\x07", 4), 0);
}

static struct xdp_frame *kft_xdp(struct kunit *test, struct kft_inject *kft, u32 len)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);
	struct xdp_frame *xdp = page;

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(page, 0, sizeof(*xdp));
	xdp->data = page + XDP_PACKET_HEADROOM;
	xdp->len = len;
	xdp->frame_sz = PAGE_SIZE;
	xdp->mem_type = MEM_TYPE_PAGE_ORDER0;
	memset(xdp->data, kft->seq++, len);
	return xdp;
}

static int kft_xdp_xmit(struct kft_inject *kft, struct xdp_frame **frames, int n, u32 flags)
{
	int sent;

	local_bh_disable();
	sent = kft->dev->netdev_ops->ndo_xdp_xmit(kft->dev, n, frames, flags);
	local_bh_enable();
	return sent;
}

/* Frames that XDP programs send go the same way; what does not fit is not taken. */
static void kft_redirected(struct kunit *test)
{
	struct kft_inject *kft = kft_inject(test, 0);
	struct xdp_frame *frames[8];
	u32 i, n = 0;
	int sent;

	for (i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = kft_xdp(test, kft, 1514);
	KUNIT_EXPECT_EQ(test, kft_xdp_xmit(kft, frames, 1, ~XDP_XMIT_FLAGS_MASK), -EINVAL);
	KUNIT_ASSERT_EQ(test, kft_xdp_xmit(kft, frames, 8, XDP_XMIT_FLUSH), 8);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_take(test, kft, 1514, 100), 8);
	KUNIT_EXPECT_EQ(test, kft_counter(kft, KVMFLIP_A_STATS_TO_GUEST), 8);

	/* Nobody takes them while we have the lock. */
	mutex_lock(&kft->port->lock);
	do {
		frames[0] = kft_xdp(test, kft, 60);
		sent = kft_xdp_xmit(kft, frames, 1, 0);
		n += sent;
	} while (sent == 1);
	KUNIT_EXPECT_EQ(test, sent, 0);
	KUNIT_EXPECT_TRUE(test, netif_xmit_stopped(netdev_get_tx_queue(kft->dev, 0)));
	mutex_unlock(&kft->port->lock);
	xdp_return_frame(frames[0]);
	KUNIT_EXPECT_EQ(test, kft_dropped(kft), 1);
	kft_settle(kft);
	KUNIT_EXPECT_EQ(test, kft_take(test, kft, 60, 4000), n);
	KUNIT_EXPECT_FALSE(test, netif_xmit_stopped(netdev_get_tx_queue(kft->dev, 0)));

	kvmflip_port_reset(kft->port);
	frames[0] = kft_xdp(test, kft, 60);
	KUNIT_EXPECT_EQ(test, kft_xdp_xmit(kft, frames, 1, XDP_XMIT_FLUSH), -ENETDOWN);
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
	KUNIT_CASE(kft_broken),
	KUNIT_CASE_PARAM(kft_offloaded, kft_offload_gen_params),
	KUNIT_CASE(kft_other_driver),
	KUNIT_CASE(kft_verified),
	KUNIT_CASE(kft_vlan),
	KUNIT_CASE(kft_redirected),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_inject",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
