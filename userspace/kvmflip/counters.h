/* SPDX-License-Identifier: GPL-2.0 */
/* Counters as text: names and numbers on lines that begin with a label. */
#ifndef _KVMFLIP_CLI_COUNTERS_H
#define _KVMFLIP_CLI_COUNTERS_H

struct cJSON;

void print_stats(const struct cJSON *stats);
void print_counters(const char *label, const struct cJSON *counters);

#endif /* _KVMFLIP_CLI_COUNTERS_H */
