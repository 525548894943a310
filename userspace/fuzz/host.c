// SPDX-License-Identifier: GPL-2.0
/* What the rest of the module and the kernel do for the sources that are fuzzed. */
#include <sanitizer/asan_interface.h>

#include "../../src/host/event.h"
#include "../../src/host/iommu.h"
#include "../../src/host/kvm.h"
#include "../../src/host/netdev.h"
#include "../../src/host/port.h"
#include "fuzz.h"

struct workqueue_struct *kvmflip_wq, *kvmflip_tx_wq;

static struct mm_struct mm;
static struct task_struct task = { .mm = &mm };
struct task_struct *const current = &task;

static LIST_HEAD(pending);

struct page *alloc_pages_node(int node, int gfp, unsigned int order)
{
	struct page *page = calloc(1UL << order, sizeof(*page));

	(void)node;
	(void)gfp;
	assert(page);
	page->refs = 1;
	return page;
}

/*
 * There is one window at a time, and to map and unmap megabytes for each input would take
 * longer than all the rest. Nothing looks at what was in a bounce slot.
 */
#define VMALLOC_MAX	SZ_8M
#define VMALLOC_DIRTY	SZ_128K

static u8 vmalloced[VMALLOC_MAX] __attribute__((aligned(4096)));
static size_t vmalloc_size;

void *__vmalloc(size_t size, int gfp)
{
	(void)gfp;
	assert(size > VMALLOC_DIRTY && size <= VMALLOC_MAX);
	__asan_unpoison_memory_region(vmalloced, VMALLOC_DIRTY);
	memset(vmalloced, 0, VMALLOC_DIRTY);
	if (size != vmalloc_size) {
		__asan_unpoison_memory_region(vmalloced, size);
		__asan_poison_memory_region(vmalloced + size, VMALLOC_MAX - size);
	}
	vmalloc_size = size;
	return vmalloced;
}

void vfree(const void *p)
{
	assert(!p || p == vmalloced);
	__asan_poison_memory_region(vmalloced, VMALLOC_DIRTY);
}

bool down_write_trylock(struct fuzz_lock *lock)
{
	if (fuzz.vmm_busy)
		return false;
	fuzz_take(lock);
	return true;
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	(void)wq;
	if (!list_empty(&work->list))
		return false;
	list_add_tail(&work->list, &pending);
	return true;
}

/* What is pending now, and not what that queues */
void fuzz_run_work(void)
{
	struct work_struct *work;
	LIST_HEAD(now);

	list_splice_init(&pending, &now);
	while (!list_empty(&now)) {
		work = list_first_entry(&now, struct work_struct, list);
		list_del_init(&work->list);
		work->func(work);
	}
}

int copy_from_user(void *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return 0;
}

int copy_to_user(void *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return 0;
}

int clear_user(void *to, size_t n)
{
	memset(to, 0, n);
	return 0;
}

static struct sk_buff *new_skb(u32 head)
{
	struct sk_buff *skb = calloc(1, sizeof(*skb));

	assert(skb);
	skb->head = malloc(head);
	assert(skb->head);
	skb->data = skb->head;
	return skb;
}

struct sk_buff *__netdev_alloc_skb_ip_align(struct net_device *dev, u32 len, int gfp)
{
	(void)dev;
	(void)gfp;
	return fuzz_chance() ? NULL : new_skb(len);
}

struct sk_buff *alloc_skb_with_frags(u32 head, u32 rest, int order, int *err, int gfp)
{
	u32 size = PAGE_SIZE << order, n;
	struct skb_shared_info *shinfo;
	struct sk_buff *skb;

	(void)gfp;
	*err = 0;
	if (fuzz_chance())
		return NULL;
	skb = new_skb(head);
	shinfo = skb_shinfo(skb);
	for (; rest; rest -= n) {
		n = min(rest, size);
		assert(shinfo->nr_frags < ARRAY_SIZE(shinfo->frags));
		shinfo->frags[shinfo->nr_frags].at = malloc(n);
		shinfo->frags[shinfo->nr_frags++].size = n;
	}
	return skb;
}

void kfree_skb(struct sk_buff *skb)
{
	u32 i;

	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++)
		free(skb_shinfo(skb)->frags[i].at);
	free(skb->head);
	free(skb);
}

int virtio_net_hdr_to_skb(struct sk_buff *skb, const struct virtio_net_hdr *hdr, bool little)
{
	(void)little;
	if (hdr->gso_type == VIRTIO_NET_HDR_GSO_ECN)
		return -EINVAL;
	skb->partial = hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	skb->gso_type = hdr->gso_type;
	return 0;
}

bool kvmflip_netdev_is_up(const struct kvmflip_port *port)
{
	(void)port;
	return !fuzz.netdev_down;
}

u32 kvmflip_netdev_mtu(const struct kvmflip_port *port)
{
	(void)port;
	return ETH_DATA_LEN;
}

void kvmflip_netdev_carrier(struct kvmflip_port *port, bool on)
{
	(void)on;
	lockdep_assert_held(&port->lock);
}

void kvmflip_netdev_kick(struct kvmflip_port *port)
{
	assert(!port->lock.held);
}

void kvmflip_netdev_flush(struct kvmflip_port *port)
{
	assert(!port->lock.held);
}

void kvmflip_netdev_del(struct kvmflip_port *port)
{
	(void)port;
}

bool kvmflip_netdev_backlogged(const struct kvmflip_port *port)
{
	(void)port;
	return fuzz_chance();
}

u64 kvmflip_kvm_gpa(struct kvm *kvm, unsigned long hva)
{
	(void)kvm;
	return hva;
}

enum kvmflip_huge kvmflip_kvm_huge(struct kvm *kvm, unsigned long hva)
{
	(void)kvm;
	(void)hva;
	return KVMFLIP_HUGE_POSSIBLE;
}

void kvmflip_event_pool(u8 cmd, const struct kvmflip_pool *what)
{
	(void)cmd;
	assert(what && kvmflip_lock.held);
}

void kvmflip_event_port(u8 cmd, const struct kvmflip_port *port, enum kvmflip_reason reason)
{
	(void)cmd;
	(void)reason;
	assert(port);
}

void kvmflip_iommu_grant(struct kvmflip_iommu *iommu, struct list_head *bufs,
			 struct list_head *failed, struct kvmflip_delta *delta)
{
	(void)iommu;
	(void)bufs;
	(void)failed;
	(void)delta;
}

void kvmflip_iommu_revoke(struct kvmflip_iommu *iommu, struct list_head *bufs,
			  struct kvmflip_delta *delta)
{
	(void)iommu;
	(void)bufs;
	(void)delta;
}

void kvmflip_stats_init(struct kvmflip_stats *stats)
{
	spin_lock_init(&stats->lock);
}

void kvmflip_stats_add(struct kvmflip_stats *stats, const struct kvmflip_delta *delta)
{
	u32 i;

	for (i = 0; i < KVMFLIP_STATS_NR; i++)
		stats->v[i] += delta->v[i];
}

void kvmflip_stats_inc(struct kvmflip_stats *stats, unsigned int counter, u64 n)
{
	assert(!stats->lock.held);
	stats->v[counter] += n;
}
