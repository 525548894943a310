/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: from a queue to the guest, or the host, that a frame is for. */
#ifndef _KVMFLIP_DELIVER_H
#define _KVMFLIP_DELIVER_H

#include <uapi/linux/kvmflip.h>

#include "pool.h"

struct kvmflip_port;
struct net_device;

/**
 * struct kvmflip_frame - a frame in a buffer that the module has
 * @buf: KVMFLIP_FILLED buffer in a list of the caller's; NULL and out of the list
 *	 once a guest has it
 * @data: the frame
 * @offset: of @data in the buffer, in bytes
 * @len: bytes of the frame
 * @meta: what the XDP program said of it
 * @port: port with a reference, or NULL; kvmflip_deliver()'s own
 */
struct kvmflip_frame {
	struct kvmflip_buffer *buf;
	void *data;
	u32 offset;
	u32 len;
	struct kvmflip_meta meta;
	struct kvmflip_port *port;
};

u32 kvmflip_deliver(struct kvmflip_pool *pool, struct net_device *dev,
		    struct kvmflip_frame *frames, u32 n, u32 spares,
		    struct kvmflip_delta *delta);

#endif /* _KVMFLIP_DELIVER_H */
