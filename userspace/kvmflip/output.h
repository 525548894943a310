/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the user sees: errors, and objects as text or JSON.
 *
 * An object is the same cJSON tree for both: numbers are raw items, so that
 * all 64 bits are printed as they came.
 */
#ifndef _KVMFLIP_OUTPUT_H
#define _KVMFLIP_OUTPUT_H

#include <stdbool.h>
#include <linux/types.h>

#include <cjson/cJSON.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __printf(fmt, args) __attribute__((__format__(__printf__, fmt, args)))

#define SIZE_LEN 24	/* of a size as text, with its NUL */

/* exit codes, and what commands return */
enum {
	EXIT_OK,
	EXIT_USAGE,	/* the command line makes no sense */
	EXIT_REFUSED,	/* the kernel or the system refused */
};

/**
 * struct options - the options before the object
 * @json: print JSON
 * @pretty: indent it
 * @stats: show counters too, and if it is more than 1 what they come to
 * @details: show of the counters why frames were copied or dropped
 * @quiet: print no objects
 * @where: FILE:LINE, if commands are read from a file, or NULL
 */
struct options {
	bool json;
	bool pretty;
	unsigned int stats;
	bool details;
	bool quiet;
	const char *where;
};

extern struct options options;

int usage_error(const char *fmt, ...) __printf(1, 2);
int refused(const char *fmt, ...) __printf(1, 2);
void warning(const char *fmt, ...) __printf(1, 2);

void obj_add_uint(cJSON *obj, const char *key, __u64 value);
__u64 obj_uint(const cJSON *obj, const char *key);
const char *obj_str(const cJSON *obj, const char *key);
bool obj_has(const cJSON *obj, const char *key);

void format_size(__u64 bytes, char text[SIZE_LEN]);
void print_size(const char *label, __u64 bytes);
int show_objects(cJSON *objs, void (*print_text)(const cJSON *obj));

#endif /* _KVMFLIP_OUTPUT_H */
