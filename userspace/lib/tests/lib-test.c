// SPDX-License-Identifier: GPL-2.0
/*
 * lib-test: what of the library needs no module: a request is read back as the
 * object that a module would make of it, and mistakes are told. Prints KTAP.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <netlink/genl/genl.h>

#include "../connection.c" /* what it makes of what only a kernel says */

static struct kvmflip kf = { .family = 42 };
static unsigned int tests, failures;

/* there is no memory for any */
struct nl_cb *nl_cb_alloc(enum nl_cb_kind kind)
{
	(void)kind;
	return NULL;
}

static void result(bool ok, const char *name)
{
	failures += !ok;
	printf("%sok %u %s\n", ok ? "" : "not ", ++tests, name);
}

/* the object that is in a request */
static struct kvmflip_object read_back(const struct kvmflip_request *req)
{
	struct genlmsghdr *ghdr = nlmsg_data(nlmsg_hdr(req->msg));

	return (struct kvmflip_object) {
		.set = req->set[0],
		.data = genlmsg_attrdata(ghdr, 0),
		.len = genlmsg_attrlen(ghdr, 0),
	};
}

static int count(const struct kvmflip_object *object,
		 const struct kvmflip_attr *attr, void *data)
{
	int *n = data;

	/* what is walked to is there, by its number */
	*n += kvmflip_has(object, attr->number);
	return 0;
}

static int stop(const struct kvmflip_object *object,
		const struct kvmflip_attr *attr, void *data)
{
	(void)object;
	(void)data;
	return !strcmp(attr->name, "vlan") ? 7 : 0;
}

static void values(void)
{
	static const unsigned char mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
	struct kvmflip_request *req = kvmflip_request(&kf, KVMFLIP_CMD_PORT_ADD);
	struct kvmflip_object port;
	int n = 0;

	kvmflip_put_string(req, KVMFLIP_A_PORT_NAME, "vm1");
	kvmflip_put_binary(req, KVMFLIP_A_PORT_MAC, mac, sizeof(mac));
	kvmflip_put_uint(req, KVMFLIP_A_PORT_VLAN, 4094);
	kvmflip_put_uint(req, KVMFLIP_A_PORT_COPYBREAK, 4096);
	kvmflip_put_uint(req, KVMFLIP_A_PORT_MAX_SIZE, 1ull << 40);
	kvmflip_put_uint(req, KVMFLIP_A_PORT_STATE, KVMFLIP_PORT_STATE_RUNNING);
	kvmflip_put_uint(req, KVMFLIP_A_PORT_HUGE, 99);
	result(!req->err, "attributes of every type are taken");
	port = read_back(req);
	result(!strcmp(kvmflip_string(&port, KVMFLIP_A_PORT_NAME), "vm1"), "text");
	result(!memcmp(kvmflip_binary(&port, KVMFLIP_A_PORT_MAC, 6), mac, 6), "bytes");
	result(!kvmflip_binary(&port, KVMFLIP_A_PORT_MAC, 16), "bytes of another length");
	result(kvmflip_uint(&port, KVMFLIP_A_PORT_VLAN) == 4094, "16 bits");
	result(kvmflip_uint(&port, KVMFLIP_A_PORT_COPYBREAK) == 4096, "32 bits");
	result(kvmflip_uint(&port, KVMFLIP_A_PORT_MAX_SIZE) == 1ull << 40, "64 bits");
	result(!strcmp(kvmflip_word(&port, KVMFLIP_A_PORT_STATE), "running"), "a word");
	result(!kvmflip_word(&port, KVMFLIP_A_PORT_HUGE) &&
	       kvmflip_uint(&port, KVMFLIP_A_PORT_HUGE) == 99,
	       "a number that there is no word for");
	result(!kvmflip_has(&port, KVMFLIP_A_PORT_POOL) &&
	       !kvmflip_string(&port, KVMFLIP_A_PORT_POOL) &&
	       !kvmflip_uint(&port, KVMFLIP_A_PORT_PID) &&
	       !kvmflip_word(&port, KVMFLIP_A_PORT_POOL), "what is not there");
	result(!kvmflip_string(&port, KVMFLIP_A_PORT_MAC), "text without an end");
	result(!kvmflip_walk(&port, count, &n) && n == 7, "a walk sees all of them");
	result(kvmflip_walk(&port, stop, NULL) == 7, "a walk ends where it is told to");
	kvmflip_request_free(req);
}

static void nests(void)
{
	struct kvmflip_request *req = kvmflip_request(&kf, KVMFLIP_CMD_RXQ_ATTACH);
	struct kvmflip_object rxq, ring, none;
	int n = 0;

	kvmflip_put_uint(req, KVMFLIP_A_RXQ_QUEUE, 3);
	kvmflip_put_begin(req, KVMFLIP_A_RXQ_RX_RING);
	kvmflip_put_uint(req, KVMFLIP_A_RING_LAYOUT_ENTRIES, 512);
	kvmflip_put_end(req);
	kvmflip_put_flag(req, KVMFLIP_A_RXQ_ALL_QUEUES);
	rxq = read_back(req);
	ring = kvmflip_nested(&rxq, KVMFLIP_A_RXQ_RX_RING);
	result(!req->err && kvmflip_uint(&ring, KVMFLIP_A_RING_LAYOUT_ENTRIES) == 512,
	       "a number in a nest");
	result(kvmflip_has(&rxq, KVMFLIP_A_RXQ_ALL_QUEUES), "a flag behind it");
	none = kvmflip_nested(&rxq, KVMFLIP_A_RXQ_FILL_RING);
	result(!kvmflip_has(&none, 1) && !kvmflip_walk(&none, count, &n) && !n,
	       "a nest that is not there is empty");
	kvmflip_request_free(req);
}

/* the request fails, and the text names what is wrong with it */
static void mistake(struct kvmflip_request *req, int err, const char *text,
		    const char *name)
{
	int got = kvmflip_call(&kf, req, NULL, NULL);

	if (got != err || !strstr(kvmflip_error(&kf), text))
		printf("# %d: %s\n", got, kvmflip_error(&kf));
	result(got == err && strstr(kvmflip_error(&kf), text), name);
}

static void mistakes(void)
{
	struct kvmflip_request *req;
	unsigned int i;

	req = kvmflip_request(&kf, KVMFLIP_CMD_PORT_ADD);
	kvmflip_put_uint(req, KVMFLIP_A_PORT_VLAN, 65536);
	kvmflip_put_string(req, KVMFLIP_A_PORT_NAME, "vm1");
	mistake(req, -ERANGE, "(attribute \"vlan\")", "a number that is too large");

	req = kvmflip_request(&kf, KVMFLIP_CMD_PORT_ADD);
	kvmflip_put_uint(req, KVMFLIP_A_PORT_MAC, 1);
	mistake(req, -EINVAL, "\"mac\"", "a number where bytes should be");

	req = kvmflip_request(&kf, KVMFLIP_CMD_POOL_ADD);
	kvmflip_put_uint(req, 99, 1);
	mistake(req, -EINVAL, "(attribute number 99)", "an attribute that there is not");

	req = kvmflip_request(&kf, 99);
	mistake(req, -EOPNOTSUPP, "", "a command that there is not");

	req = kvmflip_request(&kf, KVMFLIP_CMD_RXQ_ATTACH);
	kvmflip_put_begin(req, KVMFLIP_A_RXQ_RX_RING);
	mistake(req, -EINVAL, "a nest of the request was not ended", "a nest without an end");

	req = kvmflip_request(&kf, KVMFLIP_CMD_RXQ_ATTACH);
	kvmflip_put_end(req);
	mistake(req, -EINVAL, "", "an end without a nest");

	req = kvmflip_request(&kf, KVMFLIP_CMD_RXQ_ATTACH);
	kvmflip_put_begin(req, KVMFLIP_A_RXQ_QUEUE);
	mistake(req, -EINVAL, "\"queue\"", "a nest that is none");

	req = kvmflip_request(&kf, KVMFLIP_CMD_POOL_ADD);
	for (i = 0; i < 10000; i++)
		kvmflip_put_string(req, KVMFLIP_A_POOL_NAME, "p");
	mistake(req, -EMSGSIZE, "\"name\"", "a request that is too long");

	req = kvmflip_request(&kf, KVMFLIP_CMD_POOL_GET);
	mistake(req, -ENOMEM, "out of memory", "no memory for an answer");
	kvmflip_put_uint(NULL, 1, 1);
	mistake(NULL, -ENOMEM, "memory", "a request that there was no memory for");
	kvmflip_request_free(NULL);
	kvmflip_close(NULL);
}

/* the kernel says what it misses */
static void not_sent(void)
{
	struct kvmflip_request *req = kvmflip_request(&kf, KVMFLIP_CMD_PORT_ADD);
	struct nl_msg *said = nlmsg_alloc_simple(NLMSG_ERROR, 0);
	struct call call = {
		.kf = &kf,
		.set = req->set[0],
		.request = nlmsg_hdr(req->msg),
	};
	struct nlmsghdr *hdr = nlmsg_hdr(said);

	nla_put_u32(said, NLMSGERR_ATTR_MISS_TYPE, KVMFLIP_A_PORT_POOL);
	read_extack(&call, -EINVAL, nlmsg_data(hdr), nlmsg_datalen(hdr));
	result(!strcmp(kvmflip_error(&kf), "Invalid argument (attribute \"pool\" is missing)"),
	       "an attribute that is missing");
	nlmsg_free(said);
	kvmflip_request_free(req);
}

/* every command has attributes, each of which is where its number says */
static void table(void)
{
	const struct command *command;
	const struct attr *attr;
	bool ok = true;
	int cmd, i;

	for (cmd = 1; cmd <= KVMFLIP_CMD_MAX; cmd++) {
		command = command_find(cmd);
		ok = ok && command && command->set->num > 1;
		for (i = 1; ok && i < command->set->num; i++) {
			attr = attr_find(command->set, i);
			ok = attr && attr->attr.number == i;
		}
	}
	result(ok, "no attribute is misplaced");
	result(!command_find(0) && !command_find(KVMFLIP_CMD_MAX + 1),
	       "no command beyond the last");
}

int main(void)
{
	puts("KTAP version 1");
	values();
	nests();
	mistakes();
	not_sent();
	table();
	printf("1..%u\n", tests);
	return failures != 0;
}
