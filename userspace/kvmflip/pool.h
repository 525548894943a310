/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_POOL_H
#define _KVMFLIP_CLI_POOL_H

struct args;

int pool_command(struct args *args);

#endif /* _KVMFLIP_CLI_POOL_H */
