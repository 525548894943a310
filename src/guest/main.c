// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip_net: driver of the network device that kvmflip gives to a guest. What it
 * received lies in a BAR of the device, where the host's kernel has mapped it, and
 * goes from there into the network stack without being copied.
 */

#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>

#include "device.h"
#include "link.h"
#include "netdev.h"

/* After so long a removal says what it waits for, and again. */
#define KFN_REMOVE_PATIENCE_MS	10000

static int kfn_pci_enable(struct kfn *kf)
{
	struct pci_dev *pdev = kf->pdev;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		return err;
	err = pcim_request_all_regions(pdev, KBUILD_MODNAME);
	if (err)
		return err;
	kf->regs = pcim_iomap(pdev, KVMFLIP_BAR_REGS, KVMFLIP_BAR_REGS_SIZE);
	if (!kf->regs)
		return -ENOMEM;
	pci_set_master(pdev);
	err = pci_alloc_irq_vectors(pdev, KVMFLIP_VECS, KVMFLIP_VECS, PCI_IRQ_MSIX);
	/* It says -ENODEV or -ENOSPC too if it is memory that is missing. */
	if (err < 0)
		pci_err(pdev, "cannot allocate %d MSI-X vectors (%d)\n", KVMFLIP_VECS, err);
	return min(err, 0);
}

static int kfn_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct net_device *netdev = devm_alloc_etherdev(&pdev->dev, sizeof(struct kfn));
	struct kfn *kf;
	int err;

	if (!netdev)
		return -ENOMEM;
	kf = netdev_priv(netdev);
	kf->pdev = pdev;
	kf->netdev = netdev;
	SET_NETDEV_DEV(netdev, &pdev->dev);
	pci_set_drvdata(pdev, kf);

	err = kfn_pci_enable(kf);
	if (err)
		return err;
	kfn_rx_init(kf);
	kfn_link_init(kf);
	err = kfn_device_open(kf);
	if (err)
		goto err_vectors;
	err = kfn_netdev_register(kf);
	if (err)
		goto err_device;
	return 0;

err_device:
	kfn_device_close(kf);
err_vectors:
	pci_free_irq_vectors(pdev);
	return err;
}

/*
 * The window cannot go away before everybody has dropped what lies in it, and until
 * then the device is not reset, so that nobody reads zeroes.
 */
static void kfn_remove(struct pci_dev *pdev)
{
	struct kfn *kf = pci_get_drvdata(pdev);

	unregister_netdev(kf->netdev);
	/* This lets go of what waits in it for more. */
	netif_napi_del(&kf->rx.napi);
	netif_napi_del(&kf->tx.napi);
	while (!kfn_slots_wait(kf, KFN_REMOVE_PATIENCE_MS))
		pci_info(pdev, "waiting until what was received in %u slots is read or dropped\n",
			 kfn_slots_held(kf));
	kfn_device_reset(kf);
	kfn_device_close(kf);
	kfn_link_exit(kf);
	pci_free_irq_vectors(pdev);
}

static void kfn_shutdown(struct pci_dev *pdev)
{
	struct kfn *kf = pci_get_drvdata(pdev);

	rtnl_lock();
	netif_device_detach(kf->netdev);
	if (kf->up)
		kfn_netdev_halt(kf);
	kfn_device_reset(kf);
	rtnl_unlock();
}

static int kfn_suspend(struct device *dev)
{
	struct kfn *kf = dev_get_drvdata(dev);

	rtnl_lock();
	netif_device_detach(kf->netdev);
	if (kf->up && !kfn_netdev_halt(kf))
		kfn_device_reset(kf);
	rtnl_unlock();
	return 0;
}

static int kfn_resume(struct device *dev)
{
	struct kfn *kf = dev_get_drvdata(dev);
	int err = 0;

	rtnl_lock();
	if (netif_running(kf->netdev))
		err = kfn_netdev_go(kf);
	if (!err)
		netif_device_attach(kf->netdev);
	rtnl_unlock();
	return err;
}

static DEFINE_SIMPLE_DEV_PM_OPS(kfn_pm_ops, kfn_suspend, kfn_resume);

static const struct pci_device_id kfn_ids[] = {
	{ PCI_DEVICE(KVMFLIP_PCI_VENDOR, KVMFLIP_PCI_DEVICE) },
	{}
};
MODULE_DEVICE_TABLE(pci, kfn_ids);

static struct pci_driver kfn_driver = {
	.name = KBUILD_MODNAME,
	.id_table = kfn_ids,
	.probe = kfn_probe,
	.remove = kfn_remove,
	.shutdown = kfn_shutdown,
	.driver.pm = pm_sleep_ptr(&kfn_pm_ops),
};
module_pci_driver(kfn_driver);

MODULE_DESCRIPTION("Network device of a guest whose host has kvmflip");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
