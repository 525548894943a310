/* SPDX-License-Identifier: GPL-2.0 */
/* What flipvm and its guest tell each other, in the guest's low memory. */
#ifndef FLIPVM_SHARED_H
#define FLIPVM_SHARED_H

#include <linux/types.h>

/* Guest-physical addresses */
#define GUEST_RAM_SIZE	0x400000
#define GUEST_PARAMS	0x1000
#define GUEST_RESULT	0x2000
#define GUEST_CODE	0x10000
#define GUEST_STACK	0x300000
#define GUEST_SECOND_STACK 0x310000	/* of the second processor */
#define GUEST_DELAYS	0x310000
#define GUEST_WINDOW	0x40000000	/* BAR2, 1 GiB at most */
#define GUEST_REGS	0xd0000000	/* BAR0 */

#define GUEST_VECTOR	0x40	/* of the device's interrupt */
#define GUEST_N_DELAYS	0x10000	/* of the first frames */

/**
 * enum guest_mode - what the guest does with its frames
 * @GUEST_SCAN: check and return them
 * @GUEST_SPIN_READ: the same, and keep reading in slots it has returned
 * @GUEST_SPIN_WRITE: the same, and keep writing there too
 * @GUEST_HOLD: check them and return none, whatever the host asks for
 * @GUEST_KEEP: check them and return a slot only when the host asks for one
 * @GUEST_HOSTILE: write garbage into the rings
 * @GUEST_FUZZ: do anything at random, all the time
 */
enum guest_mode {
	GUEST_SCAN,
	GUEST_SPIN_READ,
	GUEST_SPIN_WRITE,
	GUEST_HOLD,
	GUEST_KEEP,
	GUEST_HOSTILE,
	GUEST_FUZZ,
};

/**
 * struct guest_params - set before the guest starts
 * @mode: an enum guest_mode
 * @tag: tag byte of the frames that are the guest's
 * @batch: most frames taken before their slots are returned
 * @seed: of what is done at random
 */
struct guest_params {
	__u32 mode;
	__u32 tag;
	__u32 batch;
	__u32 seed;
};

/* struct guest_result, @fatal */
enum guest_fatal {
	GUEST_OK,
	GUEST_BAD_MAGIC,	/* not our device, or another version of it */
	GUEST_BAD_LAYOUT,	/* registers that make no sense */
	GUEST_EXCEPTION,	/* a fault in the guest's own program */
};

/**
 * struct guest_result - what the guest saw
 * @version: odd while the guest is writing here
 * @fatal: an enum guest_fatal; the guest has stopped if it is not 0
 * @running: the guest is ready for frames
 * @where_slot: of the first foreign byte
 * @where_offset: in its slot
 * @where_value: itself
 * @received: frames
 * @flipped: those in slots
 * @copied: those in bounce slots
 * @bytes: of all frames
 * @checksum_ok: frames that are as they were sent
 * @checksum_bad: frames that are not
 * @checksum_sum: of the right checksums, modulo 2^64
 * @foreign_bytes: bytes that are neither zero nor ours, inside and outside of
 *		   our frames; one that is looked at twice counts twice
 * @scanned: slots and bounce slots that were looked at from end to end
 * @misdelivered: frames that are somebody else's
 * @reordered: frames not newer than the last one of their NIC
 * @tagged: frames with a VLAN tag
 * @bad_desc: descriptors that name no slot, or one that had its last frame
 * @returned: slots given back
 * @bounces_returned: bounce slots given back
 * @revoked: slots that were taken by force
 * @revoked_slot: the last of them
 * @not_gone: those in which there still was something
 * @wanted: times the host was seen to ask for slots
 * @interrupts: taken
 * @doorbells: rung
 * @halts: times the guest had nothing to do
 * @spins: rounds over returned slots
 * @vanished: returned slots whose frame was seen to go away
 * @spin_foreign: bytes seen in returned slots that are neither zero nor ours
 * @rounds: of the second processor over all slots
 * @round_foreign: bytes that it saw there that are neither zero nor ours
 * @attacks: hostile things done
 * @failed: times the device said that the guest broke a ring
 * @resets: of the device by the guest
 * @delays: how many there are at GUEST_DELAYS
 */
struct guest_result {
	__u32 version;
	__u32 fatal;
	__u32 running;
	__u32 where_slot;
	__u32 where_offset;
	__u32 where_value;
	__u64 received;
	__u64 flipped;
	__u64 copied;
	__u64 bytes;
	__u64 checksum_ok;
	__u64 checksum_bad;
	__u64 checksum_sum;
	__u64 foreign_bytes;
	__u64 scanned;
	__u64 misdelivered;
	__u64 reordered;
	__u64 tagged;
	__u64 bad_desc;
	__u64 returned;
	__u64 bounces_returned;
	__u64 revoked;
	__u64 revoked_slot;
	__u64 not_gone;
	__u64 wanted;
	__u64 interrupts;
	__u64 doorbells;
	__u64 halts;
	__u64 spins;
	__u64 vanished;
	__u64 spin_foreign;
	__u64 rounds;
	__u64 round_foreign;
	__u64 attacks;
	__u64 failed;
	__u64 resets;
	__u64 delays;
};

#endif /* FLIPVM_SHARED_H */
