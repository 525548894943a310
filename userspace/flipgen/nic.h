/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPGEN_NIC_H
#define FLIPGEN_NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <sys/un.h>

#include "tally.h"

/**
 * struct nic - the outside end of a QEMU "-netdev dgram" over unix sockets
 * @name: what commands call it
 * @fd: our socket
 * @peer: QEMU's
 * @number: written into its frames
 * @seq: of the next frame
 * @sent: all that was ever sent into it
 * @came: frames that came out of it; they are not looked at
 * @waits: times QEMU had no room
 * @press: send the next frame at the moment there is room
 */
struct nic {
	char name[32];
	int fd;
	struct sockaddr_un peer;
	__u8 number;
	__u32 seq;
	struct tally sent;
	__u64 came;
	__u64 waits;
	bool press;
};

/* spec: NAME=BINDPATH,PEERPATH */
bool nic_open(struct nic *nic, const char *spec);

/* Takes what QEMU sent, or its send queue would fill up. */
void nic_drain(struct nic *nic);

/* Waits while QEMU has no room; false if it had none for five seconds. */
bool nic_send(struct nic *nic, const __u8 *frame, size_t len);

#endif /* FLIPGEN_NIC_H */
