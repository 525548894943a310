/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_TOP_H
#define _KVMFLIP_CLI_TOP_H

struct args;

int top_command(struct args *args);

#endif /* _KVMFLIP_CLI_TOP_H */
