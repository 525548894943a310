/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_PORT_H
#define _KVMFLIP_CLI_PORT_H

struct args;
struct config;

int port_parse(struct config *config, struct args *args);
int port_command(struct args *args);

#endif /* _KVMFLIP_CLI_PORT_H */
