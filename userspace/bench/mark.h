/* SPDX-License-Identifier: GPL-2.0 */
/* What flipmark executes for count to see: nopl with a displacement of our own */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

#define MARK_NAME	"flipmark"	/* the thread */
#define MARK_BEGIN	0x7f4b4601
#define MARK_END	0x7f4b4602

#endif /* BENCH_MARK_H */
