// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: network devices of the host, through which it reaches the guests. */

#include <kunit/resource.h>
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "../src/host/netdev.h"
#include "../src/host/nic.h"
#include "fixture.h"

#define KFT_SLOTS	4
#define KFT_TYPE	0x8989

/**
 * struct kft_netdev - a port with a network device, and who listens behind it
 * @type: what to listen for
 * @port: the port, whose guest takes frames
 * @dev: its device
 * @seen: frames that came up
 * @bytes: of them
 */
struct kft_netdev {
	struct packet_type type;
	struct kvmflip_port *port;
	struct net_device *dev;
	u32 seen;
	u32 bytes;
};

static int kft_up_the_stack(struct sk_buff *skb, struct net_device *dev, struct packet_type *type,
			    struct net_device *orig_dev)
{
	struct kft_netdev *kft = container_of(type, struct kft_netdev, type);

	kft->seen++;
	kft->bytes += skb->len + ETH_HLEN;
	consume_skb(skb);
	return NET_RX_SUCCESS;
}

static void kft_deafen(void *data)
{
	struct kft_netdev *kft = data;

	dev_remove_pack(&kft->type);
}

static struct kft_netdev *kft_netdev(struct kunit *test)
{
	struct kft_netdev *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 32);

	KUNIT_ASSERT_NOT_NULL(test, kft);
	kft->port = kvmflip_test_port_running(test, "kunit-a", pool, KFT_SLOTS);
	kft->dev = kvmflip_test_netdev(test, kft->port);
	kft->type.type = htons(KFT_TYPE);
	kft->type.dev = kft->dev;
	kft->type.func = kft_up_the_stack;
	dev_add_pack(&kft->type);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_deafen, kft), 0);
	return kft;
}

static void kft_receive(struct kunit *test, struct kft_netdev *kft, u32 len)
{
	struct sk_buff *skb = alloc_skb(len, GFP_ATOMIC);
	struct ethhdr *eth;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	eth = skb_put_zero(skb, len);
	eth->h_proto = htons(KFT_TYPE);
	ether_addr_copy(eth->h_dest, kft->dev->dev_addr);
	kvmflip_netdev_receive(kft->port, skb);
}

/* What a guest sends comes out of the device, and counts. */
static void kft_from_guest(struct kunit *test)
{
	struct kft_netdev *kft = kft_netdev(test);
	struct rtnl_link_stats64 stats;
	u32 i;

	for (i = 0; i < 300; i++)
		kft_receive(test, kft, 60 + i);
	kvmflip_netdev_flush(kft->port);
	/* NAPI has run when BH was turned on again, or runs in a thread. */
	for (i = 0; i < 100 && READ_ONCE(kft->seen) < 300; i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, kft->seen, 300);
	KUNIT_EXPECT_EQ(test, kft->bytes, 300 * 60 + 300 * 299 / 2);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_FROM_GUEST], 300);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_FROM_GUEST_BYTES], kft->bytes);
	dev_get_stats(kft->dev, &stats);
	KUNIT_EXPECT_EQ(test, stats.rx_packets, 300);
	KUNIT_EXPECT_EQ(test, stats.rx_bytes, kft->bytes);
	KUNIT_EXPECT_EQ(test, stats.rx_dropped, 0);
}

/* One frame waits for more of them, so that there is something to make one of. */
static void kft_batch(struct kunit *test)
{
	struct kft_netdev *kft = kft_netdev(test);
	u32 i;

	for (i = 0; i < 63; i++)
		kft_receive(test, kft, 60);
	msleep(20);
	KUNIT_EXPECT_EQ(test, kft->seen, 0);
	kft_receive(test, kft, 60);
	msleep(20);
	KUNIT_EXPECT_EQ(test, kft->seen, 64);
	kft_receive(test, kft, 60);
	msleep(20);
	KUNIT_EXPECT_EQ(test, kft->seen, 64);
	kvmflip_netdev_flush(kft->port);
	msleep(20);
	KUNIT_EXPECT_EQ(test, kft->seen, 65);
}

/* Nothing comes out of a device that is down. */
static void kft_down(struct kunit *test)
{
	struct kft_netdev *kft = kft_netdev(test);
	struct rtnl_link_stats64 stats;

	KUNIT_EXPECT_TRUE(test, kvmflip_netdev_is_up(kft->port));
	rtnl_lock();
	dev_close(kft->dev);
	rtnl_unlock();
	KUNIT_EXPECT_FALSE(test, kvmflip_netdev_is_up(kft->port));
	kft_receive(test, kft, 60);
	dev_get_stats(kft->dev, &stats);
	KUNIT_EXPECT_EQ(test, stats.rx_dropped, 1);
	KUNIT_EXPECT_EQ(test, stats.rx_packets, 0);
	KUNIT_EXPECT_EQ(test, kft->port->stats.v[KVMFLIP_A_STATS_FROM_GUEST], 0);

	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_open(kft->dev, NULL), 0);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, kft->seen, 0);
	kft_receive(test, kft, 60);
	kvmflip_netdev_flush(kft->port);
	msleep(20);
	KUNIT_EXPECT_EQ(test, kft->seen, 1);
}

/* A guest that sends faster than the host receives is to wait. */
static void kft_backlog(struct kunit *test)
{
	struct kft_netdev *kft = kft_netdev(test);
	u32 i, n = 0;

	KUNIT_EXPECT_FALSE(test, kvmflip_netdev_backlogged(kft->port));
	/* With BH off NAPI does not get to run here. */
	local_bh_disable();
	while (n < 5000 && !kvmflip_netdev_backlogged(kft->port)) {
		kft_receive(test, kft, 60);
		n++;
	}
	local_bh_enable();
	kvmflip_netdev_flush(kft->port);
	KUNIT_EXPECT_EQ(test, n, 1024);
	for (i = 0; i < 100 && READ_ONCE(kft->seen) < n; i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, kft->seen, n);
	KUNIT_EXPECT_FALSE(test, kvmflip_netdev_backlogged(kft->port));
}

/* The carrier is there while the guest's driver takes frames. */
static void kft_carrier(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 32);
	struct address_space *mapping = kvmflip_test_mapping(test);
	struct kvmflip_port *port = kvmflip_test_port(test, "kunit-a", pool, KFT_SLOTS);
	struct net_device *dev = kvmflip_test_netdev(test, port);

	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(dev));
	KUNIT_ASSERT_EQ(test, kvmflip_test_open(port, mapping), 0);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(dev));
	kvmflip_port_start(port);
	KUNIT_EXPECT_TRUE(test, netif_carrier_ok(dev));
	kvmflip_port_reset(port);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(dev));
	kvmflip_port_start(port);
	KUNIT_EXPECT_TRUE(test, netif_carrier_ok(dev));
	kvmflip_port_lock(port);
	kvmflip_port_fail(port);
	kvmflip_port_unlock(port);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(dev));
	kvmflip_port_start(port);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(dev));
	kvmflip_port_reset(port);
	kvmflip_port_start(port);
	KUNIT_EXPECT_TRUE(test, netif_carrier_ok(dev));
	kvmflip_port_close(port);
	KUNIT_EXPECT_FALSE(test, netif_carrier_ok(dev));
}

/**
 * struct kft_address - of a guest and of its device on the host
 * @name: of the case
 * @guest: first byte of the guest's
 * @host: first byte of the device's
 */
struct kft_address {
	const char *name;
	u8 guest;
	u8 host;
};

static const struct kft_address kft_addresses[] = {
	{ "vendor's", 0x52, 0xfe },
	{ "local", 0x02, 0xfe },
	{ "taken", 0xfe, 0xfa },
	{ "the other", 0xfa, 0xfe },
};

KUNIT_ARRAY_PARAM_DESC(kft_address, kft_addresses, name);

/* It is made of the guest's, and goes with it unless somebody has chosen another. */
static void kft_addressed(struct kunit *test)
{
	const struct kft_address *row = test->param_value;
	u8 own[ETH_ALEN] = { 0x06, 1, 2, 3, 4, 5 };
	struct kft_netdev *kft = kft_netdev(test);
	u8 wanted[ETH_ALEN], old[ETH_ALEN];
	struct kvmflip_port *port = kft->port;

	rtnl_lock();
	ether_addr_copy(old, port->config.mac);
	port->config.mac[0] = row->guest;
	kvmflip_netdev_readdress(port, old);
	ether_addr_copy(wanted, port->config.mac);
	wanted[0] = row->host;
	KUNIT_EXPECT_EQ(test, memcmp(kft->dev->dev_addr, wanted, ETH_ALEN), 0);
	KUNIT_EXPECT_TRUE(test, is_valid_ether_addr(kft->dev->dev_addr));

	eth_hw_addr_set(kft->dev, own);
	ether_addr_copy(old, port->config.mac);
	port->config.mac[5]++;
	kvmflip_netdev_readdress(port, old);
	KUNIT_EXPECT_EQ(test, memcmp(kft->dev->dev_addr, own, ETH_ALEN), 0);
	rtnl_unlock();
}

/* Its packets are no longer than a NIC's can be, and the guest sees which. */
static void kft_mtu(struct kunit *test)
{
	struct kft_netdev *kft = kft_netdev(test);
	u32 most = SZ_4K - 256 - ETH_HLEN - 8;

	KUNIT_EXPECT_EQ(test, kvmflip_netdev_mtu(kft->port), ETH_DATA_LEN);
	rtnl_lock();
	KUNIT_EXPECT_EQ(test, dev_set_mtu(kft->dev, most), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_netdev_mtu(kft->port), most);
	KUNIT_EXPECT_EQ(test, dev_set_mtu(kft->dev, most + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, dev_set_mtu(kft->dev, 68), 0);
	KUNIT_EXPECT_EQ(test, dev_set_mtu(kft->dev, 67), -EINVAL);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, kvmflip_netdev_mtu(kft->port), 68);
}

/**
 * struct kft_registers - what a guest sees of its device, when it is told to look
 * @told: how often it was
 * @up: the link
 * @mtu: the MTU
 * @mac: last byte of its address
 * @min: bytes that it may keep
 */
struct kft_registers {
	u32 told;
	bool up;
	u32 mtu;
	u8 mac;
	u64 min;
};

static void kft_notify(struct kvmflip_port *port, u32 vector)
{
	struct kft_registers *seen = kunit_get_current_test()->priv;

	kvmflip_port_assert_locked(port);
	if (vector != KVMFLIP_VEC_CONFIG)
		return;
	seen->told++;
	seen->up = kvmflip_netdev_is_up(port);
	seen->mtu = kvmflip_netdev_mtu(port);
	seen->mac = port->config.mac[ETH_ALEN - 1];
	seen->min = port->config.min;
}

static void kft_go_down(struct kft_netdev *kft, struct kvmflip_port_config *config)
{
	dev_close(kft->dev);
}

static void kft_go_up(struct kft_netdev *kft, struct kvmflip_port_config *config)
{
	dev_close(kft->dev);
	dev_open(kft->dev, NULL);
}

static void kft_set_mtu(struct kft_netdev *kft, struct kvmflip_port_config *config)
{
	dev_set_mtu(kft->dev, 1234);
}

static void kft_set_mac(struct kft_netdev *kft, struct kvmflip_port_config *config)
{
	config->mac[ETH_ALEN - 1] = 7;
}

static void kft_set_min(struct kft_netdev *kft, struct kvmflip_port_config *config)
{
	config->min = SZ_8K;
}

static void kft_set_more(struct kft_netdev *kft, struct kvmflip_port_config *config)
{
	config->vlan = 7;
	config->copybreak = 7;
	config->latency = 7;
}

static void kft_fail(struct kft_netdev *kft, struct kvmflip_port_config *config)
{
	kvmflip_port_lock(kft->port);
	kvmflip_port_fail(kft->port);
	kvmflip_port_unlock(kft->port);
}

/**
 * struct kft_news - what may happen to a port
 * @name: of the case
 * @happens: what does; changes the port's configuration too
 * @told: how often a guest that wants to know is told
 * @seen: what it sees then, the last time
 */
struct kft_news {
	const char *name;
	void (*happens)(struct kft_netdev *kft, struct kvmflip_port_config *config);
	u32 told;
	struct kft_registers seen;
};

static const struct kft_news kft_newses[] = {
	{ "down", kft_go_down, 1, { .mtu = 1500, .mac = 'a' } },
	{ "down and up", kft_go_up, 2, { .up = true, .mtu = 1500, .mac = 'a' } },
	{ "MTU", kft_set_mtu, 1, { .up = true, .mtu = 1234, .mac = 'a' } },
	{ "address", kft_set_mac, 1, { .up = true, .mtu = 1500, .mac = 7 } },
	{ "share", kft_set_min, 1, { .up = true, .mtu = 1500, .mac = 'a', .min = SZ_8K } },
	{ "what it does not see", kft_set_more, 0 },
	{ "failure", kft_fail, 1, { .up = true, .mtu = 1500, .mac = 'a' } },
};

KUNIT_ARRAY_PARAM_DESC(kft_news, kft_newses, name);

/* A guest is told of what it sees in its registers when that has changed, if it asked to. */
static void kft_told(struct kunit *test)
{
	const struct kft_news *row = test->param_value;
	struct kft_netdev *kft = kft_netdev(test);
	struct kvmflip_port_config config = kft->port->config;
	struct kft_registers seen = {};

	test->priv = &seen;
	kunit_activate_static_stub(test, kvmflip_port_notify, kft_notify);
	kft->port->features = KVMFLIP_F_CONFIG;
	rtnl_lock();
	row->happens(kft, &config);
	KUNIT_EXPECT_EQ(test, kvmflip_test_set(kft->port, &config), 0);
	KUNIT_EXPECT_EQ(test, seen.told, row->told);
	KUNIT_EXPECT_EQ(test, seen.up, row->seen.up);
	KUNIT_EXPECT_EQ(test, seen.mtu, row->seen.mtu);
	KUNIT_EXPECT_EQ(test, seen.mac, row->seen.mac);
	KUNIT_EXPECT_EQ(test, seen.min, row->seen.min);

	kft->port->features = ~KVMFLIP_F_CONFIG;
	kft_go_up(kft, NULL);
	rtnl_unlock();
	KUNIT_EXPECT_EQ(test, seen.told, row->told);
}

/* It is known by the name of its port too, and by any that it is given. */
static void kft_names(struct kunit *test)
{
	struct kft_netdev *kft = kft_netdev(test);
	const struct dev_ifalias *alias;
	char name[IFNAMSIZ];

	rtnl_lock();
	alias = rtnl_dereference(kft->dev->ifalias);
	KUNIT_EXPECT_STREQ(test, alias ? alias->ifalias : "", "kvmflip port kunit-a");
	rtnl_unlock();
	KUNIT_EXPECT_TRUE(test, kvmflip_netdev_is(kft->dev));
	KUNIT_EXPECT_FALSE(test, kvmflip_netdev_is(init_net.loopback_dev));
	KUNIT_EXPECT_EQ(test, strncmp(kft->dev->name, "kf", 2), 0);
	mutex_lock(&kvmflip_lock);
	kvmflip_netdev_name(kft->port, name);
	KUNIT_EXPECT_STREQ(test, name, kft->dev->name);
	mutex_unlock(&kvmflip_lock);
}

/* It is no NIC. */
static void kft_no_nic(struct kunit *test)
{
	struct kft_netdev *kft = kft_netdev(test);
	struct netlink_ext_ack extack = {};
	struct kvmflip_nic *nic;

	rtnl_lock();
	nic = kvmflip_nic_get(kft->dev, kft->port->pool, NULL, -1, true, &extack);
	KUNIT_EXPECT_NULL(test, kvmflip_nic_find(kft->dev));
	rtnl_unlock();
	KUNIT_EXPECT_PTR_EQ(test, nic, ERR_PTR(-EINVAL));
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_from_guest),
	KUNIT_CASE(kft_batch),
	KUNIT_CASE(kft_down),
	KUNIT_CASE(kft_backlog),
	KUNIT_CASE(kft_carrier),
	KUNIT_CASE_PARAM(kft_addressed, kft_address_gen_params),
	KUNIT_CASE(kft_mtu),
	KUNIT_CASE_PARAM(kft_told, kft_news_gen_params),
	KUNIT_CASE(kft_names),
	KUNIT_CASE(kft_no_nic),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_netdev",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
