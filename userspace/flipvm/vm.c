// SPDX-License-Identifier: GPL-2.0
/* The virtual machine: all that is KVM's. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "die.h"
#include "guest_image.h"
#include "shared.h"
#include "vfio.h"
#include "vm.h"

#define KICK		SIGUSR2
#define MSI_ADDRESS	0xfee00000u	/* to local APIC 0 */
#define GSI_DEVICE	0		/* no pins, so any number will do */
#define CPUID_ENTRIES	256
#define CR0_PG		0x80000000u
#define LOST		"paging is on, which the guest never did"

static void on_kick(int sig)
{
	(void)sig;	/* only to leave KVM_RUN */
}

void vm_map(struct vm *vm, __u32 slot, __u64 gpa, void *hva, __u64 size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (unsigned long)hva,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		die_errno("memory slot at 0x%llx", gpa);
}

static void create_ram(struct vm *vm)
{
	vm->ram = mmap(NULL, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm->ram == MAP_FAILED)
		die_errno("guest memory");
	vm_map(vm, 0, 0, vm->ram, GUEST_RAM_SIZE);
	memcpy(vm->ram + GUEST_CODE, guest_image,
	       guest_image_end - guest_image);
}

/* The processor as it is; its local APIC is KVM's. */
static void set_cpuid(const struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) +
		       CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		die("no memory");
	cpuid->nent = CPUID_ENTRIES;
	if (ioctl(vcpu->vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) ||
	    ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		die_errno("CPUID");
	free(cpuid);
}

/* Flat protected mode, at the guest's entry, which finds in a which processor it is */
static void set_registers(const struct vcpu *vcpu, unsigned int number)
{
	struct kvm_regs regs = {
		.rflags = 2,
		.rip = GUEST_CODE,
		.rsp = number ? GUEST_SECOND_STACK : GUEST_STACK,
		.rax = number,
	};
	/* The second waits for nobody to start it. */
	struct kvm_mp_state runs = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_segment flat = {
		.limit = 0xffffffff,
		.selector = 16,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		die_errno("registers");
	sregs.cr0 |= 1;
	sregs.ds = flat;
	sregs.es = flat;
	sregs.fs = flat;
	sregs.gs = flat;
	sregs.ss = flat;
	sregs.cs = flat;
	sregs.cs.selector = 8;
	sregs.cs.type = 11;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(vcpu->fd, KVM_SET_REGS, &regs) ||
	    ioctl(vcpu->fd, KVM_SET_MP_STATE, &runs))
		die_errno("registers");
}

static void create_vcpu(struct vm *vm, unsigned int number)
{
	int size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct vcpu *vcpu = &vm->vcpu[number];

	vcpu->vm = vm;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, number);
	if (vcpu->fd < 0 || size < 0)
		die_errno("vCPU");
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		die_errno("vCPU");
	set_cpuid(vcpu);
	set_registers(vcpu, number);
}

void vm_create(struct vm *vm, unsigned int cpus)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP };

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		die_errno("/dev/kvm");
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		die_errno("VM");
	/* Three pages that KVM needs on old Intel processors */
	ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000);
	/* A local APIC in the kernel, and no other interrupt controller */
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &split))
		die_errno("interrupt controller");
	create_ram(vm);
	for (vm->cpus = 0; vm->cpus < cpus; vm->cpus++)
		create_vcpu(vm, vm->cpus);
}

void vm_route_irq(struct vm *vm, int eventfd, __u32 vector)
{
	struct kvm_irqfd irqfd = { .fd = eventfd, .gsi = GSI_DEVICE };
	struct kvm_irq_routing *routing;

	routing = calloc(1, sizeof(*routing) + sizeof(routing->entries[0]));
	if (!routing)
		die("no memory");
	routing->nr = 1;
	routing->entries[0].gsi = GSI_DEVICE;
	routing->entries[0].type = KVM_IRQ_ROUTING_MSI;
	routing->entries[0].u.msi.address_lo = MSI_ADDRESS;
	routing->entries[0].u.msi.data = vector;
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, routing) ||
	    ioctl(vm->fd, KVM_IRQFD, &irqfd))
		die_errno("interrupt routing");
	free(routing);
}

static void mmio(const struct vcpu *vcpu)
{
	__u64 at = vcpu->run->mmio.phys_addr - GUEST_REGS;
	__u32 len = vcpu->run->mmio.len;
	struct vm *vm = vcpu->vm;

	if (vcpu->run->mmio.phys_addr < GUEST_REGS ||
	    at + len > vm->device->regs_size)
		vm->error = "the guest accessed memory that is not there";
	else if (vcpu->run->mmio.is_write)
		vfio_reg_write(vm->device, at, vcpu->run->mmio.data, len);
	else
		vfio_reg_read(vm->device, at, vcpu->run->mmio.data, len);
}

/* An emulator may mix up the state of its guest and that of the guest's guest. */
static bool is_lost(const struct vcpu *vcpu)
{
	struct kvm_sregs sregs;

	return !ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) && sregs.cr0 & CR0_PG;
}

/* For whoever has to find out why; the report only has the error. */
static void complain(const struct vcpu *vcpu, const char *what)
{
	struct kvm_regs regs = { 0 };

	ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	fprintf(stderr, "flipvm: %s: exit reason %u at 0x%llx\n", what,
		vcpu->run->exit_reason, regs.rip);
	fprintf(stderr, "flipvm: a 0x%llx b 0x%llx c 0x%llx d 0x%llx si 0x%llx di 0x%llx\n",
		regs.rax, regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi);
	vcpu->vm->error = is_lost(vcpu) ? LOST : what;
}

static void *run(void *data)
{
	struct vcpu *vcpu = data;
	struct vm *vm = vcpu->vm;

	while (!__atomic_load_n(&vm->stop, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&vm->error, __ATOMIC_ACQUIRE)) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
			if (errno != EINTR && errno != EAGAIN)
				complain(vcpu, strerror(errno));
			continue;
		}
		switch (vcpu->run->exit_reason) {
		case KVM_EXIT_MMIO:
			mmio(vcpu);
			break;
		case KVM_EXIT_INTR:
			break;
		case KVM_EXIT_SHUTDOWN:
			complain(vcpu, "the guest crashed");
			break;
		default:
			complain(vcpu, "KVM cannot go on");
		}
	}
	return NULL;
}

__u32 vm_tsc_khz(const struct vm *vm)
{
	int khz = ioctl(vm->vcpu[0].fd, KVM_GET_TSC_KHZ, 0);

	return khz > 0 ? khz : 0;
}

void vm_start(struct vm *vm, struct vfio *device)
{
	const struct sigaction action = { .sa_handler = on_kick };
	unsigned int i;

	sigaction(KICK, &action, NULL);
	vm->device = device;
	for (i = 0; i < vm->cpus; i++)
		if (pthread_create(&vm->vcpu[i].thread, NULL, run, &vm->vcpu[i]))
			die("no thread");
}

void vm_stop(struct vm *vm)
{
	struct vcpu *vcpu;

	__atomic_store_n(&vm->stop, true, __ATOMIC_RELEASE);
	for (vcpu = vm->vcpu; vcpu < vm->vcpu + vm->cpus; vcpu++) {
		/* Whether the kick finds the thread in KVM_RUN or just before it */
		vcpu->run->immediate_exit = 1;
		pthread_kill(vcpu->thread, KICK);
		pthread_join(vcpu->thread, NULL);
		if (!vm->error && is_lost(vcpu))
			complain(vcpu, LOST);
	}
}
