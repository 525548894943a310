/* SPDX-License-Identifier: GPL-2.0 */
/* Commands in a file, one a line. */
#ifndef _KVMFLIP_CLI_BATCH_H
#define _KVMFLIP_CLI_BATCH_H

struct args;

int batch_read(const char *path, int (*each)(struct args *args, void *data), void *data);

#endif /* _KVMFLIP_CLI_BATCH_H */
