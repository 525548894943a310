/* SPDX-License-Identifier: GPL-2.0 */
/* What a network device can do with XDP, by the netlink family "netdev". */
#ifndef _KVMFLIP_CLI_XDPFEATURES_H
#define _KVMFLIP_CLI_XDPFEATURES_H

#include <stdbool.h>
#include <linux/types.h>

#define XDP_FEATURE_BASIC	(1u << 0)
#define XDP_FEATURE_ZEROCOPY	(1u << 3)

bool xdp_features(unsigned int ifindex, __u64 *features);

#endif /* _KVMFLIP_CLI_XDPFEATURES_H */
