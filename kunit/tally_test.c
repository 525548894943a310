// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: frames that wait for their buffer to fill. */

#include <kunit/resource.h>
#include <linux/prandom.h>
#include <linux/time64.h>

#include "../src/host/tally.h"
#include "fixture.h"

#define KFT_BUFFERS	4

/* Frames of these lengths, when ports have this copybreak. */
#define KFT_COPYBREAK	256
#define KFT_SMALL	256
#define KFT_LARGE	257

/**
 * struct kft_tally - a queue's waiting frames under test
 * @tally: the frames
 * @table: the buffers they lie in
 * @port: as many ports as may wait, that are no more than addresses
 * @chunk: number of the next chunk that gets a frame
 */
struct kft_tally {
	struct kvmflip_tally tally;
	struct kvmflip_buffers table;
	struct kvmflip_port *port;
	u32 chunk;
};

static void kft_destroy(void *data)
{
	struct kft_tally *kft = data;

	kvmflip_tally_destroy(&kft->tally);
	kvmflip_buffers_destroy(&kft->table);
}

static struct kft_tally *kft_tally(struct kunit *test, u32 chunk_order)
{
	struct kft_tally *kft = kunit_kzalloc(test, sizeof(*kft), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kft);
	KUNIT_ASSERT_EQ(test, kvmflip_buffers_init(&kft->table, "", KFT_BUFFERS, chunk_order), 0);
	KUNIT_ASSERT_EQ(test, kvmflip_tally_init(&kft->tally, KFT_BUFFERS, 1U << chunk_order), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_destroy, kft), 0);
	kft->port = kunit_kzalloc(test, sizeof(*kft->port), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kft->port);
	return kft;
}

static struct kvmflip_waiter *kft_join(struct kunit *test, struct kft_tally *kft, u32 id)
{
	struct kvmflip_waiter waiter = {
		.port = kft->port,
		.id = id,
		.gen = 1000 + id,
		.copybreak = KFT_COPYBREAK,
		.latency = NSEC_PER_MSEC,
		.tenant = 100 + id,
		.runs = 77,
	};
	struct kvmflip_waiter *joined = kvmflip_tally_join(&kft->tally, &waiter);

	KUNIT_ASSERT_NOT_NULL(test, joined);
	KUNIT_EXPECT_EQ(test, joined->runs, 0);
	return joined;
}

/* A frame arrives in the next chunk. */
static void kft_add(struct kft_tally *kft, struct kvmflip_waiter *waiter, u32 len)
{
	kft->table.chunk[kft->chunk].len = len;
	kft->table.chunk[kft->chunk].waiter = waiter->index;
	kvmflip_tally_add(&kft->tally, waiter, kvmflip_buffer_of(&kft->table, kft->chunk),
			  kft->chunk, 1);
	kft->chunk++;
}

/**
 * struct kft_election - frames in a buffer, and who gets it
 * @name: of the case
 * @chunk_order: log2 of the chunks in the buffer
 * @dirty: whose bytes are in the buffer
 * @large: frames for each of four ports, in turn
 * @small: likewise, of up to copybreak bytes
 * @owner: index of the port that must get it, or -1
 */
struct kft_election {
	const char *name;
	u32 chunk_order;
	u64 dirty;
	u16 large[4];
	u16 small[4];
	int owner;
};

/* Ports 0 to 3 have numbers 13, 11, 14, 12 and guests 113, 111, 114, 112. */
static const u32 kft_ids[] = { 13, 11, 14, 12 };

static const struct kft_election kft_elections[] = {
	{ "empty", 9, 0, {}, {}, -1 },
	{ "empty, one chunk", 0, 0, {}, {}, -1 },
	{ "one frame of one", 0, 0, { 1 }, {}, 0 },
	{ "one of two chunks", 1, 0, { 0, 1 }, {}, 1 },
	{ "two ports, two chunks", 1, 0, { 1, 1 }, {}, 1 },
	{ "two ports, two chunks, dirty", 1, 113, { 1, 1 }, {}, 0 },
	{ "small frame in one chunk", 0, 0, {}, { 1 }, -1 },
	{ "small and large in two chunks", 1, 0, { 0, 1 }, { 1 }, 1 },
	{ "all for one", 9, 0, { 512 }, {}, 0 },
	{ "all for one, others' before", 9, 111, { 512 }, {}, 0 },
	{ "majority", 9, 0, { 200, 312 }, {}, 1 },
	{ "one more is enough", 9, 0, { 170, 171, 171, 0 }, {}, 1 },
	{ "a relative majority", 9, 0, { 170, 0, 172, 170 }, {}, 2 },
	{ "majority before dirty", 9, 111, { 257, 255 }, {}, 0 },
	{ "tie, lowest number", 9, 0, { 170, 170, 170, 0 }, {}, 1 },
	{ "tie, lowest number is last", 9, 0, { 170, 0, 170, 170 }, {}, 3 },
	{ "tie, dirty by the highest", 9, 114, { 170, 170, 170, 0 }, {}, 2 },
	{ "tie, dirty by the first", 9, 113, { 170, 170, 170, 0 }, {}, 0 },
	{ "tie, dirty by one who is behind", 9, 112, { 171, 171, 0, 170 }, {}, 1 },
	{ "tie, dirty by somebody else", 9, KVMFLIP_DIRTY, { 200, 200 }, {}, 1 },
	{ "no quorum", 9, 0, { 169 }, {}, -1 },
	{ "quorum", 9, 0, { 170 }, {}, 0 },
	{ "several, none with a quorum", 9, 0, { 128, 128, 128, 128 }, {}, -1 },
	{ "one with a quorum", 9, 0, { 114, 170, 114, 114 }, {}, 1 },
	{ "no quorum of small chunks", 10, 0, { 340 }, {}, -1 },
	{ "quorum of small chunks", 10, 0, { 341 }, {}, 0 },
	{ "no quorum of few chunks", 4, 0, { 4 }, {}, -1 },
	{ "only small", 9, 0, {}, { 512 }, -1 },
	{ "small ones do not vote", 9, 0, { 170 }, { 0, 342 }, 0 },
	{ "small ones make no quorum", 9, 0, { 169 }, { 343 }, -1 },
	{ "small ones do not break a tie", 9, 0, { 200, 200 }, { 100 }, 1 },
};

KUNIT_ARRAY_PARAM_DESC(kft_election, kft_elections, name);

static void kft_elect(struct kunit *test)
{
	const struct kft_election *row = test->param_value;
	struct kft_tally *kft = kft_tally(test, row->chunk_order);
	struct kvmflip_waiter *waiter[4];
	DECLARE_BITMAP(others, KVMFLIP_WAITERS) = {};
	u32 i, p, owner, end = 0, frames = 0;

	for (p = 0; p < 4; p++)
		waiter[p] = kft_join(test, kft, kft_ids[p]);
	kft->table.buf[0].dirty = row->dirty;
	/* In turn, as far as there are any. */
	for (i = 0; i < 1U << row->chunk_order; i++)
		for (p = 0; p < 4; p++) {
			if (i < row->large[p])
				kft_add(kft, waiter[p], KFT_LARGE);
			if (i < row->small[p])
				kft_add(kft, waiter[p], KFT_SMALL);
		}
	frames = kft->chunk;
	KUNIT_ASSERT_LE(test, frames, 1U << row->chunk_order);
	/* What lies in another buffer has no say. */
	kft->chunk = 1U << row->chunk_order;
	for (i = 0; i < 1U << row->chunk_order; i++)
		kft_add(kft, waiter[2], KFT_LARGE);

	owner = kvmflip_tally_elect(&kft->tally, &kft->table, &kft->table.buf[0], others, &end);
	if (row->owner < 0)
		KUNIT_EXPECT_EQ(test, owner, KVMFLIP_NO_WAITER);
	else
		KUNIT_EXPECT_EQ(test, owner, waiter[row->owner]->index);
	KUNIT_EXPECT_EQ(test, end, kft->table.buf[0].end);
	for (p = 0; p < 4; p++)
		KUNIT_EXPECT_EQ_MSG(test, test_bit(p, others),
				    p != row->owner && (row->large[p] || row->small[p]),
				    "port %u", p);
}

/* The end of a group does not go back, and stands behind frames of other buffers. */
static void kft_elect_end(struct kunit *test)
{
	struct kft_tally *kft = kft_tally(test, 1);
	struct kvmflip_waiter *waiter = kft_join(test, kft, 1);
	DECLARE_BITMAP(others, KVMFLIP_WAITERS) = {};
	static const u32 order[] = { 0, 2, 4, 3, 1, 6 };
	u32 i, end = U32_MAX - 2;

	/* The indices wrap on the way. */
	kft->tally.tail = U32_MAX - 2;
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		kft->chunk = order[i];
		kft_add(kft, waiter, KFT_LARGE);
	}
	kvmflip_tally_elect(&kft->tally, &kft->table, &kft->table.buf[1], others, &end);
	KUNIT_EXPECT_EQ(test, end, U32_MAX - 2 + 4);
	kvmflip_tally_elect(&kft->tally, &kft->table, &kft->table.buf[2], others, &end);
	KUNIT_EXPECT_EQ(test, end, U32_MAX - 2 + 4);
	kvmflip_tally_elect(&kft->tally, &kft->table, &kft->table.buf[0], others, &end);
	KUNIT_EXPECT_EQ(test, end, U32_MAX - 2 + 5);
	kvmflip_tally_elect(&kft->tally, &kft->table, &kft->table.buf[3], others, &end);
	KUNIT_EXPECT_EQ(test, end, U32_MAX - 2 + 6);
}

/* What is delivered has no vote any more. */
static void kft_elect_delivered(struct kunit *test)
{
	struct kft_tally *kft = kft_tally(test, 2);
	struct kvmflip_waiter *a = kft_join(test, kft, 1), *b = kft_join(test, kft, 2);
	DECLARE_BITMAP(others, KVMFLIP_WAITERS) = {};
	u32 end = 0;

	kft_add(kft, a, KFT_LARGE);
	kft_add(kft, a, KFT_LARGE);
	kft_add(kft, b, KFT_LARGE);
	kft->table.chunk[0].waiter = KVMFLIP_NO_WAITER;
	kft->table.chunk[1].waiter = KVMFLIP_NO_WAITER;
	KUNIT_EXPECT_EQ(test, kvmflip_tally_elect(&kft->tally, &kft->table, &kft->table.buf[0],
						  others, &end),
			b->index);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(others, KVMFLIP_WAITERS));
}

static void kft_waiters(struct kunit *test)
{
	struct kft_tally *kft = kft_tally(test, 9);
	struct kvmflip_tally *tally = &kft->tally;
	struct kvmflip_waiter *waiter[KVMFLIP_WAITERS];
	u32 i;

	KUNIT_EXPECT_NULL(test, kvmflip_tally_find(tally, 0, 0));
	for (i = 0; i < KVMFLIP_WAITERS; i++) {
		KUNIT_EXPECT_FALSE(test, kvmflip_tally_crowded(tally, KVMFLIP_WAITERS - i));
		KUNIT_EXPECT_TRUE(test, kvmflip_tally_crowded(tally, KVMFLIP_WAITERS - i + 1));
		KUNIT_EXPECT_NULL(test, kvmflip_tally_find(tally, i, 1000 + i));
		waiter[i] = kft_join(test, kft, i);
	}
	KUNIT_EXPECT_FALSE(test, kvmflip_tally_crowded(tally, 0));
	KUNIT_EXPECT_TRUE(test, kvmflip_tally_crowded(tally, 1));
	for (i = 0; i < KVMFLIP_WAITERS; i++) {
		KUNIT_EXPECT_EQ(test, waiter[i]->index, i);
		KUNIT_EXPECT_PTR_EQ(test, kvmflip_tally_find(tally, i, 1000 + i), waiter[i]);
		/* It takes both. */
		KUNIT_EXPECT_NULL(test, kvmflip_tally_find(tally, i, 1001 + i));
		KUNIT_EXPECT_NULL(test, kvmflip_tally_find(tally, i + 1, 1000 + i));
	}

	/* Another generation of a port is somebody else. */
	kvmflip_tally_leave(tally, waiter[9]);
	KUNIT_EXPECT_NULL(test, kvmflip_tally_find(tally, 9, 1009));
	KUNIT_EXPECT_FALSE(test, kvmflip_tally_crowded(tally, 1));
	KUNIT_EXPECT_PTR_EQ(test, kft_join(test, kft, 700), waiter[9]);
	KUNIT_EXPECT_NULL(test, kvmflip_tally_find(tally, 9, 1009));
	KUNIT_EXPECT_PTR_EQ(test, kvmflip_tally_find(tally, 700, 1700), waiter[9]);
}

/* Ports whose numbers end alike are told from each other, in whatever order they leave. */
static void kft_waiters_collide(struct kunit *test)
{
	struct kft_tally *kft = kft_tally(test, 2);
	struct kvmflip_tally *tally = &kft->tally;
	struct kvmflip_waiter *waiter[3];
	u32 i, left;

	for (left = 0; left < 3; left++) {
		for (i = 0; i < 3; i++)
			waiter[i] = kft_join(test, kft, 5 + i * KVMFLIP_WAITERS);
		kvmflip_tally_leave(tally, waiter[left]);
		for (i = 0; i < 3; i++) {
			KUNIT_EXPECT_PTR_EQ(test, kvmflip_tally_find(tally, waiter[i]->id,
								     waiter[i]->gen),
					    i == left ? NULL : waiter[i]);
			if (i != left)
				kvmflip_tally_leave(tally, waiter[i]);
		}
		KUNIT_EXPECT_TRUE(test, bitmap_empty(tally->used, KVMFLIP_WAITERS));
		KUNIT_EXPECT_NULL(test, kvmflip_tally_find(tally, 5, 1005));
	}
}

/* Takes a run: frames of port @i from @n on. Returns the number behind them. */
static u32 kft_take(struct kunit *test, struct kft_tally *kft, struct kvmflip_waiter *waiter,
		    u32 i, u32 n)
{
	const struct kvmflip_run *run = kvmflip_tally_take(&kft->tally, waiter);

	KUNIT_ASSERT_PTR_EQ(test, run->waiter, waiter);
	KUNIT_ASSERT_EQ(test, run->chunk, i << 16 | n);
	KUNIT_ASSERT_LE(test, (run->chunk & 15) + run->end - run->chunk, 16);
	return n + run->end - run->chunk;
}

/* Each port's frames come in their order, and as far as they are asked for. */
static void kft_order(struct kunit *test)
{
	struct kft_tally *kft = kft_tally(test, 4);
	struct kvmflip_tally *tally = &kft->tally;
	u32 i, round, begin, end, in[3] = {}, out[3] = {};
	struct kvmflip_waiter *waiter[3];
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 2004);
	for (i = 0; i < 3; i++)
		waiter[i] = kft_join(test, kft, i);
	tally->tail = U32_MAX - 100;
	for (round = 0; round < 300; round++) {
		begin = tally->tail;
		while (tally->tail - begin < tally->nr) {
			i = prandom_u32_state(&rnd) % 3;
			kvmflip_tally_add(tally, waiter[i], kft->table.buf, i << 16 | in[i]++,
					  round);
			/* Some are taken at once, and what comes later is another run. */
			if (!(prandom_u32_state(&rnd) % 4))
				out[i] = kft_take(test, kft, waiter[i], i, out[i]);
			KUNIT_ASSERT_LE(test, waiter[i]->runs, in[i] - out[i]);
			KUNIT_ASSERT_EQ(test, !waiter[i]->runs, in[i] == out[i]);
			KUNIT_ASSERT_FALSE(test, kvmflip_waiter_before(waiter[i], begin));
		}
		end = begin + prandom_u32_state(&rnd) % tally->nr;
		for (i = 0; i < 3; i++) {
			while (kvmflip_waiter_before(waiter[i], end))
				out[i] = kft_take(test, kft, waiter[i], i, out[i]);
			while (kvmflip_waiter_before(waiter[i], tally->tail))
				out[i] = kft_take(test, kft, waiter[i], i, out[i]);
			KUNIT_ASSERT_EQ(test, waiter[i]->runs, 0);
			KUNIT_ASSERT_EQ(test, out[i], in[i]);
		}
	}
}

/* One run as long as chunks follow each other in a buffer, and are the same port's. */
static void kft_runs(struct kunit *test)
{
	static const struct {
		u32 chunk;
		u32 port;
		u32 runs;
	} adds[] = {
		{ 0, 0, 1 }, { 1, 0, 1 }, { 3, 0, 2 }, { 2, 0, 3 }, { 3, 0, 3 }, { 4, 0, 4 },
		{ 5, 1, 5 }, { 6, 0, 6 }, { 6, 0, 7 }, { 7, 0, 7 }, { 8, 0, 8 },
	};
	struct kft_tally *kft = kft_tally(test, 2);
	struct kvmflip_waiter *waiter[2];
	struct kvmflip_tally *tally = &kft->tally;
	u32 i;

	waiter[0] = kft_join(test, kft, 1);
	waiter[1] = kft_join(test, kft, 2);
	for (i = 0; i < ARRAY_SIZE(adds); i++) {
		kvmflip_tally_add(tally, waiter[adds[i].port], kft->table.buf, adds[i].chunk, 1);
		KUNIT_EXPECT_EQ_MSG(test, tally->tail, adds[i].runs, "frame %u", i);
	}
	KUNIT_EXPECT_EQ(test, waiter[0]->runs, 7);
	KUNIT_EXPECT_EQ(test, waiter[1]->runs, 1);
}

/* Since when a port waits is when the first of its frames came. */
static void kft_since(struct kunit *test)
{
	struct kft_tally *kft = kft_tally(test, 2);
	struct kvmflip_tally *tally = &kft->tally;
	struct kvmflip_waiter *waiter = kft_join(test, kft, 1);

	kvmflip_tally_add(tally, waiter, kft->table.buf, 0, 500);
	kvmflip_tally_add(tally, waiter, kft->table.buf, 1, 900);
	KUNIT_EXPECT_EQ(test, waiter->since, 500);
	KUNIT_EXPECT_EQ(test, kvmflip_tally_take(tally, waiter)->end, 2);
	kvmflip_tally_add(tally, waiter, kft->table.buf, 2, 1300);
	KUNIT_EXPECT_EQ(test, waiter->since, 1300);
}

/* Frames come, so many at a time, for a while. Returns the time at the end. */
static u64 kft_traffic(struct kvmflip_tally *tally, u64 now, u32 burst, u64 every_ns, u32 bursts)
{
	while (bursts--) {
		now += every_ns;
		kvmflip_tally_count(tally, burst, now);
	}
	return now;
}

/**
 * struct kft_rate - steady traffic
 * @name: of the case
 * @burst: frames that are seen at once
 * @every: microseconds from burst to burst
 * @frame_ns: nanoseconds a frame, as they come
 */
struct kft_rate {
	const char *name;
	u32 burst;
	u32 every;
	u64 frame_ns;
};

static const struct kft_rate kft_rates[] = {
	{ "line rate", 64, 5, 78 },
	{ "a frame at a time", 1, 10, 10000 },
	{ "bursts", 64, 1000, 15625 },
	{ "small bursts", 16, 3000, 187500 },
	{ "slow", 1, 1000, 1000000 },
	{ "very slow", 1, 100000, 100000000 },
};

KUNIT_ARRAY_PARAM_DESC(kft_rate, kft_rates, name);

/* The estimate is right within an eighth, soon, and then does not move. */
static void kft_rate_steady(struct kunit *test)
{
	const struct kft_rate *row = test->param_value;
	struct kvmflip_tally *tally = &kft_tally(test, 9)->tally;
	u64 now = 1000, steady;
	u32 i;

	KUNIT_EXPECT_GE(test, tally->steady_ns, NSEC_PER_SEC);
	now = kft_traffic(tally, now, row->burst, row->every * NSEC_PER_USEC, 600);
	steady = tally->steady_ns;
	KUNIT_EXPECT_LE(test, steady, row->frame_ns + row->frame_ns / 8);
	KUNIT_EXPECT_GE(test, steady, row->frame_ns - row->frame_ns / 8);
	KUNIT_EXPECT_EQ(test, kvmflip_tally_fill_ns(tally), 512 * steady);
	for (i = 0; i < 2000; i++) {
		now = kft_traffic(tally, now, row->burst, row->every * NSEC_PER_USEC, 1);
		KUNIT_ASSERT_EQ(test, tally->steady_ns, steady);
	}
}

/* Traffic that goes up and down by a tenth changes nothing. */
static void kft_rate_wobbles(struct kunit *test)
{
	struct kvmflip_tally *tally = &kft_tally(test, 9)->tally;
	struct rnd_state rnd;
	u64 now = 1000, steady;
	u32 i, changes = 0;

	prandom_seed_state(&rnd, 2004);
	now = kft_traffic(tally, now, 64, 100000, 100);
	steady = tally->steady_ns;
	for (i = 0; i < 10000; i++) {
		now = kft_traffic(tally, now, 64, 90000 + prandom_u32_state(&rnd) % 20001, 1);
		changes += tally->steady_ns != steady;
	}
	KUNIT_EXPECT_EQ(test, changes, 0);
}

/* Whoever has a budget near the rate is not tossed about by it. */
static void kft_rate_no_flapping(struct kunit *test)
{
	struct kft_tally *kft = kft_tally(test, 9);
	struct kvmflip_waiter *waiter = kft_join(test, kft, 1);
	struct kvmflip_tally *tally = &kft->tally;
	bool due, before = true;
	struct rnd_state rnd;
	u32 i, switches = 0;
	u64 now = 1000;

	prandom_seed_state(&rnd, 2004);
	/* A buffer fills in 1 ms, give or take a fifth, and so long frames may wait. */
	for (i = 0; i < 20000; i++) {
		now = kft_traffic(tally, now, 64, 100000 + prandom_u32_state(&rnd) % 50001, 1);
		kvmflip_tally_add(tally, waiter, kft->table.buf, 0, now);
		due = kvmflip_waiter_due(waiter, now);
		kvmflip_tally_take(tally, waiter);
		switches += due != before;
		before = due;
	}
	KUNIT_EXPECT_LE(test, switches, 2);
}

/**
 * struct kft_change - traffic that changes
 * @name: of the case
 * @before: nanoseconds from burst to burst of 64
 * @after: likewise, later
 * @frames: after so many frames at the latest it must have been noticed
 */
struct kft_change {
	const char *name;
	u64 before;
	u64 after;
	u32 frames;
};

static const struct kft_change kft_changes[] = {
	{ "starts", 64 * 1000000ULL, 6400, 512 },
	{ "four times as fast", 64000, 16000, 2048 },
	{ "twice as fast", 64000, 32000, 2048 },
	{ "half as fast", 32000, 64000, 2048 },
	{ "a fifth as fast", 32000, 160000, 512 },
	{ "almost ends", 6400, 64 * 1000000ULL, 512 },
};

KUNIT_ARRAY_PARAM_DESC(kft_change, kft_changes, name);

static void kft_rate_changes(struct kunit *test)
{
	const struct kft_change *row = test->param_value;
	struct kvmflip_tally *tally = &kft_tally(test, 9)->tally;
	u64 now = 1000, want = row->after / 64;

	now = kft_traffic(tally, now, 64, row->before, 100);
	now = kft_traffic(tally, now, 64, row->after, row->frames / 64);
	KUNIT_EXPECT_LE(test, tally->steady_ns, want + want * 3 / 8);
	KUNIT_EXPECT_GE(test, tally->steady_ns, want - want * 3 / 8);
}

/* When nothing comes any more, that is noticed by whoever looks. */
static void kft_rate_ends(struct kunit *test)
{
	struct kvmflip_tally *tally = &kft_tally(test, 9)->tally;
	u64 now = 1000;

	now = kft_traffic(tally, now, 64, 6400, 100);
	KUNIT_EXPECT_LE(test, kvmflip_tally_fill_ns(tally), NSEC_PER_MSEC);
	kvmflip_tally_count(tally, 0, now + 20 * NSEC_PER_MSEC);
	KUNIT_EXPECT_GE(test, kvmflip_tally_fill_ns(tally), 10 * NSEC_PER_MSEC);
}

/**
 * struct kft_due - when frames may wait no longer
 * @name: of the case
 * @frame_ns: from frame to frame
 * @chunks: in a buffer
 * @latency: of the port
 * @waited: since the first frame came
 * @due: the verdict
 */
struct kft_due {
	const char *name;
	u64 frame_ns;
	u32 chunks;
	u64 latency;
	u64 waited;
	bool due;
};

static const struct kft_due kft_dues[] = {
	{ "just come", 100, 512, 1000000, 0, false },
	{ "not yet", 100, 512, 1000000, 999999, false },
	{ "now", 100, 512, 1000000, 1000000, true },
	{ "long ago", 100, 512, 1000000, U64_MAX / 2, true },
	{ "fills just in time", 1000, 512, 512000, 0, false },
	{ "fills just too late", 1000, 512, 511999, 0, true },
	{ "smaller chunks fill later", 1000, 1024, 512000, 0, true },
	{ "a single chunk", 1000, 1, 1000, 0, false },
	{ "nothing known of the rate", 1ULL << 40, 512, 1000000, 0, true },
	{ "nothing known, endless patience", 1ULL << 40, 512, U64_MAX, 0, false },
	{ "no patience", 100, 512, 0, 0, true },
	{ "no patience, a single chunk", 1, 1, 0, 0, true },
};

KUNIT_ARRAY_PARAM_DESC(kft_due, kft_dues, name);

static void kft_due(struct kunit *test)
{
	const struct kft_due *row = test->param_value;
	struct kft_tally *kft = kft_tally(test, 9);
	struct kvmflip_waiter *waiter = kft_join(test, kft, 1);

	kft->tally.steady_ns = row->frame_ns;
	kft->tally.chunks = row->chunks;
	waiter->latency = row->latency;
	kvmflip_tally_add(&kft->tally, waiter, kft->table.buf, 0, 5000);
	KUNIT_EXPECT_EQ(test, kvmflip_waiter_due(waiter, 5000 + row->waited), row->due);
}

/* Frames that began to wait go on, and those that did not do not. */
static void kft_due_decided_once(struct kunit *test)
{
	struct kft_tally *kft = kft_tally(test, 9);
	struct kvmflip_waiter *a = kft_join(test, kft, 1), *b = kft_join(test, kft, 2);
	struct kvmflip_tally *tally = &kft->tally;

	tally->steady_ns = 100;
	kvmflip_tally_add(tally, a, kft->table.buf, 0, 5000);
	tally->steady_ns = 100000;
	kvmflip_tally_add(tally, a, kft->table.buf, 1, 6000);
	kvmflip_tally_add(tally, b, kft->table.buf, 2, 6000);
	KUNIT_EXPECT_FALSE(test, kvmflip_waiter_due(a, 6000));
	KUNIT_EXPECT_TRUE(test, kvmflip_waiter_due(b, 6000));
	KUNIT_EXPECT_FALSE(test, kvmflip_waiter_due(a, 5000 + NSEC_PER_MSEC - 1));
	KUNIT_EXPECT_TRUE(test, kvmflip_waiter_due(a, 5000 + NSEC_PER_MSEC));
	tally->steady_ns = 100;
	kvmflip_tally_add(tally, b, kft->table.buf, 3, 7000);
	KUNIT_EXPECT_TRUE(test, kvmflip_waiter_due(b, 7000));

	/* The next first frame decides anew. */
	KUNIT_EXPECT_EQ(test, kvmflip_tally_take(tally, b)->end, 4);
	kvmflip_tally_add(tally, b, kft->table.buf, 4, 8000);
	KUNIT_EXPECT_FALSE(test, kvmflip_waiter_due(b, 8000));
}

static void kft_sizes(struct kunit *test)
{
	static const u32 sizes[][3] = {
		{ 1, 1, 1 }, { 2, 1, 2 }, { 3, 1, 4 }, { 1, 2, 2 }, { 5, 2, 16 }, { 2, 512, 1024 },
		{ 3, 512, 2048 }, { 4, 1024, 4096 },
	};
	struct kvmflip_tally *tally = kunit_kzalloc(test, sizeof(*tally), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, tally);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_ASSERT_EQ(test, kvmflip_tally_init(tally, sizes[i][0], sizes[i][1]), 0);
		KUNIT_EXPECT_EQ(test, tally->nr, sizes[i][2]);
		KUNIT_EXPECT_EQ(test, tally->chunks, sizes[i][1]);
		kvmflip_tally_destroy(tally);
		KUNIT_EXPECT_NULL(test, tally->run);
	}
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_PARAM(kft_elect, kft_election_gen_params),
	KUNIT_CASE(kft_elect_end),
	KUNIT_CASE(kft_elect_delivered),
	KUNIT_CASE(kft_waiters),
	KUNIT_CASE(kft_waiters_collide),
	KUNIT_CASE(kft_order),
	KUNIT_CASE(kft_runs),
	KUNIT_CASE(kft_since),
	KUNIT_CASE_PARAM(kft_rate_steady, kft_rate_gen_params),
	KUNIT_CASE(kft_rate_wobbles),
	KUNIT_CASE(kft_rate_no_flapping),
	KUNIT_CASE_PARAM(kft_rate_changes, kft_change_gen_params),
	KUNIT_CASE(kft_rate_ends),
	KUNIT_CASE_PARAM(kft_due, kft_due_gen_params),
	KUNIT_CASE(kft_due_decided_once),
	KUNIT_CASE(kft_sizes),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_tally",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
