// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: what of a dedicated queue is not left to a softirq. */

#include "../src/host/serve.h"
#include "steered.h"

static bool kft_soft(struct kvmflip_test_steered *kft)
{
	bool soft;

	local_bh_disable();
	soft = kvmflip_steer_soft(kft->rxq, &kft->delta);
	local_bh_enable();
	return soft;
}

/* A queue whose next frame is the first of a buffer, for which there is another one. */
static struct kvmflip_test_steered *kft_ready(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kvmflip_steered(test);

	kvmflip_steered_return(kft, kvmflip_steered_given(test, kft)->slot);
	return kft;
}

/* Nothing was said meanwhile, and with that out of the way it is. */
static void kft_expect_refused(struct kunit *test, struct kvmflip_test_steered *kft)
{
	KUNIT_EXPECT_FALSE(test, kft_soft(kft));
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 2);
}

static void kft_expect_taken(struct kunit *test, struct kvmflip_test_steered *kft)
{
	KUNIT_EXPECT_TRUE(test, kft_soft(kft));
	KUNIT_EXPECT_EQ(test, kvmflip_steered_prod(kft), 3);
}

static void kft_no_room(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kft_ready(test);
	struct kvmflip_host_ring *rx = &kft->port->rx;
	u32 used;

	kvmflip_steered_own(test, kft, 100);
	kvmflip_port_lock(kft->port);
	used = kvmflip_port_rx_space(kft->port) - KVMFLIP_NOTED + 1;
	kvmflip_port_unlock(kft->port);
	rx->prod += used;
	kft_expect_refused(test, kft);
	rx->prod -= used;
	kft_expect_taken(test, kft);
}

/* What is owed to the guest comes first. */
static void kft_owed(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kft_ready(test);
	struct list_head *due = &kft->rxq->steer->lease.due;
	LIST_HEAD(owed);

	kvmflip_steered_own(test, kft, 100);
	list_add(&owed, due);
	kft_expect_refused(test, kft);
	list_del(&owed);
	kft_expect_taken(test, kft);
}

/* The frame is the port's of that name before. */
static void kft_predecessor(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kft_ready(test);

	kvmflip_steered_own(test, kft, 100);
	kft->port->gen++;
	kft_expect_refused(test, kft);
	kft->port->gen--;
	kft_expect_taken(test, kft);
}

/* The guest cannot see the buffer. */
static void kft_not_leased(struct kunit *test)
{
	struct kvmflip_test_steered *kft = kft_ready(test);
	struct kvmflip_buffer *buf;
	struct kvmflip_lease *lease;

	buf = kvmflip_steered_buffer(kft, kvmflip_steered_own(test, kft, 100));
	lease = buf->lease;
	buf->lease = NULL;
	kft_expect_refused(test, kft);
	buf->lease = lease;
	kft_expect_taken(test, kft);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_no_room),
	KUNIT_CASE(kft_owed),
	KUNIT_CASE(kft_predecessor),
	KUNIT_CASE(kft_not_leased),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_steer_soft",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
