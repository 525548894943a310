// SPDX-License-Identifier: GPL-2.0
/* The guest: takes frames, checks them, returns their slots. */
#include "device.h"
#include "entry.h"
#include "fuzz.h"
#include "hostile.h"
#include "interrupt.h"
#include "scan.h"
#include "second.h"
#include "slots.h"
#include "spin.h"

#define FRAME_OFFSET	256	/* in a chunk, as AF_XDP has it */

static struct guest_params *const params = (void *)GUEST_PARAMS;
static struct guest_result *const shared = (void *)GUEST_RESULT;

static struct device dev;
static struct guest_result result;
static struct scan scan = {
	.result = &result,
	.delays = (void *)GUEST_DELAYS,
};

/* What the host asked for last, and how many slots of that are still due */
static __u32 asked, debt;

/* Show flipvm a result whose numbers belong together. */
static void publish(void)
{
	const __u32 *from = (__u32 *)&result;
	__u32 *to = (__u32 *)shared;
	__u32 i;

	result.interrupts = READ_ONCE(interrupt_count);
	result.rounds = READ_ONCE(second_rounds);
	result.round_foreign = READ_ONCE(second_foreign);
	result.version = shared->version + 2;
	store_release(&shared->version, shared->version + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (i = 1; i < sizeof(result) / sizeof(*to); i++)
		WRITE_ONCE(to[i], from[i]);
	store_release(&shared->version, result.version);
}

static void give_back(__u32 slot)
{
	slots_drop(slot);
	device_return(&dev, slot);
	if (device_is_bounce(&dev, slot))
		result.bounces_returned++;
	else
		result.returned++;
}

/* A slot and its last frame are there: look at all of it, and let it go. */
static void finish_slot(const struct kvmflip_rx_desc *desc)
{
	__u32 slot = desc->slot;

	result.foreign_bytes += scan_range(&scan, device_slot(&dev, slot), slot,
					   0, device_slot_size(&dev, slot));
	result.scanned++;
	slots_fill(slot);
	if (params->mode == GUEST_HOLD)
		return;
	if (params->mode == GUEST_KEEP && !device_is_bounce(&dev, slot)) {
		slots_keep(slot);
		return;
	}
	spin_remember(&dev, desc);
	give_back(slot);
}

/*
 * What is in place of a slot that was taken is a page for all of it, zero unless
 * the guest has written there: a word of some pages will do.
 */
static int is_gone(__u32 slot)
{
	__u32 i, size = device_slot_size(&dev, slot);
	const __u8 *at = device_slot(&dev, slot);

	for (i = 0; i < size; i += (size / 16 & ~4095u) ?: 4096)
		if (read32((__u32)at + i + FRAME_OFFSET))
			return 0;
	return 1;
}

static void take_revoked(__u32 slot)
{
	result.revoked++;
	result.revoked_slot = slot;
	if (!slots_drop(slot))
		return;
	result.not_gone += !is_gone(slot);
	give_back(slot);
}

static void take(const struct kvmflip_rx_desc *desc)
{
	__u32 slot = desc->slot, size;

	if (slot >= device_n_all(&dev)) {
		result.bad_desc++;
		return;
	}
	if (desc->flags & KVMFLIP_RX_REVOKED) {
		take_revoked(slot);
		return;
	}
	if (desc->len) {
		result.received++;
		if (device_is_bounce(&dev, slot))
			result.copied++;
		else
			result.flipped++;
	}
	size = device_slot_size(&dev, slot);
	if (!slots_open(slot) || desc->offset >= size ||
	    desc->len > size - desc->offset) {
		result.bad_desc++;
		return;
	}
	if (desc->len)
		scan_frame(&scan, device_slot(&dev, slot), slot, desc->offset,
			   desc->len);
	if (device_is_bounce(&dev, slot))
		scan_blot(&scan, device_slot(&dev, slot) + desc->offset,
			  desc->len);
	if (desc->flags & KVMFLIP_RX_LAST)
		finish_slot(desc);
}

/*
 * The host asks by an index of the return ring, but bounce slots that are
 * returned meanwhile are not what it wants: count what it asked for when it
 * did.
 */
static void heed_wanted(void)
{
	__u32 wanted = device_wanted(&dev), slot;

	if (wanted != asked) {
		asked = wanted;
		debt = wanted - dev.ret_prod;
		if (debt > device_n_all(&dev))
			debt = 0;
		result.wanted += debt != 0;
	}
	for (; debt && slots_oldest(&slot); debt--)
		give_back(slot);
}

/* Up to a batch of frames; returns how many */
static __u32 poll(void)
{
	struct kvmflip_rx_desc desc;
	__u32 n = 0;

	while (n < params->batch && device_take(&dev, &desc)) {
		take(&desc);
		n++;
	}
	if (n)
		device_taken(&dev);
	heed_wanted();
	result.doorbells += device_returned(&dev);
	return n;
}

static void restart(void)
{
	slots_reset();
	if (params->mode == GUEST_FUZZ)
		fuzz_start(&dev);
	else
		device_start(&dev);
	asked = 0;
	debt = 0;
	result.resets++;
}

/* Break something, and see to it that the device works again. */
static void attack(void)
{
	__u32 tries = 100;

	if (params->mode == GUEST_FUZZ) {
		fuzz_round(&dev, &scan);
		if (reg_read(KVMFLIP_REG_STATUS) == KVMFLIP_STATUS_DRIVER_OK)
			return;
		result.failed++;
		restart();
		return;
	}
	if (hostile_attack(&dev, &scan)) {
		while (--tries && !(reg_read(KVMFLIP_REG_STATUS) &
				    KVMFLIP_STATUS_FAILED))
			;
		result.failed += tries != 0;
		restart();
	} else if (reg_read(KVMFLIP_REG_STATUS) & KVMFLIP_STATUS_FAILED) {
		result.failed++;
		restart();
	}
}

void guest_main(void)
{
	scan.tag = params->tag;
	scan.class = (params->tag & 0xf0) * 0x01010101u;
	fuzz_init(params->seed);
	interrupt_init();
	result.fatal = device_init(&dev);
	publish();
	if (result.fatal)
		return;
	device_start(&dev);
	result.running = 1;

	for (;;) {
		__u32 seen = READ_ONCE(interrupt_count);
		int more = poll();

		more |= params->mode == GUEST_FUZZ;
		if (more && params->mode >= GUEST_HOSTILE)
			attack();
		more |= spin_round(&dev, &scan, params->mode);
		publish();
		if (more || !device_wait(&dev))
			continue;
		result.halts++;
		idle(&interrupt_count, seen);
	}
}

void guest_second(void)
{
	while (!READ_ONCE(shared->running))
		;
	second_main(&dev, params);
}

void guest_exception(void)
{
	shared->fatal = GUEST_EXCEPTION;
}
