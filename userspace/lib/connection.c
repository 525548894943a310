// SPDX-License-Identifier: GPL-2.0
/* A connection to the module, and what comes of a request. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "connection.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/**
 * struct call - a request on its way
 * @kf: connection
 * @request: what was sent; the error's offset points into it
 * @set: attributes of request and answers
 * @each: is given the answers
 * @data: for @each
 * @end: what @each has returned
 * @err: out: 0 or negative errno
 * @done: the last message of the answer has come
 */
struct call {
	struct kvmflip *kf;
	struct nlmsghdr *request;
	const struct attr_set *set;
	kvmflip_each_t each;
	void *data;
	int end;
	int err;
	bool done;
};

/* sets the text of an error and returns @err */
int kf_fail(struct kvmflip *kf, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(kf->error, sizeof(kf->error), fmt, args);
	va_end(args);
	return err;
}

/* errors of libnl that tell more than one of input and output */
int kf_errno(int err)
{
	switch (-err) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	default:
		return -EIO;
	}
}

static int connect_socket(struct kvmflip *kf)
{
	const int one = 1;
	int err, fd;

	kf->sock = nl_socket_alloc();
	if (!kf->sock)
		return -ENOMEM;
	errno = 0;
	err = genl_connect(kf->sock);
	if (err)
		return errno ? -errno : kf_errno(err);
	fd = nl_socket_get_fd(kf->sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	kf->family = genl_ctrl_resolve(kf->sock, KVMFLIP_FAMILY_NAME);
	return kf->family < 0 ? kf_errno(kf->family) : 0;
}

/**
 * kvmflip_open - connect to the module
 * @kf: out
 *
 * Return: 0, or a negative errno: -ENOENT if the module is not loaded.
 */
int kvmflip_open(struct kvmflip **kf)
{
	struct kvmflip *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	err = connect_socket(new);
	if (err) {
		kvmflip_close(new);
		return err;
	}
	*kf = new;
	return 0;
}

/**
 * kvmflip_close - end a connection
 * @kf: connection, or NULL
 */
void kvmflip_close(struct kvmflip *kf)
{
	if (!kf)
		return;
	nl_socket_free(kf->sock);
	free(kf);
}

/**
 * kvmflip_error - what was wrong with the last request
 * @kf: connection
 *
 * Return: a text without a line break at its end, in the module's words if it has
 * any, with the name of the attribute that it is about; empty if nothing was wrong.
 * It is valid until the next request.
 */
const char *kvmflip_error(const struct kvmflip *kf)
{
	return kf->error;
}

/* the name of the attribute that lies @offset bytes into the request */
static const char *attr_at(const struct attr_set *set, struct nlattr *head,
			   int len, struct nlmsghdr *request, uint32_t offset)
{
	const struct attr *attr;
	const char *nested;
	struct nlattr *nla;
	uint32_t start;
	int rem;

	nla_for_each_attr(nla, head, len, rem) {
		start = (char *)nla - (char *)request;
		attr = attr_find(set, nla_type(nla));
		if (!attr || offset < start || offset >= start + nla->nla_len)
			continue;
		nested = attr->set && offset > start ?
			attr_at(attr->set, nla_data(nla), nla_len(nla), request,
				offset) : NULL;
		return nested ? nested : attr->attr.name;
	}
	return NULL;
}

/* say what @attrs of an extended acknowledgment say */
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
			missing = attr_find(call->set,
					    nla_get_u32(tb[NLMSGERR_ATTR_MISS_TYPE]));
	}
	kf_fail(call->kf, err, "%s%s%s%s%s%s%s", text ? text : strerror(-err),
		name ? " (attribute \"" : "", name ? name : "", name ? "\")" : "",
		missing ? " (attribute \"" : "", missing ? missing->attr.name : "",
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
	const struct kvmflip_object object = {
		.set = call->set,
		.data = genlmsg_attrdata(ghdr, 0),
		.len = genlmsg_attrlen(ghdr, 0),
	};

	/* the rest of the answer has to be read all the same */
	if (call->each && !call->end)
		call->end = call->each(&object, call->data);
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

static int transact(struct kvmflip *kf, struct nl_msg *msg, struct call *call)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!cb)
		return kf_fail(kf, -ENOMEM, "out of memory");
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, call);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, call);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, call);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, call);

	err = nl_send_auto(kf->sock, msg);
	while (err >= 0 && !call->done)
		err = nl_recvmsgs(kf->sock, cb);
	nl_cb_put(cb);
	/* libnl returns the module's errors too, in numbers of its own */
	if (!call->done)
		return kf_fail(kf, kf_errno(err), "netlink: %s", nl_geterror(err));
	return call->err;
}

/* what went wrong while the request was put together */
static int check_request(struct kvmflip *kf, const struct kvmflip_request *req)
{
	const struct attr *attr;

	if (!req)
		return kf_fail(kf, -ENOMEM, "out of memory");
	if (!req->err && req->depth)
		return kf_fail(kf, -EINVAL, "a nest of the request was not ended");
	if (!req->err)
		return 0;
	attr = req->attr ? attr_find(req->set[req->depth], req->attr) : NULL;
	if (attr)
		return kf_fail(kf, req->err, "%s (attribute \"%s\")",
			    strerror(-req->err), attr->attr.name);
	return kf_fail(kf, req->err, "%s (attribute number %d)", strerror(-req->err),
		    req->attr);
}

/**
 * kvmflip_call - send a request and wait for what comes of it
 * @kf: connection
 * @req: the request, which is freed whatever happens
 * @each: is given each object of the answer, or NULL
 * @data: for @each
 *
 * Return: 0; what @each has returned if that was not 0; or a negative errno, which
 * kvmflip_error() explains.
 */
int kvmflip_call(struct kvmflip *kf, struct kvmflip_request *req,
		 kvmflip_each_t each, void *data)
{
	struct call call = { .kf = kf, .each = each, .data = data };
	int err = check_request(kf, req);

	if (!err) {
		kf->error[0] = '\0';
		call.request = nlmsg_hdr(req->msg);
		call.set = req->set[0];
		err = transact(kf, req->msg, &call);
	}
	kvmflip_request_free(req);
	return err ? err : call.end;
}
