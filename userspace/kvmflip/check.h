/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_CHECK_H
#define _KVMFLIP_CLI_CHECK_H

struct args;

int check_command(struct args *args);

#endif /* _KVMFLIP_CLI_CHECK_H */
