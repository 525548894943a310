/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_MONITOR_H
#define _KVMFLIP_CLI_MONITOR_H

struct args;

int monitor_command(struct args *args);

#endif /* _KVMFLIP_CLI_MONITOR_H */
