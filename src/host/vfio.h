/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: ports as mediated VFIO devices. */
#ifndef _KVMFLIP_VFIO_H
#define _KVMFLIP_VFIO_H

int kvmflip_vfio_init(void);
void kvmflip_vfio_exit(void);

#endif /* _KVMFLIP_VFIO_H */
