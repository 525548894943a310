// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: frames that go up the stack of the host. */

#include <kunit/resource.h>
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/sizes.h>

#include "queue.h"

/* Of the type that its own bytes make. */
#define KFT_BYTE	0x89
#define KFT_TYPE	0x8989

/**
 * struct kft_host - a network device and who listens behind it
 * @type: what to listen for
 * @dev: the device, which nobody registers
 * @seen: frames that came up
 * @bytes: their bytes
 * @last: the last of them
 */
struct kft_host {
	struct packet_type type;
	struct net_device *dev;
	u32 seen;
	u32 bytes;
	u8 last[ETH_FRAME_LEN];
};

static int kft_up_the_stack(struct sk_buff *skb, struct net_device *dev, struct packet_type *type,
			    struct net_device *orig_dev)
{
	struct kft_host *host = container_of(type, struct kft_host, type);
	u32 len = skb->len + ETH_HLEN;

	host->seen++;
	host->bytes += len;
	if (len <= sizeof(host->last)) {
		skb_push(skb, ETH_HLEN);
		skb_copy_bits(skb, 0, host->last, len);
	}
	consume_skb(skb);
	return NET_RX_SUCCESS;
}

static void kft_host_del(void *data)
{
	struct kft_host *host = data;

	dev_remove_pack(&host->type);
	free_netdev(host->dev);
}

static struct kft_host *kft_host(struct kunit *test)
{
	struct kft_host *host = kunit_kzalloc(test, sizeof(*host), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, host);
	host->dev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, host->dev);
	host->type.type = htons(KFT_TYPE);
	host->type.dev = host->dev;
	host->type.func = kft_up_the_stack;
	dev_add_pack(&host->type);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_host_del, host), 0);
	return host;
}

/**
 * struct kft_length - a frame for the host
 * @name: of the case
 * @len: bytes
 * @good: whether that is a frame at all
 */
struct kft_length {
	const char *name;
	u32 len;
	bool good;
};

static const struct kft_length kft_lengths[] = {
	{ "one byte", 1, false },
	{ "a byte short of a header", ETH_HLEN - 1, false },
	{ "just a header", ETH_HLEN, true },
	{ "smallest", 60, true },
	{ "full size", 1514, true },
};

KUNIT_ARRAY_PARAM_DESC(kft_length, kft_lengths, name);

/* At once, by copy; and it has no say in who gets the buffer. */
static void kft_to_host(struct kunit *test)
{
	const struct kft_length *row = test->param_value;
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 4);
	struct kvmflip_meta meta = { .magic = KVMFLIP_META_MAGIC };
	struct kvmflip_test_queue *queue = kvmflip_test_queue(test, pool);
	struct kft_host *host = kft_host(test);
	struct kvmflip_buffer *buf = kvmflip_test_post(test, queue);
	const u64 *v = queue->delta.v;

	queue->dev = host->dev;
	kvmflip_test_frame(queue, kvmflip_test_chunk(queue, buf, 0), &meta, KFT_BYTE, 256,
			   row->len);
	KUNIT_EXPECT_EQ(test, host->seen, row->good);
	KUNIT_EXPECT_EQ(test, host->bytes, row->good ? row->len : 0);
	if (row->good)
		KUNIT_EXPECT_NULL(test, memchr_inv(host->last, KFT_BYTE, row->len));
	KUNIT_EXPECT_EQ(test, queue->tally.tail, 0);

	kvmflip_test_deliver(queue);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&queue->again));
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_COPIED_HOST], row->good);
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_BYTES_COPIED], row->good ? row->len : 0);
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_DROPPED_INVALID], !row->good);
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_RECEIVED], 1);
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_RECEIVED_BYTES], row->len);
	KUNIT_EXPECT_EQ(test, v[KVMFLIP_A_STATS_RECYCLED], 1);
	kvmflip_test_sums(test, v);
}

/* A buffer of hosts' frames but one goes to whose that is, and holds nothing else. */
static void kft_beside_port(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool_chunks(test, "kunit", 8, SZ_4K, SZ_2K);
	struct kvmflip_port *port = kvmflip_test_port_running(test, "kunit-a", pool, 4);
	struct kvmflip_meta meta = { .magic = KVMFLIP_META_MAGIC };
	struct kvmflip_test_queue *queue = kvmflip_test_queue(test, pool);
	struct kft_host *host = kft_host(test);
	struct kvmflip_buffer *buf = kvmflip_test_post(test, queue);

	queue->dev = host->dev;
	kvmflip_test_frame(queue, kvmflip_test_chunk(queue, buf, 0), &meta, KFT_BYTE, 256, 1514);
	kvmflip_test_arrive(queue, kvmflip_test_chunk(queue, buf, 1), port, KVMFLIP_TEST_TAG(0),
			    256, 100);
	kvmflip_test_deliver(queue);
	KUNIT_EXPECT_EQ(test, host->seen, 1);
	KUNIT_EXPECT_EQ(test, buf->state, KVMFLIP_MAPPED);
	KUNIT_EXPECT_NULL(test, memchr_inv(kvmflip_test_bytes(pool, buf), 0, SZ_2K));
	KUNIT_EXPECT_EQ(test, queue->delta.v[KVMFLIP_A_STATS_FLIPPED], 1);
	kvmflip_test_sums(test, queue->delta.v);
	kvmflip_test_sums(test, port->stats.v);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_to_host, kft_length_gen_params),
	KUNIT_CASE(kft_beside_port),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_host",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
