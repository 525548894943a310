/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that others write, and memory that is registers. */
#ifndef GUEST_ACCESS_H
#define GUEST_ACCESS_H

#include <linux/types.h>

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)

/* Memory may have changed, and what was written to it counts. */
static inline void barrier(void)
{
	asm volatile("" : : : "memory");
}

static inline __u32 read32(__u32 address)
{
	return READ_ONCE(*(__u32 *)address);
}

static inline void write32(__u32 address, __u32 value)
{
	WRITE_ONCE(*(__u32 *)address, value);
}

static inline __u32 load_acquire(const __u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void store_release(__u32 *p, __u32 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

#endif /* GUEST_ACCESS_H */
