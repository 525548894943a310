/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip_net: what ethtool shows and sets. */
#ifndef _KVMFLIP_NET_ETHTOOL_H
#define _KVMFLIP_NET_ETHTOOL_H

#include <linux/ethtool.h>

extern const struct ethtool_ops kfn_ethtool_ops;

#endif /* _KVMFLIP_NET_ETHTOOL_H */
