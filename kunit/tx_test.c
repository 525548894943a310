// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: frames that guests send, good ones and bad ones. */

#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/virtio_net.h>

#include "sender.h"

#define KFT_MORE	KVMFLIP_TX_MORE
#define KFT_HDR		KVMFLIP_TX_HDR
#define KFT_IOVA	KVMFLIP_TEST_IOVA

/* The packet has the bytes that the guest has one after the other at an offset. */
static void kft_expect_bytes(struct kunit *test, const struct sk_buff *skb, const u8 *bytes,
			     u32 len)
{
	u8 *copy = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	KUNIT_ASSERT_EQ(test, skb->len, len);
	KUNIT_ASSERT_EQ(test, skb_copy_bits(skb, 0, copy, len), 0);
	KUNIT_EXPECT_EQ(test, memcmp(copy, bytes, len), 0);
	kunit_kfree(test, copy);
}

static void kft_expect_completed(struct kvmflip_test_sender *sender, u32 expect)
{
	u32 index = U32_MAX;

	KUNIT_EXPECT_TRUE(sender->test, kvmflip_test_completed(sender, &index));
	KUNIT_EXPECT_EQ(sender->test, index, expect);
	kvmflip_test_free(sender);
}

/* Nothing is left to do, and the guest is not at fault. */
static void kft_expect_idle(struct kvmflip_test_sender *sender)
{
	struct kunit *test = sender->test;
	u32 index;

	KUNIT_EXPECT_FALSE(test, kvmflip_test_completed(sender, &index));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sender->tx->cons), sender->prod);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(sender->tx->event), sender->prod);
	KUNIT_EXPECT_NULL(test, kvmflip_test_got(sender));
	KUNIT_EXPECT_EQ(test, sender->port->state, KVMFLIP_PORT_STATE_RUNNING);
}

static u64 kft_errors(const struct kvmflip_test_sender *sender)
{
	return sender->port->stats.v[KVMFLIP_A_STATS_TX_ERRORS];
}

static const u32 kft_lengths[] = {
	14, 15, 60, 127, 255, 256, 257, 1514, 1536, 1537, 4095, 4352, 9014, 33000, 61439, 61440,
};

/* Pieces of all lengths, at all alignments. Writes a frame, returns where it lies. */
static u8 *kft_split(struct kvmflip_test_sender *sender, u32 len, u32 pieces)
{
	u8 *frame = kunit_kmalloc(sender->test, len, GFP_KERNEL);
	u32 i, n, offset = 3, done = 0;

	KUNIT_ASSERT_NOT_NULL(sender->test, frame);
	for (i = 0; i < pieces; i++) {
		n = i + 1 == pieces ? len - done : max(1, (len - done) / (pieces - i) - i % 3);
		memcpy(frame + done, sender->mem + offset, n);
		kvmflip_test_piece(sender, KFT_IOVA + offset, n, i + 1 == pieces ? 0 : KFT_MORE);
		done += n;
		offset += n + 77;
	}
	return frame;
}

static void kft_good(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);
	u32 pieces, i, len, first;
	struct sk_buff *skb;
	u8 *frame;

	for (pieces = 1; pieces <= KVMFLIP_TX_PIECES; pieces++) {
		for (i = 0; i < ARRAY_SIZE(kft_lengths); i++) {
			len = kft_lengths[i];
			if (len < 3 * pieces)
				continue;
			first = sender->prod;
			frame = kft_split(sender, len, pieces);
			kvmflip_test_send(sender);
			skb = kvmflip_test_got(sender);
			KUNIT_ASSERT_NOT_NULL(test, skb);
			kft_expect_bytes(test, skb, frame, len);
			KUNIT_EXPECT_GE(test, skb_headlen(skb), min(len, 128));
			KUNIT_EXPECT_LE(test, skb_shinfo(skb)->nr_frags, MAX_SKB_FRAGS);
			KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_NONE);
			KUNIT_EXPECT_FALSE(test, skb_is_gso(skb));
			kft_expect_completed(sender, first);
			kft_expect_idle(sender);
			kunit_kfree(test, frame);
		}
	}
	KUNIT_EXPECT_EQ(test, kft_errors(sender), 0);
}

/* Many at once come out in their order. */
static void kft_order(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);
	u32 first[12], i;
	struct sk_buff *skb;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		first[i] = sender->prod;
		kft_split(sender, 100 + i, 1 + i % 5);
	}
	kvmflip_test_send(sender);
	for (i = 0; i < ARRAY_SIZE(first); i++) {
		skb = kvmflip_test_got(sender);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, skb->len, 100 + i);
		kft_expect_completed(sender, first[i]);
	}
	kft_expect_idle(sender);
}

/**
 * struct kft_ask - what a guest asks to be done with a frame
 * @name: of the case
 * @features: that it has accepted besides F_TX
 * @net: the header, in host byte order
 * @bad: it may not ask that
 * @partial: the checksum is to be filled in
 * @gso_type: SKB_GSO_*
 * @gso_size: of the packet; 0 if it is not to be cut
 */
struct kft_ask {
	const char *name;
	u32 features;
	struct {
		u8 flags;
		u8 gso_type;
		u16 gso_size;
		u16 csum_start;
		u16 csum_offset;
		u16 reserved;
	} net;
	bool bad;
	bool partial;
	unsigned int gso_type;
	u16 gso_size;
};

#define KFT_CSUM	KVMFLIP_F_TX_CSUM
#define KFT_GSO		(KVMFLIP_F_TX_CSUM | KVMFLIP_F_TX_GSO)
#define KFT_V4		VIRTIO_NET_HDR_GSO_TCPV4
#define KFT_V6		VIRTIO_NET_HDR_GSO_TCPV6
#define KFT_ECN		VIRTIO_NET_HDR_GSO_ECN
#define KFT_LEN		5000
/* Where TCP begins in each, and the checksum in it. */
#define KFT_TCP4	34
#define KFT_TCP6	54
#define KFT_SUM		16

static const struct kft_ask kft_asks[] = {
	{ "nothing", 0, {} },
	{ "nothing, though it may", KFT_GSO, {} },
	{ "checksum", KFT_CSUM, { 1, 0, 0, KFT_TCP4, KFT_SUM }, .partial = true },
	{ "checksum of UDP", KFT_CSUM, { 1, 0, 0, KFT_TCP4, 6 }, .partial = true },
	{ "segments, v4", KFT_GSO, { 1, KFT_V4, 1448, KFT_TCP4, KFT_SUM }, .partial = true,
	  .gso_type = SKB_GSO_TCPV4, .gso_size = 1448 },
	{ "segments, v6", KFT_GSO, { 1, KFT_V6, 1428, KFT_TCP6, KFT_SUM }, .partial = true,
	  .gso_type = SKB_GSO_TCPV6, .gso_size = 1428 },
	{ "segments, ECN", KFT_GSO, { 1, KFT_V4 | KFT_ECN, 1448, KFT_TCP4, KFT_SUM },
	  .partial = true, .gso_type = SKB_GSO_TCPV4 | SKB_GSO_TCP_ECN, .gso_size = 1448 },
	{ "segments no smaller than the packet", KFT_GSO,
	  { 1, KFT_V4, KFT_LEN, KFT_TCP4, KFT_SUM }, .partial = true },
	{ "size of segments without segments", KFT_GSO, { 1, 0, 1448, KFT_TCP4, KFT_SUM },
	  .partial = true },

	{ "checksum, may not", 0, { 1, 0, 0, KFT_TCP4, KFT_SUM }, .bad = true },
	{ "segments, may not", KFT_CSUM, { 1, KFT_V4, 1448, KFT_TCP4, KFT_SUM }, .bad = true },
	{ "segments without checksum", KFT_GSO, { 0, KFT_V4, 1448, KFT_TCP4, KFT_SUM },
	  .bad = true },
	{ "segments of nothing", KFT_GSO, { 1, KFT_V4, 0, KFT_TCP4, KFT_SUM }, .bad = true },
	{ "segments of UDP", KFT_GSO, { 1, VIRTIO_NET_HDR_GSO_UDP, 1448, KFT_TCP4, 6 },
	  .bad = true },
	{ "segments of UDP, new", KFT_GSO, { 1, VIRTIO_NET_HDR_GSO_UDP_L4, 1448, KFT_TCP4, 6 },
	  .bad = true },
	{ "ECN without segments", KFT_GSO, { 1, KFT_ECN, 1448, KFT_TCP4, KFT_SUM }, .bad = true },
	{ "unknown segments", KFT_GSO, { 1, 0x7f, 1448, KFT_TCP4, KFT_SUM }, .bad = true },
	{ "TCP with another checksum", KFT_GSO, { 1, KFT_V4, 1448, KFT_TCP4, 6 }, .bad = true },
	{ "unknown flag", KFT_GSO, { 2 }, .bad = true },
	{ "unknown flag too", KFT_GSO, { 3, 0, 0, KFT_TCP4, KFT_SUM }, .bad = true },
	{ "reserved", KFT_GSO, { .reserved = 1 }, .bad = true },
	{ "checksum in the header", KFT_CSUM, { 1, 0, 0, 10, KFT_SUM }, .bad = true },
	{ "checksum behind the end", KFT_CSUM, { 1, 0, 0, KFT_LEN - 1, 0 }, .bad = true },
	{ "checksum far behind the end", KFT_CSUM, { 1, 0, 0, 0xffff, 0xffff }, .bad = true },
	{ "sum far behind the end", KFT_CSUM, { 1, 0, 0, KFT_TCP4, 0xfffe }, .bad = true },
};

KUNIT_ARRAY_PARAM_DESC(kft_ask, kft_asks, name);

static void kft_headers(struct kunit *test)
{
	const struct kft_ask *row = test->param_value;
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX |
								 row->features);
	struct kvmflip_net_hdr net = {
		.flags = row->net.flags,
		.gso_type = row->net.gso_type,
		/* A hint, not to be believed. */
		.hdr_len = cpu_to_le16(0xffff),
		.gso_size = cpu_to_le16(row->net.gso_size),
		.csum_start = cpu_to_le16(row->net.csum_start),
		.csum_offset = cpu_to_le16(row->net.csum_offset),
		.reserved = cpu_to_le16(row->net.reserved),
	};
	struct sk_buff *skb;

	kvmflip_test_header(sender, &net, KFT_HDR | KFT_MORE);
	kvmflip_test_piece(sender, KFT_IOVA, 40, KFT_MORE);
	kvmflip_test_piece(sender, KFT_IOVA + 40, KFT_LEN - 40, 0);
	kvmflip_test_send(sender);
	kft_expect_completed(sender, 0);
	skb = kvmflip_test_got(sender);
	KUNIT_EXPECT_EQ(test, kft_errors(sender), row->bad);
	KUNIT_ASSERT_EQ(test, !skb, row->bad);
	if (skb) {
		kft_expect_bytes(test, skb, sender->mem, KFT_LEN);
		KUNIT_EXPECT_EQ(test, (int)skb->ip_summed,
				row->partial ? CHECKSUM_PARTIAL : CHECKSUM_NONE);
		if (row->partial) {
			KUNIT_EXPECT_EQ(test, skb_checksum_start_offset(skb),
					row->net.csum_start);
			KUNIT_EXPECT_EQ(test, skb->csum_offset, row->net.csum_offset);
		}
		KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->gso_size, row->gso_size);
		KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->gso_type,
				row->gso_type ? row->gso_type | SKB_GSO_DODGY : 0);
	}
	kft_expect_idle(sender);
}

/**
 * struct kft_entry - an entry of the TX ring, and how often it is there
 * @times: so often, 0 for no more entries
 * @addr: of the piece
 * @len: of the piece
 * @flags: KVMFLIP_TX_*
 */
struct kft_entry {
	u32 times;
	u64 addr;
	u32 len;
	u32 flags;
};

/**
 * struct kft_frame - a frame that is none
 * @name: of the case
 * @entry: its entries
 * @good: but this one is
 */
struct kft_frame {
	const char *name;
	struct kft_entry entry[4];
	bool good;
};

static const struct kft_frame kft_frames[] = {
	{ "empty", { { 1, KFT_IOVA, 0, 0 } } },
	{ "empty first piece", { { 1, KFT_IOVA, 0, KFT_MORE }, { 1, KFT_IOVA, 100, 0 } } },
	{ "empty last piece", { { 1, KFT_IOVA, 100, KFT_MORE }, { 1, KFT_IOVA, 0, 0 } } },
	{ "13 bytes", { { 1, KFT_IOVA, 13, 0 } } },
	{ "13 pieces of a byte", { { 12, KFT_IOVA, 1, KFT_MORE }, { 1, KFT_IOVA, 1, 0 } } },
	{ "14 pieces of a byte", { { 13, KFT_IOVA, 1, KFT_MORE }, { 1, KFT_IOVA, 1, 0 } }, true },
	{ "too long", { { 1, KFT_IOVA, KVMFLIP_FRAME_MAX + 1, 0 } } },
	{ "too long by the last piece", { { 2, KFT_IOVA, KVMFLIP_FRAME_MAX / 2, KFT_MORE },
					  { 1, KFT_IOVA, 1, 0 } } },
	{ "as long as it may be", { { 1, KFT_IOVA, KVMFLIP_FRAME_MAX - 1, KFT_MORE },
				    { 1, KFT_IOVA, 1, 0 } }, true },
	{ "4 GiB", { { 1, KFT_IOVA, U32_MAX, 0 } } },
	{ "4 GiB and a bit more", { { 1, KFT_IOVA, 100, KFT_MORE },
				    { 1, KFT_IOVA, U32_MAX - 19, 0 } } },
	{ "20 pieces", { { 19, KFT_IOVA, 100, KFT_MORE }, { 1, KFT_IOVA, 100, 0 } }, true },
	{ "21 pieces", { { 20, KFT_IOVA, 100, KFT_MORE }, { 1, KFT_IOVA, 100, 0 } } },
	{ "1024 pieces", { { 1023, KFT_IOVA, 1, KFT_MORE }, { 1, KFT_IOVA, 1, 0 } } },
	{ "no end", { { 1, KFT_IOVA, 100, KFT_MORE } } },
	{ "1024 pieces and no end", { { 1024, KFT_IOVA, 1, KFT_MORE } } },
	{ "a header alone", { { 1, 0, 0, KFT_HDR } } },
	{ "a header and no end", { { 1, 0, 0, KFT_HDR | KFT_MORE } } },
	{ "a header behind", { { 1, KFT_IOVA, 100, KFT_MORE }, { 1, 0, 0, KFT_HDR } } },
	{ "a header in between", { { 1, KFT_IOVA, 100, KFT_MORE },
				   { 1, 0, 0, KFT_HDR | KFT_MORE }, { 1, KFT_IOVA, 100, 0 } } },
	{ "two headers", { { 2, 0, 0, KFT_HDR | KFT_MORE }, { 1, KFT_IOVA, 100, 0 } } },
	{ "a header and 20 pieces", { { 1, 0, 0, KFT_HDR | KFT_MORE },
				      { 19, KFT_IOVA, 100, KFT_MORE },
				      { 1, KFT_IOVA, 100, 0 } }, true },
	{ "a header and 21 pieces", { { 1, 0, 0, KFT_HDR | KFT_MORE },
				      { 20, KFT_IOVA, 100, KFT_MORE },
				      { 1, KFT_IOVA, 100, 0 } } },
	{ "unknown flag", { { 1, KFT_IOVA, 100, 4 } } },
	{ "highest flag", { { 1, KFT_IOVA, 100, BIT(31) } } },
	{ "unknown flag of a header", { { 1, 0, 0, KFT_HDR | KFT_MORE | 8 },
					{ 1, KFT_IOVA, 100, 0 } } },
	{ "nowhere", { { 1, 0, 100, 0 } } },
	{ "second piece nowhere", { { 1, KFT_IOVA, 2000, KFT_MORE }, { 1, 0, 100, 0 } } },
	{ "half of it nowhere", { { 1, KFT_IOVA + KVMFLIP_TEST_MEM - 50, 100, 0 } } },
	{ "around the end of all addresses", { { 1, -50ULL, 100, 0 } } },
};

KUNIT_ARRAY_PARAM_DESC(kft_frame, kft_frames, name);

/* Is completed as any other, and what comes next too. */
static void kft_bad(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);
	const struct kft_frame *row = test->param_value;
	const struct kft_entry *entry;
	u32 i, round, first, len = 0;
	struct sk_buff *skb;

	for (entry = row->entry; entry->times; entry++)
		len += entry->times * entry->len;
	for (round = 0; round < 3; round++) {
		first = sender->prod;
		for (entry = row->entry; entry->times; entry++)
			for (i = 0; i < entry->times; i++)
				kvmflip_test_piece(sender, entry->addr, entry->len, entry->flags);
		kvmflip_test_send(sender);
		kft_expect_completed(sender, first);
		skb = kvmflip_test_got(sender);
		KUNIT_EXPECT_EQ(test, !!skb, row->good);
		if (skb)
			KUNIT_EXPECT_EQ(test, skb->len, len);
		kft_expect_idle(sender);

		first = kvmflip_test_packet(sender, 60);
		kvmflip_test_send(sender);
		kft_expect_completed(sender, first);
		KUNIT_EXPECT_NOT_NULL(test, kvmflip_test_got(sender));
		kft_expect_idle(sender);
	}
	KUNIT_EXPECT_EQ(test, kft_errors(sender), row->good ? 0 : 3);
}

/* What wraps around is found by its address, before anybody is asked for it. */
static void kft_wrap_address(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);

	kvmflip_test_piece(sender, -50ULL, 100, 0);
	kvmflip_test_send(sender);
	KUNIT_EXPECT_EQ(test, sender->reads, 0);
	kft_expect_completed(sender, 0);
}

/* Of a frame that is bad by its entries nothing is read. */
static void kft_not_read(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test, KVMFLIP_F_TX);

	kvmflip_test_piece(sender, KFT_IOVA, 100, KFT_MORE);
	kvmflip_test_piece(sender, KFT_IOVA, 0, 0);
	kvmflip_test_send(sender);
	KUNIT_EXPECT_EQ(test, sender->reads, 0);
	kft_expect_completed(sender, 0);
}

/* The guest changes everything while it is being read. */
static void kft_scribble(struct kvmflip_test_sender *sender)
{
	memset((void *)sender->tx + KVMFLIP_RING_ENTRIES_OFF, 0xff, 64);
}

static void kft_read_once(struct kunit *test)
{
	struct kvmflip_test_sender *sender = kvmflip_test_sender(test,
								 KVMFLIP_TEST_TX_FEATURES);
	struct kvmflip_net_hdr net = {};
	struct sk_buff *skb;

	sender->during = kft_scribble;
	kvmflip_test_header(sender, &net, KFT_HDR | KFT_MORE);
	kvmflip_test_piece(sender, KFT_IOVA, 40, KFT_MORE);
	kvmflip_test_piece(sender, KFT_IOVA + 40, 60, 0);
	kvmflip_test_send(sender);
	skb = kvmflip_test_got(sender);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	kft_expect_bytes(test, skb, sender->mem, 100);
	KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_NONE);
	kft_expect_completed(sender, 0);
	kft_expect_idle(sender);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_good),
	KUNIT_CASE(kft_order),
	KUNIT_CASE_PARAM(kft_headers, kft_ask_gen_params),
	KUNIT_CASE_PARAM(kft_bad, kft_frame_gen_params),
	KUNIT_CASE(kft_wrap_address),
	KUNIT_CASE(kft_not_read),
	KUNIT_CASE(kft_read_once),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_tx",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
