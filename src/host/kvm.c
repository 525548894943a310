// SPDX-License-Identifier: GPL-2.0
/* kvmflip: the virtual machine behind a port. */

#include <linux/kvm_host.h>
#include <linux/sizes.h>

#include "kvm.h"

/**
 * kvmflip_kvm_gpa - where a VM sees an address of its VMM
 * @kvm: the VM; the caller holds a reference
 * @hva: address in the VMM
 *
 * Context: may sleep.
 * Return: guest-physical address, or KVMFLIP_NO_GPA if no memslot maps it.
 */
u64 kvmflip_kvm_gpa(struct kvm *kvm, unsigned long hva)
{
	struct kvm_memory_slot *slot;
	u64 gpa = KVMFLIP_NO_GPA;
	int bkt, idx;

	idx = srcu_read_lock(&kvm->srcu);
	kvm_for_each_memslot(slot, bkt, kvm_memslots(kvm)) {
		if (hva < slot->userspace_addr ||
		    hva - slot->userspace_addr >= slot->npages << PAGE_SHIFT)
			continue;
		gpa = gfn_to_gpa(slot->base_gfn) + (hva - slot->userspace_addr);
		break;
	}
	srcu_read_unlock(&kvm->srcu, idx);
	return gpa;
}

/**
 * kvmflip_kvm_huge - can a VM have mappings of 2 MiB from an address of its VMM on?
 * @kvm: the VM; the caller holds a reference
 * @hva: address in the VMM
 *
 * KVM maps 2 MiB at once where the VMM's page table does, if that is at a multiple
 * of 2 MiB for the guest as well.
 *
 * Context: may sleep.
 * Return: KVMFLIP_HUGE_POSSIBLE, or why not.
 */
enum kvmflip_huge kvmflip_kvm_huge(struct kvm *kvm, unsigned long hva)
{
	u64 gpa = kvmflip_kvm_gpa(kvm, hva);

	if (gpa == KVMFLIP_NO_GPA)
		return KVMFLIP_HUGE_NO_MEMSLOT;
	if (!IS_ALIGNED(hva, SZ_2M))
		return KVMFLIP_HUGE_ADDRESS;
	if (!IS_ALIGNED(gpa, SZ_2M))
		return KVMFLIP_HUGE_GPA;
	return KVMFLIP_HUGE_POSSIBLE;
}
