/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: where the rings, the bounce slots and the slots lie in a port's window. */
#ifndef _KVMFLIP_LAYOUT_H
#define _KVMFLIP_LAYOUT_H

#include <linux/types.h>

struct kvmflip_pool;
struct kvmflip_port;

/* Of the TX ring and of the TX completion ring. */
#define KVMFLIP_TX_ENTRIES	1024

u32 kvmflip_layout_slots_max(const struct kvmflip_pool *pool);
u32 kvmflip_layout_slots(const struct kvmflip_port *port);
u32 kvmflip_layout_rx_entries(const struct kvmflip_port *port);
u32 kvmflip_layout_ret_entries(const struct kvmflip_port *port);
u32 kvmflip_layout_ret_off(const struct kvmflip_port *port);
u32 kvmflip_layout_tx_off(const struct kvmflip_port *port);
u32 kvmflip_layout_txc_off(const struct kvmflip_port *port);
u32 kvmflip_layout_bounce_off(const struct kvmflip_port *port);

#endif /* _KVMFLIP_LAYOUT_H */
