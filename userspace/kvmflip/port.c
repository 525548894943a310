// SPDX-License-Identifier: GPL-2.0
/* kvmflip port: the guests' ends */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <linux/kvmflip_netlink.h>

#include "altname.h"
#include "bpffs.h"
#include "config.h"
#include "counters.h"
#include "demux.h"
#include "mdev.h"
#include "module.h"
#include "named.h"
#include "output.h"
#include "parse.h"
#include "port.h"

static int help(void)
{
	fputs("Usage: kvmflip port add NAME pool POOL mac ADDR [ vlan N ] [ min SIZE ]\n"
	      "                            [ max SIZE ] [ copybreak BYTES ] [ latency USECS ]\n"
	      "                            [ uuid UUID ] [ device { yes | no } ]\n"
	      "       kvmflip port set NAME [ mac ADDR ] [ vlan N ] [ min SIZE ] [ max SIZE ]\n"
	      "                            [ copybreak BYTES ] [ latency USECS ]\n"
	      "       kvmflip port del NAME\n"
	      "       kvmflip port reclaim NAME [ SIZE ]\n"
	      "       kvmflip port [ show [ NAME ] ]\n"
	      "SIZE := bytes, or a number with K, M, G or T (powers of 1024)\n"
	      "N := 0 (untagged) to 4094\n"
	      "BYTES := 0 to 4096: frames of up to so many are copied\n"
	      "USECS := 0 to 60000000: frames wait no longer for a buffer to fill\n"
	      "port add prints the option that gives the port to a QEMU.\n",
	      stdout);
	return EXIT_OK;
}

/* a random UUID, version 4 */
static int make_uuid(__u8 uuid[16])
{
	if (getrandom(uuid, 16, 0) != 16)
		return refused("no random numbers for a UUID: %s",
			       strerror(errno));
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return EXIT_OK;
}

static void port_value(const cJSON *port, struct kvmflip_demux_port *value)
{
	value->port = obj_uint(port, "id");
	value->gen = obj_uint(port, "gen");
}

/* if one of the module's ports is the one of this entry */
static bool entry_alive(const struct kvmflip_demux_key *key,
			const struct kvmflip_demux_port *value, const void *ports)
{
	struct kvmflip_demux_key live_key;
	struct kvmflip_demux_port live;
	const cJSON *port;

	cJSON_ArrayForEach(port, (const cJSON *)ports) {
		config_key(port, &live_key);
		port_value(port, &live);
		if (!memcmp(key, &live_key, sizeof(*key)) &&
		    !memcmp(value, &live, sizeof(*value)))
			return true;
	}
	return false;
}

/* get the lock, and entries of ports that are gone out of the way */
static int begin_change(void)
{
	cJSON *ports;
	int status = module_open();

	if (!status)
		status = bpffs_lock();
	if (!status)
		status = module_dump(KVMFLIP_CMD_PORT_GET, &ports);
	if (status)
		return status;
	status = demux_purge_ports(entry_alive, ports);
	cJSON_Delete(ports);
	return status;
}

static void print_option(const cJSON *port)
{
	puts(obj_str(port, "qemu_option"));
}

/* the one line that a script needs, or all of it in JSON */
static int show_added(cJSON *port, const char *uuid)
{
	char option[128];
	cJSON *ports;

	snprintf(option, sizeof(option), "-device vfio-pci,sysfsdev=" MDEV_DEVICES "%s",
		 uuid);
	cJSON_AddStringToObject(port, "qemu_option", option);
	ports = cJSON_CreateArray();
	cJSON_AddItemToArray(ports, port);
	return show_objects(ports, print_option);
}

/**
 * port_parse - all remaining words: a name and what is said of the port
 * @config: out
 * @args: words
 *
 * Return: exit code
 */
int port_parse(struct config *config, struct args *args)
{
	int status = config_parse(config, args, "port add", CONFIG_WORDS, help);

	if (status)
		return status;
	if (!config_has(config, CONFIG_POOL) || !config_has(config, CONFIG_MAC))
		return usage_error("port add %s: \"%s\" is missing", config->name,
				   config->pool ? "mac" : "pool");
	return EXIT_OK;
}

static int port_add(struct args *args)
{
	struct kvmflip_demux_port value;
	struct config config;
	char uuid[UUID_TEXT_LEN];
	struct kvmflip_request *req;
	cJSON *reply;
	int status;

	status = port_parse(&config, args);
	if (status)
		return status;
	if (!config_has(&config, CONFIG_UUID))
		status = make_uuid(config.uuid);
	config.given |= 1u << CONFIG_UUID;
	format_uuid(config.uuid, uuid);
	if (!status)
		status = begin_change();
	if (status)
		return status;

	req = module_request(KVMFLIP_CMD_PORT_ADD);
	config_put(&config, req);
	if (module_do(req, &reply))
		return refused("port add %s: %s", config.name, module_error());
	port_value(reply, &value);
	status = config.no_device ? EXIT_OK : mdev_create(uuid);
	if (status)
		goto del_port;
	status = demux_add_port(&config.key, &value);
	if (status)
		goto remove_mdev;
	altname_add(obj_uint(reply, "ifindex"), obj_str(reply, "ifname"),
		    config.name);
	return show_added(reply, uuid);

remove_mdev:
	if (!config.no_device)
		mdev_remove(uuid);
del_port:
	named_do("port del", KVMFLIP_CMD_PORT_DEL, config.name, NULL);
	cJSON_Delete(reply);
	return status;
}

/* have the module change the port; @reply has its generation then */
static int request_set(const struct config *config, cJSON **reply)
{
	struct kvmflip_request *req = module_request(KVMFLIP_CMD_PORT_SET);

	config_put(config, req);
	if (module_do(req, reply))
		return refused("port set %s: %s", config->name, module_error());
	return EXIT_OK;
}

/*
 * The new entry first, so that the port never has none; the module drops what
 * still comes by the old one, whose generation has passed.
 */
static int move_entry(const cJSON *old, const struct config *change,
		      const cJSON *reply)
{
	struct kvmflip_demux_key old_key, key;
	struct kvmflip_demux_port value;
	int status;

	config_key(old, &old_key);
	port_value(reply, &value);
	key = old_key;
	if (config_has(change, CONFIG_MAC))
		memcpy(key.mac, change->key.mac, sizeof(key.mac));
	if (config_has(change, CONFIG_VLAN))
		key.vlan = change->key.vlan;
	if (!memcmp(&key, &old_key, sizeof(key))) {
		/* nothing but perhaps the generation is another */
		status = demux_del_port(&key);
		return status ? status : demux_add_port(&key, &value);
	}
	status = demux_add_port(&key, &value);
	return status ? status : demux_del_port(&old_key);
}

static int port_set(struct args *args)
{
	struct config config, back;
	cJSON *old, *reply;
	int status;

	status = config_parse(&config, args, "port set", CONFIG_SETTABLE, help);
	if (status)
		return status;
	if (!config.given)
		return usage_error("port set %s: nothing to set (see kvmflip port help)",
				   config.name);
	status = begin_change();
	if (!status)
		status = named_do("port", KVMFLIP_CMD_PORT_GET, config.name, &old);
	if (status)
		return status;
	status = request_set(&config, &reply);
	if (status)
		goto free_old;
	if (config_has(&config, CONFIG_MAC) || config_has(&config, CONFIG_VLAN))
		status = move_entry(old, &config, reply);
	cJSON_Delete(reply);
	if (!status)
		goto free_old;

	config_of(old, &back);
	if (!request_set(&back, &reply)) {
		move_entry(old, &back, reply);
		cJSON_Delete(reply);
	}
free_old:
	cJSON_Delete(old);
	return status;
}

static int port_del(struct args *args)
{
	struct kvmflip_demux_key key;
	const char *name;
	cJSON *port;
	int status;

	status = parse_name(args, "port del", help, &name);
	if (!status)
		status = no_more_args(args);
	if (!status)
		status = begin_change();
	if (!status)
		status = named_do("port", KVMFLIP_CMD_PORT_GET, name, &port);
	if (status)
		return status;
	config_key(port, &key);
	/* it refuses while a VMM has the device open */
	status = named_do("port del", KVMFLIP_CMD_PORT_DEL, name, NULL);
	if (!status) {
		status = demux_del_port(&key);
		status |= mdev_remove(obj_str(port, "uuid"));
	}
	cJSON_Delete(port);
	return status;
}

static int port_reclaim(struct args *args)
{
	const char *name, *size;
	__u64 bytes = 0;
	struct kvmflip_request *req;
	int status;

	status = parse_name(args, "port reclaim", help, &name);
	if (status)
		return status;
	size = next_arg(args);
	if (size)
		status = parse_positive_size("size", size, &bytes);
	if (!status)
		status = no_more_args(args);
	if (!status)
		status = module_open();
	if (status)
		return status;
	req = module_request(KVMFLIP_CMD_PORT_RECLAIM);
	kvmflip_put_string(req, KVMFLIP_A_PORT_NAME, name);
	if (size)
		kvmflip_put_uint(req, KVMFLIP_A_PORT_RECLAIM_SIZE, bytes);
	if (module_do(req, NULL))
		return refused("port reclaim %s: %s", name, module_error());
	return EXIT_OK;
}

/* what the name of each value of the attribute "huge" comes down to */
static const char *huge_text(const char *huge)
{
	static const struct {
		const char *name;
		const char *text;
	} states[] = {
		{ "unknown", "unknown: no VMM has the window mapped" },
		{ "possible", "yes" },
		{ "small-buffers", "no: the buffers are smaller than 2M" },
		{ "no-memslot", "no: the VM has no memory slot for the window" },
		{ "address", "no: the VMM maps the window at an address not aligned to 2M" },
		{ "gpa", "no: the guest has the window at an address not aligned to 2M" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(states[i].name, huge))
			return states[i].text;
	/* a newer module than this program */
	return huge;
}

static void print_port(const cJSON *port)
{
	printf("%s: id %u gen %u pool %s mac %s", obj_str(port, "name"),
	       (unsigned int)obj_uint(port, "id"),
	       (unsigned int)obj_uint(port, "gen"), obj_str(port, "pool"),
	       obj_str(port, "mac"));
	if (obj_uint(port, "vlan"))
		printf(" vlan %u", (unsigned int)obj_uint(port, "vlan"));
	printf(" state %s", obj_str(port, "state"));
	if (obj_has(port, "pid"))
		printf(" pid %u", (unsigned int)obj_uint(port, "pid"));
	/* as they are said to port set */
	printf("\n   ");
	print_size("min", obj_uint(port, "min_size"));
	print_size("max", obj_uint(port, "max_size"));
	printf(" copybreak %u latency %u uuid %s",
	       (unsigned int)obj_uint(port, "copybreak"),
	       (unsigned int)obj_uint(port, "latency_usecs"),
	       obj_str(port, "uuid"));
	printf("\n   ");
	if (obj_has(port, "ifname"))
		printf(" netdev %s", obj_str(port, "ifname"));
	if (obj_has(port, "gpa"))
		printf(" gpa 0x%llx", obj_uint(port, "gpa"));
	print_size("window", obj_uint(port, "window_size"));
	printf(" slots %u mapped %u", (unsigned int)obj_uint(port, "slots"),
	       (unsigned int)obj_uint(port, "mapped"));
	if (obj_has(port, "huge"))
		printf("\n    huge %s", huge_text(obj_str(port, "huge")));
	putchar('\n');
	print_stats(cJSON_GetObjectItem(port, "stats"));
}

static int port_show(struct args *args)
{
	return named_show(args, "port", KVMFLIP_CMD_PORT_GET, print_port, help);
}

int port_command(struct args *args)
{
	static const struct command commands[] = {
		{ "show", port_show },
		{ "add", port_add },
		{ "set", port_set },
		{ "del", port_del },
		{ "reclaim", port_reclaim },
	};

	return run_command(args, commands, ARRAY_SIZE(commands), "command", help);
}
