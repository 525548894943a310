/* SPDX-License-Identifier: GPL-2.0 */
/* Counters as text: names and numbers on lines that begin with a label. */
#ifndef _KVMFLIP_CLI_COUNTERS_H
#define _KVMFLIP_CLI_COUNTERS_H

#include <cjson/cJSON.h>

void print_counters(const char *label, const cJSON *counters);
void print_stats(const cJSON *stats);

#endif /* _KVMFLIP_CLI_COUNTERS_H */
