/* SPDX-License-Identifier: GPL-2.0 */
/* The command line: words that may be abbreviated, and values. */
#ifndef _KVMFLIP_PARSE_H
#define _KVMFLIP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define UUID_TEXT_LEN 37	/* with its NUL */

/**
 * struct args - words of the command line that are still to be read
 * @argc: how many
 * @argv: the next one first
 */
struct args {
	int argc;
	char **argv;
};

/**
 * struct command - an object, or a command of one
 * @name: in full
 * @run: does it; returns the exit code
 */
struct command {
	const char *name;
	int (*run)(struct args *args);
};

const char *next_arg(struct args *args);
bool is_help(const char *word);
int run_command(struct args *args, const struct command *commands, size_t n,
		const char *what, int (*help)(void));
int parse_name(struct args *args, const char *what, int (*help)(void),
	       const char **name);
int check_name(const char *what, const char *name);
int parse_choice(const char *what, const char *text, const char *const *choices,
		 size_t n, unsigned int *out);
int parse_keywords(struct args *args, const char *const *keys, size_t n,
		   const char **values);
int no_more_args(const struct args *args);

int parse_u32(const char *what, const char *text, __u32 max, __u32 *out);
int parse_size(const char *what, const char *text, __u64 *out);
int parse_positive_size(const char *what, const char *text, __u64 *out);
int parse_mac(const char *what, const char *text, __u8 mac[6]);
int parse_uuid(const char *what, const char *text, __u8 uuid[16]);
void format_mac(const __u8 mac[6], char text[18]);
void format_uuid(const __u8 uuid[16], char text[UUID_TEXT_LEN]);

#endif /* _KVMFLIP_PARSE_H */
