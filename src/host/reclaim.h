/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: making guests return buffers. */
#ifndef _KVMFLIP_RECLAIM_H
#define _KVMFLIP_RECLAIM_H

#include <linux/types.h>

struct kvmflip_pool;
struct kvmflip_port;
struct netlink_ext_ack;
struct work_struct;

int kvmflip_reclaim(struct kvmflip_port *port, u64 bytes, struct netlink_ext_ack *extack);
void kvmflip_reclaim_pressure(struct kvmflip_pool *pool);
void kvmflip_reclaim_tell(struct kvmflip_port *port, const u32 *slots, u32 n);
void kvmflip_reclaim_work(struct work_struct *work);
void kvmflip_reclaim_exit(void);

#endif /* _KVMFLIP_RECLAIM_H */
