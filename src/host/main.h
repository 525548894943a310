/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: what the whole module shares. */
#ifndef _KVMFLIP_MAIN_H
#define _KVMFLIP_MAIN_H

struct workqueue_struct;

/* Where queues are served and returns are drained. */
extern struct workqueue_struct *kvmflip_wq;

/*
 * Where the memory of guests is read, for as long as their VMMs like: what waits there
 * must not keep the other one from serving anybody.
 */
extern struct workqueue_struct *kvmflip_tx_wq;

#endif /* _KVMFLIP_MAIN_H */
