// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What the arms of the benchmark do with the frames of a NIC */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Key 0: the tap that frames are redirected to */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} taps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} xsks SEC(".maps");

SEC("xdp")
int do_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int do_tap(struct xdp_md *ctx)
{
	return bpf_redirect_map(&taps, 0, XDP_DROP);
}

SEC("xdp")
int do_xsk(struct xdp_md *ctx)
{
	return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_DROP);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
