// SPDX-License-Identifier: GPL-2.0
/* The guest: takes frames, checks them, returns their slots. */
#include "device.h"
#include "entry.h"
#include "hostile.h"
#include "interrupt.h"
#include "scan.h"
#include "spin.h"

static struct guest_params *const params = (void *)GUEST_PARAMS;
static struct guest_result *const result = (void *)GUEST_RESULT;

static struct device dev;
static struct scan scan;
static __u8 held[MAX_SLOTS / 8];

static void begin_update(void)
{
	store_release(&result->version, result->version + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void end_update(void)
{
	store_release(&result->version, result->version + 1);
}

static int was_held(__u32 slot, int hold)
{
	__u8 bit = 1 << (slot & 7);
	int was = held[slot / 8] & bit;

	if (hold)
		held[slot / 8] |= bit;
	else
		held[slot / 8] &= ~bit;
	return was;
}

static void take_frame(const struct kvmflip_rx_desc *desc)
{
	__u32 chunk_end = (desc->offset | 4095) + 1;

	result->received++;
	if (desc->slot >= dev.n_slots || desc->offset >= dev.slot_size ||
	    desc->len > dev.slot_size - desc->offset) {
		result->bad_desc++;
		return;
	}
	/* A slot has one frame as long as a buffer is a chunk. */
	if (was_held(desc->slot, 1))
		result->bad_desc++;
	if (chunk_end < desc->offset + desc->len)
		chunk_end = desc->offset + desc->len;
	scan_frame(&scan, dev.slots + desc->slot * dev.slot_size, desc->slot,
		   desc->offset, desc->len, chunk_end);
	if (!(desc->flags & KVMFLIP_RX_LAST) || params->mode == GUEST_HOLD)
		return;
	was_held(desc->slot, 0);
	spin_remember(&dev, desc);
	device_return(&dev, desc->slot);
	result->returned++;
}

/* Up to a batch of frames; returns how many */
static __u32 poll(void)
{
	struct kvmflip_rx_desc desc;
	__u32 n = 0;

	begin_update();
	while (n < params->batch && device_take(&dev, &desc)) {
		take_frame(&desc);
		n++;
	}
	if (n) {
		device_taken(&dev);
		result->doorbells += device_returned(&dev);
	}
	result->interrupts = READ_ONCE(interrupt_count);
	end_update();
	return n;
}

static void restart(void)
{
	__u32 i;

	for (i = 0; i < sizeof(held); i++)
		held[i] = 0;
	device_start(&dev);
	result->resets++;
}

/* Break something, and see to it that the device works again. */
static void attack(void)
{
	__u32 tries = 100;

	begin_update();
	if (hostile_attack(&dev, result)) {
		while (--tries && !(reg_read(KVMFLIP_REG_STATUS) &
				    KVMFLIP_STATUS_FAILED))
			;
		result->failed += tries != 0;
		restart();
	} else if (reg_read(KVMFLIP_REG_STATUS) & KVMFLIP_STATUS_FAILED) {
		result->failed++;
		restart();
	}
	end_update();
}

void guest_main(void)
{
	scan.result = result;
	scan.tag = params->tag;
	scan.class = (params->tag & 0xf0) * 0x01010101u;
	interrupt_init();
	result->fatal = device_init(&dev);
	if (result->fatal)
		return;
	device_start(&dev);
	result->running = 1;

	for (;;) {
		__u32 seen = READ_ONCE(interrupt_count);
		int more = poll();

		if (more && params->mode == GUEST_HOSTILE)
			attack();
		more |= spin_round(&dev, &scan, params->mode);
		if (more || !device_wait(&dev))
			continue;
		result->halts++;
		idle(&interrupt_count, seen);
	}
}

void guest_exception(void)
{
	result->fatal = GUEST_EXCEPTION;
}
