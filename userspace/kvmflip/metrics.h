/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_METRICS_H
#define _KVMFLIP_CLI_METRICS_H

struct args;

int metrics_command(struct args *args);

#endif /* _KVMFLIP_CLI_METRICS_H */
