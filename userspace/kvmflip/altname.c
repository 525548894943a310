// SPDX-License-Identifier: GPL-2.0
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "altname.h"
#include "output.h"

/* returns 0 or what libnl has for an error */
static int request(__u32 ifindex, const char *name)
{
	const struct ifinfomsg link = { .ifi_index = ifindex };
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg;
	struct nlattr *list;
	int err;

	if (!sock)
		return -NLE_NOMEM;
	err = nl_connect(sock, NETLINK_ROUTE);
	if (err)
		goto free_sock;
	msg = nlmsg_alloc_simple(RTM_NEWLINKPROP,
				 NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND);
	list = NULL;
	if (msg && !nlmsg_append(msg, (void *)&link, sizeof(link), NLMSG_ALIGNTO))
		list = nla_nest_start(msg, IFLA_PROP_LIST);
	if (!list || nla_put_string(msg, IFLA_ALT_IFNAME, name)) {
		nlmsg_free(msg);
		err = -NLE_NOMEM;
		goto free_sock;
	}
	nla_nest_end(msg, list);
	err = nl_send_sync(sock, msg);
free_sock:
	nl_socket_free(sock);
	return err;
}

/* It does no more than warn: nothing but the name is missing. */
void altname_add(__u32 ifindex, const char *ifname, const char *name)
{
	int err = request(ifindex, name);

	if (err)
		warning("%s cannot be called %s too: %s", ifname, name,
			nl_geterror(err));
}
