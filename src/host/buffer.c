// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip: buffers and the states they go through.
 *
 *	FREE ---> POSTED ---> FILLED ---> MAPPED ---> RETURNED
 *	 ^ ^                    |                       |  |
 *	 | `--------------------'                       |  v
 *	 `----------------------------------------------' QUARANTINED ---> FREE
 *
 *	FREE ---> STEERED ---> POSTED	the guest is gone, the NIC still has it
 *		     `-------> MAPPED	the NIC's access is gone, the guest has it
 *
 * What was STEERED and is then FILLED goes on to RETURNED, so that references
 * from its time in a guest are looked for.
 *
 * This is the only file that changes a state. It knows nothing of NICs,
 * windows or guests.
 */

#include <kunit/test-bug.h>
#include <linux/slab.h>

#include "buffer.h"
#include "trace.h"

static const u8 kf_legal[KVMFLIP_STATES] = {
	[KVMFLIP_FREE]		= BIT(KVMFLIP_POSTED) | BIT(KVMFLIP_STEERED),
	[KVMFLIP_POSTED]	= BIT(KVMFLIP_FILLED),
	[KVMFLIP_FILLED]	= BIT(KVMFLIP_MAPPED) | BIT(KVMFLIP_FREE) | BIT(KVMFLIP_RETURNED),
	[KVMFLIP_MAPPED]	= BIT(KVMFLIP_RETURNED),
	[KVMFLIP_RETURNED]	= BIT(KVMFLIP_FREE) | BIT(KVMFLIP_QUARANTINED),
	[KVMFLIP_QUARANTINED]	= BIT(KVMFLIP_FREE),
	[KVMFLIP_STEERED]	= BIT(KVMFLIP_POSTED) | BIT(KVMFLIP_MAPPED),
};

/* as the command line program has them */
const char *const kvmflip_state_names[KVMFLIP_STATES] = {
	[KVMFLIP_FREE]		= "free",
	[KVMFLIP_POSTED]	= "posted",
	[KVMFLIP_FILLED]	= "filled",
	[KVMFLIP_MAPPED]	= "mapped",
	[KVMFLIP_RETURNED]	= "returned",
	[KVMFLIP_QUARANTINED]	= "quarantined",
	[KVMFLIP_STEERED]	= "steered",
};

/**
 * kvmflip_buffers_init - allocate the buffers of a pool, all of them free
 * @table: buffers
 * @name: of their pool
 * @nr: how many
 * @chunk_order: log2 of the chunks in each
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int kvmflip_buffers_init(struct kvmflip_buffers *table, const char *name, u32 nr,
			 u32 chunk_order)
{
	size_t i, chunks = (size_t)nr << chunk_order;

	memset(table, 0, sizeof(*table));
	spin_lock_init(&table->lock);
	table->buf = kvcalloc(nr, sizeof(*table->buf), GFP_KERNEL);
	if (!table->buf)
		return -ENOMEM;
	table->chunk = kvcalloc(chunks, sizeof(*table->chunk), GFP_KERNEL);
	if (!table->chunk) {
		kvfree(table->buf);
		return -ENOMEM;
	}
	for (i = 0; i < chunks; i++)
		table->chunk[i].waiter = KVMFLIP_NO_WAITER;
	for (i = 0; i < nr; i++) {
		INIT_LIST_HEAD(&table->buf[i].list);
		INIT_LIST_HEAD(&table->buf[i].lru);
		table->buf[i].flip = KVMFLIP_NO_FLIP;
	}
	table->name = name;
	table->nr = nr;
	table->chunk_order = chunk_order;
	table->count[KVMFLIP_FREE] = nr;
	return 0;
}

/**
 * kvmflip_buffers_destroy - free what kvmflip_buffers_init() allocated
 * @table: buffers
 */
void kvmflip_buffers_destroy(struct kvmflip_buffers *table)
{
	kvfree(table->chunk);
	kvfree(table->buf);
}

static void kf_change(struct kvmflip_buffers *table, struct kvmflip_buffer *buf,
		      enum kvmflip_state to)
{
	table->count[buf->state]--;
	table->count[to]++;
	buf->state = to;
}

/* Aside, as the next, so that it does not cost those who do not trace. */
static noinline bool kf_trace(struct kvmflip_buffers *table, struct kvmflip_buffer *buf,
			      enum kvmflip_state from)
{
	trace_kvmflip_buffer(table, buf, from, buf->state);
	return true;
}

static noinline bool kf_illegal(struct kvmflip_buffers *table, struct kvmflip_buffer *buf,
				enum kvmflip_state from, enum kvmflip_state to)
{
	enum kvmflip_state was = buf->state;

	if (!kunit_get_current_test())
		WARN_ONCE(1, "buffer %u: %d is not %d, which goes to %d\n",
			  kvmflip_buffer_index(table, buf), was, from, to);
	table->illegal++;
	kf_change(table, buf, KVMFLIP_QUARANTINED);
	kf_trace(table, buf, was);
	return false;
}

/**
 * kvmflip_buffer_move - change the state of a buffer
 * @table: buffers of the pool
 * @buf: buffer
 * @from: state the caller knows it to be in
 * @to: state to put it into
 *
 * An illegal change is a bug of the module. The buffer is then in an unknown
 * condition, so it is put out of use rather than given to anybody.
 *
 * Context: @table->lock is held.
 * Return: true if the change was legal and was made.
 */
bool kvmflip_buffer_move(struct kvmflip_buffers *table, struct kvmflip_buffer *buf,
			 enum kvmflip_state from, enum kvmflip_state to)
{
	lockdep_assert_held(&table->lock);

	if (buf->state != from || !(kf_legal[from] & BIT(to)))
		return kf_illegal(table, buf, from, to);
	kf_change(table, buf, to);
	return trace_kvmflip_buffer_enabled() ? kf_trace(table, buf, from) : true;
}
