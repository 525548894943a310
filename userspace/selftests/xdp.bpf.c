// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What an XDP program can do with a frame, for tests. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

#define OTHER	1024	/* in what the numbers of two interfaces differ */

SEC("xdp")
int do_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* Puts the frame elsewhere and takes it back, which needs room in front of it. */
SEC("xdp")
int do_move(struct xdp_md *ctx)
{
	struct ethhdr eth, *at;
	void *data = (void *)(long)ctx->data;

	if (data + sizeof(eth) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	eth = *(struct ethhdr *)data;
	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_ABORTED;
	at = (void *)(long)ctx->data;
	if ((void *)(at + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	/* As a VLAN tag would: the frame is four bytes longer. */
	*at = eth;
	return XDP_PASS;
}

SEC("xdp")
int do_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int do_tx(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	unsigned char mac[ETH_ALEN];

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return XDP_TX;
}

SEC("xdp")
int do_redirect(struct xdp_md *ctx)
{
	return bpf_redirect(ctx->ingress_ifindex ^ OTHER, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
