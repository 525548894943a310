// SPDX-License-Identifier: GPL-2.0
/*
 * count: a plugin of QEMU's that counts what the one processor of an emulated KVM
 * host executes, by address and by who executes it: the guests (all of them together),
 * or a thread of the host, in a softirq or not. Counts what string instructions write,
 * too, because such an instruction counts as one however much it copies.
 *
 *	-plugin count.so,out=FILE,switch=ADDRESS,softirq=ADDRESS,softirq_end=ADDRESS
 *
 * with the addresses of __switch_to, handle_softirqs and of what comes behind that.
 * flipmark says when to begin and when to end, see mark.h. FILE gets, for each time:
 *
 *	phase NUMBER
 *	who NUMBER { guest | THREAD { process | softirq } }
 *	ADDRESS INSTRUCTIONS WHO TIMES BYTES
 *
 * for each block that was executed so many times by WHO, and wrote so many bytes by
 * string instructions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"
#include "plugin.h"

#define EXPORTED	__attribute__((visibility("default")))
#define BUCKETS		(1 << 18)
#define THREADS		256
#define NAME_LEN	16
#define TASK_BYTES	8192	/* in which a thread's name is looked for */
#define RESUMES		4
#define GUEST		0	/* who: otherwise 2 + 2 * thread + softirq */

/**
 * struct count - of one block, by one of those who execute it
 * @next: by another one
 * @who: GUEST or a thread
 * @times: that it was executed
 * @bytes: that its string instruction has written
 */
struct count {
	struct count *next;
	unsigned int who;
	uint64_t times;
	uint64_t bytes;
};

/**
 * struct block - instructions that are executed one after the other
 * @next: of those with the same hash
 * @vaddr: where it begins
 * @insns: instructions
 * @string: address of its last instruction, if that is a repeated string instruction
 * @counts: of this phase
 */
struct block {
	struct block *next;
	uint64_t vaddr;
	uint64_t insns;
	uint64_t string;
	struct count *counts;
};

static struct block *blocks[BUCKETS];
static FILE *out;
static uint64_t switch_to, softirq, softirq_end;

static bool counting, in_guest, in_softirq;
static uint64_t in_string;	/* address of the string instruction that is not done */
static unsigned int phases;

static uint64_t task;		/* the thread's struct task_struct */
static size_t name_at;		/* of its name in there */
static unsigned int thread;
static char threads[THREADS][NAME_LEN + 1];
static unsigned int n_threads;

static void *resumes[RESUMES];	/* where the host goes on after a guest */
static unsigned int n_resumes;
static struct qemu_plugin_register *rsi;
static struct byte_array *bytes;

EXPORTED int qemu_plugin_version = PLUGIN_API;

static struct block *block_of(uint64_t vaddr, uint64_t insns, uint64_t string)
{
	struct block **head = &blocks[(vaddr ^ vaddr >> 18) % BUCKETS];
	struct block *block;

	for (block = *head; block; block = block->next)
		if (block->vaddr == vaddr && block->insns == insns && block->string == string)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	*block = (struct block) {
		.next = *head, .vaddr = vaddr, .insns = insns, .string = string,
	};
	*head = block;
	return block;
}

static struct count *count_of(struct block *block)
{
	unsigned int who = in_guest ? GUEST : 2 + 2 * thread + in_softirq;
	struct count *count;

	for (count = block->counts; count; count = count->next)
		if (count->who == who)
			return count;
	count = calloc(1, sizeof(*count));
	if (!count)
		abort();
	count->next = block->counts;
	count->who = who;
	block->counts = count;
	return count;
}

/* A string instruction that is not done is executed as a block of its own. */
static void on_block(unsigned int cpu, void *data)
{
	struct block *block = data;
	bool goes_on = block->string && in_string == block->vaddr;

	(void)cpu;
	in_string = block->string;
	if (counting && !goes_on)
		count_of(block)->times++;
}

static void on_string(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data)
{
	(void)cpu;
	(void)vaddr;
	if (counting)
		count_of(data)->bytes += 1u << qemu_plugin_mem_size_shift(info);
}

static void on_vmrun(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	in_guest = true;
}

static void on_resume(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	in_guest = false;
}

/* What is in a softirq does not switch to another thread. */
static void on_softirq(unsigned int cpu, void *data)
{
	(void)cpu;
	if (!in_guest)
		in_softirq = data;
}

static void find_thread(void)
{
	char name[NAME_LEN + 1] = "?";
	unsigned int i;

	if (name_at && qemu_plugin_read_memory_vaddr(task + name_at, bytes, NAME_LEN))
		memcpy(name, bytes->data, NAME_LEN);
	for (i = 0; i < n_threads && strcmp(threads[i], name); i++)
		;
	if (i == THREADS)
		i--;
	if (i == n_threads)
		memcpy(threads[n_threads++], name, sizeof(name));
	thread = i;
}

static void on_switch(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	if (in_guest)
		return;
	g_byte_array_set_size(bytes, 0);
	if (qemu_plugin_read_register(rsi, bytes) != sizeof(task))
		return;
	memcpy(&task, bytes->data, sizeof(task));
	if (counting)
		find_thread();
}

/* The thread that marks is called MARK_NAME: so it is known where names are. */
static void find_names(void)
{
	char *name;

	if (name_at || !task || !qemu_plugin_read_memory_vaddr(task, bytes, TASK_BYTES))
		return;
	name = memmem(bytes->data, TASK_BYTES, MARK_NAME, sizeof(MARK_NAME));
	if (name)
		name_at = name - (char *)bytes->data;
}

static void on_begin(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	find_names();
	n_threads = 0;
	counting = true;
	find_thread();
}

static void print_block(struct block *block)
{
	struct count *count;

	while ((count = block->counts)) {
		fprintf(out, "%lx %lu %u %lu %lu\n", block->vaddr, block->insns, count->who,
			count->times, count->bytes);
		block->counts = count->next;
		free(count);
	}
}

static void on_end(unsigned int cpu, void *data)
{
	struct block *block;
	unsigned int i;

	(void)cpu;
	(void)data;
	counting = false;
	fprintf(out, "phase %u\nwho %u guest\n", phases++, GUEST);
	for (i = 0; i < n_threads; i++)
		fprintf(out, "who %u %s process\nwho %u %s softirq\n",
			2 + 2 * i, threads[i], 3 + 2 * i, threads[i]);
	for (i = 0; i < BUCKETS; i++)
		for (block = blocks[i]; block; block = block->next)
			print_block(block);
	fflush(out);
}

/* Is it a repeated instruction that stores: movs or stos? */
static bool is_string(const uint8_t *code, size_t len)
{
	bool repeats = false;
	size_t i;

	for (i = 0; i < len; i++) {
		if (code[i] == 0xf2 || code[i] == 0xf3)
			repeats = true;
		else if (code[i] != 0x66 && code[i] != 0x67 && (code[i] & 0xf0) != 0x40)
			break;
	}
	return repeats && i + 1 == len &&
		(code[i] == 0xa4 || code[i] == 0xa5 || code[i] == 0xaa || code[i] == 0xab);
}

static bool is_resume(const void *haddr)
{
	unsigned int i;

	for (i = 0; i < n_resumes; i++)
		if (haddr && resumes[i] == haddr)
			return true;
	return false;
}

static void look_at_insn(struct qemu_plugin_insn *insn)
{
	static const uint8_t vmrun[] = { 0x0f, 0x01, 0xd8 };
	static const uint8_t nopl[] = { 0x0f, 0x1f, 0x80 };
	static const uint32_t begin = MARK_BEGIN, end = MARK_END;
	uint64_t vaddr = qemu_plugin_insn_vaddr(insn);
	size_t len = qemu_plugin_insn_size(insn);
	uint8_t code[16] = { 0 };
	void *haddr;

	qemu_plugin_insn_data(insn, code, sizeof(code));
	if (len == sizeof(vmrun) && !memcmp(code, vmrun, len)) {
		haddr = (char *)qemu_plugin_insn_haddr(insn) + len;
		if (!is_resume(haddr) && n_resumes < RESUMES)
			resumes[n_resumes++] = haddr;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_vmrun, NO_REGISTERS, NULL);
	}
	if (vaddr == softirq)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_softirq, NO_REGISTERS, insn);
	if (vaddr > softirq && vaddr < softirq_end && len == 1 && code[0] == 0xc3)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_softirq, NO_REGISTERS, NULL);
	if (vaddr == switch_to)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_switch, READS_REGISTERS, NULL);
	if (len != sizeof(nopl) + sizeof(begin) || memcmp(code, nopl, sizeof(nopl)))
		return;
	if (!memcmp(code + sizeof(nopl), &begin, sizeof(begin)))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_begin, READS_REGISTERS, NULL);
	if (!memcmp(code + sizeof(nopl), &end, sizeof(end)))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_end, NO_REGISTERS, NULL);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, n - 1);
	uint64_t string = 0;
	uint8_t code[16] = { 0 };
	struct block *block;

	(void)id;
	qemu_plugin_insn_data(insn, code, sizeof(code));
	if (is_string(code, qemu_plugin_insn_size(insn)))
		string = qemu_plugin_insn_vaddr(insn);
	block = block_of(qemu_plugin_tb_vaddr(tb), n, string);
	if (string)
		qemu_plugin_register_vcpu_mem_cb(insn, on_string, NO_REGISTERS, WRITES, block);
	if (is_resume(qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0))))
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_resume, NO_REGISTERS, NULL);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, NO_REGISTERS, block);
	for (i = 0; i < n; i++)
		look_at_insn(qemu_plugin_tb_get_insn(tb, i));
}

static void on_vcpu(qemu_plugin_id_t id, unsigned int cpu)
{
	struct array *registers = qemu_plugin_get_registers();
	struct register_name *names = (struct register_name *)registers->data;
	unsigned int i;

	(void)id;
	(void)cpu;
	for (i = 0; i < registers->len; i++)
		if (!strcmp(names[i].name, "rsi"))
			rsi = names[i].handle;
	g_array_free(registers, true);
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	char *name, *value;
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		value = argv[i];
		name = strsep(&value, "=");
		if (!value)
			return -1;
		if (!strcmp(name, "out"))
			out = fopen(value, "w");
		else if (!strcmp(name, "switch"))
			switch_to = strtoull(value, NULL, 16);
		else if (!strcmp(name, "softirq"))
			softirq = strtoull(value, NULL, 16);
		else if (!strcmp(name, "softirq_end"))
			softirq_end = strtoull(value, NULL, 16);
		else
			return -1;
	}
	if (!out || !switch_to || !softirq || !softirq_end) {
		fputs("count: needs out=, switch=, softirq= and softirq_end=\n", stderr);
		return -1;
	}
	bytes = g_byte_array_new();
	qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
