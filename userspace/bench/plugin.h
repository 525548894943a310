/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of QEMU's interface for TCG plugins, version 4 (QEMU 9.2 and later), that
 * count.c uses. Debian's packages of QEMU have the interface, but not its header.
 */
#ifndef BENCH_PLUGIN_H
#define BENCH_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLUGIN_API	4

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;

struct qemu_plugin_insn;
struct qemu_plugin_register;
struct qemu_plugin_tb;

/**
 * struct array - GLib's GArray
 * @data: the members
 * @len: number of them
 */
struct array {
	char *data;
	unsigned int len;
};

/**
 * struct byte_array - GLib's GByteArray
 * @data: the bytes
 * @len: number of them
 */
struct byte_array {
	uint8_t *data;
	unsigned int len;
};

struct byte_array *g_byte_array_new(void);
struct byte_array *g_byte_array_set_size(struct byte_array *array, unsigned int len);
char *g_array_free(struct array *array, int free_data);

enum plugin_registers { NO_REGISTERS, READS_REGISTERS };
enum plugin_access { READS = 1, WRITES };

/**
 * struct register_name - a register of the emulated processor
 * @handle: for qemu_plugin_read_register()
 * @name: as debuggers call it
 * @feature: the group it belongs to
 */
struct register_name {
	struct qemu_plugin_register *handle;
	const char *name;
	const char *feature;
};

typedef void (*vcpu_callback)(qemu_plugin_id_t id, unsigned int cpu);
typedef void (*translated_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*executed_callback)(unsigned int cpu, void *data);
typedef void (*memory_callback)(unsigned int cpu, qemu_plugin_meminfo_t info,
				uint64_t vaddr, void *data);

void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, vcpu_callback cb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_callback cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, executed_callback cb,
					  enum plugin_registers registers, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_callback cb,
					    enum plugin_registers registers, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, memory_callback cb,
				      enum plugin_registers registers, enum plugin_access access,
				      void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t len);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
bool qemu_plugin_read_memory_vaddr(uint64_t addr, struct byte_array *to, size_t len);
struct array *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(struct qemu_plugin_register *handle, struct byte_array *to);

#endif /* BENCH_PLUGIN_H */
