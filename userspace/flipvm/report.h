/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPVM_REPORT_H
#define FLIPVM_REPORT_H

#include <stdio.h>

#include "delays.h"
#include "shared.h"

/* A copy that the guest did not write to in the middle */
void report_take(struct guest_result *copy, const struct guest_result *shared);

/* One line of JSON; @delays is NULL as long as frames come. */
void report_print(const struct guest_result *result, const char *error,
		  const struct delays *delays, FILE *to);

/* The same as a whole file, or not at all */
void report_write(const struct guest_result *result, const char *error,
		  const char *path);

#endif /* FLIPVM_REPORT_H */
