/* SPDX-License-Identifier: GPL-2.0 */
/* Another name of a network device, by rtnetlink. */
#ifndef _KVMFLIP_CLI_ALTNAME_H
#define _KVMFLIP_CLI_ALTNAME_H

#include <linux/types.h>

void altname_add(__u32 ifindex, const char *ifname, const char *name);

#endif /* _KVMFLIP_CLI_ALTNAME_H */
