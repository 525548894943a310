// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Demultiplexer: says in 16 bytes in front of each frame whose it is, and
 * gives the frame to the AF_XDP socket of the queue it came from. The contract
 * is in include/uapi/linux/kvmflip.h.
 *
 * Every frame is redirected, those for nobody as the host's. A frame that is
 * passed or dropped here would return its chunk to the driver's own free
 * list, and from then on chunks complete in another order than they were
 * posted in. So there is one way out, and the module drops what it must.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/kvmflip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "slots.h"

#define GROUP		0x0100	/* in the first two bytes of an address */
#define VLAN_VID_MASK	0x0fff
#define MAX_PORTS	4096
#define MAX_QUEUES	1024

/* struct ethhdr, but read by two bytes at a time and not one by one */
struct header {
	__be16 dest[3];
	__be16 src[3];
	__be16 proto;
};

struct vlan_tag {
	__be16 tci;
	__be16 proto;
};

/* Ports by address, one map for all NICs; written by the CLI */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_PORTS);
	__type(key, struct kvmflip_demux_key);
	__type(value, struct kvmflip_demux_port);
} ports SEC(".maps");

/* Some of them, found without a call; one map for all NICs, written by the CLI */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SLOTS);
	__type(key, __u32);
	__type(value, struct demux_slot);
} slots SEC(".maps");

/* Sockets by queue, one map for each NIC; written by the CLI */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, MAX_QUEUES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} xsks SEC(".maps");

static __always_inline int is_tag(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) ||
	       proto == bpf_htons(ETH_P_8021AD);
}

/* The port with an address and VLAN id, or NULL */
static __always_inline const struct kvmflip_demux_port *find(const __be16 *mac, __u16 vlan)
{
	__u64 key = KEY_PART(mac[0], 0) | KEY_PART(mac[1], 1) | KEY_PART(mac[2], 2) |
		    KEY_PART(vlan, 3);
	__u32 at = slot_of(bpf_ntohs(mac[2]), vlan);
	const struct demux_slot *slot = bpf_map_lookup_elem(&slots, &at);

	if (slot && slot->key == key)
		return &slot->port;
	return bpf_map_lookup_elem(&ports, &key);
}

/*
 * The port of a frame, or NULL. Frames that no port can have are too short for their
 * headers, for a group, or tagged in a way that kvmflip has no name for (a service tag,
 * or two tags).
 */
static __always_inline const struct kvmflip_demux_port *port_of(const void *data,
								const void *end)
{
	const struct header *eth = data;
	const struct vlan_tag *tag = (const void *)(eth + 1);

	if ((const void *)(eth + 1) > end || eth->dest[0] & bpf_htons(GROUP))
		return NULL;
	if (!is_tag(eth->proto))
		return find(eth->dest, 0);
	if (eth->proto != bpf_htons(ETH_P_8021Q) || (const void *)(tag + 1) > end ||
	    is_tag(tag->proto))
		return NULL;
	/* id 0 is a priority without a VLAN: the same port as untagged */
	return find(eth->dest, bpf_ntohs(tag->tci) & VLAN_VID_MASK);
}

SEC("xdp")
int kvmflip_demux(struct xdp_md *ctx)
{
	const struct kvmflip_demux_port *port;
	struct kvmflip_meta *meta;

	port = port_of((void *)(long)ctx->data, (void *)(long)ctx->data_end);

	/*
	 * Without metadata the module drops the frame and counts it. Nothing
	 * that lies in the headroom already can be taken for it, because the
	 * module clears that before it posts a chunk.
	 */
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		goto out;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		goto out;
	meta->magic = KVMFLIP_META_MAGIC;
	meta->port = port ? port->port : KVMFLIP_PORT_HOST;
	meta->gen = port ? port->gen : 0;
	/*
	 * Zero also because virtio-net's header ends here: a count of buffers
	 * that is never plausible, should the device's own write have faulted.
	 * Whether the NIC has verified checksums no driver tells a program.
	 */
	meta->flags = 0;
out:
	/* A queue that is not attached has no socket: the stack's as before */
	return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
