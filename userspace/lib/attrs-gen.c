// SPDX-License-Identifier: GPL-2.0
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/kvmflip.yaml */
/* To regenerate run: scripts/netlink-gen */

#include "attrs.h"

static const char *const mode_values[] = {
	[KVMFLIP_MODE_STRICT] = "strict",
	[KVMFLIP_MODE_STEERED] = "steered",
	[KVMFLIP_MODE_COPY] = "copy",
};

static const char *const huge_values[] = {
	[KVMFLIP_HUGE_UNKNOWN] = "unknown",
	[KVMFLIP_HUGE_POSSIBLE] = "possible",
	[KVMFLIP_HUGE_SMALL_BUFFERS] = "small-buffers",
	[KVMFLIP_HUGE_NO_MEMSLOT] = "no-memslot",
	[KVMFLIP_HUGE_ADDRESS] = "address",
	[KVMFLIP_HUGE_GPA] = "gpa",
};

static const char *const port_state_values[] = {
	[KVMFLIP_PORT_STATE_CLOSED] = "closed",
	[KVMFLIP_PORT_STATE_OPENED] = "opened",
	[KVMFLIP_PORT_STATE_RUNNING] = "running",
	[KVMFLIP_PORT_STATE_FAILED] = "failed",
};

static const char *const reason_values[] = {
	[KVMFLIP_REASON_REQUEST] = "request",
	[KVMFLIP_REASON_NETDEV] = "netdev",
	[KVMFLIP_REASON_VLAN_STRIPPING] = "vlan-stripping",
	[KVMFLIP_REASON_VMM] = "vmm",
	[KVMFLIP_REASON_DRIVER] = "driver",
	[KVMFLIP_REASON_RING] = "ring",
	[KVMFLIP_REASON_SLEEP] = "sleep",
};

static const struct attr buffers_attrs[] = {
	[KVMFLIP_A_BUFFERS_FREE] = {
		{ "free", KVMFLIP_TYPE_UINT, KVMFLIP_A_BUFFERS_FREE }, .width = 8,
	},
	[KVMFLIP_A_BUFFERS_POSTED] = {
		{ "posted", KVMFLIP_TYPE_UINT, KVMFLIP_A_BUFFERS_POSTED }, .width = 8,
	},
	[KVMFLIP_A_BUFFERS_FILLED] = {
		{ "filled", KVMFLIP_TYPE_UINT, KVMFLIP_A_BUFFERS_FILLED }, .width = 8,
	},
	[KVMFLIP_A_BUFFERS_MAPPED] = {
		{ "mapped", KVMFLIP_TYPE_UINT, KVMFLIP_A_BUFFERS_MAPPED }, .width = 8,
	},
	[KVMFLIP_A_BUFFERS_RETURNED] = {
		{ "returned", KVMFLIP_TYPE_UINT, KVMFLIP_A_BUFFERS_RETURNED }, .width = 8,
	},
	[KVMFLIP_A_BUFFERS_QUARANTINED] = {
		{ "quarantined", KVMFLIP_TYPE_UINT, KVMFLIP_A_BUFFERS_QUARANTINED }, .width = 8,
	},
	[KVMFLIP_A_BUFFERS_TOTAL] = {
		{ "total", KVMFLIP_TYPE_UINT, KVMFLIP_A_BUFFERS_TOTAL }, .width = 8,
	},
	[KVMFLIP_A_BUFFERS_ILLEGAL] = {
		{ "illegal", KVMFLIP_TYPE_UINT, KVMFLIP_A_BUFFERS_ILLEGAL }, .width = 8,
	},
	[KVMFLIP_A_BUFFERS_STEERED] = {
		{ "steered", KVMFLIP_TYPE_UINT, KVMFLIP_A_BUFFERS_STEERED }, .width = 8,
	},
};

static const struct attr_set buffers_set = {
	buffers_attrs, ARRAY_SIZE(buffers_attrs),
};

static const struct attr stats_attrs[] = {
	[KVMFLIP_A_STATS_RECEIVED] = {
		{ "received", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_RECEIVED }, .width = 8,
	},
	[KVMFLIP_A_STATS_RECEIVED_BYTES] = {
		{ "received-bytes", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_RECEIVED_BYTES }, .width = 8,
	},
	[KVMFLIP_A_STATS_FLIPPED] = {
		{ "flipped", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_FLIPPED }, .width = 8,
	},
	[KVMFLIP_A_STATS_COPIED] = {
		{ "copied", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_COPIED }, .width = 8,
	},
	[KVMFLIP_A_STATS_BYTES_COPIED] = {
		{ "bytes-copied", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_BYTES_COPIED }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_NO_META] = {
		{ "dropped-no-meta", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_NO_META }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_NO_PORT] = {
		{ "dropped-no-port", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_NO_PORT }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_CLOSED] = {
		{ "dropped-closed", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_CLOSED }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_QUOTA] = {
		{ "dropped-quota", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_QUOTA }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_RING_FULL] = {
		{ "dropped-ring-full", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_RING_FULL }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_UNPOSTED] = {
		{ "dropped-unposted", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_UNPOSTED }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_INVALID] = {
		{ "dropped-invalid", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_INVALID }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_NO_MEMORY] = {
		{ "dropped-no-memory", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_NO_MEMORY }, .width = 8,
	},
	[KVMFLIP_A_STATS_FLIPS] = {
		{ "flips", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_FLIPS }, .width = 8,
	},
	[KVMFLIP_A_STATS_RETURNS] = {
		{ "returns", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_RETURNS }, .width = 8,
	},
	[KVMFLIP_A_STATS_BAD_RETURNS] = {
		{ "bad-returns", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_BAD_RETURNS }, .width = 8,
	},
	[KVMFLIP_A_STATS_REVOKED] = {
		{ "revoked", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_REVOKED }, .width = 8,
	},
	[KVMFLIP_A_STATS_WINDOW_FAULTS] = {
		{ "window-faults", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_WINDOW_FAULTS }, .width = 8,
	},
	[KVMFLIP_A_STATS_SINK_FAULTS] = {
		{ "sink-faults", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_SINK_FAULTS }, .width = 8,
	},
	[KVMFLIP_A_STATS_UNMAP_CALLS] = {
		{ "unmap-calls", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_UNMAP_CALLS }, .width = 8,
	},
	[KVMFLIP_A_STATS_INTERRUPTS] = {
		{ "interrupts", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_INTERRUPTS }, .width = 8,
	},
	[KVMFLIP_A_STATS_DOORBELLS] = {
		{ "doorbells", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DOORBELLS }, .width = 8,
	},
	[KVMFLIP_A_STATS_BYTES_ZEROED] = {
		{ "bytes-zeroed", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_BYTES_ZEROED }, .width = 8,
	},
	[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL] = {
		{ "bytes-zeroed-tail", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_BYTES_ZEROED_TAIL }, .width = 8,
	},
	[KVMFLIP_A_STATS_IOTLB_SYNCS] = {
		{ "iotlb-syncs", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_IOTLB_SYNCS }, .width = 8,
	},
	[KVMFLIP_A_STATS_REVOKES] = {
		{ "revokes", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_REVOKES }, .width = 8,
	},
	[KVMFLIP_A_STATS_GRANTS] = {
		{ "grants", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_GRANTS }, .width = 8,
	},
	[KVMFLIP_A_STATS_WAKEUPS] = {
		{ "wakeups", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_WAKEUPS }, .width = 8,
	},
	[KVMFLIP_A_STATS_COPIED_HOST] = {
		{ "copied-host", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_COPIED_HOST }, .width = 8,
	},
	[KVMFLIP_A_STATS_COPIED_SMALL] = {
		{ "copied-small", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_COPIED_SMALL }, .width = 8,
	},
	[KVMFLIP_A_STATS_COPIED_STRAY] = {
		{ "copied-stray", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_COPIED_STRAY }, .width = 8,
	},
	[KVMFLIP_A_STATS_COPIED_LATENCY] = {
		{ "copied-latency", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_COPIED_LATENCY }, .width = 8,
	},
	[KVMFLIP_A_STATS_COPIED_QUOTA] = {
		{ "copied-quota", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_COPIED_QUOTA }, .width = 8,
	},
	[KVMFLIP_A_STATS_COPIED_MODE] = {
		{ "copied-mode", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_COPIED_MODE }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_NO_BOUNCE] = {
		{ "dropped-no-bounce", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_NO_BOUNCE }, .width = 8,
	},
	[KVMFLIP_A_STATS_DROPPED_FOREIGN] = {
		{ "dropped-foreign", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_DROPPED_FOREIGN }, .width = 8,
	},
	[KVMFLIP_A_STATS_RECYCLED] = {
		{ "recycled", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_RECYCLED }, .width = 8,
	},
	[KVMFLIP_A_STATS_RECLAIM_ASKED] = {
		{ "reclaim-asked", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_RECLAIM_ASKED }, .width = 8,
	},
	[KVMFLIP_A_STATS_UNLOCKED_UNMAPS] = {
		{ "unlocked-unmaps", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_UNLOCKED_UNMAPS }, .width = 8,
	},
	[KVMFLIP_A_STATS_TO_GUEST] = {
		{ "to-guest", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_TO_GUEST }, .width = 8,
	},
	[KVMFLIP_A_STATS_TO_GUEST_BYTES] = {
		{ "to-guest-bytes", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_TO_GUEST_BYTES }, .width = 8,
	},
	[KVMFLIP_A_STATS_FROM_GUEST] = {
		{ "from-guest", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_FROM_GUEST }, .width = 8,
	},
	[KVMFLIP_A_STATS_FROM_GUEST_BYTES] = {
		{ "from-guest-bytes", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_FROM_GUEST_BYTES }, .width = 8,
	},
	[KVMFLIP_A_STATS_TX_ERRORS] = {
		{ "tx-errors", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_TX_ERRORS }, .width = 8,
	},
	[KVMFLIP_A_STATS_RX_RING_FULL] = {
		{ "rx-ring-full", KVMFLIP_TYPE_UINT, KVMFLIP_A_STATS_RX_RING_FULL }, .width = 8,
	},
};

static const struct attr_set stats_set = {
	stats_attrs, ARRAY_SIZE(stats_attrs),
};

static const struct attr pool_attrs[] = {
	[KVMFLIP_A_POOL_NAME] = {
		{ "name", KVMFLIP_TYPE_STRING, KVMFLIP_A_POOL_NAME },
	},
	[KVMFLIP_A_POOL_SIZE] = {
		{ "size", KVMFLIP_TYPE_UINT, KVMFLIP_A_POOL_SIZE }, .width = 8,
	},
	[KVMFLIP_A_POOL_BUFFER_SIZE] = {
		{ "buffer-size", KVMFLIP_TYPE_UINT, KVMFLIP_A_POOL_BUFFER_SIZE }, .width = 4,
	},
	[KVMFLIP_A_POOL_CHUNK_SIZE] = {
		{ "chunk-size", KVMFLIP_TYPE_UINT, KVMFLIP_A_POOL_CHUNK_SIZE }, .width = 4,
	},
	[KVMFLIP_A_POOL_NODE] = {
		{ "node", KVMFLIP_TYPE_UINT, KVMFLIP_A_POOL_NODE }, .width = 4,
	},
	[KVMFLIP_A_POOL_BUFFERS] = {
		{ "buffers", KVMFLIP_TYPE_NEST, KVMFLIP_A_POOL_BUFFERS }, .set = &buffers_set,
	},
	[KVMFLIP_A_POOL_PORTS] = {
		{ "ports", KVMFLIP_TYPE_UINT, KVMFLIP_A_POOL_PORTS }, .width = 4,
	},
	[KVMFLIP_A_POOL_RXQS] = {
		{ "rxqs", KVMFLIP_TYPE_UINT, KVMFLIP_A_POOL_RXQS }, .width = 4,
	},
};

static const struct attr_set pool_set = {
	pool_attrs, ARRAY_SIZE(pool_attrs),
};

static const struct attr ring_layout_attrs[] = {
	[KVMFLIP_A_RING_LAYOUT_ENTRIES] = {
		{ "entries", KVMFLIP_TYPE_UINT, KVMFLIP_A_RING_LAYOUT_ENTRIES }, .width = 4,
	},
	[KVMFLIP_A_RING_LAYOUT_PRODUCER] = {
		{ "producer", KVMFLIP_TYPE_UINT, KVMFLIP_A_RING_LAYOUT_PRODUCER }, .width = 8,
	},
	[KVMFLIP_A_RING_LAYOUT_CONSUMER] = {
		{ "consumer", KVMFLIP_TYPE_UINT, KVMFLIP_A_RING_LAYOUT_CONSUMER }, .width = 8,
	},
	[KVMFLIP_A_RING_LAYOUT_FLAGS] = {
		{ "flags", KVMFLIP_TYPE_UINT, KVMFLIP_A_RING_LAYOUT_FLAGS }, .width = 8,
	},
	[KVMFLIP_A_RING_LAYOUT_DESC] = {
		{ "desc", KVMFLIP_TYPE_UINT, KVMFLIP_A_RING_LAYOUT_DESC }, .width = 8,
	},
};

static const struct attr_set ring_layout_set = {
	ring_layout_attrs, ARRAY_SIZE(ring_layout_attrs),
};

static const struct attr rxq_attrs[] = {
	[KVMFLIP_A_RXQ_IFINDEX] = {
		{ "ifindex", KVMFLIP_TYPE_UINT, KVMFLIP_A_RXQ_IFINDEX }, .width = 4,
	},
	[KVMFLIP_A_RXQ_QUEUE] = {
		{ "queue", KVMFLIP_TYPE_UINT, KVMFLIP_A_RXQ_QUEUE }, .width = 4,
	},
	[KVMFLIP_A_RXQ_POOL] = {
		{ "pool", KVMFLIP_TYPE_STRING, KVMFLIP_A_RXQ_POOL },
	},
	[KVMFLIP_A_RXQ_MODE] = {
		{ "mode", KVMFLIP_TYPE_ENUM, KVMFLIP_A_RXQ_MODE }, .values = mode_values, .num_values = ARRAY_SIZE(mode_values), .width = 4,
	},
	[KVMFLIP_A_RXQ_XSK_FD] = {
		{ "xsk-fd", KVMFLIP_TYPE_UINT, KVMFLIP_A_RXQ_XSK_FD }, .width = 4,
	},
	[KVMFLIP_A_RXQ_LINK_FD] = {
		{ "link-fd", KVMFLIP_TYPE_UINT, KVMFLIP_A_RXQ_LINK_FD }, .width = 4,
	},
	[KVMFLIP_A_RXQ_RX_RING] = {
		{ "rx-ring", KVMFLIP_TYPE_NEST, KVMFLIP_A_RXQ_RX_RING }, .set = &ring_layout_set,
	},
	[KVMFLIP_A_RXQ_FILL_RING] = {
		{ "fill-ring", KVMFLIP_TYPE_NEST, KVMFLIP_A_RXQ_FILL_RING }, .set = &ring_layout_set,
	},
	[KVMFLIP_A_RXQ_IFNAME] = {
		{ "ifname", KVMFLIP_TYPE_STRING, KVMFLIP_A_RXQ_IFNAME },
	},
	[KVMFLIP_A_RXQ_POSTED] = {
		{ "posted", KVMFLIP_TYPE_UINT, KVMFLIP_A_RXQ_POSTED }, .width = 4,
	},
	[KVMFLIP_A_RXQ_STATS] = {
		{ "stats", KVMFLIP_TYPE_NEST, KVMFLIP_A_RXQ_STATS }, .set = &stats_set,
	},
	[KVMFLIP_A_RXQ_ALL_QUEUES] = {
		{ "all-queues", KVMFLIP_TYPE_FLAG, KVMFLIP_A_RXQ_ALL_QUEUES },
	},
	[KVMFLIP_A_RXQ_PORT] = {
		{ "port", KVMFLIP_TYPE_STRING, KVMFLIP_A_RXQ_PORT },
	},
	[KVMFLIP_A_RXQ_BROKEN] = {
		{ "broken", KVMFLIP_TYPE_FLAG, KVMFLIP_A_RXQ_BROKEN },
	},
	[KVMFLIP_A_RXQ_FILL_USECS] = {
		{ "fill-usecs", KVMFLIP_TYPE_UINT, KVMFLIP_A_RXQ_FILL_USECS }, .width = 4,
	},
	[KVMFLIP_A_RXQ_REASON] = {
		{ "reason", KVMFLIP_TYPE_ENUM, KVMFLIP_A_RXQ_REASON }, .values = reason_values, .num_values = ARRAY_SIZE(reason_values), .width = 4,
	},
};

static const struct attr_set rxq_set = {
	rxq_attrs, ARRAY_SIZE(rxq_attrs),
};

static const struct attr port_attrs[] = {
	[KVMFLIP_A_PORT_NAME] = {
		{ "name", KVMFLIP_TYPE_STRING, KVMFLIP_A_PORT_NAME },
	},
	[KVMFLIP_A_PORT_ID] = {
		{ "id", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_ID }, .width = 4,
	},
	[KVMFLIP_A_PORT_GEN] = {
		{ "gen", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_GEN }, .width = 4,
	},
	[KVMFLIP_A_PORT_POOL] = {
		{ "pool", KVMFLIP_TYPE_STRING, KVMFLIP_A_PORT_POOL },
	},
	[KVMFLIP_A_PORT_MAC] = {
		{ "mac", KVMFLIP_TYPE_MAC, KVMFLIP_A_PORT_MAC },
	},
	[KVMFLIP_A_PORT_VLAN] = {
		{ "vlan", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_VLAN }, .width = 2,
	},
	[KVMFLIP_A_PORT_MAX_SIZE] = {
		{ "max-size", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_MAX_SIZE }, .width = 8,
	},
	[KVMFLIP_A_PORT_UUID] = {
		{ "uuid", KVMFLIP_TYPE_UUID, KVMFLIP_A_PORT_UUID },
	},
	[KVMFLIP_A_PORT_STATE] = {
		{ "state", KVMFLIP_TYPE_ENUM, KVMFLIP_A_PORT_STATE }, .values = port_state_values, .num_values = ARRAY_SIZE(port_state_values), .width = 4,
	},
	[KVMFLIP_A_PORT_PID] = {
		{ "pid", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_PID }, .width = 4,
	},
	[KVMFLIP_A_PORT_GPA] = {
		{ "gpa", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_GPA }, .width = 8,
	},
	[KVMFLIP_A_PORT_WINDOW_SIZE] = {
		{ "window-size", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_WINDOW_SIZE }, .width = 8,
	},
	[KVMFLIP_A_PORT_SLOTS] = {
		{ "slots", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_SLOTS }, .width = 4,
	},
	[KVMFLIP_A_PORT_MAPPED] = {
		{ "mapped", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_MAPPED }, .width = 4,
	},
	[KVMFLIP_A_PORT_STATS] = {
		{ "stats", KVMFLIP_TYPE_NEST, KVMFLIP_A_PORT_STATS }, .set = &stats_set,
	},
	[KVMFLIP_A_PORT_MIN_SIZE] = {
		{ "min-size", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_MIN_SIZE }, .width = 8,
	},
	[KVMFLIP_A_PORT_COPYBREAK] = {
		{ "copybreak", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_COPYBREAK }, .width = 4,
	},
	[KVMFLIP_A_PORT_LATENCY_USECS] = {
		{ "latency-usecs", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_LATENCY_USECS }, .width = 4,
	},
	[KVMFLIP_A_PORT_RECLAIM_SIZE] = {
		{ "reclaim-size", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_RECLAIM_SIZE }, .width = 8,
	},
	[KVMFLIP_A_PORT_HUGE] = {
		{ "huge", KVMFLIP_TYPE_ENUM, KVMFLIP_A_PORT_HUGE }, .values = huge_values, .num_values = ARRAY_SIZE(huge_values), .width = 4,
	},
	[KVMFLIP_A_PORT_IFINDEX] = {
		{ "ifindex", KVMFLIP_TYPE_UINT, KVMFLIP_A_PORT_IFINDEX }, .width = 4,
	},
	[KVMFLIP_A_PORT_IFNAME] = {
		{ "ifname", KVMFLIP_TYPE_STRING, KVMFLIP_A_PORT_IFNAME },
	},
	[KVMFLIP_A_PORT_REASON] = {
		{ "reason", KVMFLIP_TYPE_ENUM, KVMFLIP_A_PORT_REASON }, .values = reason_values, .num_values = ARRAY_SIZE(reason_values), .width = 4,
	},
};

static const struct attr_set port_set = {
	port_attrs, ARRAY_SIZE(port_attrs),
};

const struct command kf_commands[KVMFLIP_CMD_MAX + 1] = {
	[KVMFLIP_CMD_POOL_ADD] = { "pool-add", &pool_set },
	[KVMFLIP_CMD_POOL_DEL] = { "pool-del", &pool_set },
	[KVMFLIP_CMD_POOL_GET] = { "pool-get", &pool_set },
	[KVMFLIP_CMD_RXQ_ATTACH] = { "rxq-attach", &rxq_set },
	[KVMFLIP_CMD_RXQ_DETACH] = { "rxq-detach", &rxq_set },
	[KVMFLIP_CMD_RXQ_GET] = { "rxq-get", &rxq_set },
	[KVMFLIP_CMD_PORT_ADD] = { "port-add", &port_set },
	[KVMFLIP_CMD_PORT_SET] = { "port-set", &port_set },
	[KVMFLIP_CMD_PORT_DEL] = { "port-del", &port_set },
	[KVMFLIP_CMD_PORT_GET] = { "port-get", &port_set },
	[KVMFLIP_CMD_PORT_RECLAIM] = { "port-reclaim", &port_set },
	[KVMFLIP_CMD_POOL_ADD_NTF] = { "pool-add-ntf", &pool_set },
	[KVMFLIP_CMD_POOL_DEL_NTF] = { "pool-del-ntf", &pool_set },
	[KVMFLIP_CMD_RXQ_ATTACH_NTF] = { "rxq-attach-ntf", &rxq_set },
	[KVMFLIP_CMD_RXQ_DETACH_NTF] = { "rxq-detach-ntf", &rxq_set },
	[KVMFLIP_CMD_RXQ_BROKEN_NTF] = { "rxq-broken-ntf", &rxq_set },
	[KVMFLIP_CMD_PORT_ADD_NTF] = { "port-add-ntf", &port_set },
	[KVMFLIP_CMD_PORT_SET_NTF] = { "port-set-ntf", &port_set },
	[KVMFLIP_CMD_PORT_DEL_NTF] = { "port-del-ntf", &port_set },
	[KVMFLIP_CMD_PORT_STATE_NTF] = { "port-state-ntf", &port_set },
};
