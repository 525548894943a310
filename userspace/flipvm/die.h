/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPVM_DIE_H
#define FLIPVM_DIE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define die(format, ...) do {						\
	fprintf(stderr, "flipvm: " format "\n", ##__VA_ARGS__);		\
	exit(1);							\
} while (0)

/* With what errno says */
#define die_errno(format, ...)						\
	die(format ": %s", ##__VA_ARGS__, strerror(errno))

#endif /* FLIPVM_DIE_H */
