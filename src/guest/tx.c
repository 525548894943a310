// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip_net: sending.
 *
 * The host reads what is sent by way of the platform's DMA mapping. Entries are used
 * again in their order, whatever the order of the completions.
 */

#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/pci.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <net/netdev_queues.h>
#include <net/xdp.h>

#include "../compat.h"
#include "device.h"
#include "netdev.h"

/* Room below which the queue is stopped, and from which on it goes on. */
#define KFN_TX_STOP		KFN_TX_ENTRIES_MOST
#define KFN_TX_START		(2 * KFN_TX_ENTRIES_MOST)

/* How long frames under way are waited for. */
#define KFN_TX_PATIENCE_MS	1000

/**
 * kfn_tx_init - set up what outlives a reset
 * @kf: device whose layout is known
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int kfn_tx_init(struct kfn *kf)
{
	struct kfn_tx *tx = &kf->tx;

	u64_stats_init(&tx->out_syncp);
	u64_stats_init(&tx->in_syncp);
	tx->frames = KFN_TX_FRAMES;
	if (!kf->layout.tx_entries)
		return 0;
	tx->buf = kvcalloc(kf->layout.tx_entries, sizeof(*tx->buf), GFP_KERNEL);
	return tx->buf ? 0 : -ENOMEM;
}

/**
 * kfn_tx_exit - free what kfn_tx_init() made
 * @kf: device that was reset
 */
void kfn_tx_exit(struct kfn *kf)
{
	kvfree(kf->tx.buf);
}

static struct kfn_tx_buf *kfn_tx_at(struct kfn_tx *tx, u32 index)
{
	return &tx->buf[kfn_ring_at(&tx->ring, index)];
}

static u32 kfn_tx_room(const struct kfn_tx *tx)
{
	/* Pairs with the release in kfn_tx_free(), before which entries were cleared. */
	return tx->ring.nr - (tx->ring.prod - smp_load_acquire(&tx->clean));
}

/* Unmaps the oldest frame, and lets go of it. */
static void kfn_tx_free(struct kfn *kf, int budget)
{
	struct kfn_tx *tx = &kf->tx;
	struct kfn_tx_buf *first = kfn_tx_at(tx, tx->clean), *buf;
	u32 i, entries = first->entries;

	for (i = 0; i < entries; i++) {
		buf = kfn_tx_at(tx, tx->clean + i);
		if (buf->len)
			dma_unmap_page(&kf->pdev->dev, buf->addr, buf->len, DMA_TO_DEVICE);
		buf->len = 0;
	}
	switch (first->kind) {
	case KFN_TX_SKB:
		napi_consume_skb(first->skb, budget);
		break;
	case KFN_TX_XDP:
		xdp_return_frame(first->xdpf);
		break;
	case KFN_TX_PAGE:
		put_page(first->page);
		break;
	case KFN_TX_NONE:
		break;
	}
	first->kind = KFN_TX_NONE;
	first->done = false;
	/* Pairs with the acquire in kfn_tx_room(). */
	smp_store_release(&tx->clean, tx->clean + entries);
}

/**
 * kfn_tx_reset - the device was reset, and reads nothing any more
 * @kf: device; no NAPI polls, and nothing is sent
 */
void kfn_tx_reset(struct kfn *kf)
{
	const struct kfn_layout *layout = &kf->layout;
	struct kfn_tx *tx = &kf->tx;

	if (!tx->buf)
		return;
	while (tx->clean != tx->ring.prod)
		kfn_tx_free(kf, 0);
	kfn_ring_init(&tx->ring, kf->window.base + layout->tx_off, layout->tx_entries);
	kfn_ring_init(&tx->done, kf->window.base + layout->txc_off, layout->txc_entries);
	tx->clean = 0;
	tx->sent = 0;
	tx->completed = 0;
	tx->broken = false;
	netdev_reset_queue(kf->netdev);
}

/**
 * kfn_tx_drain - wait for frames that are under way
 * @kf: device; NAPI polls, and nothing is sent any more
 *
 * Context: may sleep.
 * Return: false if the host has not taken all of them after a while.
 */
bool kfn_tx_drain(struct kfn *kf)
{
	unsigned long end = jiffies + msecs_to_jiffies(KFN_TX_PATIENCE_MS);

	while (READ_ONCE(kf->tx.clean) != kf->tx.ring.prod) {
		if (kf->tx.broken || time_after(jiffies, end))
			return false;
		fsleep(1000);
		local_bh_disable();
		napi_schedule(&kf->tx.napi);
		local_bh_enable();
	}
	return true;
}

static void kfn_tx_count(struct kfn_tx *tx, u64_stats_t *counter)
{
	u64_stats_update_begin(&tx->out_syncp);
	u64_stats_inc(counter);
	u64_stats_update_end(&tx->out_syncp);
}

/**
 * kfn_tx_kick - show the host what was queued
 * @kf: device
 *
 * Context: the queue's transmit lock is held.
 */
void kfn_tx_kick(struct kfn *kf)
{
	if (!kfn_ring_publish(&kf->tx.ring))
		return;
	kfn_write(kf, KVMFLIP_REG_DOORBELL, KVMFLIP_DB_TX);
	kfn_tx_count(&kf->tx, &kf->tx.out.doorbells);
}

/* Puts a piece into the ring, behind @n others. */
static bool kfn_tx_put(struct kfn *kf, u32 n, dma_addr_t addr, u32 len)
{
	struct kfn_tx *tx = &kf->tx;
	struct kvmflip_tx_desc *desc = tx->ring.entries;
	struct kfn_tx_buf *buf = kfn_tx_at(tx, tx->ring.prod + n);

	if (dma_mapping_error(&kf->pdev->dev, addr))
		return false;
	buf->addr = addr;
	buf->len = len;
	desc += kfn_ring_at(&tx->ring, tx->ring.prod + n);
	WRITE_ONCE(desc->addr, cpu_to_le64(addr));
	WRITE_ONCE(desc->len, cpu_to_le32(len));
	WRITE_ONCE(desc->flags, cpu_to_le32(KVMFLIP_TX_MORE));
	return true;
}

static void kfn_tx_put_hdr(struct kfn_tx *tx, const struct virtio_net_hdr *net)
{
	struct kvmflip_tx_hdr *hdr = tx->ring.entries;

	BUILD_BUG_ON(sizeof(*hdr) != sizeof(struct kvmflip_tx_desc));
	BUILD_BUG_ON(offsetof(struct kvmflip_net_hdr, reserved) != sizeof(*net));

	hdr += kfn_ring_at(&tx->ring, tx->ring.prod);
	memcpy(&hdr->net, net, sizeof(*net));
	hdr->net.reserved = 0;
	WRITE_ONCE(hdr->flags, cpu_to_le32(KVMFLIP_TX_HDR | KVMFLIP_TX_MORE));
}

/* The @n entries that were put are a frame. */
static void kfn_tx_add(struct kfn_tx *tx, u32 n, enum kfn_tx_kind kind, void *what, u32 bytes)
{
	struct kfn_tx_buf *first = kfn_tx_at(tx, tx->ring.prod);
	struct kvmflip_tx_desc *desc = tx->ring.entries;

	desc += kfn_ring_at(&tx->ring, tx->ring.prod + n - 1);
	WRITE_ONCE(desc->flags, 0);
	first->kind = kind;
	first->entries = n;
	first->bytes = bytes;
	first->skb = what;
	WRITE_ONCE(tx->sent, tx->sent + 1);
	/* Pairs with the acquire in kfn_tx_poll(). */
	smp_store_release(&tx->ring.prod, tx->ring.prod + n);
}

/* Takes @n pieces back. */
static void kfn_tx_undo(struct kfn *kf, u32 n)
{
	struct kfn_tx_buf *buf;

	while (n--) {
		buf = kfn_tx_at(&kf->tx, kf->tx.ring.prod + n);
		if (buf->len)
			dma_unmap_page(&kf->pdev->dev, buf->addr, buf->len, DMA_TO_DEVICE);
		buf->len = 0;
	}
}

/* Puts all of a packet. Returns the number of entries, 0 if it cannot be mapped. */
static u32 kfn_tx_put_skb(struct kfn *kf, const struct sk_buff *skb, u32 n)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	struct device *dev = &kf->pdev->dev;
	const skb_frag_t *frag;
	u32 i;

	if (!kfn_tx_put(kf, n, dma_map_single(dev, skb->data, skb_headlen(skb), DMA_TO_DEVICE),
			skb_headlen(skb)))
		goto err;
	n++;
	for (i = 0; i < info->nr_frags; i++) {
		frag = &info->frags[i];
		if (!skb_frag_size(frag))
			continue;
		if (!kfn_tx_put(kf, n, kvmflip_compat_dma_map(dev, skb_frag_page(frag),
							      skb_frag_off(frag),
							      skb_frag_size(frag)),
				skb_frag_size(frag)))
			goto err;
		n++;
	}
	return n;

err:
	kfn_tx_undo(kf, n);
	return 0;
}

/* False if it cannot be sent. */
static bool kfn_tx_queue(struct kfn *kf, struct sk_buff *skb)
{
	struct virtio_net_hdr hdr;
	struct kfn_tx *tx = &kf->tx;
	u32 n = 0;

	if (!(kf->accepted & KVMFLIP_F_TX) || skb->len > KVMFLIP_FRAME_MAX || tx->broken)
		return false;
	if (skb_shinfo(skb)->nr_frags >= KVMFLIP_TX_PIECES) {
		if (skb_linearize(skb))
			return false;
		kfn_tx_count(tx, &tx->out.linearized);
	}
	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_is_gso(skb)) {
		if (virtio_net_hdr_from_skb(skb, &hdr, true, false, 0))
			return false;
		kfn_tx_put_hdr(tx, &hdr);
		n++;
		kfn_tx_count(tx, skb_is_gso(skb) ? &tx->out.gso : &tx->out.csum);
	}
	n = kfn_tx_put_skb(kf, skb, n);
	if (!n)
		return false;
	skb_tx_timestamp(skb);
	kfn_tx_add(tx, n, KFN_TX_SKB, skb, skb->len);
	return true;
}

/**
 * kfn_tx_xmit - send a packet of the stack
 * @skb: packet
 * @netdev: interface
 *
 * Context: the queue's transmit lock is held.
 * Return: NETDEV_TX_OK, or NETDEV_TX_BUSY if there is no room.
 */
netdev_tx_t kfn_tx_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct netdev_queue *txq = netdev_get_tx_queue(netdev, 0);
	struct kfn *kf = netdev_priv(netdev);
	bool more = netdev_xmit_more();
	struct kfn_tx *tx = &kf->tx;
	u32 len = skb->len;

	/* Programs send without stopping the queue. */
	if (tx->buf && !netif_txq_maybe_stop(txq, kfn_tx_room(tx), KFN_TX_STOP, KFN_TX_STOP)) {
		kfn_tx_kick(kf);
		return NETDEV_TX_BUSY;
	}
	if (!kfn_tx_queue(kf, skb)) {
		kfn_tx_count(tx, &tx->out.dropped);
		dev_kfree_skb_any(skb);
		/* What was to wait for this one waits no longer. */
		if (!more && tx->buf)
			kfn_tx_kick(kf);
		return NETDEV_TX_OK;
	}
	if (!netif_txq_maybe_stop(txq, kfn_tx_room(tx), KFN_TX_STOP, KFN_TX_START))
		kfn_tx_count(tx, &tx->out.stops);
	if (__netdev_tx_sent_queue(txq, len, more))
		kfn_tx_kick(kf);
	return NETDEV_TX_OK;
}

static bool kfn_tx_xdpf(struct kfn *kf, struct xdp_frame *xdpf)
{
	struct kfn_tx *tx = &kf->tx;

	if (kfn_tx_room(tx) < KFN_TX_STOP || tx->broken || xdpf->len < ETH_HLEN)
		return false;
	if (!kfn_tx_put(kf, 0, dma_map_single(&kf->pdev->dev, xdpf->data, xdpf->len,
					      DMA_TO_DEVICE), xdpf->len))
		return false;
	kfn_tx_add(tx, 1, KFN_TX_XDP, xdpf, xdpf->len);
	return true;
}

/**
 * kfn_tx_xdp_xmit - send frames that other devices have received
 * @netdev: interface
 * @n: number of frames
 * @frames: the frames
 * @flags: XDP_XMIT_*
 *
 * Context: NAPI.
 * Return: number of frames that are sent, or -ENETDOWN, -EINVAL.
 */
int kfn_tx_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames, u32 flags)
{
	struct netdev_queue *txq = netdev_get_tx_queue(netdev, 0);
	struct kfn *kf = netdev_priv(netdev);
	int i;

	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	if (!netif_running(netdev) || !netif_carrier_ok(netdev) ||
	    !(kf->accepted & KVMFLIP_F_TX))
		return -ENETDOWN;
	__netif_tx_lock(txq, smp_processor_id());
	txq_trans_cond_update(txq);
	for (i = 0; i < n; i++)
		if (netif_xmit_frozen_or_drv_stopped(txq) || !kfn_tx_xdpf(kf, frames[i]))
			break;
	if (i)
		kfn_tx_kick(kf);
	__netif_tx_unlock(txq);
	return i;
}

/**
 * kfn_tx_page - send a frame that was received here
 * @kf: device
 * @page: page it lies in; the caller's reference goes with it
 * @data: the frame
 * @len: bytes of it
 *
 * kfn_tx_kick() shows it to the host.
 *
 * Context: NAPI; the queue's transmit lock is held.
 * Return: false if it cannot be sent.
 */
bool kfn_tx_page(struct kfn *kf, struct page *page, void *data, u32 len)
{
	struct netdev_queue *txq = netdev_get_tx_queue(kf->netdev, 0);
	struct kfn_tx *tx = &kf->tx;

	if (!(kf->accepted & KVMFLIP_F_TX) || tx->broken ||
	    netif_xmit_frozen_or_drv_stopped(txq) || kfn_tx_room(tx) < KFN_TX_STOP)
		return false;
	if (!kfn_tx_put(kf, 0, kvmflip_compat_dma_map(&kf->pdev->dev, page, offset_in_page(data),
						      len), len))
		return false;
	kfn_tx_add(tx, 1, KFN_TX_PAGE, page, len);
	return true;
}

/**
 * struct kfn_cleaned - frames that were let go
 * @packets: frames
 * @bytes: bytes of those
 * @skbs: frames of the stack
 * @skb_bytes: bytes of those
 */
struct kfn_cleaned {
	u32 packets;
	u32 bytes;
	u32 skbs;
	u32 skb_bytes;
};

static void kfn_tx_clean(struct kfn *kf, struct kfn_cleaned *cleaned, int budget)
{
	struct kfn_tx *tx = &kf->tx;
	struct kfn_tx_buf *buf;

	while (tx->clean != READ_ONCE(tx->ring.prod)) {
		buf = kfn_tx_at(tx, tx->clean);
		if (!buf->done)
			break;
		cleaned->packets++;
		cleaned->bytes += buf->bytes;
		if (buf->kind == KFN_TX_SKB) {
			cleaned->skbs++;
			cleaned->skb_bytes += buf->bytes;
		}
		kfn_tx_free(kf, budget);
	}
}

/* Notes which frames are completed. Returns false if the host has broken a ring. */
static bool kfn_tx_take(struct kfn *kf)
{
	struct kfn_tx *tx = &kf->tx;
	const __le32 *entry = tx->done.entries;
	int filled = kfn_ring_filled(&tx->done);
	/* Pairs with the release in kfn_tx_add(). */
	u32 index, prod = smp_load_acquire(&tx->ring.prod);
	struct kfn_tx_buf *buf;

	if (filled < 0)
		return false;
	while (filled--) {
		index = le32_to_cpu(READ_ONCE(entry[kfn_ring_at(&tx->done, tx->done.cons++)]));
		buf = kfn_tx_at(tx, index);
		if (index - tx->clean >= prod - tx->clean || buf->kind == KFN_TX_NONE ||
		    buf->done)
			return false;
		buf->done = true;
		tx->completed++;
	}
	kfn_ring_consumed(&tx->done);
	return true;
}

static void kfn_tx_count_clean(struct kfn_tx *tx, const struct kfn_cleaned *cleaned)
{
	u64_stats_update_begin(&tx->in_syncp);
	u64_stats_add(&tx->in.packets, cleaned->packets);
	u64_stats_add(&tx->in.bytes, cleaned->bytes);
	u64_stats_add(&tx->in.xdp, cleaned->packets - cleaned->skbs);
	u64_stats_update_end(&tx->in_syncp);
}

/* The next interrupt is to come when most of what is under way is completed. */
static u32 kfn_tx_ahead(const struct kfn_tx *tx)
{
	u32 pending = READ_ONCE(tx->sent) - tx->completed;
	u32 most = READ_ONCE(tx->frames);

	return min(pending * 3 / 4, most ? most - 1 : 0);
}

/**
 * kfn_tx_poll - let go of frames that the host has taken
 * @napi: the TX queue's NAPI instance
 * @budget: 0 in contexts in which not everything can be freed
 *
 * Context: NAPI.
 * Return: 0.
 */
int kfn_tx_poll(struct napi_struct *napi, int budget)
{
	struct kfn *kf = container_of(napi, struct kfn, tx.napi);
	struct netdev_queue *txq = netdev_get_tx_queue(kf->netdev, 0);
	struct kfn_cleaned cleaned = {};
	struct kfn_tx *tx = &kf->tx;

	if (!tx->broken && !kfn_tx_take(kf)) {
		tx->broken = true;
		u64_stats_update_begin(&tx->in_syncp);
		u64_stats_inc(&tx->in.bad);
		u64_stats_update_end(&tx->in_syncp);
		kfn_netdev_broken(kf, "TX completion");
	}
	kfn_tx_clean(kf, &cleaned, budget);
	kfn_tx_count_clean(tx, &cleaned);
	netdev_tx_completed_queue(txq, cleaned.skbs, cleaned.skb_bytes);
	/* Pairs with the barrier in netif_txq_maybe_stop(). */
	smp_mb();
	if (netif_tx_queue_stopped(txq) && kfn_tx_room(tx) >= KFN_TX_START && !tx->broken &&
	    READ_ONCE(kf->up))
		netif_tx_wake_queue(txq);
	if (napi_complete_done(napi, 0) && !tx->broken &&
	    kfn_ring_arm(&tx->done, kfn_tx_ahead(tx)))
		napi_schedule(napi);
	return 0;
}
