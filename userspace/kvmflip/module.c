// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "module.h"
#include "output.h"
#include "parse.h"

static struct kvmflip *module;

/**
 * module_connect - make a connection to the module
 * @kf: out
 *
 * Return: exit code
 */
int module_connect(struct kvmflip **kf)
{
	int err = kvmflip_open(kf);

	if (err == -ENOENT)
		return refused("the kvmflip module is not loaded: modprobe kvmflip");
	if (err)
		return refused("no netlink socket: %s", strerror(-err));
	return EXIT_OK;
}

/**
 * module_open - connect to the module for requests
 *
 * Return: exit code
 */
int module_open(void)
{
	return module ? EXIT_OK : module_connect(&module);
}

/**
 * module_request - begin a request
 * @cmd: KVMFLIP_CMD_*
 *
 * module_open() has succeeded.
 *
 * Return: the request, which module_do() takes over
 */
struct kvmflip_request *module_request(int cmd)
{
	return kvmflip_request(module, cmd);
}

static int collect(const struct kvmflip_object *object, void *replies)
{
	cJSON_AddItemToArray(replies, json_of(object));
	return 0;
}

static int call(struct kvmflip_request *req, cJSON **replies)
{
	int err;

	*replies = cJSON_CreateArray();
	err = kvmflip_call(module, req, collect, *replies);
	if (err)
		cJSON_Delete(*replies);
	return err;
}

/**
 * module_do - send a request and wait for what comes of it
 * @req: the request, consumed
 * @reply: out, or NULL: its answer, the caller's to free
 *
 * Return: 0, or a negative errno, which module_error() explains
 */
int module_do(struct kvmflip_request *req, cJSON **reply)
{
	cJSON *replies;
	int err = call(req, &replies);

	if (err)
		return err;
	if (reply) {
		*reply = cJSON_DetachItemFromArray(replies, 0);
		/* no module leaves it out */
		if (!*reply)
			*reply = cJSON_CreateObject();
	}
	cJSON_Delete(replies);
	return 0;
}

/**
 * module_dump - get all objects of a kind
 * @cmd: KVMFLIP_CMD_*_GET
 * @replies: out: array of the objects, the caller's to free
 *
 * Return: exit code
 */
int module_dump(int cmd, cJSON **replies)
{
	const char *what = cmd == KVMFLIP_CMD_POOL_GET ? "pools" :
			   cmd == KVMFLIP_CMD_RXQ_GET ? "queues" : "ports";
	int status = module_open();

	if (status)
		return status;
	if (call(kvmflip_request_all(module, cmd), replies))
		return refused("%s: %s", what, module_error());
	return EXIT_OK;
}

/* what was wrong with the last request, in the module's words if it has any */
const char *module_error(void)
{
	return kvmflip_error(module);
}

/* the key in an object of the attribute of this name: '_' for '-' */
void json_key(const char *name, char key[KEY_LEN])
{
	unsigned int i;

	snprintf(key, KEY_LEN, "%s", name);
	for (i = 0; key[i]; i++)
		if (key[i] == '-')
			key[i] = '_';
}

static void add_word(cJSON *obj, const char *key,
		     const struct kvmflip_object *object, int attr)
{
	const char *word = kvmflip_word(object, attr);
	char number[24];

	if (!word) {
		/* a newer module than this program */
		snprintf(number, sizeof(number), "%llu",
			 (unsigned long long)kvmflip_uint(object, attr));
		word = number;
	}
	cJSON_AddStringToObject(obj, key, word);
}

static void add_nested(cJSON *obj, const char *key,
		       const struct kvmflip_object *object, int attr)
{
	const struct kvmflip_object nested = kvmflip_nested(object, attr);

	cJSON_AddItemToObject(obj, key, json_of(&nested));
}

static int add_attr(const struct kvmflip_object *object,
		    const struct kvmflip_attr *attr, void *data)
{
	char key[KEY_LEN], text[UUID_TEXT_LEN];
	const void *bytes;
	cJSON *obj = data;

	json_key(attr->name, key);
	switch (attr->type) {
	case KVMFLIP_TYPE_UINT:
		obj_add_uint(obj, key, kvmflip_uint(object, attr->number));
		break;
	case KVMFLIP_TYPE_ENUM:
		add_word(obj, key, object, attr->number);
		break;
	case KVMFLIP_TYPE_STRING:
		bytes = kvmflip_string(object, attr->number);
		if (bytes)
			cJSON_AddStringToObject(obj, key, bytes);
		break;
	case KVMFLIP_TYPE_MAC:
		bytes = kvmflip_binary(object, attr->number, 6);
		if (!bytes)
			break;
		format_mac(bytes, text);
		cJSON_AddStringToObject(obj, key, text);
		break;
	case KVMFLIP_TYPE_UUID:
		bytes = kvmflip_binary(object, attr->number, 16);
		if (!bytes)
			break;
		format_uuid(bytes, text);
		cJSON_AddStringToObject(obj, key, text);
		break;
	case KVMFLIP_TYPE_FLAG:
		cJSON_AddTrueToObject(obj, key);
		break;
	case KVMFLIP_TYPE_NEST:
		add_nested(obj, key, object, attr->number);
		break;
	case KVMFLIP_TYPE_BINARY:
		break;
	}
	return 0;
}

/**
 * json_of - make a JSON object of what the module has told
 * @object: that
 *
 * Keys have underscores for the dashes of the names.
 *
 * Return: the JSON object, the caller's to free
 */
cJSON *json_of(const struct kvmflip_object *object)
{
	cJSON *obj = cJSON_CreateObject();

	kvmflip_walk(object, add_attr, obj);
	return obj;
}
