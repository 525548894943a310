// SPDX-License-Identifier: GPL-2.0
/* calibrate: a guest of a few instructions, that leaves, touches memory, or uses a page */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calibrate.h"

#define CODE		0x1000u
#define PAGE		4096u
#define TOUCHED		0x100000u	/* where the guest's memory is that is measured */
#define PAGES		2048u
#define SIZE		(TOUCHED + PAGES * PAGE)
#define EXITS		10000u
#define TURNS		256u

/* 32-bit code: how often is at 1, ends by hlt */
static const __u8 exits[] = {
	0xbe, 0, 0, 0, 0,			/* mov $EXITS, %esi */
	0x31, 0xc0,				/* 5: xor %eax, %eax */
	0x0f, 0xa2,				/* cpuid */
	0x4e,					/* dec %esi */
	0x75, 0xf9,				/* jnz 5 */
	0xf4,
};

static const __u8 touches[] = {
	0xbe, 0, 0, 0, 0,			/* mov $PAGES, %esi */
	0xbf, 0, 0, 0x10, 0,			/* mov $TOUCHED, %edi */
	0xc6, 0x07, 0x01,			/* 10: movb $1, (%edi) */
	0x81, 0xc7, 0, 0x10, 0, 0,		/* add $PAGE, %edi */
	0x4e,					/* dec %esi */
	0x75, 0xf4,				/* jnz 10 */
	0xf4,
};

static const __u8 uses[] = {
	0xbe, 0, 0, 0, 0,
	0xbf, 0, 0, 0x10, 0,			/* mov $TOUCHED, %edi */
	0xc6, 0x07, 0x01,			/* 10: movb $1, (%edi) */
	0xeb, 0xfb,				/* jmp 10 */
};

static int vcpu = -1;
static struct kvm_run *run;
static char *ram;
static volatile bool ended;

/* Flat protected mode, at code that was copied there */
static bool begin(const __u8 *code, size_t size, __u32 times)
{
	struct kvm_regs regs = { .rflags = 2, .rip = CODE };
	struct kvm_segment flat = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1,
		.db = 1, .s = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	memcpy(ram + CODE, code, size);
	memcpy(ram + CODE + 1, &times, sizeof(times));
	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return false;
	sregs.cr0 |= 1;
	sregs.ds = flat;
	sregs.es = flat;
	sregs.ss = flat;
	sregs.cs = flat;
	sregs.cs.selector = 8;
	sregs.cs.type = 11;
	return !ioctl(vcpu, KVM_SET_SREGS, &sregs) && !ioctl(vcpu, KVM_SET_REGS, &regs);
}

/* Till the guest halts */
static bool finish(void)
{
	int err;

	do {
		err = ioctl(vcpu, KVM_RUN, 0);
	} while (err && (errno == EINTR || errno == EAGAIN) && !ended);
	return !err && run->exit_reason == KVM_EXIT_HLT;
}

static double exit_of(void *data)
{
	__u64 start;

	(void)data;
	if (!begin(exits, sizeof(exits), EXITS))
		return 0;
	start = calibrate_now();
	return finish() ? (double)(calibrate_now() - start) / EXITS : 0;
}

/* The pages are there, but no longer in the guest's page table. */
static double page_fault(void *data)
{
	__u64 start;

	(void)data;
	mprotect(ram + TOUCHED, PAGES * PAGE, PROT_NONE);
	mprotect(ram + TOUCHED, PAGES * PAGE, PROT_READ | PROT_WRITE);
	if (!begin(touches, sizeof(touches), PAGES))
		return 0;
	start = calibrate_now();
	return finish() ? (double)(calibrate_now() - start) / PAGES : 0;
}

/* A page is taken from the guest, which waits for it at once if it runs. */
static double invalidation(void *data)
{
	__u64 cycles = 0, start;
	unsigned int i;

	(void)data;
	for (i = 0; i < TURNS; i++) {
		ram[TOUCHED] = 0;
		/* not forever, if the guest does not run */
		for (start = calibrate_now(); !((volatile char *)ram)[TOUCHED];)
			if (calibrate_now() - start > 1u << 28)
				return 0;
		start = calibrate_now();
		madvise(ram + TOUCHED, PAGE, MADV_DONTNEED);
		cycles += calibrate_now() - start;
	}
	return (double)cycles / TURNS;
}

static void on_kick(int sig)
{
	(void)sig;	/* only to leave KVM_RUN */
}

static void *use(void *data)
{
	(void)data;
	calibrate_stay_on(1);
	finish();
	return NULL;
}

static void print_invalidation(void)
{
	const struct sigaction action = { .sa_handler = on_kick };
	pthread_t thread;

	sigaction(SIGUSR1, &action, NULL);
	if (!begin(uses, sizeof(uses), 0) || pthread_create(&thread, NULL, use, NULL))
		return;
	calibrate_print("invalidation", invalidation, NULL);
	ended = true;
	run->immediate_exit = 1;
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
}

/* Of a file, so that a page that is unmapped is still there */
static bool create_ram(void)
{
	int file = memfd_create("guest", MFD_CLOEXEC);

	if (file < 0 || ftruncate(file, SIZE))
		return false;
	ram = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (ram == MAP_FAILED)
		return false;
	madvise(ram, SIZE, MADV_NOHUGEPAGE);
	memset(ram, 1, SIZE);
	return true;
}

static bool create(void)
{
	struct kvm_userspace_memory_region region = { .memory_size = SIZE };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, size;

	vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || !create_ram())
		return false;
	ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000);	/* for old Intel processors */
	region.userspace_addr = (unsigned long)ram;
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return false;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	return vcpu >= 0 && run != MAP_FAILED && exit_of(NULL) > 0;
}

void calibrate_kvm(bool two_cpus)
{
	if (!create()) {
		perror("calibrate: there is no KVM that works, and no figure of it");
		return;
	}
	calibrate_print("exit", exit_of, NULL);
	calibrate_print("page_fault", page_fault, NULL);
	if (two_cpus)
		print_invalidation();
}
