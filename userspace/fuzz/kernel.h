/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module's sources find instead of the kernel when they are built as a program.
 * It stands in for every header that is not in the kernel's tools/include, and
 * is included before anything else.
 *
 * Memory is libc's, so that the sanitizers know it. Locks only know if they are held. Work
 * runs when the fuzzer says so. Whatever is read of a guest's memory may be something else
 * the next time.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <linux/types.h>
#include <linux/kernel.h>
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/if_ether.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/pci_ids.h>
#include <linux/pci_regs.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>
#include <linux/vfio.h>
#include <linux/virtio_net.h>

#define KERNEL_VERSION(a, b, c)	(((a) << 16) + ((b) << 8) + (c))
#define LINUX_VERSION_CODE	KERNEL_VERSION(7, 3, 0)

#define CONFIG_ARCH_SUPPORTS_PMD_PFNMAP	1
#undef IS_ENABLED
#define IS_ENABLED(option)	(option)
#define VISIBLE_IF_KUNIT
#define KUNIT_STATIC_STUB_REDIRECT(function, ...)	do { } while (0)
#define kunit_get_current_test()	NULL

#undef min
#undef max
#undef clamp
#undef min_t
#define min(a, b)	({ __auto_type _a = (a); __auto_type _b = (b); _a < _b ? _a : _b; })
#define max(a, b)	({ __auto_type _a = (a); __auto_type _b = (b); _a > _b ? _a : _b; })
#define min3(a, b, c)	min(min(a, b), c)
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define kf_swap(a, b)	do { typeof(a) _t = (a); (a) = (b); (b) = _t; } while (0)
#define swap(a, b)	kf_swap(a, b)
#undef WARN_ON_ONCE
#undef WARN_ONCE
#define WARN_ON_ONCE(x)	({ bool _w = (x); assert(!_w); _w; })
#define ALLOW_ERROR_INJECTION(function, kind)
#define WARN_ONCE(x, ...) assert(!(x))
#define U8_MAX		UINT8_MAX
#define U16_MAX		UINT16_MAX
#define U32_MAX		UINT32_MAX
#define U64_MAX		UINT64_MAX
#define cond_resched()	do { } while (0)
#define array_index_nospec(index, size)	({ assert((index) < (size)); (index); })
#define might_sleep()	do { } while (0)

/* Memory that a guest writes at any time: guest.c may change what was just read. */
void fuzz_loaded(const volatile void *at);

#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x)	({ typeof(x) _x = *(const volatile typeof(x) *)&(x);	\
			   fuzz_loaded(&(x)); _x; })
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
#define smp_mb()	do { } while (0)
#define SMP_CACHE_BYTES	64
#define ____cacheline_aligned_in_smp
#define ____cacheline_aligned
#define PTR_ALIGN(p, a)	((typeof(p))ALIGN((unsigned long)(p), a))
#define memset64(p, v, n) do { (void)(v); memset(p, 0, (n) * 8); } while (0)
#define cmpxchg(p, old, new)	({ typeof(*(p)) _o = (old);			\
	__atomic_compare_exchange_n(p, &_o, new, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); _o; })
#define xchg(p, v)	({ typeof(*(p)) _o = *(p); *(p) = (v); _o; })

#undef bitmap_zero
#define bitmap_zero(map, bits)	memset(map, 0, BITS_TO_LONGS(bits) * sizeof(long))
#define __assign_bit(bit, map, v) ((v) ? __set_bit(bit, map) : __clear_bit(bit, map))

typedef u64 dma_addr_t;

static inline size_t list_count_nodes(const struct list_head *head)
{
	const struct list_head *pos;
	size_t n = 0;

	list_for_each(pos, head)
		n++;
	return n;
}

/* Locks: that they are taken in pairs, and held where they have to be */
struct fuzz_lock {
	int held;
};

#define mutex		fuzz_lock
#define rw_semaphore	fuzz_lock
#define spinlock_t	struct fuzz_lock
#define DEFINE_MUTEX(name) struct fuzz_lock name
#define fuzz_init(lock)	((lock)->held = 0)
#define fuzz_take(lock)	({ assert(!(lock)->held); (lock)->held = 1; })
#define fuzz_drop(lock)	({ assert((lock)->held); (lock)->held = 0; })
#define mutex_init	fuzz_init
#define mutex_lock	fuzz_take
#define mutex_lock_killable(lock) (fuzz_take(lock), 0)
#define mutex_unlock	fuzz_drop
#define spin_lock_init	fuzz_init
#define spin_lock	fuzz_take
#define spin_unlock	fuzz_drop
#define spin_lock_bh	fuzz_take
#define spin_unlock_bh	fuzz_drop
#define init_rwsem	fuzz_init
#define down_read	fuzz_take
#define up_read		fuzz_drop
#define down_write	fuzz_take
#define up_write	fuzz_drop
#define lockdep_assert_held(lock) assert((lock)->held)
#define lockdep_is_held(lock)	((lock)->held)
#define lockdep_assert(c)	assert(c)

struct rcu_head {
	void *next;
};

struct kref {
	int n;
};

#define kref_init(ref)	((ref)->n = 1)
#define kref_get_unless_zero(ref) ((ref)->n ? (ref)->n++ : 0)
#define kref_put(ref, release)	do { if (!--(ref)->n) release(ref); } while (0)
#define rcu_read_lock()	do { } while (0)
#define rcu_read_unlock() do { } while (0)
#define kfree_rcu(p, head) kfree(p)
#undef atomic_read
#undef atomic_set
#define atomic_read(a)	((a)->counter)
#define atomic_set(a, v) ((a)->counter = (v))
#define atomic64_t	struct { u64 v; }
#define atomic64_inc_return(a) (++(a)->v)

/* Memory */
#undef GFP_KERNEL
#define GFP_KERNEL	0
#define GFP_KERNEL_ACCOUNT 0
#undef __GFP_ZERO
#undef __GFP_NOWARN
#define __GFP_ZERO	0
#define __GFP_NOWARN	0
#define __GFP_COMP	0
#define __GFP_THISNODE	0
#define __GFP_RETRY_MAYFAIL 0
#define __GFP_NOFAIL	0
#define kzalloc_obj(p)	calloc(1, sizeof(p))
#define kfree(p)	free((void *)(p))
#define kvfree		free
#define kvcalloc(n, size, gfp) calloc(n, size)
#define kvmalloc_array(n, size, gfp) calloc(n, size)
void *__vmalloc(size_t size, int gfp);
void vfree(const void *p);

#define PAGE_SHIFT	12
#undef PAGE_SIZE
#define PAGE_SIZE	4096UL
#define PAGE_ALIGN(x)	ALIGN(x, PAGE_SIZE)
#define PMD_SHIFT	21
#define PMD_ORDER	9
#define PMD_SIZE	(1UL << PMD_SHIFT)
#define NUMA_NO_NODE	(-1)
#define GUP_PIN_COUNTING_BIAS	1024
#undef offset_in_page
#define offset_in_page(p) ((unsigned long)(p) & (PAGE_SIZE - 1))

/**
 * struct page - a page of a pool, or of a sink; nobody looks at what is in it
 * @refs: references to it
 * @_pincount: of a large folio, which it is not
 */
struct page {
	int refs;
	atomic_t _pincount;
};

#define folio		page
#define page_folio(page) (page)
#define folio_ref_count(page) ((page)->refs)
#define folio_mapcount(page) 0
#define folio_test_large(page) false
#define folio_nr_pages(page) 1
#define page_to_pfn(page) ((unsigned long)(page))
#define page_address(page) ((void *)(page))
#define vmalloc_to_pfn(at) ((unsigned long)(at))
#define totalram_pages() ULONG_MAX
#define fatal_signal_pending(task) false
#define split_page(page, order)	do { } while (0)
struct page *alloc_pages_node(int node, int gfp, unsigned int order);
#define __free_pages(page, order) free(page)
#define __free_page(page) free(page)
#define usleep_range(from, to) do { } while (0)
#define msleep(ms)	do { } while (0)

/* A process that has the window mapped: guest.c has its page table. */
typedef unsigned int vm_fault_t;

struct mm_struct {
	struct fuzz_lock mmap_lock;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_pgoff, vm_flags;
	void *vm_private_data;
	const struct vm_operations_struct *vm_ops;
	struct mm_struct *vm_mm;
};

typedef struct { int none; } pmd_t;

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long address, pgoff;
	unsigned int flags;
	pmd_t *pmd;
};

struct vm_operations_struct {
	vm_fault_t (*fault)(struct vm_fault *vmf);
	vm_fault_t (*huge_fault)(struct vm_fault *vmf, unsigned int order);
};

#define FAULT_FLAG_REMOTE	0x80
#define VM_FAULT_SIGBUS		0x02
#define VM_FAULT_NOPAGE		0x100
#define VM_FAULT_FALLBACK	0x800
#define VM_SHARED		0x08
#define VM_EXEC			0x04
#define VM_MAYEXEC		0x40
#define VM_PFNMAP		0x400
#define VM_DONTCOPY		0x20000
#define VM_DONTEXPAND		0x40000
#define VM_DONTDUMP		0x4000000
#define vm_flags_mod(vma, set, clear) \
	((vma)->vm_flags = ((vma)->vm_flags | (set)) & ~(unsigned long)(clear))
#define mmgrab(mm)	((void)(mm))
#define mmdrop(mm)	((void)(mm))
bool down_write_trylock(struct fuzz_lock *lock);
vm_fault_t vmf_insert_pfn(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn);
#define vmf_insert_pfn_pmd(vmf, pfn, write) VM_FAULT_FALLBACK
#define pmdp_get_lockless(pmd) (*(pmd))
#define pmd_leaf(pmd)	((pmd).none)
struct address_space;
void unmap_mapping_range(struct address_space *mapping, loff_t from, loff_t bytes, int even);
int copy_from_user(void *to, const void *from, size_t n);
int copy_to_user(void *to, const void *from, size_t n);
int clear_user(void *to, size_t n);

/* Time, which stands still; work, which guest.c runs */
#undef HZ
#define HZ		1000
#define jiffies		100000UL
#define msecs_to_jiffies(ms) (ms)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)

/**
 * struct work_struct - something to be done later
 * @list: in the list of such
 * @func: does it
 */
struct work_struct {
	struct list_head list;
	void (*func)(struct work_struct *work);
};

struct delayed_work {
	struct work_struct work;
};

struct hrtimer {
	int none;
};

struct workqueue_struct;
#define INIT_WORK(w, f)	do { INIT_LIST_HEAD(&(w)->list); (w)->func = (f); } while (0)
#define INIT_DELAYED_WORK(w, f) INIT_WORK(&(w)->work, f)
#define DECLARE_WORK(name, f) struct work_struct name = { LIST_HEAD_INIT(name.list), f }
#define to_delayed_work(w) container_of(w, struct delayed_work, work)
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
#define queue_delayed_work(wq, w, delay) ((void)(delay), queue_work(wq, &(w)->work))
#define schedule_delayed_work(w, delay) ((void)(delay), queue_work(NULL, &(w)->work))
#define cancel_work_sync(w) list_del_init(&(w)->list)
#define cancel_delayed_work(w) cancel_work_sync(&(w)->work)
#define cancel_delayed_work_sync(w) cancel_work_sync(&(w)->work)

/* Events that somebody traces */
#define TP_PROTO(...)	__VA_ARGS__
#define TRACE_EVENT(name, proto, ...)					\
	static inline void trace_##name(proto) { }			\
	static inline bool trace_##name##_enabled(void) { return true; }

/* Tasks */
struct task_struct {
	struct mm_struct *mm;
};

extern struct task_struct *const current;
#define task_tgid_nr(task) 1
#define SIGKILL		9
#define allow_kernel_signal(sig) do { } while (0)
#define disallow_signal(sig) do { } while (0)
#define send_sig(sig, task, priv) do { } while (0)

/* Names and numbers of ports */
typedef struct { u8 b[16]; } uuid_t;
#define uuid_equal(a, b) (!memcmp(a, b, sizeof(uuid_t)))
#define uuid_copy(a, b)	(*(a) = *(b))
#define strscpy(to, from) ((void)snprintf(to, sizeof(to), "%s", from))
#define get_random_u32() 1
#define is_valid_ether_addr(addr) true
#define ether_addr_equal(a, b) (!memcmp(a, b, ETH_ALEN))
#define NL_SET_ERR_MSG(extack, ...) ((void)(extack))
#define NL_SET_ERR_MSG_FMT(extack, ...) ((void)(extack))
#define DEFINE_XARRAY_ALLOC1(name) void *name
#define xa_load(xa, id)	(*(xa))
#define xa_alloc(xa, id, p, limit, gfp) (*(id) = 1, *(xa) = (p), 0)
#define xa_erase(xa, id) (*(xa) = NULL)
#define rtnl_lock()	do { } while (0)
#define rtnl_unlock()	do { } while (0)
struct netlink_ext_ack;
struct net_device;
struct net;
struct ptr_ring { int none; };
struct napi_struct { int none; };
#define IFNAMSIZ	16

struct eventfd_ctx;
#define eventfd_signal(ctx) ((void)(ctx))
#define eventfd_ctx_put(ctx) ((void)(ctx))

/* Packets: all in the linear part, or all but a little of it in fragments of a page */
typedef struct {
	void *at;
	u32 size;
} skb_frag_t;

struct skb_shared_info {
	u32 nr_frags;
	skb_frag_t frags[17];
};

struct sk_buff {
	u8 *data;
	u32 len;
	u32 data_len;
	void *head;
	struct skb_shared_info shinfo;
	bool partial;
	u8 gso_type;
};

struct sk_buff_head { struct fuzz_lock lock; };

#define NET_SKB_PAD	64
#define NET_IP_ALIGN	2
#define PAGE_ALLOC_COSTLY_ORDER	3
#define skb_shinfo(skb)	(&(skb)->shinfo)
#define skb_headlen(skb) ((skb)->len - (skb)->data_len)
#define skb_frag_address(frag) ((frag)->at)
#define skb_frag_size(frag) ((frag)->size)
#define skb_reserve(skb, n) ((skb)->data += (n))
#define skb_put(skb, n)	((skb)->len += (n))
struct sk_buff *__netdev_alloc_skb_ip_align(struct net_device *dev, u32 len, int gfp);
struct sk_buff *alloc_skb_with_frags(u32 head, u32 rest, int order, int *err, int gfp);
void kfree_skb(struct sk_buff *skb);
int virtio_net_hdr_to_skb(struct sk_buff *skb, const struct virtio_net_hdr *hdr, bool little);

#define sort(base, n, size, cmp, swap) ((void)(swap), qsort(base, n, size, cmp))

#endif /* FUZZ_KERNEL_H */
