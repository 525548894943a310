/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the library share. */
#ifndef _KVMFLIP_LIB_CONNECTION_H
#define _KVMFLIP_LIB_CONNECTION_H

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "attrs.h"

#define MAX_DEPTH 4	/* nests in nests */

/**
 * struct kvmflip - a connection
 * @sock: its socket
 * @family: the family's number
 * @error: what was wrong with the last request
 */
struct kvmflip {
	struct nl_sock *sock;
	int family;
	char error[512];
};

/**
 * struct kvmflip_request - a request
 * @msg: the message
 * @set: by depth: attributes that can be put
 * @nest: by depth: the nest that is open
 * @depth: how many are
 * @err: the first thing that went wrong, 0 or a negative errno
 * @attr: number of the attribute that did
 */
struct kvmflip_request {
	struct nl_msg *msg;
	const struct attr_set *set[MAX_DEPTH + 1];
	struct nlattr *nest[MAX_DEPTH + 1];
	unsigned int depth;
	int err;
	int attr;
};

int kf_errno(int err);
int kf_fail(struct kvmflip *kf, int err, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));

#endif /* _KVMFLIP_LIB_CONNECTION_H */
