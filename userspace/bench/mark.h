/* SPDX-License-Identifier: GPL-2.0 */
/* What flipmark executes for count to see: nopl with a displacement of our own */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

#define MARK_NAME	"flipmark"	/* the thread */
#define MARK_BEGIN	0x0f, 0x1f, 0x80, 0x01, 0x46, 0x4b, 0x7f
#define MARK_END	0x0f, 0x1f, 0x80, 0x02, 0x46, 0x4b, 0x7f

#endif /* BENCH_MARK_H */
