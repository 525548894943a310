/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPVM_VM_H
#define FLIPVM_VM_H

#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>

struct kvm_run;
struct vfio;

#define VM_CPUS	2	/* at most */

/**
 * struct vcpu - a processor
 * @vm: whose it is
 * @fd: itself
 * @run: what KVM shares with us of it
 * @thread: runs it
 */
struct vcpu {
	struct vm *vm;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
};

/**
 * struct vm - a virtual machine
 * @kvm: /dev/kvm
 * @fd: the VM
 * @vcpu: its processors
 * @cpus: how many there are
 * @ram: the guest's low memory
 * @device: takes the accesses to its registers
 * @stop: the threads are to end
 * @error: why one ended by itself, or NULL
 */
struct vm {
	int kvm;
	int fd;
	struct vcpu vcpu[VM_CPUS];
	unsigned int cpus;
	__u8 *ram;
	struct vfio *device;
	bool stop;
	const char *error;
};

/* VM, memory, processors; exits with a message on failure, as all here do */
void vm_create(struct vm *vm, unsigned int cpus);

/* Let the guest see memory of ours. */
void vm_map(struct vm *vm, __u32 slot, __u64 gpa, void *hva, __u64 size);

/* An eventfd becomes an interrupt of the guest, as the device's MSI would. */
void vm_route_irq(struct vm *vm, int eventfd, __u32 vector);

/* Of the processors' time-stamp counter; 0 if KVM does not say */
__u32 vm_tsc_khz(const struct vm *vm);

void vm_start(struct vm *vm, struct vfio *device);

/* No processor is in the guest any more when this returns. */
void vm_stop(struct vm *vm);

#endif /* FLIPVM_VM_H */
