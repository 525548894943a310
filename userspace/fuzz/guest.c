// SPDX-License-Identifier: GPL-2.0
/*
 * The input is a program: what a guest and its VMM do to a port, with what the host does
 * in between. After each step everything the module promises about a port's
 * bookkeeping is looked at.
 */
#include "../../src/host/layout.h"
#include "../../src/host/port.h"
#include "../../src/host/reclaim.h"
#include "../../src/host/region.h"
#include "../../src/host/returns.h"
#include "../../src/host/tx.h"
#include "fuzz.h"

#define BUFFERS		32
#define SLOTS		12
#define STEPS		400
#define VMA_START	0x100000000UL
#define BASE		KVMFLIP_REGION_OFFSET(VFIO_PCI_BAR2_REGION_INDEX)

struct fuzz fuzz;

static struct kvmflip_regions regions;
static struct kvmflip_pool *pool;
static struct vm_area_struct vma;

/* The page that the VMM has mapped at the first page of each slot, or 0 */
static unsigned long pte[SLOTS];

u8 fuzz_u8(void)
{
	if (!fuzz.size)
		return 0;
	fuzz.size--;
	return *fuzz.data++;
}

u32 fuzz_u32(void)
{
	u32 value = fuzz_u8();

	return value | fuzz_u8() << 8 | fuzz_u8() << 16 | (u32)fuzz_u8() << 24;
}

bool fuzz_chance(void)
{
	return fuzz.racing && fuzz.size && fuzz_u8() >= 0xf0;
}

void fuzz_loaded(const volatile void *at)
{
	const u8 *rings = fuzz.port ? fuzz.port->window.rings : NULL;
	u32 value;

	if (!rings || (const u8 *)at < rings || (const u8 *)at >= rings + 0x200000 ||
	    !fuzz.racing || !fuzz.size)
		return;
	value = fuzz_u8();
	if (value >= 0xc0)
		*(u32 *)((unsigned long)at & ~3UL) = value < 0xe0 ? value - 0xd0 : fuzz_u32();
}

vm_fault_t vmf_insert_pfn(struct vm_area_struct *area, unsigned long addr, unsigned long pfn)
{
	u64 at = addr - area->vm_start;

	if (at >= KVMFLIP_SLOTS_OFF && (at - KVMFLIP_SLOTS_OFF) >> PAGE_SHIFT < SLOTS &&
	    !pte[(at - KVMFLIP_SLOTS_OFF) >> PAGE_SHIFT])
		pte[(at - KVMFLIP_SLOTS_OFF) >> PAGE_SHIFT] = pfn;
	return VM_FAULT_NOPAGE;
}

void unmap_mapping_range(struct address_space *mapping, loff_t from, loff_t bytes, int even)
{
	u64 slot;

	(void)mapping;
	(void)even;
	assert(from >= (loff_t)(BASE + KVMFLIP_SLOTS_OFF));
	slot = (from - BASE - KVMFLIP_SLOTS_OFF) >> PAGE_SHIFT;
	assert(slot + (bytes >> PAGE_SHIFT) <= SLOTS);
	memset(pte + slot, 0, (bytes >> PAGE_SHIFT) * sizeof(*pte));
}

/* A piece of a frame that the guest has described */
static int read_guest(void *arg, u64 iova, void *buf, size_t len)
{
	(void)arg;
	assert(fuzz.port->tx_lock.held && !fuzz.port->lock.held &&
	       !fuzz.port->return_lock.held);
	assert(len && len <= KVMFLIP_FRAME_MAX && iova + len >= iova);
	if (fuzz.reads_fail || fuzz_chance())
		return -EFAULT;
	memset(buf, 0x5a, len);
	return 0;
}

void kvmflip_netdev_receive(struct kvmflip_port *port, struct sk_buff *skb)
{
	u32 features = port->features;

	assert(skb->len >= ETH_HLEN && skb->len <= KVMFLIP_FRAME_MAX);
	assert(features & KVMFLIP_F_TX);
	assert(!skb->partial || features & KVMFLIP_F_TX_CSUM);
	assert(!skb->gso_type || (skb->partial && features & KVMFLIP_F_TX_GSO));
	kfree_skb(skb);
}

static struct kvmflip_host_ring *any_ring(void)
{
	struct kvmflip_host_ring *const rings[] = {
		&fuzz.port->rx, &fuzz.port->ret, &fuzz.port->tx, &fuzz.port->txc,
	};

	return rings[fuzz_u8() % 4];
}

/* Next to where the host is, or anywhere */
static u32 any_index(const struct kvmflip_host_ring *ring)
{
	u8 how = fuzz_u8();

	if (how < 0x60)
		return ring->prod + (how & 0x1f);
	if (how < 0xc0)
		return ring->cons + (how & 0x1f);
	return how < 0xe0 ? ring->cons + ring->nr + (how & 3) - 1 : fuzz_u32();
}

static void write_index(void)
{
	struct kvmflip_host_ring *ring = any_ring();
	u32 value = any_index(ring);

	switch (fuzz_u8() % 4) {
	case 0:
		ring->shared->prod = value;
		break;
	case 1:
		ring->shared->cons = value;
		break;
	case 2:
		ring->shared->event = value;
		break;
	case 3:
		ring->shared->wanted = value;
		break;
	}
}

/* Slots of both kinds, what is next to them, and anything */
static void return_slots(void)
{
	struct kvmflip_host_ring *ring = &fuzz.port->ret;
	u32 i, prod = ring->shared->prod, n = fuzz_u8() % 70;
	__le32 *entries = ring->entries;

	for (i = 0; i < n; i++, prod++) {
		u8 slot = fuzz_u8();

		entries[prod & (ring->nr - 1)] = slot < 0xf0 ?
			slot % (SLOTS + KVMFLIP_BOUNCES + 2) : fuzz_u32();
	}
	ring->shared->prod = prod;
}

static void send_entries(void)
{
	struct kvmflip_host_ring *ring = &fuzz.port->tx;
	u32 i, prod = ring->shared->prod, n = fuzz_u8() % 24;
	struct kvmflip_tx_desc *entry;

	for (i = 0; i < n; i++, prod++) {
		u8 how = fuzz_u8();

		entry = (struct kvmflip_tx_desc *)ring->entries + (prod & (ring->nr - 1));
		entry->flags = how & 3;
		entry->addr = how & 4 ? U64_MAX - fuzz_u8() : (u64)fuzz_u8() << 12;
		entry->len = how & 8 ? fuzz_u32() : how & 16 ? fuzz_u8() << 8 : fuzz_u8();
		if (how & 32) {
			entry->flags = fuzz_u32();
			entry->addr = (u64)fuzz_u32() << 32 | fuzz_u32();
		}
	}
	ring->shared->prod = prod;
}

/* An access to any region, of any width, at any alignment */
static void access_region(void)
{
	bool write = fuzz_u8() & 1;
	struct kvmflip_pci_config before = regions.config;
	u32 index = fuzz_u8() % 12, i, count = fuzz_u8() % 80;
	u32 features = fuzz.port->features;
	loff_t at = KVMFLIP_REGION_OFFSET(index);
	u64 size = kvmflip_region_size(index);
	enum kvmflip_port_state state = fuzz.port->state;
	u8 *data = malloc(count + 1);
	loff_t pos;
	ssize_t n;

	assert(data);
	for (i = 0; write && i < count; i++)
		data[i] = fuzz_u8();
	i = fuzz_u8();
	at += i < 0xe0 ? i : i < 0xf0 ? size - (i & 15) : fuzz_u32();
	pos = at;
	n = kvmflip_region_rw(&regions, (char *)data, count, &pos, write);
	assert(n <= (ssize_t)count && (n < 0 || pos == at + n));
	if (n > 0)
		assert(at - KVMFLIP_REGION_OFFSET(index) + n <= size);
	for (i = 0; i < PCI_CFG_SPACE_SIZE; i++)
		assert(!((before.value[i] ^ regions.config.value[i]) & ~before.writable[i]));
	if (!write || index || count != 4 || at & 3)
		assert(fuzz.port->features == features && fuzz.port->state == state);
	free(data);
}

static void write_register(void)
{
	static const u32 offsets[] = {
		KVMFLIP_REG_DOORBELL, KVMFLIP_REG_STATUS, KVMFLIP_REG_ACCEPT,
	};
	u32 at = fuzz_u8(), value = fuzz_u8();
	loff_t pos = offsets[at % 3];

	kvmflip_region_rw(&regions, (char *)&value, sizeof(value), &pos, true);
}

/* A vCPU, or a thread of the VMM, touches the window. */
static void touch(void)
{
	struct vm_fault vmf = { .vma = &vma };
	u8 where = fuzz_u8();
	u64 at = where < 0xc0 ? KVMFLIP_SLOTS_OFF + where % (SLOTS + 1) * PAGE_SIZE :
		 (u64)fuzz_u32() * PAGE_SIZE % KVMFLIP_WINDOW_BYTES;

	if (where & 0x20)
		vmf.flags = FAULT_FLAG_REMOTE;
	vmf.address = vma.vm_start + at;
	vmf.pgoff = (BASE + at) >> PAGE_SHIFT;
	if (at >= KVMFLIP_SLOTS_OFF && at < KVMFLIP_SLOTS_OFF + SLOTS * PAGE_SIZE &&
	    pte[(at - KVMFLIP_SLOTS_OFF) >> PAGE_SHIFT])
		return;
	vma.vm_ops->huge_fault(&vmf, PMD_ORDER);
	vma.vm_ops->fault(&vmf);
}

static void map_window(void)
{
	struct vm_area_struct area = {
		.vm_start = VMA_START,
		.vm_end = VMA_START + ((u64)(fuzz_u32() % 0x50000) << PAGE_SHIFT),
		.vm_pgoff = (BASE >> PAGE_SHIFT) + fuzz_u32() % 0x50000,
		.vm_flags = fuzz_u8(),
		.vm_mm = current->mm,
	};
	unsigned long end = area.vm_pgoff + ((area.vm_end - area.vm_start) >> PAGE_SHIFT);

	if (kvmflip_window_mmap(&fuzz.port->window, &area))
		return;
	assert(end <= (BASE + KVMFLIP_WINDOW_BYTES) >> PAGE_SHIFT);
	assert(area.vm_flags & VM_PFNMAP && !(area.vm_flags & VM_MAYEXEC));
}

/* What deliver.c does when a frame has come: copy it, or flip its buffer. */
static void deliver(bool flip)
{
	struct kvmflip_port *port = fuzz.port;
	struct kvmflip_bounced where;
	struct kvmflip_buffer *buf;
	static const u8 frame[4096];
	LIST_HEAD(bufs);
	u32 slot;
	int space;

	mutex_lock(&port->lock);
	if (port->state != KVMFLIP_PORT_STATE_RUNNING)
		goto out;
	space = kvmflip_port_rx_space(port);
	if (space < 0)
		kvmflip_port_fail(port);
	if (space <= 0)
		goto out;
	if (!flip) {
		if (kvmflip_bounce_put(&port->bounce, frame, fuzz_u8() * 16, &where))
			kvmflip_rx_put(&port->rx, port->window.nr + where.slot, where.offset,
				       1, where.last ? KVMFLIP_RX_LAST : 0);
		goto publish;
	}
	buf = kvmflip_pool_claim(pool, &port->share);
	if (!buf)
		goto out;
	list_add(&buf->list, &bufs);
	slot = kvmflip_window_alloc(&port->window);
	if (slot == KVMFLIP_NO_SLOT)
		goto unclaim;
	kvmflip_pool_move(pool, &bufs, KVMFLIP_FREE, KVMFLIP_POSTED);
	kvmflip_pool_move(pool, &bufs, KVMFLIP_POSTED, KVMFLIP_FILLED);
	assert(kvmflip_pool_map(pool, buf, port, slot));
	if (!kvmflip_window_fill(&port->window, slot, buf)) {
		kvmflip_pool_unmap(pool, buf);
		list_add(&buf->list, &bufs);
		kvmflip_window_release(&port->window, &slot, 1);
		goto unclaim;
	}
	kvmflip_rx_put(&port->rx, slot, 0, 1, KVMFLIP_RX_LAST);
publish:
	if (kvmflip_ring_publish(&port->rx))
		kvmflip_port_notify(port, KVMFLIP_VEC_RX);
	goto out;
unclaim:
	kvmflip_pool_unclaim(pool, &port->share, 1);
	kvmflip_pool_give(pool, &bufs);
out:
	mutex_unlock(&port->lock);
}

static void open_port(void)
{
	struct kvmflip_vmm vmm = { .base = BASE, .read = read_guest };

	assert(!kvmflip_port_open(fuzz.port, &vmm));
	kvmflip_pci_config_init(&regions.config);
	vma = (struct vm_area_struct) {
		.vm_start = VMA_START,
		.vm_end = VMA_START + KVMFLIP_WINDOW_BYTES,
		.vm_pgoff = BASE >> PAGE_SHIFT,
		.vm_flags = VM_SHARED,
		.vm_mm = current->mm,
	};
	assert(!kvmflip_window_mmap(&fuzz.port->window, &vma));
}

static void close_port(void)
{
	/* The kernel closes a device when nobody has it mapped any more. */
	memset(pte, 0, sizeof(pte));
	kvmflip_port_close(fuzz.port);
	assert(!fuzz.port->share.held);
}

static void step(void)
{
	switch (fuzz_u8() % 16) {
	case 0:
		write_index();
		break;
	case 1:
		return_slots();
		break;
	case 2:
		send_entries();
		break;
	case 3:
		access_region();
		break;
	case 4:
	case 5:
		write_register();
		break;
	case 6:
		touch();
		break;
	case 7:
		map_window();
		break;
	case 8:
		deliver(false);
		break;
	case 9:
	case 10:
		deliver(true);
		break;
	case 11:
		mutex_lock(&kvmflip_lock);
		kvmflip_reclaim(fuzz.port, (u64)fuzz_u8() << PAGE_SHIFT, NULL);
		mutex_unlock(&kvmflip_lock);
		break;
	case 12:
	case 13:
		fuzz_run_work();
		break;
	case 14:
		fuzz.racing = fuzz_u8() & 1;
		fuzz.vmm_busy = !(fuzz_u8() & 3);
		fuzz.netdev_down = !(fuzz_u8() & 7);
		fuzz.reads_fail = !(fuzz_u8() & 7);
		break;
	case 15:
		if (fuzz_u8() & 7)
			break;
		close_port();
		open_port();
		break;
	}
}

/* What is looked at after each step is no place to get to. */
#define NOT_COVERED	__attribute__((no_sanitize("coverage")))

static NOT_COVERED
void check_slot(const struct kvmflip_window *window, u32 slot, u32 *mapped)
{
	const struct kvmflip_buffer *buf = window->slot[slot];
	bool used = test_bit(slot, window->used), sunk = test_bit(slot, window->sunk);

	assert(test_bit(slot, window->busy) || (!used && !sunk));
	assert(!test_bit(slot, window->held));
	if (buf) {
		++*mapped;
		assert(used && buf->slot == slot && buf->holder == fuzz.port);
		assert(buf->state == KVMFLIP_MAPPED && !test_bit(slot, window->revoked));
		assert(!pte[slot] || pte[slot] == page_to_pfn(kvmflip_pool_page(pool, buf)));
	} else {
		/* Whoever has the sink there must not find a buffer in its place later. */
		assert(!pte[slot] || pte[slot] == page_to_pfn(window->sink));
		assert(!pte[slot] || sunk);
		assert(!used || test_bit(slot, window->revoked));
	}
}

static NOT_COVERED
void check(void)
{
	const struct kvmflip_port *port = fuzz.port;
	u32 slot, state, mapped = 0, sum = 0;

	for (slot = 0; slot < SLOTS; slot++)
		check_slot(&port->window, slot, &mapped);
	assert(mapped == port->window.mapped && mapped == port->share.held);
	for (state = 0; state < KVMFLIP_STATES; state++)
		sum += pool->table.count[state];
	assert(sum == BUFFERS && pool->table.count[KVMFLIP_MAPPED] == mapped);
	assert(pool->nr_free + mapped == BUFFERS && !pool->table.illegal);
	assert(port->rx.prod - port->rx.cons <= port->rx.nr);
	assert(port->tx.prod - port->tx.cons <= port->tx.nr);
	assert(port->txc.prod - port->txc.cons <= port->txc.nr);
	assert(port->owed <= SLOTS && port->bounce.open <= KVMFLIP_BOUNCES);
	assert(!(port->features & KVMFLIP_F_TX_GSO) || port->features & KVMFLIP_F_TX_CSUM);
	assert(!port->lock.held && !port->tx_lock.held && !port->return_lock.held &&
	       !port->window.lock.held && !port->window.fault_lock.held &&
	       !pool->table.lock.held && !current->mm->mmap_lock.held && !port->reader);
}

static void begin(void)
{
	const struct kvmflip_pool_config pool_config = {
		.size = BUFFERS * SZ_4K,
		.buffer_size = SZ_4K,
		.chunk_size = SZ_4K,
		.node = NUMA_NO_NODE,
	};
	const struct kvmflip_port_config config = { .max = SLOTS * SZ_4K };
	static const uuid_t uuid;

	assert(!kvmflip_pool_add("p", &pool_config, NULL));
	mutex_lock(&kvmflip_lock);
	pool = kvmflip_pool_find("p");
	assert(!kvmflip_port_add("a", pool, &uuid, &config, &fuzz.port, NULL));
	mutex_unlock(&kvmflip_lock);
	regions.port = fuzz.port;
	open_port();
}

static void end(void)
{
	close_port();
	mutex_lock(&kvmflip_lock);
	assert(!kvmflip_port_del(fuzz.port, NULL));
	assert(!kvmflip_pool_del(pool, NULL));
	mutex_unlock(&kvmflip_lock);
	fuzz.port = NULL;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4:detect_stack_use_after_return=0";
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u32 steps = STEPS;

	fuzz = (struct fuzz) { .data = data, .size = size };
	begin();
	while (fuzz.size && steps--) {
		step();
		check();
	}
	end();
	return 0;
}
