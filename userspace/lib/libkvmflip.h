/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libkvmflip: pools, NIC queues and ports of the kvmflip module, by its netlink
 * family. See libkvmflip(3).
 *
 * Commands (KVMFLIP_CMD_*) and attributes (KVMFLIP_A_*) are those of
 * <linux/kvmflip_netlink.h>, which says what each of them means. So the library
 * does not change when the module learns another one.
 */
#ifndef _LIBKVMFLIP_H
#define _LIBKVMFLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvmflip_netlink.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A connection to the module. One thread at a time may use it. */
struct kvmflip;

/* A request to the module that is being put together. */
struct kvmflip_request;

/**
 * enum kvmflip_type - what the value of an attribute is
 * @KVMFLIP_TYPE_UINT: a number; kvmflip_uint()
 * @KVMFLIP_TYPE_ENUM: a number that stands for a word; kvmflip_uint(), kvmflip_word()
 * @KVMFLIP_TYPE_STRING: text; kvmflip_string()
 * @KVMFLIP_TYPE_MAC: an Ethernet address, 6 bytes; kvmflip_binary()
 * @KVMFLIP_TYPE_UUID: a UUID, 16 bytes in the order of its text; kvmflip_binary()
 * @KVMFLIP_TYPE_BINARY: other bytes; kvmflip_binary()
 * @KVMFLIP_TYPE_FLAG: true if it is there; kvmflip_has()
 * @KVMFLIP_TYPE_NEST: attributes; kvmflip_nested()
 */
enum kvmflip_type {
	KVMFLIP_TYPE_UINT,
	KVMFLIP_TYPE_ENUM,
	KVMFLIP_TYPE_STRING,
	KVMFLIP_TYPE_MAC,
	KVMFLIP_TYPE_UUID,
	KVMFLIP_TYPE_BINARY,
	KVMFLIP_TYPE_FLAG,
	KVMFLIP_TYPE_NEST,
};

/**
 * struct kvmflip_attr - an attribute
 * @name: its name in the specification, such as "buffer-size"
 * @type: what its value is
 * @number: KVMFLIP_A_*
 */
struct kvmflip_attr {
	const char *name;
	enum kvmflip_type type;
	int number;
};

/**
 * struct kvmflip_object - a pool, queue or port, or a nest of one, as the module
 *			   has told of it
 * @set: the library's
 * @data: the library's
 * @len: the library's
 *
 * It refers to a message, which ends with the call that it is given to.
 */
struct kvmflip_object {
	const void *set;
	const void *data;
	size_t len;
};

/*
 * kvmflip_each_t - is given an object; any value but 0 ends the walk and is what
 * the function that walks returns
 */
typedef int (*kvmflip_each_t)(const struct kvmflip_object *object, void *data);

/*
 * kvmflip_event_t - is given a notification: its name in the specification without
 * "-ntf", such as "port-state", and what it is about
 */
typedef void (*kvmflip_event_t)(const char *event, const struct kvmflip_object *object,
				void *data);

int kvmflip_open(struct kvmflip **kf);
void kvmflip_close(struct kvmflip *kf);
const char *kvmflip_error(const struct kvmflip *kf);

struct kvmflip_request *kvmflip_request(struct kvmflip *kf, int cmd);
struct kvmflip_request *kvmflip_request_all(struct kvmflip *kf, int cmd);
void kvmflip_put_uint(struct kvmflip_request *req, int attr, uint64_t value);
void kvmflip_put_string(struct kvmflip_request *req, int attr, const char *text);
void kvmflip_put_binary(struct kvmflip_request *req, int attr, const void *bytes,
			size_t len);
void kvmflip_put_flag(struct kvmflip_request *req, int attr);
void kvmflip_put_begin(struct kvmflip_request *req, int attr);
void kvmflip_put_end(struct kvmflip_request *req);
int kvmflip_call(struct kvmflip *kf, struct kvmflip_request *req,
		 kvmflip_each_t each, void *data);
void kvmflip_request_free(struct kvmflip_request *req);

int kvmflip_subscribe(struct kvmflip *kf);
int kvmflip_fd(const struct kvmflip *kf);
int kvmflip_receive(struct kvmflip *kf, kvmflip_event_t event, void *data);

bool kvmflip_has(const struct kvmflip_object *object, int attr);
uint64_t kvmflip_uint(const struct kvmflip_object *object, int attr);
const char *kvmflip_word(const struct kvmflip_object *object, int attr);
const char *kvmflip_string(const struct kvmflip_object *object, int attr);
const void *kvmflip_binary(const struct kvmflip_object *object, int attr, size_t len);
struct kvmflip_object kvmflip_nested(const struct kvmflip_object *object, int attr);
int kvmflip_walk(const struct kvmflip_object *object,
		 int (*each)(const struct kvmflip_object *object,
			     const struct kvmflip_attr *attr, void *data),
		 void *data);

#ifdef __cplusplus
}
#endif

#endif /* _LIBKVMFLIP_H */
