/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: notifications to those who monitor. */
#ifndef _KVMFLIP_EVENT_H
#define _KVMFLIP_EVENT_H

#include <linux/types.h>
#include <uapi/linux/kvmflip_netlink.h>

struct kvmflip_pool;
struct kvmflip_port;
struct kvmflip_rxq;

void kvmflip_event_pool(u8 cmd, const struct kvmflip_pool *pool);
void kvmflip_event_rxq(u8 cmd, const struct kvmflip_rxq *rxq, enum kvmflip_reason reason);
void kvmflip_event_port(u8 cmd, const struct kvmflip_port *port, enum kvmflip_reason reason);
int kvmflip_event_init(void);
void kvmflip_event_exit(void);

#endif /* _KVMFLIP_EVENT_H */
