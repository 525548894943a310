// SPDX-License-Identifier: GPL-2.0
/* Notifications. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "connection.h"

#define SUFFIX "-ntf"
#define BUFFER_BYTES (1 << 20)	/* a thousand notifications and more */

/**
 * struct receiver - who waits for notifications
 * @event: is given them
 * @data: for @event
 */
struct receiver {
	kvmflip_event_t event;
	void *data;
};

/**
 * kvmflip_subscribe - have notifications sent to a connection
 * @kf: connection, which is of no use for requests from then on
 *
 * Return: 0, or a negative errno, which kvmflip_error() explains.
 */
int kvmflip_subscribe(struct kvmflip *kf)
{
	int err, group = genl_ctrl_resolve_grp(kf->sock, KVMFLIP_FAMILY_NAME,
					       KVMFLIP_MCGRP_MONITOR);

	nl_socket_disable_seq_check(kf->sock);
	nl_socket_set_buffer_size(kf->sock, BUFFER_BYTES, 0);
	err = group < 0 ? group : nl_socket_add_membership(kf->sock, group);
	if (err)
		return kf_fail(kf, kf_errno(err), "notifications: %s",
			       strerror(-kf_errno(err)));
	return 0;
}

/**
 * kvmflip_fd - the descriptor of a connection
 * @kf: connection
 *
 * Return: a descriptor that can be polled for notifications; the connection's.
 */
int kvmflip_fd(const struct kvmflip *kf)
{
	return nl_socket_get_fd(kf->sock);
}

static int on_event(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *ghdr = nlmsg_data(nlmsg_hdr(msg));
	const struct command *command = command_find(ghdr->cmd);
	const struct kvmflip_object object = {
		.set = command ? command->set : NULL,
		.data = genlmsg_attrdata(ghdr, 0),
		.len = genlmsg_attrlen(ghdr, 0),
	};
	const struct receiver *receiver = arg;
	const char *suffix;
	char name[64];

	/* a newer module may have others */
	suffix = command ? strstr(command->name, SUFFIX) : NULL;
	if (!suffix)
		return NL_OK;
	snprintf(name, sizeof(name), "%.*s", (int)(suffix - command->name), command->name);
	receiver->event(name, &object, receiver->data);
	return NL_OK;
}

/**
 * kvmflip_receive - wait for a notification
 * @kf: connection with kvmflip_subscribe()
 * @event: is given it, and others that came with it
 * @data: for @event
 *
 * Return: 0, or a negative errno, which kvmflip_error() explains: -ENOBUFS if
 * notifications were lost because they were not received in time; the next ones
 * can be received.
 */
int kvmflip_receive(struct kvmflip *kf, kvmflip_event_t event, void *data)
{
	struct receiver receiver = { event, data };
	int err;

	nl_socket_modify_cb(kf->sock, NL_CB_VALID, NL_CB_CUSTOM, on_event, &receiver);
	errno = 0;
	err = nl_recvmsgs_default(kf->sock);
	/* libnl takes a socket that has lost something for one without memory */
	if (err == -NLE_NOMEM && errno == ENOBUFS)
		return kf_fail(kf, -ENOBUFS, "notifications were lost");
	if (err < 0)
		return kf_fail(kf, kf_errno(err), "netlink: %s", nl_geterror(err));
	return 0;
}
