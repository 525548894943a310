// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include <linux/kvmflip_netlink.h>

#include "module.h"
#include "named.h"
#include "output.h"
#include "parse.h"

_Static_assert((int)KVMFLIP_A_POOL_NAME == (int)KVMFLIP_A_PORT_NAME,
	       "the name is the same attribute of pools and ports");

/**
 * named_do - have the module do something with a pool or port
 * @what: what is done, in errors: "pool", "port del" and the like
 * @cmd: KVMFLIP_CMD_*, which needs nothing but the name
 * @name: which
 * @reply: out, or NULL: the module's answer, the caller's to free
 *
 * Return: exit code
 */
int named_do(const char *what, int cmd, const char *name, cJSON **reply)
{
	struct kvmflip_request *req;
	int status = module_open();

	if (status)
		return status;
	req = module_request(cmd);
	kvmflip_put_string(req, KVMFLIP_A_POOL_NAME, name);
	if (module_do(req, reply))
		return refused("%s %s: %s", what, name, module_error());
	return EXIT_OK;
}

/**
 * named_show - the show command of pools and ports
 * @args: words: a name, or nothing for all
 * @what: "pool" or "port"
 * @cmd: KVMFLIP_CMD_*_GET
 * @print_text: prints one of them as text
 * @help: prints the object's help
 *
 * Return: exit code
 */
int named_show(struct args *args, const char *what, int cmd,
	       void (*print_text)(const cJSON *obj), int (*help)(void))
{
	const char *name;
	cJSON *objs, *obj;
	int status;

	if (!args->argc) {
		status = module_dump(cmd, &objs);
		return status ? status : show_objects(objs, print_text);
	}
	status = parse_name(args, what, help, &name);
	if (!status)
		status = no_more_args(args);
	if (!status)
		status = named_do(what, cmd, name, &obj);
	if (status)
		return status;
	objs = cJSON_CreateArray();
	cJSON_AddItemToArray(objs, obj);
	return show_objects(objs, print_text);
}
