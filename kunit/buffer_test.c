// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: buffers and the states they go through. */

#include <kunit/resource.h>
#include <linux/prandom.h>

#include "fixture.h"

#define KFT_BUFFERS	8

/* Queues of the same pool. */
#define KFT_QUEUE	5
#define KFT_OTHER	6

/**
 * struct kft_pair - two states and the law
 * @name: of the case
 * @from: state the buffer is in
 * @to: state it is told to go to
 * @legal: whether it may
 */
struct kft_pair {
	const char *name;
	enum kvmflip_state from;
	enum kvmflip_state to;
	bool legal;
};

#define KFT_PAIR(f, t, l) \
	{ #f " to " #t, KVMFLIP_##f, KVMFLIP_##t, l }

/* DESIGN section 3, written down a second time. */
static const struct kft_pair kft_pairs[] = {
	KFT_PAIR(FREE, FREE, false),
	KFT_PAIR(FREE, POSTED, true),
	KFT_PAIR(FREE, FILLED, false),
	KFT_PAIR(FREE, MAPPED, false),
	KFT_PAIR(FREE, RETURNED, false),
	KFT_PAIR(FREE, QUARANTINED, false),
	KFT_PAIR(FREE, STEERED, true),
	KFT_PAIR(POSTED, FREE, false),
	KFT_PAIR(POSTED, POSTED, false),
	KFT_PAIR(POSTED, FILLED, true),
	KFT_PAIR(POSTED, MAPPED, false),
	KFT_PAIR(POSTED, RETURNED, false),
	KFT_PAIR(POSTED, QUARANTINED, false),
	KFT_PAIR(POSTED, STEERED, false),
	KFT_PAIR(FILLED, FREE, true),
	KFT_PAIR(FILLED, POSTED, false),
	KFT_PAIR(FILLED, FILLED, false),
	KFT_PAIR(FILLED, MAPPED, true),
	KFT_PAIR(FILLED, RETURNED, true),
	KFT_PAIR(FILLED, QUARANTINED, false),
	KFT_PAIR(FILLED, STEERED, false),
	KFT_PAIR(MAPPED, FREE, false),
	KFT_PAIR(MAPPED, POSTED, false),
	KFT_PAIR(MAPPED, FILLED, false),
	KFT_PAIR(MAPPED, MAPPED, false),
	KFT_PAIR(MAPPED, RETURNED, true),
	KFT_PAIR(MAPPED, QUARANTINED, false),
	KFT_PAIR(MAPPED, STEERED, false),
	KFT_PAIR(RETURNED, FREE, true),
	KFT_PAIR(RETURNED, POSTED, false),
	KFT_PAIR(RETURNED, FILLED, false),
	KFT_PAIR(RETURNED, MAPPED, false),
	KFT_PAIR(RETURNED, RETURNED, false),
	KFT_PAIR(RETURNED, QUARANTINED, true),
	KFT_PAIR(RETURNED, STEERED, false),
	KFT_PAIR(QUARANTINED, FREE, true),
	KFT_PAIR(QUARANTINED, POSTED, false),
	KFT_PAIR(QUARANTINED, FILLED, false),
	KFT_PAIR(QUARANTINED, MAPPED, false),
	KFT_PAIR(QUARANTINED, RETURNED, false),
	KFT_PAIR(QUARANTINED, QUARANTINED, false),
	KFT_PAIR(QUARANTINED, STEERED, false),
	KFT_PAIR(STEERED, FREE, false),
	KFT_PAIR(STEERED, POSTED, true),
	KFT_PAIR(STEERED, FILLED, false),
	KFT_PAIR(STEERED, MAPPED, true),
	KFT_PAIR(STEERED, RETURNED, false),
	KFT_PAIR(STEERED, QUARANTINED, false),
	KFT_PAIR(STEERED, STEERED, false),
};

KUNIT_ARRAY_PARAM_DESC(kft_pair, kft_pairs, name);

static bool kft_legal(enum kvmflip_state from, enum kvmflip_state to)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kft_pairs); i++)
		if (kft_pairs[i].from == from && kft_pairs[i].to == to)
			return kft_pairs[i].legal;
	return false;
}

static void kft_destroy(void *data)
{
	kvmflip_buffers_destroy(data);
}

static struct kvmflip_buffers *kft_table(struct kunit *test, u32 nr, u32 chunk_order)
{
	struct kvmflip_buffers *table = kunit_kzalloc(test, sizeof(*table), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_ASSERT_EQ(test, kvmflip_buffers_init(table, "", nr, chunk_order), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, kft_destroy, table), 0);
	return table;
}

static bool kft_move(struct kvmflip_buffers *table, struct kvmflip_buffer *buf,
		     enum kvmflip_state from, enum kvmflip_state to)
{
	bool moved;

	spin_lock(&table->lock);
	moved = kvmflip_buffer_move(table, buf, from, to);
	spin_unlock(&table->lock);
	return moved;
}

/* From free to any state, in the order in which all but the last are numbered. */
static void kft_bring(struct kunit *test, struct kvmflip_buffers *table,
		      struct kvmflip_buffer *buf, enum kvmflip_state to)
{
	enum kvmflip_state state;

	if (to == KVMFLIP_STEERED) {
		KUNIT_ASSERT_TRUE(test, kft_move(table, buf, KVMFLIP_FREE, to));
		return;
	}
	for (state = KVMFLIP_FREE; state < to; state++)
		KUNIT_ASSERT_TRUE(test, kft_move(table, buf, state, state + 1));
	KUNIT_ASSERT_EQ(test, buf->state, to);
}

static void kft_starts_free(struct kunit *test)
{
	struct kvmflip_buffers *table = kft_table(test, KFT_BUFFERS, 0);
	u32 i;

	kvmflip_test_states(test, table);
	KUNIT_EXPECT_EQ(test, table->count[KVMFLIP_FREE], KFT_BUFFERS);
	KUNIT_EXPECT_EQ(test, table->illegal, 0);
	for (i = 0; i < KFT_BUFFERS; i++) {
		KUNIT_EXPECT_EQ(test, table->buf[i].state, KVMFLIP_FREE);
		KUNIT_EXPECT_EQ(test, table->buf[i].dirty, KVMFLIP_CLEAN);
		KUNIT_EXPECT_EQ(test, table->buf[i].flip, KVMFLIP_NO_FLIP);
		KUNIT_EXPECT_EQ(test, kvmflip_buffer_index(table, &table->buf[i]), i);
	}
}

static void kft_all_pairs_stated(struct kunit *test)
{
	u32 i, j, legal = 0;

	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(kft_pairs), KVMFLIP_STATES * KVMFLIP_STATES);
	for (i = 0; i < ARRAY_SIZE(kft_pairs); i++) {
		legal += kft_pairs[i].legal;
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_FALSE(test, kft_pairs[i].from == kft_pairs[j].from &&
					   kft_pairs[i].to == kft_pairs[j].to);
	}
	KUNIT_EXPECT_EQ(test, legal, 12);
}

static void kft_move_pair(struct kunit *test)
{
	struct kvmflip_buffers *table = kft_table(test, KFT_BUFFERS, 0);
	struct kvmflip_buffer *buf = &table->buf[3];
	const struct kft_pair *pair = test->param_value;
	u32 i;

	kft_bring(test, table, buf, pair->from);
	KUNIT_EXPECT_EQ(test, kft_move(table, buf, pair->from, pair->to), pair->legal);
	KUNIT_EXPECT_EQ(test, buf->state, pair->legal ? pair->to : KVMFLIP_QUARANTINED);
	KUNIT_EXPECT_EQ(test, table->illegal, !pair->legal);
	kvmflip_test_states(test, table);
	for (i = 0; i < KFT_BUFFERS; i++)
		if (i != 3)
			KUNIT_EXPECT_EQ(test, table->buf[i].state, KVMFLIP_FREE);
}

/* Whoever is wrong about where a buffer is must not move it, legal pair or not. */
static void kft_move_wrong_from(struct kunit *test)
{
	const struct kft_pair *pair = test->param_value;
	struct kvmflip_buffers *table;
	enum kvmflip_state real;
	u64 illegal = 0;
	u32 i = 0;

	table = kft_table(test, KVMFLIP_STATES, 0);
	for (real = 0; real < KVMFLIP_STATES; real++, i++) {
		if (real == pair->from)
			continue;
		kft_bring(test, table, &table->buf[i], real);
		KUNIT_EXPECT_FALSE(test, kft_move(table, &table->buf[i], pair->from, pair->to));
		KUNIT_EXPECT_EQ(test, table->buf[i].state, KVMFLIP_QUARANTINED);
		KUNIT_EXPECT_EQ(test, table->illegal, ++illegal);
	}
	kvmflip_test_states(test, table);
}

static void kft_random_walk(struct kunit *test)
{
	struct kvmflip_buffers *table = kft_table(test, 64, 0);
	enum kvmflip_state model[64] = {};
	u64 illegal = 0, wrong = 0;
	enum kvmflip_state from, to;
	struct rnd_state rnd;
	u32 i, step, r;
	bool legal;

	prandom_seed_state(&rnd, 2004);
	for (step = 0; step < 20000; step++) {
		r = prandom_u32_state(&rnd);
		i = r % 64;
		to = (r >> 8) % KVMFLIP_STATES;
		from = (r >> 16) % 16 ? model[i] : (r >> 20) % KVMFLIP_STATES;
		legal = from == model[i] && kft_legal(from, to);
		if (kft_move(table, &table->buf[i], from, to) != legal)
			wrong++;
		model[i] = legal ? to : KVMFLIP_QUARANTINED;
		illegal += !legal;
		if (table->buf[i].state != model[i])
			wrong++;
		if (step % 1000 == 0)
			kvmflip_test_states(test, table);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, table->illegal, illegal);
	kvmflip_test_states(test, table);
	/* Or nothing was tried. */
	KUNIT_EXPECT_GT(test, illegal, 1000);
	KUNIT_EXPECT_LT(test, illegal, 19000);
}

/**
 * struct kft_order - sizes of a table of buffers
 * @name: of the case
 * @nr: number of buffers
 * @order: log2 of the chunks in each
 */
struct kft_order {
	const char *name;
	u32 nr;
	u32 order;
};

static const struct kft_order kft_orders[] = {
	{ "1 buffer of 1 chunk", 1, 0 },
	{ "65 buffers of 1 chunk", 65, 0 },
	{ "3 buffers of 2 chunks", 3, 1 },
	{ "1 buffer of 512 chunks", 1, 9 },
	{ "3 buffers of 512 chunks", 3, 9 },
};

KUNIT_ARRAY_PARAM_DESC(kft_order, kft_orders, name);

/* Every chunk is in a buffer, and every buffer has as many. */
static void kft_chunks(struct kunit *test)
{
	const struct kft_order *size = test->param_value;
	struct kvmflip_buffers *table = kft_table(test, size->nr, size->order);
	struct kvmflip_buffer *buf;
	u32 chunk;

	for (chunk = 0; chunk < size->nr << size->order; chunk++) {
		buf = kvmflip_buffer_of(table, chunk);
		KUNIT_ASSERT_EQ(test, kvmflip_buffer_index(table, buf), chunk >> size->order);
		KUNIT_ASSERT_EQ(test, table->chunk[chunk].waiter, KVMFLIP_NO_WAITER);
	}
}

static void kft_posted_none(struct kunit *test)
{
	const struct kft_order *size = test->param_value;
	struct kvmflip_buffers *table = kft_table(test, size->nr, size->order);
	u32 chunk, seen = 0;

	for (chunk = 0; chunk < size->nr << size->order; chunk++)
		seen += kvmflip_chunk_complete(&table->chunk[chunk], KFT_QUEUE);
	KUNIT_EXPECT_EQ(test, seen, 0);
}

static void kft_posted_once(struct kunit *test)
{
	const struct kft_order *size = test->param_value;
	struct kvmflip_buffers *table = kft_table(test, size->nr, size->order);
	u32 chunk, nr = size->nr << size->order;
	u32 first = 0, duplicate = 0;

	for (chunk = 0; chunk < nr; chunk++)
		kvmflip_chunk_post(&table->chunk[chunk], KFT_QUEUE);
	for (chunk = 0; chunk < nr; chunk++) {
		first += kvmflip_chunk_complete(&table->chunk[chunk], KFT_QUEUE);
		duplicate += kvmflip_chunk_complete(&table->chunk[chunk], KFT_QUEUE);
	}
	for (chunk = 0; chunk < nr; chunk++)
		duplicate += kvmflip_chunk_complete(&table->chunk[chunk], KFT_QUEUE);
	KUNIT_EXPECT_EQ(test, first, nr);
	KUNIT_EXPECT_EQ(test, duplicate, 0);

	/* Posted again it may complete again. */
	kvmflip_chunk_post(&table->chunk[nr - 1], KFT_QUEUE);
	KUNIT_EXPECT_TRUE(test, kvmflip_chunk_complete(&table->chunk[nr - 1], KFT_QUEUE));
	KUNIT_EXPECT_FALSE(test, kvmflip_chunk_complete(&table->chunk[nr - 1], KFT_QUEUE));
}

/* Only one chunk is posted: no completion for another is good. */
static void kft_posted_foreign(struct kunit *test)
{
	const struct kft_order *size = test->param_value;
	struct kvmflip_buffers *table = kft_table(test, size->nr, size->order);
	u32 nr = size->nr << size->order;
	u32 posted, chunk, foreign = 0, own = 0;
	u32 step = max(nr / 16, 1);

	for (posted = 0; posted < nr; posted += step) {
		kvmflip_chunk_post(&table->chunk[posted], KFT_QUEUE);
		for (chunk = 0; chunk < nr; chunk++)
			if (chunk != posted)
				foreign += kvmflip_chunk_complete(&table->chunk[chunk], KFT_QUEUE);
		own += kvmflip_chunk_complete(&table->chunk[posted], KFT_QUEUE);
	}
	KUNIT_EXPECT_EQ(test, foreign, 0);
	KUNIT_EXPECT_EQ(test, own, DIV_ROUND_UP(nr, step));
}

/* A chunk is its queue's alone, and is still that after another has tried. */
static void kft_posted_other_queue(struct kunit *test)
{
	static const u32 others[] = { 1, KFT_QUEUE - 1, KFT_OTHER, BIT(31), U32_MAX };
	const struct kft_order *size = test->param_value;
	struct kvmflip_buffers *table = kft_table(test, size->nr, size->order);
	u32 chunk, nr = size->nr << size->order;
	u32 i, foreign = 0, own = 0;

	for (chunk = 0; chunk < nr; chunk++)
		kvmflip_chunk_post(&table->chunk[chunk], chunk % 2 ? KFT_OTHER : KFT_QUEUE);
	for (chunk = 0; chunk < nr; chunk += 2)
		for (i = 0; i < ARRAY_SIZE(others); i++)
			foreign += kvmflip_chunk_complete(&table->chunk[chunk], others[i]);
	for (chunk = 1; chunk < nr; chunk += 2)
		foreign += kvmflip_chunk_complete(&table->chunk[chunk], KFT_QUEUE);
	KUNIT_EXPECT_EQ(test, foreign, 0);
	for (chunk = 0; chunk < nr; chunk++)
		own += kvmflip_chunk_complete(&table->chunk[chunk],
					      chunk % 2 ? KFT_OTHER : KFT_QUEUE);
	KUNIT_EXPECT_EQ(test, own, nr);
}

/* With buffers of 4 KiB and chunks of 2 KiB there are so many for each page of a pool. */
static void kft_small(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, sizeof(struct kvmflip_buffer) + 2 * sizeof(struct kvmflip_chunk),
			88);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_starts_free),
	KUNIT_CASE(kft_small),
	KUNIT_CASE(kft_all_pairs_stated),
	KUNIT_CASE_PARAM(kft_move_pair, kft_pair_gen_params),
	KUNIT_CASE_PARAM(kft_move_wrong_from, kft_pair_gen_params),
	KUNIT_CASE(kft_random_walk),
	KUNIT_CASE_PARAM(kft_chunks, kft_order_gen_params),
	KUNIT_CASE_PARAM(kft_posted_none, kft_order_gen_params),
	KUNIT_CASE_PARAM(kft_posted_once, kft_order_gen_params),
	KUNIT_CASE_PARAM(kft_posted_foreign, kft_order_gen_params),
	KUNIT_CASE_PARAM(kft_posted_other_queue, kft_order_gen_params),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_buffer",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
