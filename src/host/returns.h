/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: what guests return. */
#ifndef _KVMFLIP_RETURNS_H
#define _KVMFLIP_RETURNS_H

struct work_struct;

void kvmflip_returns_work(struct work_struct *work);

#endif /* _KVMFLIP_RETURNS_H */
