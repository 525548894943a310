/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_SAVE_H
#define _KVMFLIP_CLI_SAVE_H

struct args;

int save_command(struct args *args);

#endif /* _KVMFLIP_CLI_SAVE_H */
