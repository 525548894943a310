/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: what ethtool sees of the ports' network devices. */
#ifndef _KVMFLIP_ETHTOOL_H
#define _KVMFLIP_ETHTOOL_H

struct ethtool_ops;

extern const struct ethtool_ops kvmflip_ethtool_ops;

#endif /* _KVMFLIP_ETHTOOL_H */
