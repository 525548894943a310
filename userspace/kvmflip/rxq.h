/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_RXQ_H
#define _KVMFLIP_CLI_RXQ_H

struct args;

int rxq_command(struct args *args);

#endif /* _KVMFLIP_CLI_RXQ_H */
