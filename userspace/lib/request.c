// SPDX-License-Identifier: GPL-2.0
/* Requests: a command and its attributes. */
#include <errno.h>
#include <stdlib.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>

#include "connection.h"

static struct kvmflip_request *new_request(struct kvmflip *kf, int cmd, int flags)
{
	struct kvmflip_request *req = calloc(1, sizeof(*req));
	const struct command *command = command_find(cmd);

	if (!req)
		return NULL;
	req->msg = nlmsg_alloc();
	if (!req->msg ||
	    !genlmsg_put(req->msg, NL_AUTO_PORT, NL_AUTO_SEQ, kf->family, 0, flags,
			 cmd, KVMFLIP_FAMILY_VERSION)) {
		kvmflip_request_free(req);
		return NULL;
	}
	if (command)
		req->set[0] = command->set;
	else
		req->err = -EOPNOTSUPP;
	return req;
}

/**
 * kvmflip_request - begin a request
 * @kf: connection
 * @cmd: KVMFLIP_CMD_*
 *
 * Return: the request, for kvmflip_call(), or NULL if there is no memory for it,
 * which is for kvmflip_call() to tell.
 */
struct kvmflip_request *kvmflip_request(struct kvmflip *kf, int cmd)
{
	return new_request(kf, cmd, 0);
}

/**
 * kvmflip_request_all - begin a request for all objects of a kind
 * @kf: connection
 * @cmd: KVMFLIP_CMD_POOL_GET, KVMFLIP_CMD_RXQ_GET or KVMFLIP_CMD_PORT_GET
 *
 * Return: as kvmflip_request().
 */
struct kvmflip_request *kvmflip_request_all(struct kvmflip *kf, int cmd)
{
	return new_request(kf, cmd, NLM_F_DUMP);
}

/**
 * kvmflip_request_free - give up a request that was not sent
 * @req: the request, or NULL
 */
void kvmflip_request_free(struct kvmflip_request *req)
{
	if (!req)
		return;
	nlmsg_free(req->msg);
	free(req);
}

static void set_error(struct kvmflip_request *req, int attr, int err)
{
	if (req->err)
		return;
	req->err = err;
	req->attr = attr;
}

/* what is known of an attribute, if nothing went wrong so far */
static const struct attr *begin_put(struct kvmflip_request *req, int number)
{
	const struct attr *attr;

	if (!req || req->err)
		return NULL;
	attr = attr_find(req->set[req->depth], number);
	if (!attr)
		set_error(req, number, -EINVAL);
	return attr;
}

/**
 * kvmflip_put_uint - add a number to a request
 * @req: the request
 * @attr: KVMFLIP_A_* of a number or an enum
 * @value: the number
 *
 * As of all kvmflip_put_*(): what goes wrong here is for kvmflip_call() to tell.
 */
void kvmflip_put_uint(struct kvmflip_request *req, int attr, uint64_t value)
{
	const struct attr *known = begin_put(req, attr);
	int err = -EINVAL;

	if (!known)
		return;
	if (known->width == 2 && value <= UINT16_MAX)
		err = nla_put_u16(req->msg, attr, value);
	else if (known->width == 4 && value <= UINT32_MAX)
		err = nla_put_u32(req->msg, attr, value);
	else if (known->width == 8)
		err = nla_put_u64(req->msg, attr, value);
	else
		err = known->width ? -ERANGE : -EINVAL;
	if (err == -NLE_NOMEM)
		err = -EMSGSIZE;
	if (err)
		set_error(req, attr, err);
}

static void put_bytes(struct kvmflip_request *req, int attr, const void *bytes,
		      size_t len)
{
	if (len > UINT16_MAX || nla_put(req->msg, attr, len, bytes))
		set_error(req, attr, -EMSGSIZE);
}

/**
 * kvmflip_put_string - add text to a request
 * @req: the request
 * @attr: KVMFLIP_A_*
 * @text: the text
 */
void kvmflip_put_string(struct kvmflip_request *req, int attr, const char *text)
{
	if (begin_put(req, attr))
		put_bytes(req, attr, text, strlen(text) + 1);
}

/**
 * kvmflip_put_binary - add bytes to a request
 * @req: the request
 * @attr: KVMFLIP_A_*
 * @bytes: the bytes
 * @len: how many
 */
void kvmflip_put_binary(struct kvmflip_request *req, int attr, const void *bytes,
			size_t len)
{
	if (begin_put(req, attr))
		put_bytes(req, attr, bytes, len);
}

/**
 * kvmflip_put_flag - add a flag to a request
 * @req: the request
 * @attr: KVMFLIP_A_*
 */
void kvmflip_put_flag(struct kvmflip_request *req, int attr)
{
	if (begin_put(req, attr))
		put_bytes(req, attr, NULL, 0);
}

/**
 * kvmflip_put_begin - begin a nest in a request
 * @req: the request
 * @attr: KVMFLIP_A_*; what is put from now on goes into it
 */
void kvmflip_put_begin(struct kvmflip_request *req, int attr)
{
	const struct attr *known = begin_put(req, attr);

	if (!known)
		return;
	if (!known->set || req->depth == MAX_DEPTH) {
		set_error(req, attr, -EINVAL);
		return;
	}
	req->depth++;
	req->set[req->depth] = known->set;
	req->nest[req->depth] = nla_nest_start(req->msg, attr);
	if (!req->nest[req->depth])
		set_error(req, attr, -EMSGSIZE);
}

/**
 * kvmflip_put_end - end a nest
 * @req: the request
 */
void kvmflip_put_end(struct kvmflip_request *req)
{
	if (!req || req->err)
		return;
	if (!req->depth) {
		set_error(req, 0, -EINVAL);
		return;
	}
	nla_nest_end(req->msg, req->nest[req->depth]);
	req->depth--;
}
