// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip_net: the window, as memory with pages of its own.
 *
 * A page of it goes into the network stack as a fragment of a frame. When the stack
 * has dropped its last reference the kernel tells us, and when the last page of a
 * slot has come back the slot goes back to the host.
 */

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pci.h>

#include "../compat.h"
#include "device.h"

/* More is more than a window holds. */
#define KFN_ENTRIES_MAX		BIT(20)

static bool kfn_fits(const struct kfn *kf, u64 off, u64 bytes, u32 align)
{
	u64 size = pci_resource_len(kf->pdev, KVMFLIP_BAR_WINDOW);

	return IS_ALIGNED(off, align) && off <= size && bytes <= size - off;
}

static bool kfn_fits_ring(const struct kfn *kf, u32 off, u32 nr, size_t entry_size)
{
	return is_power_of_2(nr) && nr <= KFN_ENTRIES_MAX &&
	       kfn_fits(kf, off, kfn_ring_bytes(nr, entry_size), 64);
}

static bool kfn_fits_slots(const struct kfn *kf, u32 off, u32 nr, u32 shift)
{
	return nr <= KFN_ENTRIES_MAX && shift >= PAGE_SHIFT && shift <= 21 &&
	       kfn_fits(kf, off, (u64)nr << shift, PAGE_SIZE);
}

/**
 * kfn_layout_read - read what lies where, and check it
 * @kf: device
 * @layout: to fill in
 *
 * Context: may sleep.
 * Return: 0, or -EINVAL if it makes no sense.
 */
int kfn_layout_read(struct kfn *kf, struct kfn_layout *layout)
{
	*layout = (struct kfn_layout) {
		.slots_off = kfn_read(kf, KVMFLIP_REG_SLOTS_OFF),
		.slot_shift = kfn_read(kf, KVMFLIP_REG_SLOT_SHIFT),
		.slots = kfn_read(kf, KVMFLIP_REG_SLOTS),
		.rx_off = kfn_read(kf, KVMFLIP_REG_RX_OFF),
		.rx_entries = kfn_read(kf, KVMFLIP_REG_RX_ENTRIES),
		.ret_off = kfn_read(kf, KVMFLIP_REG_RET_OFF),
		.ret_entries = kfn_read(kf, KVMFLIP_REG_RET_ENTRIES),
		.bounce_off = kfn_read(kf, KVMFLIP_REG_BOUNCE_OFF),
		.bounce_shift = kfn_read(kf, KVMFLIP_REG_BOUNCE_SHIFT),
		.bounces = kfn_read(kf, KVMFLIP_REG_BOUNCES),
		.chunk_shift = kfn_read(kf, KVMFLIP_REG_CHUNK_SHIFT),
	};
	if (kf->offered & KVMFLIP_F_TX) {
		layout->tx_off = kfn_read(kf, KVMFLIP_REG_TX_OFF);
		layout->tx_entries = kfn_read(kf, KVMFLIP_REG_TX_ENTRIES);
		layout->txc_off = kfn_read(kf, KVMFLIP_REG_TXC_OFF);
		layout->txc_entries = kfn_read(kf, KVMFLIP_REG_TXC_ENTRIES);
		if (!kfn_fits_ring(kf, layout->tx_off, layout->tx_entries,
				   sizeof(struct kvmflip_tx_desc)) ||
		    !kfn_fits_ring(kf, layout->txc_off, layout->txc_entries, sizeof(__le32)) ||
		    layout->txc_entries < layout->tx_entries ||
		    layout->tx_entries < 2 * KFN_TX_ENTRIES_MOST)
			return -EINVAL;
	}
	if (layout->chunk_shift > layout->slot_shift)
		layout->chunk_shift = 0;
	if (!layout->slots ||
	    !kfn_fits_slots(kf, layout->slots_off, layout->slots, layout->slot_shift) ||
	    !kfn_fits_slots(kf, layout->bounce_off, layout->bounces, layout->bounce_shift) ||
	    !kfn_fits_ring(kf, layout->rx_off, layout->rx_entries,
			   sizeof(struct kvmflip_rx_desc)) ||
	    !kfn_fits_ring(kf, layout->ret_off, layout->ret_entries, sizeof(__le32)) ||
	    layout->ret_entries < layout->slots + layout->bounces)
		return -EINVAL;
	return 0;
}

/* Up to the last byte that there is a use for: the rest of the BAR needs no pages. */
static u64 kfn_window_end(const struct kfn_layout *layout)
{
	u64 end = layout->slots_off + ((u64)layout->slots << layout->slot_shift);

	end = max(end, layout->bounce_off + ((u64)layout->bounces << layout->bounce_shift));
	end = max(end, layout->rx_off + kfn_ring_bytes(layout->rx_entries,
						       sizeof(struct kvmflip_rx_desc)));
	end = max(end, layout->ret_off + kfn_ring_bytes(layout->ret_entries, sizeof(__le32)));
	if (layout->tx_entries) {
		end = max(end, layout->tx_off + kfn_ring_bytes(layout->tx_entries,
							       sizeof(struct kvmflip_tx_desc)));
		end = max(end, layout->txc_off + kfn_ring_bytes(layout->txc_entries,
								sizeof(__le32)));
	}
	return end;
}

/* The last reference to a page was dropped. Any context. */
static void kfn_page_free(struct page *page)
{
	struct kfn *kf = page->zone_device_data;
	const struct kfn_layout *layout = &kf->layout;
	u64 off = page_address(page) - kf->window.base;

	if (off >= layout->bounce_off &&
	    off - layout->bounce_off < (u64)layout->bounces << layout->bounce_shift)
		kfn_slot_put(kf, layout->slots +
				 ((off - layout->bounce_off) >> layout->bounce_shift));
	else
		kfn_slot_put(kf, (off - layout->slots_off) >> layout->slot_shift);
}

KVMFLIP_COMPAT_PAGE_FREE(kfn_folio_free, kfn_page_free)

static const struct dev_pagemap_ops kfn_pagemap_ops = {
	.KVMFLIP_COMPAT_FOLIO_FREE = kfn_folio_free,
};

static bool kfn_window_is_cached(const struct kfn *kf)
{
#ifdef CONFIG_X86_64
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)kf->window.base, &level);

	if (pte && pte_flags(*pte) & (_PAGE_PCD | _PAGE_PWT))
		return false;
#endif
	return true;
}

/**
 * kfn_window_open - give the window pages, and map it
 * @kf: device whose layout is known
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, or what memremap_pages() says.
 */
int kfn_window_open(struct kfn *kf)
{
	struct kfn_window *window = &kf->window;
	u64 start = pci_resource_start(kf->pdev, KVMFLIP_BAR_WINDOW);
	u64 end = ALIGN(kfn_window_end(&kf->layout), SZ_2M);
	void *base;

	if (!IS_ALIGNED(start, SZ_2M) || end > pci_resource_len(kf->pdev, KVMFLIP_BAR_WINDOW))
		return -EINVAL;
	window->pgmap.type = MEMORY_DEVICE_COHERENT;
	window->pgmap.ops = &kfn_pagemap_ops;
	window->pgmap.owner = kf;
	window->pgmap.nr_range = 1;
	window->pgmap.range.start = start;
	window->pgmap.range.end = start + end - 1;
	base = memremap_pages(&window->pgmap, dev_to_node(&kf->pdev->dev));
	if (IS_ERR(base)) {
		pci_err(kf->pdev,
			"the window at %#llx cannot be mapped (%ld); if the guest has KASLR, try nokaslr\n",
			start, PTR_ERR(base));
		return PTR_ERR(base);
	}
	window->base = base;
	if (!kfn_window_is_cached(kf))
		pci_warn(kf->pdev,
			 "the window at %#llx is not cached, which is slow; have the VM's firmware place 64-bit BARs above 4 GiB (OVMF, or -machine q35 with more address bits)\n",
			 start);
	return 0;
}

/**
 * kfn_window_close - unmap the window
 * @kf: device whose window is open
 *
 * Context: may sleep, until nobody has a page of it any more.
 */
void kfn_window_close(struct kfn *kf)
{
	memunmap_pages(&kf->window.pgmap);
	kf->window.base = NULL;
}

/**
 * kfn_window_is_bounce - is this a bounce slot?
 * @kf: device
 * @slot: number of a slot or a bounce slot
 *
 * Return: true if it is.
 */
bool kfn_window_is_bounce(const struct kfn *kf, u32 slot)
{
	return slot >= kf->layout.slots;
}

/**
 * kfn_window_slot - where a slot lies
 * @kf: device
 * @slot: number of a slot or a bounce slot
 *
 * Return: address of its first byte.
 */
void *kfn_window_slot(struct kfn *kf, u32 slot)
{
	const struct kfn_layout *layout = &kf->layout;

	if (kfn_window_is_bounce(kf, slot))
		return kf->window.base + layout->bounce_off +
		       ((u64)(slot - layout->slots) << layout->bounce_shift);
	return kf->window.base + layout->slots_off + ((u64)slot << layout->slot_shift);
}

/**
 * kfn_window_slot_size - how long a slot is
 * @kf: device
 * @slot: number of a slot or a bounce slot
 *
 * Return: bytes.
 */
u32 kfn_window_slot_size(const struct kfn *kf, u32 slot)
{
	return 1U << (kfn_window_is_bounce(kf, slot) ? kf->layout.bounce_shift :
						       kf->layout.slot_shift);
}

/**
 * kfn_window_page - a page of a slot
 * @kf: device
 * @slot: number of a slot or a bounce slot
 * @offset: of a byte in it
 *
 * Return: the page the byte lies in.
 */
struct page *kfn_window_page(struct kfn *kf, u32 slot, u32 offset)
{
	return virt_to_page(kfn_window_slot(kf, slot) + offset);
}

/**
 * kfn_window_has - is this a page of the window?
 * @kf: device
 * @page: any page
 *
 * Return: true if it is.
 */
bool kfn_window_has(const struct kfn *kf, const struct page *page)
{
	const struct range *range = &kf->window.pgmap.range;
	u64 at = page_to_phys(page);

	return is_zone_device_page(page) && at >= range->start && at <= range->end;
}

/**
 * kfn_window_get - take a reference to a page
 * @kf: device
 * @slot: slot the page lies in, which is open
 * @page: the page
 *
 * It is dropped by put_page().
 *
 * Context: NAPI poll of the RX queue.
 */
void kfn_window_get(struct kfn *kf, u32 slot, struct page *page)
{
	if (get_page_unless_zero(page))
		return;
	/* Nobody has it: it is ours, as long as its slot is open. */
	kfn_slot_get(kf, slot);
	percpu_ref_get(&kf->window.pgmap.ref);
	page->zone_device_data = kf;
	set_page_count(page, 1);
}
