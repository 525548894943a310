// SPDX-License-Identifier: GPL-2.0
/*
 * calibrate: what the events cost on this machine, of which a frame has some.
 *
 * Prints JSON, in cycles of the time stamp counter: a copied and a zeroed byte, a system
 * call, a change of threads, a minor fault, a change of protection with and without
 * another processor to tell, and, where KVM is, an exit, a fault of a guest's page and
 * an invalidation of one while the guest uses it. Each is the least of some rounds.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "calibrate.h"

#define ROUNDS		5
#define CHUNK		4096u
#define CHUNKS		16384u		/* more than caches have room for */
#define FRAME_AT	256u
#define FRAME		1514u
#define RING		(2u << 20)
#define CALLS		10000u
#define PAGES		256u

static int cpus[2], n_cpus;
static const char *comma = "";

__u64 calibrate_now(void)
{
	unsigned int cpu;

	return __rdtscp(&cpu);
}

/* The least of what @round returns, several times: others only make it more. */
static double least(double (*round)(void *data), void *data)
{
	double of, min = round(data);
	int i;

	for (i = 1; i < ROUNDS; i++) {
		of = round(data);
		if (of < min)
			min = of;
	}
	return min;
}

void calibrate_print(const char *name, double (*round)(void *data), void *data)
{
	double value = least(round, data);

	if (value <= 0)
		return;
	printf("%s\n  \"%s\": %.4g", comma, name, value);
	fflush(stdout);
	comma = ",";
}

static void find_cpus(void)
{
	cpu_set_t set;
	int i;

	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (i = 0; i < CPU_SETSIZE && n_cpus < 2; i++)
		if (CPU_ISSET(i, &set))
			cpus[n_cpus++] = i;
}

void calibrate_stay_on(int which)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[which], &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *memory_of(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("calibrate: memory");
		exit(1);
	}
	return memory;
}

/* --- Memory ------------------------------------------------------------------ */

static char *pool, *ring;

/* As the kernel does it on a processor that has fast strings */
static void copy(void *to, const void *from, size_t n)
{
	asm volatile("rep movsb" : "+D" (to), "+S" (from), "+c" (n) : : "memory");
}

static void zero(void *to, size_t n)
{
	asm volatile("rep stosb" : "+D" (to), "+c" (n) : "a" (0) : "memory");
}

/* Frames that no cache has, into slots that are used again and again */
static double copied_byte(void *data)
{
	__u64 begin = calibrate_now();
	unsigned int i;

	(void)data;
	for (i = 0; i < CHUNKS; i++)
		copy(ring + i * 2048 % RING, pool + i * CHUNK + FRAME_AT, FRAME);
	return (double)(calibrate_now() - begin) / CHUNKS / FRAME;
}

/* What is behind the frame, which no cache has either */
static double zeroed_byte(void *data)
{
	const unsigned int at = FRAME_AT + FRAME;
	__u64 begin = calibrate_now();
	unsigned int i;

	(void)data;
	for (i = 0; i < CHUNKS; i++)
		zero(pool + i * CHUNK + at, CHUNK - at);
	return (double)(calibrate_now() - begin) / CHUNKS / (CHUNK - at);
}

static double copied_byte_2m(void *data)
{
	__u64 begin = calibrate_now();
	unsigned int i;

	(void)data;
	for (i = 0; i < CHUNKS * CHUNK; i += RING)
		copy(ring, pool + i, RING);
	return (double)(calibrate_now() - begin) / CHUNKS / CHUNK;
}

static double zeroed_byte_2m(void *data)
{
	__u64 begin = calibrate_now();
	unsigned int i;

	(void)data;
	for (i = 0; i < CHUNKS * CHUNK; i += RING)
		zero(pool + i, RING);
	return (double)(calibrate_now() - begin) / CHUNKS / CHUNK;
}

/* --- The kernel ---------------------------------------------------------------- */

static double system_call(void *data)
{
	__u64 begin = calibrate_now();
	unsigned int i;

	(void)data;
	for (i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return (double)(calibrate_now() - begin) / CALLS;
}

static int there[2], back[2];

static void *echo(void *data)
{
	char byte;

	(void)data;
	calibrate_stay_on(0);
	while (read(there[0], &byte, 1) == 1)
		if (write(back[1], &byte, 1) != 1)
			break;
	return NULL;
}

/* Two threads of one processor wake each other, by two system calls for each change. */
static double context_switch(void *data)
{
	double call = *(double *)data;
	unsigned int i;
	char byte = 0;
	__u64 begin;

	begin = calibrate_now();
	for (i = 0; i < CALLS; i++)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			return 0;
	return (double)(calibrate_now() - begin) / CALLS / 2 - 2 * call;
}

static void print_context_switch(void)
{
	double call = least(system_call, NULL);
	pthread_t thread;

	if (pipe(there) || pipe(back) || pthread_create(&thread, NULL, echo, NULL))
		return;
	calibrate_print("context_switch", context_switch, &call);
	close(there[1]);
	pthread_join(thread, NULL);
}

/* A file's page that is there, but not mapped */
static double minor_fault(void *data)
{
	volatile char *map;
	__u64 begin, cycles;
	unsigned int i;

	map = mmap(NULL, PAGES * CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, *(int *)data, 0);
	if (map == MAP_FAILED)
		return 0;
	madvise((void *)map, PAGES * CHUNK, MADV_RANDOM);
	begin = calibrate_now();
	for (i = 0; i < PAGES; i++)
		map[i * CHUNK] = 1;
	cycles = calibrate_now() - begin;
	munmap((void *)map, PAGES * CHUNK);
	return (double)cycles / PAGES;
}

/* A page that is in use loses a right and gets it back: two calls, one flush. */
static double protection(void *data)
{
	volatile char *page = data;
	__u64 cycles = 0, begin;
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		*page = 1;
		begin = calibrate_now();
		mprotect(data, CHUNK, PROT_READ);
		cycles += calibrate_now() - begin;
		mprotect(data, CHUNK, PROT_READ | PROT_WRITE);
	}
	return (double)cycles / PAGES;
}

static volatile int spinning;

static void *spin(void *data)
{
	calibrate_stay_on(1);
	spinning = 1;
	while (spinning)
		*(volatile char *)data;
	return NULL;
}

static void print_protection(void)
{
	void *page = memory_of(CHUNK);
	pthread_t thread;

	calibrate_print("flush", protection, page);
	if (n_cpus < 2 || pthread_create(&thread, NULL, spin, page))
		return;
	while (!spinning)
		;
	calibrate_print("flush_remote", protection, page);
	spinning = 0;
	pthread_join(thread, NULL);
}

static void print_cpu(void)
{
	char line[256], *name;
	FILE *file = fopen("/proc/cpuinfo", "r");

	while (file && fgets(line, sizeof(line), file)) {
		name = strstr(line, ": ");
		if (strncmp(line, "model name", 10) || !name)
			continue;
		name[strcspn(name, "\n\"\\")] = '\0';
		printf("{\n \"cpu\": \"%s\",\n \"cycles\": {", name + 2);
		fclose(file);
		return;
	}
	printf("{\n \"cpu\": \"?\",\n \"cycles\": {");
}

int main(int argc, char **argv)
{
	int file = memfd_create("calibrate", MFD_CLOEXEC);

	(void)argv;
	if (argc > 1) {
		fputs("usage: calibrate\nPrints what events cost on this machine, as JSON.\n",
		      stderr);
		return 2;
	}
	find_cpus();
	calibrate_stay_on(0);
	pool = memory_of(CHUNKS * CHUNK);
	ring = memory_of(RING);
	if (file < 0 || ftruncate(file, PAGES * CHUNK)) {
		perror("calibrate: a file in memory");
		return 1;
	}
	memset(pool, 1, CHUNKS * CHUNK);
	memset(ring, 1, RING);

	print_cpu();
	calibrate_print("copied_byte", copied_byte, NULL);
	calibrate_print("copied_byte_2m", copied_byte_2m, NULL);
	calibrate_print("zeroed_byte", zeroed_byte, NULL);
	calibrate_print("zeroed_byte_2m", zeroed_byte_2m, NULL);
	calibrate_print("system_call", system_call, NULL);
	print_context_switch();
	calibrate_print("minor_fault", minor_fault, &file);
	print_protection();
	calibrate_kvm(n_cpus > 1);
	printf("\n }\n}\n");
	return 0;
}
