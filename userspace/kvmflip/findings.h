/* SPDX-License-Identifier: GPL-2.0 */
/* What kvmflip check finds, and where it looks. */
#ifndef _KVMFLIP_CLI_FINDINGS_H
#define _KVMFLIP_CLI_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "output.h"

/* How it is for flipping */
enum grade {
	GRADE_OK,	/* as it should be */
	GRADE_WARN,	/* it works, and costs more than it has to */
	GRADE_FAIL,	/* nothing can be flipped */
};

/**
 * struct findings - what was found
 * @list: the findings as objects
 * @failed: how many are GRADE_FAIL
 */
struct findings {
	cJSON *list;
	unsigned int failed;
};

void find(struct findings *findings, const char *check, enum grade grade,
	  const char *advice, const char *fmt, ...) __printf(5, 6);

bool read_text(char *text, size_t size, const char *fmt, ...) __printf(3, 4);
bool path_exists(const char *fmt, ...) __printf(1, 2);
bool link_name(char *name, size_t size, const char *fmt, ...) __printf(3, 4);
void root_path(char *path, size_t size, const char *fmt, ...) __printf(3, 4);

void check_host(struct findings *findings);
unsigned int check_nics(struct findings *findings, const char *dev);
void check_setup(struct findings *findings);

#endif /* _KVMFLIP_CLI_FINDINGS_H */
