// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/kvmflip_netlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "attrs.h"
#include "genl.h"
#include "output.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static struct nl_sock *sock;
static int family;
static char error_text[512];

/**
 * struct call - a request on its way
 * @request: what was sent; the error's offset points into it
 * @set: attributes of request and answers
 * @replies: out: array of the answers
 * @err: out: 0 or negative errno
 * @done: the last message of the answer has come
 */
struct call {
	struct nlmsghdr *request;
	const struct attr_set *set;
	cJSON *replies;
	int err;
	bool done;
};

/**
 * genl_open - connect to the module
 *
 * Return: exit code
 */
int genl_open(void)
{
	const int one = 1;
	int fd;

	if (sock)
		return EXIT_OK;
	sock = nl_socket_alloc();
	if (!sock || genl_connect(sock))
		return refused("no netlink socket");
	fd = nl_socket_get_fd(sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	family = genl_ctrl_resolve(sock, KVMFLIP_FAMILY_NAME);
	if (family < 0)
		return refused("the kvmflip module is not loaded: modprobe kvmflip");
	return EXIT_OK;
}

/**
 * genl_request - begin a message to the module
 * @cmd: KVMFLIP_CMD_*
 *
 * genl_open() has succeeded. Running out of memory ends the program.
 *
 * Return: the message, which genl_do() takes over
 */
struct nl_msg *genl_request(int cmd)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0,
				 cmd, KVMFLIP_FAMILY_VERSION))
		exit(refused("out of memory"));
	return msg;
}

/* the name of the attribute that lies @offset bytes into the request */
static const char *attr_at(const struct attr_set *set, struct nlattr *head,
			   int len, struct nlmsghdr *request, __u32 offset)
{
	const struct attr *attr;
	const char *nested;
	struct nlattr *nla;
	__u32 start;
	int rem;

	nla_for_each_attr(nla, head, len, rem) {
		start = (char *)nla - (char *)request;
		attr = attr_by_type(set, nla_type(nla));
		if (!attr || offset < start || offset >= start + nla->nla_len)
			continue;
		nested = attr->nested && offset > start ?
			attr_at(attr->nested, nla_data(nla), nla_len(nla),
				request, offset) : NULL;
		return nested ? nested : attr->name;
	}
	return NULL;
}

/* put what @attrs of an extended acknowledgment say into error_text */
static void read_extack(const struct call *call, int err, struct nlattr *attrs,
			int len)
{
	struct genlmsghdr *ghdr = nlmsg_data(call->request);
	const struct attr *missing = NULL;
	const char *name = NULL, *text = NULL;
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1] = { };

	if (len > 0 && !nla_parse(tb, NLMSGERR_ATTR_MAX, attrs, len, NULL)) {
		if (tb[NLMSGERR_ATTR_MSG])
			text = nla_get_string(tb[NLMSGERR_ATTR_MSG]);
		if (tb[NLMSGERR_ATTR_OFFS])
			name = attr_at(call->set, genlmsg_attrdata(ghdr, 0),
				       genlmsg_attrlen(ghdr, 0), call->request,
				       nla_get_u32(tb[NLMSGERR_ATTR_OFFS]));
		if (tb[NLMSGERR_ATTR_MISS_TYPE])
			missing = attr_by_type(call->set,
					       nla_get_u32(tb[NLMSGERR_ATTR_MISS_TYPE]));
	}
	snprintf(error_text, sizeof(error_text), "%s%s%s%s%s%s%s",
		 text ? text : strerror(-err),
		 name ? " (attribute \"" : "", name ? name : "", name ? "\")" : "",
		 missing ? " (attribute \"" : "", missing ? missing->name : "",
		 missing ? "\" is missing)" : "");
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct nlmsghdr *hdr = (void *)((char *)e - NLMSG_HDRLEN);
	int skip = sizeof(*e);
	struct call *call = arg;

	(void)from;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - NLMSG_HDRLEN;
	skip = NLMSG_ALIGN(skip);
	call->err = e->error;
	call->done = true;
	read_extack(call, e->error, (void *)((char *)e + skip),
		    hdr->nlmsg_flags & NLM_F_ACK_TLVS ?
			    (int)nlmsg_datalen(hdr) - skip : 0);
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *ghdr = nlmsg_data(nlmsg_hdr(msg));
	struct call *call = arg;

	cJSON_AddItemToArray(call->replies,
			     decode_attrs(call->set, genlmsg_attrdata(ghdr, 0),
					  genlmsg_attrlen(ghdr, 0)));
	return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct call *call = arg;

	(void)msg;
	call->done = true;
	return NL_STOP;
}

/* the end of a dump, which can be an error too */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct call *call = arg;
	int *err = nlmsg_data(hdr);

	call->done = true;
	if (nlmsg_datalen(hdr) >= (int)sizeof(*err) && *err < 0) {
		call->err = *err;
		read_extack(call, *err, (void *)(err + 1),
			    nlmsg_datalen(hdr) - sizeof(*err));
	}
	return NL_STOP;
}

static int transact(struct nl_msg *msg, struct call *call)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!cb)
		return -ENOMEM;
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, call);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, call);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, call);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, call);

	err = nl_send_auto(sock, msg);
	while (err >= 0 && !call->done)
		err = nl_recvmsgs(sock, cb);
	nl_cb_put(cb);
	/* libnl returns the module's errors too, in numbers of its own */
	if (!call->done) {
		snprintf(error_text, sizeof(error_text), "netlink: %s",
			 nl_geterror(err));
		return -EIO;
	}
	return call->err;
}

static int call_module(struct nl_msg *msg, cJSON **replies)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct genlmsghdr *ghdr = nlmsg_data(hdr);
	struct call call = {
		.request = hdr,
		.set = command_attrs(ghdr->cmd),
		.replies = cJSON_CreateArray(),
	};
	int err;

	error_text[0] = '\0';
	err = transact(msg, &call);
	nlmsg_free(msg);
	if (err)
		cJSON_Delete(call.replies);
	else
		*replies = call.replies;
	return err;
}

/**
 * genl_do - send a request and wait for what comes of it
 * @msg: the request, consumed
 * @reply: out, or NULL: its answer, the caller's to free
 *
 * Return: 0, or a negative errno, which genl_error() explains
 */
int genl_do(struct nl_msg *msg, cJSON **reply)
{
	cJSON *replies;
	int err = call_module(msg, &replies);

	if (err)
		return err;
	if (reply) {
		*reply = cJSON_DetachItemFromArray(replies, 0);
		if (!*reply) {
			snprintf(error_text, sizeof(error_text),
				 "the module did not answer");
			err = -EPROTO;
		}
	}
	cJSON_Delete(replies);
	return err;
}

/**
 * genl_dump - get all objects of a kind
 * @cmd: KVMFLIP_CMD_*_GET
 * @replies: out: array of the objects, the caller's to free
 *
 * Return: exit code
 */
int genl_dump(int cmd, cJSON **replies)
{
	struct nl_msg *msg;
	int status = genl_open();

	if (status)
		return status;
	msg = genl_request(cmd);
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	if (call_module(msg, replies))
		return refused("%s", genl_error());
	return EXIT_OK;
}

/* what was wrong with the last request, in the kernel's words if it has any */
const char *genl_error(void)
{
	return error_text;
}
