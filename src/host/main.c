// SPDX-License-Identifier: GPL-2.0
/* kvmflip: zero-copy receive into KVM guests by page flipping. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/workqueue.h>

#include "../compat.h"
#include "chardev.h"
#include "main.h"
#include "netdev.h"
#include "netlink.h"
#include "port.h"
#include "reclaim.h"
#include "rxq.h"
#include "vfio.h"

struct workqueue_struct *kvmflip_wq;
struct workqueue_struct *kvmflip_tx_wq;

/* What this build does without, for whoever wonders about it on this kernel */
static void __init kvmflip_tell(void)
{
	if (!KVMFLIP_KVM_MAPS_TAIL_PAGES)
		pr_info("on this kernel buffers of 2 MiB are made of single pages\n");
	if (!IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP))
		pr_info("on this kernel buffers of 2 MiB are mapped page by page\n");
}

static int __init kvmflip_init(void)
{
	int err;

	kvmflip_wq = alloc_workqueue("kvmflip", WQ_UNBOUND, 0);
	if (!kvmflip_wq)
		return -ENOMEM;
	kvmflip_tx_wq = alloc_workqueue("kvmflip_tx", WQ_UNBOUND, WQ_UNBOUND_MAX_ACTIVE);
	if (!kvmflip_tx_wq) {
		err = -ENOMEM;
		goto err_wq;
	}
	err = kvmflip_netdev_init();
	if (err)
		goto err_tx_wq;
	err = kvmflip_rxq_init();
	if (err)
		goto err_netdev;
	err = kvmflip_vfio_init();
	if (err)
		goto err_rxq;
	err = kvmflip_chardev_init();
	if (err)
		goto err_vfio;
	err = kvmflip_netlink_init();
	if (err)
		goto err_chardev;
	kvmflip_tell();
	return 0;

err_chardev:
	kvmflip_chardev_exit();
err_vfio:
	kvmflip_vfio_exit();
err_rxq:
	kvmflip_rxq_exit();
err_netdev:
	kvmflip_netdev_exit();
err_tx_wq:
	destroy_workqueue(kvmflip_tx_wq);
err_wq:
	destroy_workqueue(kvmflip_wq);
	return err;
}

static void __exit kvmflip_exit(void)
{
	kvmflip_netlink_exit();
	kvmflip_chardev_exit();
	kvmflip_vfio_exit();
	kvmflip_rxq_exit();
	kvmflip_reclaim_exit();
	kvmflip_port_exit();
	kvmflip_netdev_exit();
	destroy_workqueue(kvmflip_tx_wq);
	destroy_workqueue(kvmflip_wq);
	kvmflip_pool_exit();
}

module_init(kvmflip_init);
module_exit(kvmflip_exit);

MODULE_DESCRIPTION("Zero-copy receive into KVM guests by page flipping");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
/* For bpf_link_get_from_fd() */
MODULE_USES_NS(BPF_INTERNAL);
