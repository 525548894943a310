/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KVMFLIP_CLI_TRACE_H
#define _KVMFLIP_CLI_TRACE_H

struct args;

int trace_command(struct args *args);

#endif /* _KVMFLIP_CLI_TRACE_H */
