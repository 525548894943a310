/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_APPLY_H
#define _KVMFLIP_CLI_APPLY_H

struct args;

int apply_command(struct args *args);

#endif /* _KVMFLIP_CLI_APPLY_H */
