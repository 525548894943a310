// SPDX-License-Identifier: GPL-2.0
/* kvmflip port: the guests' ends */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <linux/kvmflip_netlink.h>

#include "demux.h"
#include "genl.h"
#include "mdev.h"
#include "named.h"
#include "output.h"
#include "parse.h"
#include "port.h"

#define VLAN_MAX 4094

/**
 * struct port_args - what the command line says of a port
 * @name: its name
 * @pool: its pool, or NULL
 * @key: address and VLAN
 * @has_mac: the address is given
 * @has_vlan: the VLAN is given
 * @max: bytes of the pool it may hold, 0 if not given
 * @uuid: of its device
 * @has_uuid: the UUID is given
 */
struct port_args {
	const char *name;
	const char *pool;
	struct kvmflip_demux_key key;
	bool has_mac;
	bool has_vlan;
	__u64 max;
	__u8 uuid[16];
	bool has_uuid;
};

static int help(void)
{
	fputs("Usage: kvmflip port add NAME pool POOL mac ADDR [ vlan N ] [ max SIZE ]\n"
	      "                            [ uuid UUID ]\n"
	      "       kvmflip port set NAME [ mac ADDR ] [ vlan N ] [ max SIZE ]\n"
	      "       kvmflip port del NAME\n"
	      "       kvmflip port [ show [ NAME ] ]\n"
	      "SIZE := bytes, or a number with K, M, G or T (powers of 1024)\n"
	      "N := 0 (untagged) to 4094\n"
	      "port add prints the option that gives the port to a QEMU.\n",
	      stdout);
	return EXIT_OK;
}

/* the first @n of the keywords are allowed */
static int parse_port(struct args *args, const char *what, size_t n,
		      struct port_args *port)
{
	static const char *const keys[] = { "mac", "vlan", "max", "pool", "uuid" };
	const char *values[ARRAY_SIZE(keys)] = { };
	__u32 vlan = 0;
	int status;

	memset(port, 0, sizeof(*port));
	status = parse_name(args, what, help, &port->name);
	if (!status)
		status = parse_keywords(args, keys, n, values);
	if (!status && values[0])
		status = parse_mac("mac", values[0], port->key.mac);
	if (!status && values[1])
		status = parse_u32("vlan", values[1], VLAN_MAX, &vlan);
	if (!status && values[2])
		status = parse_size("max", values[2], &port->max);
	if (!status && values[3])
		status = check_name("pool", values[3]);
	if (!status && values[4])
		status = parse_uuid("uuid", values[4], port->uuid);
	port->has_mac = values[0];
	port->has_vlan = values[1];
	port->key.vlan = vlan;
	port->pool = values[3];
	port->has_uuid = values[4];
	return status;
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

static void port_key(const cJSON *port, struct kvmflip_demux_key *key)
{
	memset(key, 0, sizeof(*key));
	parse_mac("mac", obj_str(port, "mac"), key->mac);
	key->vlan = obj_uint(port, "vlan");
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
		port_key(port, &live_key);
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
	int status = genl_open();

	if (!status)
		status = demux_lock();
	if (!status)
		status = genl_dump(KVMFLIP_CMD_PORT_GET, &ports);
	if (status)
		return status;
	status = demux_purge_ports(entry_alive, ports);
	cJSON_Delete(ports);
	return status;
}

static void put_port(struct nl_msg *msg, const struct port_args *port)
{
	nla_put_string(msg, KVMFLIP_A_PORT_NAME, port->name);
	if (port->pool)
		nla_put_string(msg, KVMFLIP_A_PORT_POOL, port->pool);
	if (port->has_mac)
		nla_put(msg, KVMFLIP_A_PORT_MAC, sizeof(port->key.mac),
			port->key.mac);
	if (port->has_vlan)
		nla_put_u16(msg, KVMFLIP_A_PORT_VLAN, port->key.vlan);
	if (port->max)
		nla_put_u64(msg, KVMFLIP_A_PORT_MAX_SIZE, port->max);
	if (port->has_uuid)
		nla_put(msg, KVMFLIP_A_PORT_UUID, sizeof(port->uuid), port->uuid);
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

static int port_add(struct args *args)
{
	struct kvmflip_demux_port value;
	struct port_args port;
	char uuid[UUID_TEXT_LEN];
	struct nl_msg *msg;
	cJSON *reply;
	int status;

	status = parse_port(args, "port add", 5, &port);
	if (status)
		return status;
	if (!port.pool || !port.has_mac)
		return usage_error("port add %s: \"%s\" is missing", port.name,
				   port.pool ? "mac" : "pool");
	if (!port.has_uuid)
		status = make_uuid(port.uuid);
	port.has_uuid = true;
	format_uuid(port.uuid, uuid);
	if (!status)
		status = begin_change();
	if (status)
		return status;

	msg = genl_request(KVMFLIP_CMD_PORT_ADD);
	put_port(msg, &port);
	if (genl_do(msg, &reply))
		return refused("port add %s: %s", port.name, genl_error());
	port_value(reply, &value);
	status = mdev_create(uuid);
	if (status)
		goto del_port;
	status = demux_add_port(&port.key, &value);
	if (status)
		goto remove_mdev;
	return show_added(reply, uuid);

remove_mdev:
	mdev_remove(uuid);
del_port:
	named_del("port", KVMFLIP_CMD_PORT_DEL, port.name);
	cJSON_Delete(reply);
	return status;
}

/* have the module change the port; @reply has its generation then */
static int request_set(const struct port_args *port, cJSON **reply)
{
	struct nl_msg *msg = genl_request(KVMFLIP_CMD_PORT_SET);

	put_port(msg, port);
	if (genl_do(msg, reply))
		return refused("port set %s: %s", port->name, genl_error());
	return EXIT_OK;
}

/*
 * The new entry first, so that the port never has none; the module drops what
 * still comes by the old one, whose generation has passed.
 */
static int move_entry(const cJSON *old, const struct port_args *change,
		      const cJSON *reply)
{
	struct kvmflip_demux_key old_key, key;
	struct kvmflip_demux_port value;
	int status;

	port_key(old, &old_key);
	port_value(reply, &value);
	key = old_key;
	if (change->has_mac)
		memcpy(key.mac, change->key.mac, sizeof(key.mac));
	if (change->has_vlan)
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
	struct port_args port, back = { };
	cJSON *old, *reply;
	int status;

	status = parse_port(args, "port set", 3, &port);
	if (status)
		return status;
	if (!port.has_mac && !port.has_vlan && !port.max)
		return usage_error("port set %s: nothing to set: mac, vlan or max",
				   port.name);
	status = begin_change();
	if (!status)
		status = named_get("port", KVMFLIP_CMD_PORT_GET, port.name, &old);
	if (status)
		return status;
	status = request_set(&port, &reply);
	if (status)
		goto free_old;
	if (port.has_mac || port.has_vlan)
		status = move_entry(old, &port, reply);
	cJSON_Delete(reply);
	if (!status)
		goto free_old;

	back.name = port.name;
	back.has_mac = true;
	back.has_vlan = true;
	back.max = obj_uint(old, "max_size");
	port_key(old, &back.key);
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
		status = named_get("port", KVMFLIP_CMD_PORT_GET, name, &port);
	if (status)
		return status;
	port_key(port, &key);
	/* it refuses while a VMM has the device open */
	status = named_del("port", KVMFLIP_CMD_PORT_DEL, name);
	if (!status) {
		status = demux_del_port(&key);
		status |= mdev_remove(obj_str(port, "uuid"));
	}
	cJSON_Delete(port);
	return status;
}

static void print_port(const cJSON *port)
{
	printf("%s: id %u gen %u pool %s mac %s", obj_str(port, "name"),
	       (unsigned int)obj_uint(port, "id"),
	       (unsigned int)obj_uint(port, "gen"), obj_str(port, "pool"),
	       obj_str(port, "mac"));
	if (obj_uint(port, "vlan"))
		printf(" vlan %u", (unsigned int)obj_uint(port, "vlan"));
	if (obj_has(port, "max_size"))
		print_size("max", obj_uint(port, "max_size"));
	printf(" state %s", obj_str(port, "state"));
	if (obj_has(port, "pid"))
		printf(" pid %u", (unsigned int)obj_uint(port, "pid"));
	printf("\n    uuid %s", obj_str(port, "uuid"));
	if (obj_has(port, "gpa"))
		printf(" gpa 0x%llx", obj_uint(port, "gpa"));
	print_size("window", obj_uint(port, "window_size"));
	printf(" slots %u mapped %u\n", (unsigned int)obj_uint(port, "slots"),
	       (unsigned int)obj_uint(port, "mapped"));
	print_counters("stats", cJSON_GetObjectItem(port, "stats"));
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
	};

	return run_command(args, commands, ARRAY_SIZE(commands), "command", help);
}
