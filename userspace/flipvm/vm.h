/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPVM_VM_H
#define FLIPVM_VM_H

#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>

struct kvm_run;
struct vfio;

/**
 * struct vm - a virtual machine with one processor
 * @kvm: /dev/kvm
 * @fd: the VM
 * @vcpu: its processor
 * @run: what KVM shares with us of it
 * @run_size: of that
 * @ram: the guest's low memory
 * @device: takes the accesses to its registers
 * @thread: runs the processor
 * @stop: the thread is to end
 * @error: why it ended by itself, or NULL
 */
struct vm {
	int kvm;
	int fd;
	int vcpu;
	struct kvm_run *run;
	int run_size;
	__u8 *ram;
	struct vfio *device;
	pthread_t thread;
	bool stop;
	const char *error;
};

/* VM, memory, processor; exits with a message on failure, as all here do */
void vm_create(struct vm *vm);

/* Let the guest see memory of ours. */
void vm_map(struct vm *vm, __u32 slot, __u64 gpa, void *hva, __u64 size);

/* An eventfd becomes an interrupt of the guest, as the device's MSI would. */
void vm_route_irq(struct vm *vm, int eventfd, __u32 vector);

/* Of the processor's time-stamp counter; 0 if KVM does not say */
__u32 vm_tsc_khz(const struct vm *vm);

void vm_start(struct vm *vm, struct vfio *device);

/* The processor is out of the guest when this returns. */
void vm_stop(struct vm *vm);

#endif /* FLIPVM_VM_H */
