/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: what guests send. */
#ifndef _KVMFLIP_TX_H
#define _KVMFLIP_TX_H

struct kvmflip_port;
struct work_struct;

void kvmflip_tx_doorbell(struct kvmflip_port *port);
void kvmflip_tx_interrupt(struct kvmflip_port *port);
void kvmflip_tx_work(struct work_struct *work);

#endif /* _KVMFLIP_TX_H */
