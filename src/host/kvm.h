/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: the virtual machine behind a port. */
#ifndef _KVMFLIP_KVM_H
#define _KVMFLIP_KVM_H

#include <linux/types.h>
#include <uapi/linux/kvmflip_netlink.h>

struct kvm;

#define KVMFLIP_NO_GPA	U64_MAX

u64 kvmflip_kvm_gpa(struct kvm *kvm, unsigned long hva);
enum kvmflip_huge kvmflip_kvm_huge(struct kvm *kvm, unsigned long hva);

#endif /* _KVMFLIP_KVM_H */
