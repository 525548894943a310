// SPDX-License-Identifier: GPL-2.0
/* kvmflip: where the rings, the bounce slots and the slots lie in a port's window. */

#include <linux/log2.h>
#include <linux/minmax.h>

#include "layout.h"
#include "port.h"
#include "ring.h"

/* The rings of so many slots, and the bounce slots, fit in front of the slots. */
#define KF_SLOTS_MAX		65536

/* Frames in flight to a guest. */
#define KF_FRAMES_MIN		1024U
#define KF_FRAMES_MAX		16384U

/**
 * kvmflip_layout_slots_max - most slots that a port may have
 * @pool: where its buffers come from
 *
 * Return: what fits into a window, its rings, and the pool.
 */
u32 kvmflip_layout_slots_max(const struct kvmflip_pool *pool)
{
	u64 window = (KVMFLIP_WINDOW_BYTES - KVMFLIP_SLOTS_OFF) >> pool->buffer_shift;

	return min3((u64)pool->table.nr, (u64)KF_SLOTS_MAX, window);
}

/**
 * kvmflip_layout_slots - slots of a port's window
 * @port: port
 *
 * Return: number of buffers the guest may hold.
 */
u32 kvmflip_layout_slots(const struct kvmflip_port *port)
{
	return port->config.max >> port->pool->buffer_shift;
}

/**
 * kvmflip_layout_rx_entries - entries of a port's RX ring
 * @port: port
 *
 * Return: enough for the frames of all buffers the guest may hold, or for what
 * it can be expected to handle at a time, and to tell of each buffer that it was
 * revoked; a power of two.
 */
u32 kvmflip_layout_rx_entries(const struct kvmflip_port *port)
{
	u32 slots = kvmflip_layout_slots(port);

	return roundup_pow_of_two(slots + clamp(slots << port->pool->table.chunk_order,
						KF_FRAMES_MIN, KF_FRAMES_MAX));
}

/**
 * kvmflip_layout_ret_entries - entries of a port's return ring
 * @port: port
 *
 * Return: enough that it cannot overflow, a power of two.
 */
u32 kvmflip_layout_ret_entries(const struct kvmflip_port *port)
{
	return roundup_pow_of_two(kvmflip_layout_slots(port) + KVMFLIP_BOUNCES);
}

/**
 * kvmflip_layout_ret_off - where the return ring begins, behind the RX ring
 * @port: port
 *
 * Return: offset in the window, in bytes.
 */
u32 kvmflip_layout_ret_off(const struct kvmflip_port *port)
{
	return kvmflip_ring_bytes(kvmflip_layout_rx_entries(port), sizeof(struct kvmflip_rx_desc));
}

/**
 * kvmflip_layout_tx_off - where the TX ring begins, behind the return ring
 * @port: port
 *
 * Return: offset in the window, in bytes.
 */
u32 kvmflip_layout_tx_off(const struct kvmflip_port *port)
{
	return kvmflip_layout_ret_off(port) +
	       kvmflip_ring_bytes(kvmflip_layout_ret_entries(port), sizeof(__le32));
}

/**
 * kvmflip_layout_txc_off - where the TX completion ring begins, behind the TX ring
 * @port: port
 *
 * Return: offset in the window, in bytes.
 */
u32 kvmflip_layout_txc_off(const struct kvmflip_port *port)
{
	return kvmflip_layout_tx_off(port) +
	       kvmflip_ring_bytes(KVMFLIP_TX_ENTRIES, sizeof(struct kvmflip_tx_desc));
}

/**
 * kvmflip_layout_bounce_off - where the bounce slots begin, behind the rings
 * @port: port
 *
 * Return: offset in the window, in bytes.
 */
u32 kvmflip_layout_bounce_off(const struct kvmflip_port *port)
{
	return PAGE_ALIGN(kvmflip_layout_txc_off(port) +
			  kvmflip_ring_bytes(KVMFLIP_TX_ENTRIES, sizeof(__le32)));
}
