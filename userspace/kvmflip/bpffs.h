/* SPDX-License-Identifier: GPL-2.0 */
/* Where the pins of the demux program are: a directory of the BPF file system. */
#ifndef _KVMFLIP_CLI_BPFFS_H
#define _KVMFLIP_CLI_BPFFS_H

#define BPFFS "/sys/fs/bpf"
#define PINS BPFFS "/kvmflip"

int bpffs_lock(void);

#endif /* _KVMFLIP_CLI_BPFFS_H */
