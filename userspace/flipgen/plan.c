// SPDX-License-Identifier: GPL-2.0
/* What to send: the words of a command, and the frames that come of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"
#include "plan.h"

#define ETH_P_8021Q	0x8100
#define ETH_P_8021AD	0x88a8
#define ETH_P_IP	0x0800
#define OTHER_TAG	0xd3	/* of frames that are for no guest */
#define IP_HLEN		20
#define UDP_MIN_FRAME	96	/* with two VLAN tags and the coded header */

static bool number(const char *s, __u32 max, __u32 *out)
{
	unsigned long long v;
	char *end;

	v = strtoull(s, &end, 0);
	if (end == s || *end || *s == '-' || v > max)
		return false;
	*out = v;
	return true;
}

static void push_tag(struct dest *dest, __u16 tpid, __u16 tci)
{
	dest->tags[dest->n_tags][0] = tpid;
	dest->tags[dest->n_tags++][1] = tci;
}

static struct dest *new_dest(struct plan *plan)
{
	if (plan->n_dests == PLAN_DESTS)
		return NULL;
	return &plan->dests[plan->n_dests++];
}

/*
 * MAC[/VLAN[/TAG[/NUMBER]]]; VLAN is an id, 0: untagged, p: priority-tagged.
 * The number is up to the caller.
 */
static const char *parse_dest(struct dest *dest, char *value, char **rest)
{
	char *mac, *vlan, *tag;
	__u32 v;

	mac = strsep(&value, "/");
	vlan = strsep(&value, "/");
	tag = strsep(&value, "/");
	*rest = value;
	if (sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx",
		   &dest->mac[0], &dest->mac[1], &dest->mac[2],
		   &dest->mac[3], &dest->mac[4], &dest->mac[5]) != 6)
		return "a destination is MAC[/VLAN[/TAG[/NUMBER]]]";
	if (vlan && !strcmp(vlan, "p")) {
		push_tag(dest, ETH_P_8021Q, 5 << 13);
	} else if (vlan) {
		if (!number(vlan, 4094, &v))
			return "VLAN is 0 to 4094 or p";
		if (v)
			push_tag(dest, ETH_P_8021Q, v);
	}
	v = dest->mac[5];
	if (tag && !number(tag, 0xff, &v))
		return "TAG is a byte";
	if (!(v & PAYLOAD_CLASS))
		return "a TAG below 0x10 cannot be told from no byte at all";
	dest->tag = v;
	return NULL;
}

/* to=MAC/VLAN/TAG/WEIGHT */
static const char *parse_to(struct plan *plan, char *value)
{
	struct dest *dest = new_dest(plan);
	const char *error;
	char *weight;

	if (!dest)
		return "too many destinations";
	error = parse_dest(dest, value, &weight);
	dest->weight = 1;
	if (!error && weight && !number(weight, 1 << 20, &dest->weight))
		error = "WEIGHT is a number";
	return error;
}

/* paced=MAC/VLAN/TAG/USECS: beside the others, a frame each so many */
static const char *parse_paced(struct plan *plan, char *value)
{
	const char *error;
	char *usecs;

	error = parse_dest(&plan->paced, value, &usecs);
	if (!error && (!usecs || !number(usecs, 10000000, &plan->paced_us) ||
		       !plan->paced_us))
		error = "paced=MAC/VLAN/TAG/USECS";
	return error;
}

/* bcast=W mcast=W unknown=W qinq=W: frames that are for no guest */
static const char *parse_kind(struct plan *plan, const char *kind,
			      const char *value, __u8 tag)
{
	struct dest *dest = new_dest(plan);

	if (!dest)
		return "too many destinations";
	if (!number(value, 1 << 20, &dest->weight))
		return "a kind's weight is a number";
	memset(dest->mac, tag, 6);
	dest->tag = tag;
	dest->mac[0] = (tag & PAYLOAD_CLASS) | 2;
	if (!strcmp(kind, "bcast")) {
		memset(dest->mac, 0xff, 6);
	} else if (!strcmp(kind, "mcast")) {
		dest->mac[0] |= 1;
		dest->vary = true;
	} else if (!strcmp(kind, "unknown")) {
		dest->vary = true;
	} else if (!strcmp(kind, "qinq")) {
		push_tag(dest, ETH_P_8021AD, 7);
		push_tag(dest, ETH_P_8021Q, 7);
	} else {
		return "unknown word";
	}
	return NULL;
}

static const char *parse_size(struct plan *plan, char *value)
{
	char *word, *dash;
	unsigned int i;

	plan->n_sizes = 0;
	dash = strchr(value, '-');
	if (dash) {
		*dash = '\0';
		if (!number(value, PAYLOAD_MAX_FRAME, &plan->size_min) ||
		    !number(dash + 1, PAYLOAD_MAX_FRAME, &plan->size_max) ||
		    plan->size_min < PAYLOAD_MIN_FRAME ||
		    plan->size_min > plan->size_max)
			return "size=MIN-MAX, 60 to 3498";
		return NULL;
	}
	while ((word = strsep(&value, ","))) {
		i = plan->n_sizes++;
		if (plan->n_sizes > 16 ||
		    !number(word, PAYLOAD_MAX_FRAME, &plan->sizes[i]) ||
		    plan->sizes[i] < PAYLOAD_MIN_FRAME)
			return "size=N,..., 60 to 3498, at most 16 of them";
	}
	return NULL;
}

/* udp=SOURCE/DESTINATION/PORT: what is sent is UDP in IPv4, a flow to each destination */
static const char *parse_udp(struct plan *plan, const char *value)
{
	__u8 *from = plan->udp_from, *to = plan->udp_to;

	plan->udp = true;
	if (sscanf(value, "%hhu.%hhu.%hhu.%hhu/%hhu.%hhu.%hhu.%hhu/%hu",
		   &from[0], &from[1], &from[2], &from[3],
		   &to[0], &to[1], &to[2], &to[3], &plan->udp_port) != 9)
		return "udp=SOURCE/DESTINATION/PORT";
	return NULL;
}

static __u32 smallest(const struct plan *plan)
{
	__u32 size = plan->n_sizes ? plan->sizes[0] : plan->size_min;
	unsigned int i;

	for (i = 1; i < plan->n_sizes; i++)
		if (plan->sizes[i] < size)
			size = plan->sizes[i];
	return size;
}

const char *plan_parse(struct plan *plan, char **words, int n)
{
	const char *error = NULL;
	__u32 other = OTHER_TAG;
	unsigned int i;
	int w;

	memset(plan, 0, sizeof(*plan));
	plan->count = 1;
	plan->seed = 1;
	plan->size_min = 64;
	plan->size_max = 1514;
	plan->burst = 64;
	plan->gap_us = 1000;
	for (w = 0; w < n && !error; w++) {
		char *value = words[w];
		char *name = strsep(&value, "=");
		bool ok = true;

		if (!value)
			return "words are name=value";
		if (!strcmp(name, "count"))
			ok = number(value, ~0u, &plan->count);
		else if (!strcmp(name, "seed"))
			ok = number(value, ~0u, &plan->seed);
		else if (!strcmp(name, "burst"))
			ok = number(value, ~0u, &plan->burst);
		else if (!strcmp(name, "gap-us"))
			ok = number(value, 10000000, &plan->gap_us);
		else if (!strcmp(name, "other"))
			ok = number(value, 0xff, &other) &&
				other & PAYLOAD_CLASS;
		else if (!strcmp(name, "size"))
			error = parse_size(plan, value);
		else if (!strcmp(name, "to"))
			error = parse_to(plan, value);
		else if (!strcmp(name, "udp"))
			error = parse_udp(plan, value);
		else if (!strcmp(name, "paced"))
			error = parse_paced(plan, value);
		else
			error = parse_kind(plan, name, value, other);
		if (!ok)
			return "a number is missing or out of range";
	}
	for (i = 0; i < plan->n_dests; i++)
		plan->weights += plan->dests[i].weight;
	if (!error && !plan->weights)
		error = "no destination";
	if (!error && plan->udp && smallest(plan) < UDP_MIN_FRAME)
		error = "frames of UDP have 96 bytes or more";
	return error;
}

static __u32 next_random(struct plan *plan)
{
	/* splitmix32 */
	__u32 z = plan->seed += 0x9e3779b9u;

	z = (z ^ z >> 16) * 0x21f0aaadu;
	z = (z ^ z >> 15) * 0x735a2d97u;
	return z ^ z >> 15;
}

const struct dest *plan_choose(struct plan *plan)
{
	__u32 at = next_random(plan) % plan->weights;
	const struct dest *dest = plan->dests;

	while (at >= dest->weight)
		at -= dest++->weight;
	return dest;
}

static __u8 *put16(__u8 *p, __u16 v)
{
	*p++ = v >> 8;
	*p++ = v;
	return p;
}

static __u32 sum16(const __u8 *p, size_t n, __u32 sum)
{
	for (; n > 1; n -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	return n ? sum + (p[0] << 8) : sum;
}

static __u16 fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Headers of a packet of so many bytes at p; without the checksum of UDP */
static __u8 *put_headers(const struct plan *plan, const struct dest *dest, __u8 *p, __u16 len)
{
	__u8 flow = dest == &plan->paced ? plan->n_dests : dest - plan->dests;
	__u8 *ip = p;

	p = put16(p, 0x4500);
	p = put16(p, len);
	p = put16(p, 0); /* identification */
	p = put16(p, 0x4000); /* do not fragment */
	p = put16(p, 64 << 8 | 17);
	p = put16(p, 0);
	memcpy(p, plan->udp_from, 4);
	p[3] += flow;
	memcpy(p + 4, plan->udp_to, 4);
	put16(ip + 10, fold(sum16(ip, IP_HLEN, 0)));
	p = put16(p + 8, plan->udp_port);
	p = put16(p, plan->udp_port);
	p = put16(p, len - IP_HLEN);
	return put16(p, 0);
}

/* The checksum of UDP, once all of the packet is there; 0 would say that it is none */
static void put_udp_sum(__u8 *ip, __u16 len)
{
	__u16 sum = fold(sum16(ip + 12, len - 12, 17 + len - IP_HLEN));

	put16(ip + IP_HLEN + 6, sum ?: 0xffff);
}

size_t plan_frame(struct plan *plan, const struct dest *dest, __u8 *frame,
		  __u8 nic, __u32 seq)
{
	__u8 class = dest->tag & PAYLOAD_CLASS;
	__u32 pick = next_random(plan);
	__u32 now = payload_now();
	struct payload_hdr hdr = {
		.magic = PAYLOAD_MAGIC,
		.tag = dest->tag,
		.nic = nic,
		.seq = seq,
	};
	__u8 *p = frame, *ip;
	unsigned int i;
	__u32 at;

	if (plan->n_sizes)
		hdr.len = plan->sizes[pick % plan->n_sizes];
	else
		hdr.len = plan->size_min +
			pick % (plan->size_max - plan->size_min + 1);

	memcpy(p, dest->mac, 6);
	if (dest->vary)
		p[5] = class | (seq & 0xf);
	memset(p + 6, dest->tag, 6);
	p[6] = class | 2;
	p += 12;
	for (i = 0; i < dest->n_tags; i++) {
		p = put16(p, dest->tags[i][0]);
		p = put16(p, dest->tags[i][1]);
	}
	p = put16(p, plan->udp ? ETH_P_IP : dest->tag << 8 | dest->tag);
	ip = p;
	if (plan->udp)
		p = put_headers(plan, dest, p, frame + hdr.len - p);
	at = p - frame;
	for (i = at + PAYLOAD_CODED; i < hdr.len; i++)
		frame[i] = payload_pattern(dest->tag, seq, i);
	payload_encode(frame + at, dest->tag, &hdr, sizeof(hdr));
	if (at + PAYLOAD_CODED + PAYLOAD_TIME <= hdr.len)
		payload_encode(frame + at + PAYLOAD_CODED, dest->tag, &now,
			       sizeof(now));
	hdr.sum = payload_sum(frame, hdr.len, at);
	payload_encode(frame + at, dest->tag, &hdr, sizeof(hdr));
	if (plan->udp)
		put_udp_sum(ip, frame + hdr.len - ip);
	return hdr.len;
}
