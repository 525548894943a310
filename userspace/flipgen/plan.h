/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPGEN_PLAN_H
#define FLIPGEN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define PLAN_DESTS	64

/**
 * struct dest - whom frames are sent to
 * @mac: destination address
 * @tags: VLAN tags in front of the EtherType, outermost first: TPID, TCI
 * @n_tags: how many
 * @tag: tag byte
 * @weight: share of the frames that go there
 * @vary: the last byte of the address changes from frame to frame
 */
struct dest {
	__u8 mac[6];
	__u16 tags[2][2];
	unsigned int n_tags;
	__u8 tag;
	__u32 weight;
	bool vary;
};

/**
 * struct plan - which frames to send, and how fast
 * @count: frames
 * @seed: of the choice of destinations and sizes
 * @size_min: smallest frame
 * @size_max: largest frame; sizes in between are equally likely
 * @sizes: list of sizes to choose from instead
 * @n_sizes: its length, 0: use the range
 * @burst: frames sent without a pause; 0: all of them, as fast as QEMU takes them
 * @gap_us: pause between bursts
 * @dests: destinations
 * @n_dests: their number
 * @weights: sum of their weights
 * @udp: frames are UDP in IPv4; their EtherType and these headers are not of the
 *	 tag's class
 * @udp_from: its source address; that of the second destination is one more, and so on
 * @udp_to: its destination address
 * @udp_port: both ports
 * @paced: gets frames at a rate of its own, which @count is without
 * @paced_us: time from one of them to the next, 0: there are none
 */
struct plan {
	__u32 count;
	__u32 seed;
	__u32 size_min;
	__u32 size_max;
	__u32 sizes[16];
	unsigned int n_sizes;
	__u32 burst;
	__u32 gap_us;
	struct dest dests[PLAN_DESTS];
	unsigned int n_dests;
	__u32 weights;
	bool udp;
	__u8 udp_from[4];
	__u8 udp_to[4];
	__u16 udp_port;
	struct dest paced;
	__u32 paced_us;
};

/* Words are of the form name=value; returns NULL or what is wrong. */
const char *plan_parse(struct plan *plan, char **words, int n);

/* One of the destinations, by their weights */
const struct dest *plan_choose(struct plan *plan);

/*
 * The same seed gives the same frames but for the time in them; seq is written
 * into the frame.
 */
size_t plan_frame(struct plan *plan, const struct dest *dest, __u8 *frame,
		  __u8 nic, __u32 seq);

#endif /* FLIPGEN_PLAN_H */
