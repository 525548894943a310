// SPDX-License-Identifier: GPL-2.0
/* How long frames took from the generator to the guest. */
#include <stdlib.h>

#include "delays.h"

static int compare(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

static __u32 usecs(__u32 units, __u32 khz)
{
	return units * 1024000ull / khz;
}

struct delays delays_sum_up(__u32 *units, size_t n, __u32 khz)
{
	struct delays delays = { .frames = n };
	__u32 origin;
	size_t i;

	if (!n || !khz)
		return delays;
	/*
	 * The sender's counter and the guest's began at different times: the
	 * values lie anywhere on the circle, though not far from one another.
	 */
	origin = units[0] - 0x80000000u;
	for (i = 0; i < n; i++)
		units[i] -= origin;
	qsort(units, n, sizeof(*units), compare);
	delays.median = usecs(units[n / 2] - units[0], khz);
	delays.p99 = usecs(units[n - 1 - n / 100] - units[0], khz);
	delays.max = usecs(units[n - 1] - units[0], khz);
	return delays;
}
