// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip_net: XDP programs.
 *
 * They run where a frame lies, if it lies in a slot: there it has a chunk to itself.
 * A frame in a bounce slot has others around it, and is copied first. So is what is
 * redirected, because those who receive it free its page to the page allocator.
 */

#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/mm.h>

#include "device.h"
#include "netdev.h"
#include "xdp.h"

static void kfn_xdp_swap(struct kfn *kf, void *arg)
{
	struct bpf_prog *prog = arg, *old;

	old = rcu_replace_pointer(kf->xdp_prog, prog, lockdep_rtnl_is_held());
	if (old)
		bpf_prog_put(old);
}

static int kfn_xdp_setup(struct kfn *kf, struct bpf_prog *prog, struct netlink_ext_ack *extack)
{
	bool had = rcu_access_pointer(kf->xdp_prog);
	u32 features = kf->offered & (KVMFLIP_F_RX_CSUM | KVMFLIP_F_RX_GSO);

	if (prog && kf->netdev->mtu > KFN_XDP_MTU_MAX) {
		NL_SET_ERR_MSG_FMT(extack, "MTU must be at most %d with an XDP program",
				   KFN_XDP_MTU_MAX);
		return -EINVAL;
	}
	if (had == !!prog || !features) {
		kfn_xdp_swap(kf, prog);
		return 0;
	}
	/* Without a program the device may leave more of its work to us. */
	if (!kfn_netdev_replace(kf, kfn_xdp_swap, prog)) {
		NL_SET_ERR_MSG(extack, "sockets have not read all that was received");
		return -EBUSY;
	}
	return 0;
}

/**
 * kfn_xdp_command - ndo_bpf
 * @netdev: interface
 * @command: what to do
 *
 * Context: may sleep; rtnl.
 * Return: 0, -EINVAL, -EBUSY.
 */
int kfn_xdp_command(struct net_device *netdev, struct netdev_bpf *command)
{
	if (command->command != XDP_SETUP_PROG)
		return -EINVAL;
	return kfn_xdp_setup(netdev_priv(netdev), command->prog, command->extack);
}

/**
 * kfn_xdp_register - make the RX queue known to XDP
 * @kf: device; no NAPI polls
 *
 * Context: may sleep; rtnl.
 * Return: 0, or -ENOMEM.
 */
int kfn_xdp_register(struct kfn *kf)
{
	struct xdp_rxq_info *rxq = &kf->rx.xdp_rxq;
	int err;

	err = xdp_rxq_info_reg(rxq, kf->netdev, 0, kf->rx.napi.napi_id);
	if (err)
		return err;
	err = xdp_rxq_info_reg_mem_model(rxq, MEM_TYPE_PAGE_SHARED, NULL);
	if (err)
		xdp_rxq_info_unreg(rxq);
	return err;
}

/**
 * kfn_xdp_unregister - undo kfn_xdp_register()
 * @kf: device; no NAPI polls
 *
 * Context: may sleep; rtnl.
 */
void kfn_xdp_unregister(struct kfn *kf)
{
	xdp_rxq_info_unreg(&kf->rx.xdp_rxq);
}

/* A page of our own with a copy of a frame, and room around it. */
static struct page *kfn_xdp_copy(struct kfn *kf, const void *data, u32 len, struct xdp_buff *xdp)
{
	struct page *page;

	if (len > SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM)
		return NULL;
	page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	if (!page)
		return NULL;
	xdp_init_buff(xdp, PAGE_SIZE, &kf->rx.xdp_rxq);
	xdp_prepare_buff(xdp, page_address(page), XDP_PACKET_HEADROOM, len, true);
	memcpy(xdp->data, data, len);
	return page;
}

static bool kfn_xdp_tx(struct kfn *kf, struct page *page, const struct xdp_buff *xdp)
{
	struct netdev_queue *txq = netdev_get_tx_queue(kf->netdev, 0);
	bool sent;

	__netif_tx_lock(txq, smp_processor_id());
	txq_trans_cond_update(txq);
	sent = kfn_tx_page(kf, page, xdp->data, xdp->data_end - xdp->data);
	__netif_tx_unlock(txq);
	kf->rx.xdp_sent |= sent;
	return sent;
}

static bool kfn_xdp_redirect(struct kfn *kf, struct bpf_prog *prog, struct xdp_buff *xdp)
{
	bool sent = !xdp_do_redirect(kf->netdev, xdp, prog);

	kf->rx.xdp_redirected |= sent;
	return sent;
}

static void kfn_xdp_count(struct kfn *kf, u32 act, bool done)
{
	struct kfn_rx *rx = &kf->rx;
	struct kfn_rx_stats *stats = &rx->stats;

	u64_stats_update_begin(&rx->syncp);
	if (!done)
		u64_stats_inc(&stats->xdp_errors);
	else if (act == XDP_TX)
		u64_stats_inc(&stats->xdp_tx);
	else if (act == XDP_REDIRECT)
		u64_stats_inc(&stats->xdp_redirect);
	else
		u64_stats_inc(&stats->xdp_drop);
	u64_stats_update_end(&rx->syncp);
}

/*
 * What a program said of a frame in @page, or in the window if that is NULL. Returns
 * true if the page went away with the frame.
 */
static bool kfn_xdp_act(struct kfn *kf, struct bpf_prog *prog, u32 act, struct xdp_buff *xdp,
			struct page *page, const struct kfn_frame *frame)
{
	struct xdp_buff copy;
	bool done = false;

	switch (act) {
	case XDP_TX:
		if (!page) {
			page = virt_to_page(xdp->data);
			kfn_window_get(kf, frame->slot, page);
			done = kfn_xdp_tx(kf, page, xdp);
			if (!done)
				put_page(page);
		} else {
			done = kfn_xdp_tx(kf, page, xdp);
		}
		break;
	case XDP_REDIRECT:
		if (!page) {
			page = kfn_xdp_copy(kf, xdp->data, xdp->data_end - xdp->data, &copy);
			done = page && kfn_xdp_redirect(kf, prog, &copy);
			if (page && !done)
				put_page(page);
		} else {
			done = kfn_xdp_redirect(kf, prog, xdp);
		}
		break;
	default:
		bpf_warn_invalid_xdp_action(kf->netdev, prog, act);
		fallthrough;
	case XDP_ABORTED:
		break;
	case XDP_DROP:
		kfn_xdp_count(kf, act, true);
		return false;
	}
	if (!done)
		trace_xdp_exception(kf->netdev, prog, act);
	kfn_xdp_count(kf, act, done);
	return done;
}

/* True if a frame has the chunk it lies in to itself. */
static bool kfn_xdp_alone(const struct kfn *kf, const struct kfn_frame *frame)
{
	u32 size = 1U << kf->layout.chunk_shift;

	return !kfn_window_is_bounce(kf, frame->slot) && kf->layout.chunk_shift &&
	       size <= PAGE_SIZE && (frame->offset & (size - 1)) + frame->len <= size;
}

/* Returns true if the frame is for the stack still. */
static bool kfn_xdp_in_place(struct kfn *kf, struct bpf_prog *prog, struct kfn_frame *frame)
{
	u32 act, size = 1U << kf->layout.chunk_shift;
	u32 headroom = frame->offset & (size - 1);
	struct xdp_buff xdp;

	/* There will be no skb_shared_info behind it, so there is room as if for that. */
	xdp_init_buff(&xdp, size + SKB_DATA_ALIGN(sizeof(struct skb_shared_info)),
		      &kf->rx.xdp_rxq);
	xdp_prepare_buff(&xdp, frame->data - headroom, headroom, frame->len, false);
	act = bpf_prog_run_xdp(prog, &xdp);
	if (act != XDP_PASS) {
		kfn_xdp_act(kf, prog, act, &xdp, NULL, frame);
		return false;
	}
	frame->offset += xdp.data - frame->data;
	frame->data = xdp.data;
	frame->len = xdp.data_end - xdp.data;
	return true;
}

/* Returns true if the frame is for the stack still, as a packet. */
static bool kfn_xdp_copied(struct kfn *kf, struct bpf_prog *prog, struct kfn_frame *frame)
{
	struct kfn_rx *rx = &kf->rx;
	struct xdp_buff xdp;
	struct page *page;
	u32 act, metasize;

	page = kfn_xdp_copy(kf, frame->data, frame->len, &xdp);
	if (!page) {
		kfn_xdp_count(kf, XDP_ABORTED, false);
		return false;
	}
	act = bpf_prog_run_xdp(prog, &xdp);
	if (act != XDP_PASS) {
		if (!kfn_xdp_act(kf, prog, act, &xdp, page, frame))
			put_page(page);
		return false;
	}
	frame->skb = napi_build_skb(page_address(page), PAGE_SIZE);
	if (!frame->skb) {
		put_page(page);
		u64_stats_update_begin(&rx->syncp);
		u64_stats_inc(&rx->stats.dropped);
		u64_stats_update_end(&rx->syncp);
		return false;
	}
	frame->len = xdp.data_end - xdp.data;
	skb_reserve(frame->skb, xdp.data - xdp.data_hard_start);
	__skb_put(frame->skb, frame->len);
	metasize = xdp.data - xdp.data_meta;
	if (metasize)
		skb_metadata_set(frame->skb, metasize);
	return true;
}

/**
 * kfn_xdp_run - run a program on a frame
 * @kf: device
 * @prog: the program
 * @frame: the frame, which is changed if the program does
 *
 * Context: NAPI poll of the RX queue.
 * Return: true if the frame is for the stack; if it was copied it is
 * &kfn_frame.skb.
 */
bool kfn_xdp_run(struct kfn *kf, struct bpf_prog *prog, struct kfn_frame *frame)
{
	if (kfn_xdp_alone(kf, frame) && kf->slots.slot[frame->slot].state == KFN_SLOT_OPEN)
		return kfn_xdp_in_place(kf, prog, frame);
	return kfn_xdp_copied(kf, prog, frame);
}

/**
 * kfn_xdp_flush - send what programs have sent during a poll
 * @kf: device
 *
 * Context: NAPI poll of the RX queue.
 */
void kfn_xdp_flush(struct kfn *kf)
{
	struct netdev_queue *txq = netdev_get_tx_queue(kf->netdev, 0);
	struct kfn_rx *rx = &kf->rx;

	if (rx->xdp_redirected)
		xdp_do_flush();
	if (rx->xdp_sent) {
		__netif_tx_lock(txq, smp_processor_id());
		kfn_tx_kick(kf);
		__netif_tx_unlock(txq);
	}
	rx->xdp_redirected = false;
	rx->xdp_sent = false;
}
