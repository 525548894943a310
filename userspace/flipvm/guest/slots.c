// SPDX-License-Identifier: GPL-2.0
/* What the guest has. */
#include "device.h"
#include "slots.h"

#define NONE	(~0u)

static __u32 open[MAX_SLOTS / 32], full[MAX_SLOTS / 32];

/* Those put aside, the oldest at first; NONE where one was lost meanwhile */
static __u32 kept[MAX_SLOTS];
static __u32 first, end;

static int test(const __u32 *bits, __u32 slot)
{
	return bits[slot / 32] >> slot % 32 & 1;
}

static void set(__u32 *bits, __u32 slot)
{
	bits[slot / 32] |= 1u << slot % 32;
}

static void clear(__u32 *bits, __u32 slot)
{
	bits[slot / 32] &= ~(1u << slot % 32);
}

int slots_open(__u32 slot)
{
	set(open, slot);
	return !test(full, slot);
}

void slots_fill(__u32 slot)
{
	set(full, slot);
}

int slots_drop(__u32 slot)
{
	int was = test(open, slot);
	__u32 i;

	clear(open, slot);
	clear(full, slot);
	for (i = first; i != end; i++)
		if (kept[i % MAX_SLOTS] == slot)
			kept[i % MAX_SLOTS] = NONE;
	return was;
}

void slots_keep(__u32 slot)
{
	if (end - first < MAX_SLOTS)
		kept[end++ % MAX_SLOTS] = slot;
}

int slots_oldest(__u32 *slot)
{
	while (first != end && kept[first % MAX_SLOTS] == NONE)
		first++;
	if (first == end)
		return 0;
	*slot = kept[first % MAX_SLOTS];
	return 1;
}

void slots_reset(void)
{
	__u32 i;

	for (i = 0; i < MAX_SLOTS / 32; i++) {
		open[i] = 0;
		full[i] = 0;
	}
	first = end;
}
