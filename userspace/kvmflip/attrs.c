// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include <linux/kvmflip_netlink.h>
#include <netlink/attr.h>

#include "attrs.h"
#include "output.h"
#include "parse.h"

#define NEST(_name, _set) { .name = _name, .type = ATTR_NEST, .nested = _set }

static const char *const modes[] = {
	[KVMFLIP_MODE_STRICT] = "strict",
	[KVMFLIP_MODE_STEERED] = "steered",
	[KVMFLIP_MODE_COPY] = "copy",
};

static const char *const huge_states[] = {
	[KVMFLIP_HUGE_UNKNOWN] = "unknown",
	[KVMFLIP_HUGE_POSSIBLE] = "possible",
	[KVMFLIP_HUGE_SMALL_BUFFERS] = "small-buffers",
	[KVMFLIP_HUGE_NO_MEMSLOT] = "no-memslot",
	[KVMFLIP_HUGE_ADDRESS] = "address",
	[KVMFLIP_HUGE_GPA] = "gpa",
};

static const char *const port_states[] = {
	[KVMFLIP_PORT_STATE_CLOSED] = "closed",
	[KVMFLIP_PORT_STATE_OPENED] = "opened",
	[KVMFLIP_PORT_STATE_RUNNING] = "running",
	[KVMFLIP_PORT_STATE_FAILED] = "failed",
};

static const struct attr buffers_attrs[] = {
	[KVMFLIP_A_BUFFERS_FREE] = { "free", ATTR_UINT },
	[KVMFLIP_A_BUFFERS_POSTED] = { "posted", ATTR_UINT },
	[KVMFLIP_A_BUFFERS_FILLED] = { "filled", ATTR_UINT },
	[KVMFLIP_A_BUFFERS_MAPPED] = { "mapped", ATTR_UINT },
	[KVMFLIP_A_BUFFERS_RETURNED] = { "returned", ATTR_UINT },
	[KVMFLIP_A_BUFFERS_QUARANTINED] = { "quarantined", ATTR_UINT },
	[KVMFLIP_A_BUFFERS_TOTAL] = { "total", ATTR_UINT },
	[KVMFLIP_A_BUFFERS_ILLEGAL] = { "illegal", ATTR_UINT },
	[KVMFLIP_A_BUFFERS_STEERED] = { "steered", ATTR_UINT },
};

static const struct attr_set buffers_set = {
	buffers_attrs, ARRAY_SIZE(buffers_attrs),
};

static const struct attr stats_attrs[] = {
	[KVMFLIP_A_STATS_RECEIVED] = { "received", ATTR_UINT },
	[KVMFLIP_A_STATS_RECEIVED_BYTES] = { "received-bytes", ATTR_UINT },
	[KVMFLIP_A_STATS_FLIPPED] = { "flipped", ATTR_UINT },
	[KVMFLIP_A_STATS_COPIED] = { "copied", ATTR_UINT },
	[KVMFLIP_A_STATS_BYTES_COPIED] = { "bytes-copied", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_NO_META] = { "dropped-no-meta", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_NO_PORT] = { "dropped-no-port", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_CLOSED] = { "dropped-closed", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_QUOTA] = { "dropped-quota", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_RING_FULL] = { "dropped-ring-full", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_UNPOSTED] = { "dropped-unposted", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_INVALID] = { "dropped-invalid", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_NO_MEMORY] = { "dropped-no-memory", ATTR_UINT },
	[KVMFLIP_A_STATS_FLIPS] = { "flips", ATTR_UINT },
	[KVMFLIP_A_STATS_RETURNS] = { "returns", ATTR_UINT },
	[KVMFLIP_A_STATS_BAD_RETURNS] = { "bad-returns", ATTR_UINT },
	[KVMFLIP_A_STATS_REVOKED] = { "revoked", ATTR_UINT },
	[KVMFLIP_A_STATS_WINDOW_FAULTS] = { "window-faults", ATTR_UINT },
	[KVMFLIP_A_STATS_SINK_FAULTS] = { "sink-faults", ATTR_UINT },
	[KVMFLIP_A_STATS_UNMAP_CALLS] = { "unmap-calls", ATTR_UINT },
	[KVMFLIP_A_STATS_INTERRUPTS] = { "interrupts", ATTR_UINT },
	[KVMFLIP_A_STATS_DOORBELLS] = { "doorbells", ATTR_UINT },
	[KVMFLIP_A_STATS_BYTES_ZEROED] = { "bytes-zeroed", ATTR_UINT },
	[KVMFLIP_A_STATS_BYTES_ZEROED_TAIL] = { "bytes-zeroed-tail", ATTR_UINT },
	[KVMFLIP_A_STATS_IOTLB_SYNCS] = { "iotlb-syncs", ATTR_UINT },
	[KVMFLIP_A_STATS_REVOKES] = { "revokes", ATTR_UINT },
	[KVMFLIP_A_STATS_GRANTS] = { "grants", ATTR_UINT },
	[KVMFLIP_A_STATS_WAKEUPS] = { "wakeups", ATTR_UINT },
	[KVMFLIP_A_STATS_COPIED_HOST] = { "copied-host", ATTR_UINT },
	[KVMFLIP_A_STATS_COPIED_SMALL] = { "copied-small", ATTR_UINT },
	[KVMFLIP_A_STATS_COPIED_STRAY] = { "copied-stray", ATTR_UINT },
	[KVMFLIP_A_STATS_COPIED_LATENCY] = { "copied-latency", ATTR_UINT },
	[KVMFLIP_A_STATS_COPIED_QUOTA] = { "copied-quota", ATTR_UINT },
	[KVMFLIP_A_STATS_COPIED_MODE] = { "copied-mode", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_NO_BOUNCE] = { "dropped-no-bounce", ATTR_UINT },
	[KVMFLIP_A_STATS_DROPPED_FOREIGN] = { "dropped-foreign", ATTR_UINT },
	[KVMFLIP_A_STATS_RECYCLED] = { "recycled", ATTR_UINT },
	[KVMFLIP_A_STATS_RECLAIM_ASKED] = { "reclaim-asked", ATTR_UINT },
	[KVMFLIP_A_STATS_UNLOCKED_UNMAPS] = { "unlocked-unmaps", ATTR_UINT },
	[KVMFLIP_A_STATS_TO_GUEST] = { "to-guest", ATTR_UINT },
	[KVMFLIP_A_STATS_TO_GUEST_BYTES] = { "to-guest-bytes", ATTR_UINT },
	[KVMFLIP_A_STATS_FROM_GUEST] = { "from-guest", ATTR_UINT },
	[KVMFLIP_A_STATS_FROM_GUEST_BYTES] = { "from-guest-bytes", ATTR_UINT },
	[KVMFLIP_A_STATS_TX_ERRORS] = { "tx-errors", ATTR_UINT },
};

static const struct attr_set stats_set = {
	stats_attrs, ARRAY_SIZE(stats_attrs),
};

static const struct attr pool_attrs[] = {
	[KVMFLIP_A_POOL_NAME] = { "name", ATTR_STRING },
	[KVMFLIP_A_POOL_SIZE] = { "size", ATTR_UINT },
	[KVMFLIP_A_POOL_BUFFER_SIZE] = { "buffer-size", ATTR_UINT },
	[KVMFLIP_A_POOL_CHUNK_SIZE] = { "chunk-size", ATTR_UINT },
	[KVMFLIP_A_POOL_NODE] = { "node", ATTR_UINT },
	[KVMFLIP_A_POOL_BUFFERS] = NEST("buffers", &buffers_set),
	[KVMFLIP_A_POOL_PORTS] = { "ports", ATTR_UINT },
	[KVMFLIP_A_POOL_RXQS] = { "rxqs", ATTR_UINT },
};

static const struct attr_set pool_set = {
	pool_attrs, ARRAY_SIZE(pool_attrs),
};

static const struct attr ring_layout_attrs[] = {
	[KVMFLIP_A_RING_LAYOUT_ENTRIES] = { "entries", ATTR_UINT },
	[KVMFLIP_A_RING_LAYOUT_PRODUCER] = { "producer", ATTR_UINT },
	[KVMFLIP_A_RING_LAYOUT_CONSUMER] = { "consumer", ATTR_UINT },
	[KVMFLIP_A_RING_LAYOUT_FLAGS] = { "flags", ATTR_UINT },
	[KVMFLIP_A_RING_LAYOUT_DESC] = { "desc", ATTR_UINT },
};

static const struct attr_set ring_layout_set = {
	ring_layout_attrs, ARRAY_SIZE(ring_layout_attrs),
};

static const struct attr rxq_attrs[] = {
	[KVMFLIP_A_RXQ_IFINDEX] = { "ifindex", ATTR_UINT },
	[KVMFLIP_A_RXQ_QUEUE] = { "queue", ATTR_UINT },
	[KVMFLIP_A_RXQ_POOL] = { "pool", ATTR_STRING },
	[KVMFLIP_A_RXQ_MODE] = { "mode", ATTR_ENUM, NULL, modes, ARRAY_SIZE(modes) },
	[KVMFLIP_A_RXQ_XSK_FD] = { "xsk-fd", ATTR_UINT },
	[KVMFLIP_A_RXQ_LINK_FD] = { "link-fd", ATTR_UINT },
	[KVMFLIP_A_RXQ_RX_RING] = NEST("rx-ring", &ring_layout_set),
	[KVMFLIP_A_RXQ_FILL_RING] = NEST("fill-ring", &ring_layout_set),
	[KVMFLIP_A_RXQ_IFNAME] = { "ifname", ATTR_STRING },
	[KVMFLIP_A_RXQ_POSTED] = { "posted", ATTR_UINT },
	[KVMFLIP_A_RXQ_STATS] = NEST("stats", &stats_set),
	[KVMFLIP_A_RXQ_ALL_QUEUES] = { "all-queues", ATTR_FLAG },
	[KVMFLIP_A_RXQ_PORT] = { "port", ATTR_STRING },
	[KVMFLIP_A_RXQ_BROKEN] = { "broken", ATTR_FLAG },
	[KVMFLIP_A_RXQ_FILL_USECS] = { "fill-usecs", ATTR_UINT },
};

static const struct attr_set rxq_set = {
	rxq_attrs, ARRAY_SIZE(rxq_attrs),
};

static const struct attr port_attrs[] = {
	[KVMFLIP_A_PORT_NAME] = { "name", ATTR_STRING },
	[KVMFLIP_A_PORT_ID] = { "id", ATTR_UINT },
	[KVMFLIP_A_PORT_GEN] = { "gen", ATTR_UINT },
	[KVMFLIP_A_PORT_POOL] = { "pool", ATTR_STRING },
	[KVMFLIP_A_PORT_MAC] = { "mac", ATTR_MAC },
	[KVMFLIP_A_PORT_VLAN] = { "vlan", ATTR_UINT },
	[KVMFLIP_A_PORT_MAX_SIZE] = { "max-size", ATTR_UINT },
	[KVMFLIP_A_PORT_UUID] = { "uuid", ATTR_UUID },
	[KVMFLIP_A_PORT_STATE] = { "state", ATTR_ENUM, NULL, port_states, ARRAY_SIZE(port_states) },
	[KVMFLIP_A_PORT_PID] = { "pid", ATTR_UINT },
	[KVMFLIP_A_PORT_GPA] = { "gpa", ATTR_UINT },
	[KVMFLIP_A_PORT_WINDOW_SIZE] = { "window-size", ATTR_UINT },
	[KVMFLIP_A_PORT_SLOTS] = { "slots", ATTR_UINT },
	[KVMFLIP_A_PORT_MAPPED] = { "mapped", ATTR_UINT },
	[KVMFLIP_A_PORT_STATS] = NEST("stats", &stats_set),
	[KVMFLIP_A_PORT_MIN_SIZE] = { "min-size", ATTR_UINT },
	[KVMFLIP_A_PORT_COPYBREAK] = { "copybreak", ATTR_UINT },
	[KVMFLIP_A_PORT_LATENCY_USECS] = { "latency-usecs", ATTR_UINT },
	[KVMFLIP_A_PORT_RECLAIM_SIZE] = { "reclaim-size", ATTR_UINT },
	[KVMFLIP_A_PORT_HUGE] = { "huge", ATTR_ENUM, NULL, huge_states, ARRAY_SIZE(huge_states) },
	[KVMFLIP_A_PORT_IFINDEX] = { "ifindex", ATTR_UINT },
	[KVMFLIP_A_PORT_IFNAME] = { "ifname", ATTR_STRING },
};

static const struct attr_set port_set = {
	port_attrs, ARRAY_SIZE(port_attrs),
};

/* the attributes of a command and of its answer */
const struct attr_set *command_attrs(int cmd)
{
	switch (cmd) {
	case KVMFLIP_CMD_POOL_ADD:
	case KVMFLIP_CMD_POOL_DEL:
	case KVMFLIP_CMD_POOL_GET:
		return &pool_set;
	case KVMFLIP_CMD_RXQ_ATTACH:
	case KVMFLIP_CMD_RXQ_DETACH:
	case KVMFLIP_CMD_RXQ_GET:
		return &rxq_set;
	default:
		return &port_set;
	}
}

/* NULL for a number that this program does not know */
const struct attr *attr_by_type(const struct attr_set *set, int type)
{
	if (type <= 0 || type >= set->num || !set->attrs[type].name)
		return NULL;
	return &set->attrs[type];
}

static __u64 read_uint(const struct nlattr *nla)
{
	switch (nla_len(nla)) {
	case 1:
		return nla_get_u8(nla);
	case 2:
		return nla_get_u16(nla);
	case 4:
		return nla_get_u32(nla);
	case 8:
		return nla_get_u64(nla);
	default:
		return 0;
	}
}

static void decode_enum(const struct attr *attr, __u64 value, const char *key,
			cJSON *obj)
{
	char text[24];

	if (value < attr->num_values) {
		cJSON_AddStringToObject(obj, key, attr->values[value]);
		return;
	}
	/* a newer module than this program */
	snprintf(text, sizeof(text), "%llu", value);
	cJSON_AddStringToObject(obj, key, text);
}

/* the key in an object of the attribute of this name: '_' for '-' */
void attr_key(const char *name, char key[ATTR_KEY_LEN])
{
	unsigned int i;

	snprintf(key, ATTR_KEY_LEN, "%s", name);
	for (i = 0; key[i]; i++)
		if (key[i] == '-')
			key[i] = '_';
}

static void decode_attr(const struct attr *attr, struct nlattr *nla, cJSON *obj)
{
	char key[ATTR_KEY_LEN], text[256];

	attr_key(attr->name, key);

	switch (attr->type) {
	case ATTR_UINT:
		obj_add_uint(obj, key, read_uint(nla));
		break;
	case ATTR_ENUM:
		decode_enum(attr, read_uint(nla), key, obj);
		break;
	case ATTR_STRING:
		nla_strlcpy(text, nla, sizeof(text));
		cJSON_AddStringToObject(obj, key, text);
		break;
	case ATTR_MAC:
		if (nla_len(nla) != 6)
			break;
		format_mac(nla_data(nla), text);
		cJSON_AddStringToObject(obj, key, text);
		break;
	case ATTR_UUID:
		if (nla_len(nla) != 16)
			break;
		format_uuid(nla_data(nla), text);
		cJSON_AddStringToObject(obj, key, text);
		break;
	case ATTR_FLAG:
		cJSON_AddTrueToObject(obj, key);
		break;
	case ATTR_NEST:
		cJSON_AddItemToObject(obj, key,
				      decode_attrs(attr->nested, nla_data(nla),
						   nla_len(nla)));
		break;
	case ATTR_UNUSED:
		break;
	}
}

/**
 * decode_attrs - make an object of attributes
 * @set: what they mean
 * @head: the first
 * @len: bytes of all of them
 *
 * Unknown ones are left out. Keys have underscores for the dashes of the names.
 *
 * Return: the object, the caller's to free
 */
cJSON *decode_attrs(const struct attr_set *set, struct nlattr *head, int len)
{
	cJSON *obj = cJSON_CreateObject();
	const struct attr *attr;
	struct nlattr *nla;
	int rem;

	nla_for_each_attr(nla, head, len, rem) {
		attr = attr_by_type(set, nla_type(nla));
		if (attr)
			decode_attr(attr, nla, obj);
	}
	return obj;
}
