// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: what of a frame of the host is left to the guest to do. */

#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/tcp.h>

#include "stack.h"

#define KFT_PAYLOAD	1400
#define KFT_HEADERS	(ETH_HLEN + sizeof(struct iphdr) + sizeof(struct tcphdr))
#define KFT_CSUM	KVMFLIP_F_RX_CSUM
#define KFT_GSO		(KVMFLIP_F_RX_CSUM | KVMFLIP_F_RX_GSO)

/* A TCP segment, its checksum still to be made, or several in one. */
static struct sk_buff *kft_tcp(struct kunit *test, struct kvmflip_test_stack *stack, u32 segments)
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
	skb->dev = stack->dev;
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
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, row->features);
	u32 n = 0, segments = row->segments / row->frames;
	const struct kvmflip_net_hdr *hdr;
	struct kvmflip_test_rx rx;

	dev_queue_xmit(kft_tcp(test, stack, row->segments));
	kvmflip_test_under_way(stack);
	while (kvmflip_test_receive(stack->port, &rx)) {
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
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 0);
}

/* The stack asked one driver, and another one gets the frame. */
static void kft_other_driver(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, KFT_GSO);
	struct kvmflip_test_rx rx;

	kvmflip_port_lock(stack->port);
	dev_queue_xmit(kft_tcp(test, stack, 5));
	dev_queue_xmit(kft_tcp(test, stack, 1));
	WRITE_ONCE(stack->port->features, 0);
	kvmflip_port_unlock(stack->port);
	kvmflip_test_under_way(stack);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(stack->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.flags, 0);
	KUNIT_EXPECT_TRUE(test, kft_tcp_is_right(rx.bytes, rx.len));
	KUNIT_EXPECT_FALSE(test, kvmflip_test_receive(stack->port, &rx));
	KUNIT_EXPECT_EQ(test, kvmflip_test_lost(stack), 1);
}

/* What somebody has verified is said to a driver that understands it. */
static void kft_verified(struct kunit *test)
{
	static const u32 features[] = { 0, KFT_CSUM };
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	struct kvmflip_test_rx rx;
	struct sk_buff *skb;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		stack->port->features = features[i];
		skb = kvmflip_test_skb(test, stack, 60);
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		dev_queue_xmit(skb);
		kvmflip_test_under_way(stack);
		KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(stack->port, &rx));
		KUNIT_EXPECT_EQ(test, rx.flags, i ? KVMFLIP_RX_CSUM_VALID : 0);
	}
}

/* A tag that the stack keeps beside the frame is in it when it arrives. */
static void kft_vlan(struct kunit *test)
{
	struct kvmflip_test_stack *stack = kvmflip_test_stack(test, 0);
	struct sk_buff *skb = kvmflip_test_skb(test, stack, 60);
	struct kvmflip_test_rx rx;

	__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), 7);
	dev_queue_xmit(skb);
	kvmflip_test_under_way(stack);
	KUNIT_ASSERT_TRUE(test, kvmflip_test_receive(stack->port, &rx));
	KUNIT_EXPECT_EQ(test, rx.len, 64);
	KUNIT_EXPECT_EQ(test, memcmp(rx.bytes + 12, "\x81\x00\x00\x07", 4), 0);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_offloaded, kft_offload_gen_params),
	KUNIT_CASE(kft_other_driver),
	KUNIT_CASE(kft_verified),
	KUNIT_CASE(kft_vlan),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_offload",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
