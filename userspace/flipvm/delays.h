/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPVM_DELAYS_H
#define FLIPVM_DELAYS_H

#include <stddef.h>
#include <linux/types.h>

/**
 * struct delays - how long frames took, in microseconds, more than the quickest
 * @frames: how many are known of
 * @median: of them
 * @p99: all but one in a hundred took no longer
 * @max: longest
 */
struct delays {
	size_t frames;
	__u32 median;
	__u32 p99;
	__u32 max;
};

/*
 * @units: of 1024 cycles of a processor of @khz, from any beginning; they are
 * put into order.
 */
struct delays delays_sum_up(__u32 *units, size_t n, __u32 khz);

#endif /* FLIPVM_DELAYS_H */
