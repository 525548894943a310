/* SPDX-License-Identifier: GPL-2.0 */
/* calibrate: what is measured with a guest, and how it is printed */
#ifndef BENCH_CALIBRATE_H
#define BENCH_CALIBRATE_H

#include <linux/types.h>
#include <stdbool.h>

__u64 calibrate_now(void);
void calibrate_stay_on(int which);
void calibrate_print(const char *name, double (*round)(void *data), void *data);

/* What a guest costs; nothing is printed, if there is no KVM that works. */
void calibrate_kvm(bool two_cpus);

#endif /* BENCH_CALIBRATE_H */
