// SPDX-License-Identifier: GPL-2.0
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "xdpfeatures.h"

/* from linux/netdev.h, which is not everywhere yet */
#define NETDEV_CMD_DEV_GET 1
#define NETDEV_A_DEV_IFINDEX 1
#define NETDEV_A_DEV_XDP_FEATURES 3

static int on_device(struct nl_msg *msg, void *features)
{
	struct genlmsghdr *ghdr = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attr = nla_find(genlmsg_attrdata(ghdr, 0),
				       genlmsg_attrlen(ghdr, 0),
				       NETDEV_A_DEV_XDP_FEATURES);

	if (attr && nla_len(attr) == sizeof(__u64))
		*(__u64 *)features = nla_get_u64(attr);
	return NL_OK;
}

/**
 * xdp_features - ask for them
 * @ifindex: network device
 * @features: out: XDP_FEATURE_*
 *
 * Return: if the kernel tells.
 */
bool xdp_features(unsigned int ifindex, __u64 *features)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg = NULL;
	int family, err = -NLE_NOMEM;

	*features = 0;
	if (!sock)
		return false;
	if (genl_connect(sock))
		goto free_sock;
	family = genl_ctrl_resolve(sock, "netdev");
	msg = family < 0 ? NULL : nlmsg_alloc();
	if (!msg ||
	    !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0,
			 NETDEV_CMD_DEV_GET, 1) ||
	    nla_put_u32(msg, NETDEV_A_DEV_IFINDEX, ifindex))
		goto free_msg;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_device, features);
	err = nl_send_sync(sock, msg);
	msg = NULL;
free_msg:
	nlmsg_free(msg);
free_sock:
	nl_socket_free(sock);
	return !err;
}
