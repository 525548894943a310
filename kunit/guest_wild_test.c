// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip tests: a guest that does anything to its device, while its driver goes on using
 * it. Whoever wants this loads the driver in a guest that has the device; what the host
 * makes of it is seen there.
 */

#include <kunit/test.h>
#include <linux/pci.h>
#include <linux/prandom.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../src/guest/device.h"

#define KFT_ROUNDS	100000

/* Or NULL if there is none that this driver has and that is up. */
static struct kfn *kft_device(void)
{
	struct pci_dev *pdev = pci_get_device(KVMFLIP_PCI_VENDOR, KVMFLIP_PCI_DEVICE, NULL);
	struct pci_driver *driver = pdev ? pci_dev_driver(pdev) : NULL;
	struct kfn *kf = NULL;

	/* While the module is there nobody but the user takes the device from its driver. */
	if (driver && !strcmp(driver->name, KBUILD_MODNAME))
		kf = pci_get_drvdata(pdev);
	pci_dev_put(pdev);
	return kf && netif_running(kf->netdev) ? kf : NULL;
}

/* Now and then what an index may well be, so that the host does not stop at once. */
static __le32 kft_index(struct rnd_state *rnd, const __le32 *now)
{
	u32 r = prandom_u32_state(rnd);

	return cpu_to_le32(r & 1 ? le32_to_cpu(READ_ONCE(*now)) + (r >> 1) % 4 : r);
}

static void kft_ring(struct rnd_state *rnd, const struct kfn_ring *ring, size_t size)
{
	struct kvmflip_ring *shared = ring->shared;
	u32 r = prandom_u32_state(rnd);
	__le32 *entry = ring->entries;

	switch (r % 8) {
	case 0:
		WRITE_ONCE(shared->prod, kft_index(rnd, &shared->prod));
		break;
	case 1:
		WRITE_ONCE(shared->cons, kft_index(rnd, &shared->prod));
		break;
	case 2:
		WRITE_ONCE(shared->event, kft_index(rnd, &shared->prod));
		break;
	case 3:
		WRITE_ONCE(shared->wanted, kft_index(rnd, &shared->wanted));
		break;
	default:
		WRITE_ONCE(entry[(r >> 3) % (ring->nr * size / sizeof(*entry))],
			   kft_index(rnd, &shared->cons));
	}
}

static void kft_register(struct rnd_state *rnd, const struct kfn *kf)
{
	u32 value = prandom_u32_state(rnd), reg = prandom_u32_state(rnd) % KVMFLIP_BAR_REGS_SIZE;

	switch (prandom_u32_state(rnd) % 8) {
	case 0:
		iowrite8(value, kf->regs + reg);
		break;
	case 1:
		iowrite16(value, kf->regs + (reg & ~1));
		break;
	case 2:
		kfn_write(kf, reg & ~3, value);
		break;
	case 3:
		kfn_read(kf, reg & ~3);
		break;
	case 4:
		kfn_write(kf, KVMFLIP_REG_STATUS, 0);
		kfn_write(kf, KVMFLIP_REG_ACCEPT, kf->offered);
		fallthrough;
	case 5:
		kfn_write(kf, KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
		break;
	default:
		kfn_write(kf, KVMFLIP_REG_DOORBELL, value % 3);
	}
}

/* In slots it has and in those it has not, and in the rings. */
static void kft_memory(struct rnd_state *rnd, const struct kfn *kf)
{
	const struct kfn_layout *layout = &kf->layout;
	u32 slot = prandom_u32_state(rnd) % layout->slots;
	u64 off = prandom_u32_state(rnd);

	off = off % 4 ? layout->slots_off + ((u64)slot << layout->slot_shift) + off % PAGE_SIZE :
			off % layout->slots_off;
	WRITE_ONCE(*(u8 *)(kf->window.base + off), prandom_u32_state(rnd));
}

static void kft_anything(struct kunit *test)
{
	struct kfn *kf = kft_device();
	struct rnd_state rnd;
	u32 i;

	if (!kf)
		kunit_skip(test, "no device that is up");
	prandom_seed_state(&rnd, 42);
	for (i = 0; i < KFT_ROUNDS; i++) {
		switch (prandom_u32_state(&rnd) % 32) {
		case 0:
			kft_register(&rnd, kf);
			break;
		case 1 ... 4:
			kft_memory(&rnd, kf);
			break;
		case 5 ... 8:
			kft_ring(&rnd, &kf->rx.ring, sizeof(struct kvmflip_rx_desc));
			break;
		case 9 ... 12:
			kft_ring(&rnd, &kf->tx.done, sizeof(__le32));
			break;
		case 13 ... 22:
			kft_ring(&rnd, &kf->slots.ret, sizeof(__le32));
			break;
		default:
			kft_ring(&rnd, &kf->tx.ring, sizeof(struct kvmflip_tx_desc));
		}
		cond_resched();
	}

	/* And the device is as good as new. */
	rtnl_lock();
	dev_close(kf->netdev);
	KUNIT_EXPECT_EQ(test, dev_open(kf->netdev, NULL), 0);
	KUNIT_EXPECT_TRUE(test, kfn_device_runs(kf));
	rtnl_unlock();
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE_SLOW(kft_anything),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_net_wild",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
