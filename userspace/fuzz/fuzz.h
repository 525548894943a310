/* SPDX-License-Identifier: GPL-2.0 */
/* The fuzzer's side of what a guest, its VMM and the host do at the same time. */
#ifndef FUZZ_H
#define FUZZ_H

#include "kernel.h"

/**
 * struct fuzz - what the input has made of the world
 * @data: what is left of the input
 * @size: bytes of it
 * @port: the port under test, which is open
 * @racing: a guest's memory changes while it is read
 * @vmm_busy: the VMM sits on its mmap_lock
 * @netdev_down: the host's side of the port is down
 * @reads_fail: the guest's memory cannot be read
 */
struct fuzz {
	const u8 *data;
	size_t size;
	struct kvmflip_port *port;
	bool racing;
	bool vmm_busy;
	bool netdev_down;
	bool reads_fail;
};

extern struct fuzz fuzz;

/* The next byte of the input; 0 at its end */
u8 fuzz_u8(void);
u32 fuzz_u32(void);

/* Does something rare happen? The input says so, one time in 16 at most. */
bool fuzz_chance(void);

void fuzz_run_work(void);

#endif /* FUZZ_H */
