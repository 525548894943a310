// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <linux/membarrier.h>

#include "bpffs.h"
#include "demux.h"
#include "nic.h"
#include "output.h"

#include "../bpf/demux.skel.h"
#include "../bpf/slots.h"

#define PORTS_PIN PINS "/ports"
#define SLOTS_PIN PINS "/slots"
#define XSKS_PREFIX "xsks-"
#define MAX_PORTS 4096		/* as in demux.bpf.c */

static void xsks_path(char *path, size_t size, unsigned int ifindex)
{
	snprintf(path, size, PINS "/" XSKS_PREFIX "%u", ifindex);
}

/**
 * demux_unpin_unused - remove the pins of NICs of which no queue is attached
 * @rxqs: all attached queues
 */
void demux_unpin_unused(const cJSON *rxqs)
{
	struct dirent *entry;
	unsigned int ifindex;
	const cJSON *rxq;
	char path[64];
	DIR *dir;

	dir = opendir(PINS);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, XSKS_PREFIX "%u", &ifindex) != 1)
			continue;
		cJSON_ArrayForEach(rxq, rxqs)
			if (obj_uint(rxq, "ifindex") == ifindex)
				break;
		if (rxq)
			continue;
		xsks_path(path, sizeof(path), ifindex);
		unlink(path);
	}
	closedir(dir);
}

/* a map that all NICs have, made if it is not there; a descriptor or negative errno */
static int common_map(const char *pin, enum bpf_map_type type, const char *name,
		      __u32 key_size, __u32 value_size, __u32 entries, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	struct bpf_map_info info = { };
	__u32 len = sizeof(info);
	int err, fd = bpf_obj_get(pin);

	if (fd >= 0) {
		err = bpf_obj_get_info_by_fd(fd, &info, &len);
		if (!err && info.type == type && info.key_size == key_size &&
		    info.value_size == value_size)
			return fd;
		close(fd);
		refused("%s is of another version: detach all queues, remove it", pin);
		return err ? err : -EINVAL;
	}
	fd = bpf_map_create(type, name, key_size, value_size, entries, &opts);
	err = fd < 0 ? fd : bpf_obj_pin(fd, pin);
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	refused("%s: %s", pin, strerror(-err));
	return err;
}

static int ports_map(void)
{
	/* without the one the other is of no use */
	if (access(PORTS_PIN, F_OK))
		unlink(SLOTS_PIN);
	return common_map(PORTS_PIN, BPF_MAP_TYPE_HASH, "kvmflip_ports",
			  sizeof(struct kvmflip_demux_key),
			  sizeof(struct kvmflip_demux_port), MAX_PORTS, 0);
}

static int slots_map(void)
{
	return common_map(SLOTS_PIN, BPF_MAP_TYPE_ARRAY, "kvmflip_slots", sizeof(__u32),
			  sizeof(struct demux_slot), MAX_SLOTS, BPF_F_MMAPABLE);
}

/* the slot that a port may have, and its key; NULL if there are none */
static struct demux_slot *slot_of_port(const struct kvmflip_demux_key *key, __u64 *whole)
{
	static struct demux_slot *slots;
	void *map;
	int fd;

	memcpy(whole, key, sizeof(*whole));
	if (!slots) {
		fd = slots_map();
		if (fd < 0)
			return NULL;
		map = mmap(NULL, MAX_SLOTS * sizeof(*slots), PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
		close(fd);
		if (map == MAP_FAILED) {
			refused(SLOTS_PIN ": %s", strerror(errno));
			return NULL;
		}
		slots = map;
	}
	return &slots[slot_of(key->mac[4] << 8 | key->mac[5], key->vlan)];
}

/* the program finds the port in the other map only */
static void leave_slot(struct demux_slot *slot, __u64 key)
{
	if (slot->key == key)
		__atomic_store_n(&slot->key, SLOT_USED, __ATOMIC_RELEASE);
}

/*
 * The program finds the port in its slot from now on, unless another one has that. It
 * may be looking at the port that had it before, which is over when all CPUs are done
 * with what they do in the network stack.
 */
static void take_slot(struct demux_slot *slot, __u64 key,
		      const struct kvmflip_demux_port *port)
{
	if (slot->key == SLOT_USED &&
	    syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return;
	if (slot->key && slot->key != SLOT_USED)
		return;
	slot->port = *port;
	__atomic_store_n(&slot->key, key, __ATOMIC_RELEASE);
}

static int link_refused(const struct nic *nic, int err)
{
	const char *driver = nic_driver(nic);

	switch (err) {
	case EBUSY:
	case EEXIST:
		return refused("%s has another XDP program; try ip link set %s xdp off",
			       nic->name, nic->name);
	case EOPNOTSUPP:
		return refused("%s: driver %s cannot run XDP programs; mode copy needs none",
			       nic->name, driver);
	default:
		return refused("%s: driver %s refuses the XDP program: %s",
			       nic->name, driver, strerror(err));
	}
}

static int create_link(int prog_fd, const struct nic *nic, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);

	return bpf_link_create(prog_fd, nic->ifindex, BPF_XDP, &opts);
}

/*
 * Attach the program to the driver, or with @generic behind it if the driver
 * does not take it. Another program on the device is in the way of both.
 */
static int link_program(struct demux *demux, int prog_fd, const struct nic *nic,
			bool generic)
{
	int fd = create_link(prog_fd, nic, XDP_FLAGS_DRV_MODE);

	if (fd < 0 && generic && fd != -EBUSY && fd != -EEXIST) {
		fd = create_link(prog_fd, nic, XDP_FLAGS_SKB_MODE);
		demux->generic = true;
	}
	if (fd < 0)
		return link_refused(nic, -fd);
	demux->link_fd = fd;
	return EXIT_OK;
}

/* load the program, attach it to the NIC and pin its map of sockets */
static int attach_program(struct demux *demux, const struct nic *nic, bool generic)
{
	int err, ports_fd, slots_fd, status;
	struct demux_bpf *skel;
	char path[64];

	ports_fd = ports_map();
	if (ports_fd < 0)
		return EXIT_REFUSED;
	slots_fd = slots_map();
	if (slots_fd < 0) {
		close(ports_fd);
		return EXIT_REFUSED;
	}
	skel = demux_bpf__open();
	err = skel ? bpf_map__reuse_fd(skel->maps.ports, ports_fd) : -errno;
	err = err ? : bpf_map__reuse_fd(skel->maps.slots, slots_fd);
	close(ports_fd);
	close(slots_fd);
	if (!err)
		err = demux_bpf__load(skel);
	if (err) {
		demux_bpf__destroy(skel);
		return refused("%s: the demux program does not load: %s", nic->name,
			       strerror(-err));
	}
	xsks_path(path, sizeof(path), nic->ifindex);
	demux->xsks_fd = dup(bpf_map__fd(skel->maps.xsks));
	status = link_program(demux, bpf_program__fd(skel->progs.kvmflip_demux),
			      nic, generic);
	if (!status && bpf_obj_pin(demux->xsks_fd, path))
		status = refused("%s: %s", path, strerror(errno));
	demux_bpf__destroy(skel);
	return status;
}

/**
 * demux_open - get at the program on a NIC, and attach it if it is not there
 * @demux: out; demux_close() it even if this fails
 * @nic: the NIC
 * @attached: queues of it are attached, and so the program is too
 * @generic: it may be attached behind a driver that does not take it
 *
 * Return: exit code
 */
int demux_open(struct demux *demux, const struct nic *nic, bool attached,
	       bool generic)
{
	char path[64];

	demux->link_fd = -1;
	demux->xsks_fd = -1;
	demux->generic = false;
	if (!attached)
		return attach_program(demux, nic, generic);

	xsks_path(path, sizeof(path), nic->ifindex);
	demux->xsks_fd = bpf_obj_get(path);
	if (demux->xsks_fd < 0)
		return refused("%s: %s; detach all queues of %s first", path,
			       strerror(errno), nic->name);
	return EXIT_OK;
}

/* Return: exit code */
int demux_set_socket(const struct demux *demux, unsigned int queue, int xsk)
{
	if (bpf_map_update_elem(demux->xsks_fd, &queue, &xsk, BPF_ANY))
		return refused("queue %u in the demux program's map: %s", queue,
			       strerror(errno));
	return EXIT_OK;
}

/* The module holds the link now */
void demux_drop_link(struct demux *demux)
{
	if (demux->link_fd >= 0)
		close(demux->link_fd);
	demux->link_fd = -1;
}

void demux_close(struct demux *demux)
{
	demux_drop_link(demux);
	if (demux->xsks_fd >= 0)
		close(demux->xsks_fd);
	demux->xsks_fd = -1;
}

/**
 * demux_add_port - have the frames of an address marked as a port's
 * @key: the address, which nobody else has
 * @port: the port
 *
 * Return: exit code
 */
int demux_add_port(const struct kvmflip_demux_key *key,
		   const struct kvmflip_demux_port *port)
{
	int err, fd = ports_map();
	struct demux_slot *slot;
	__u64 whole;

	if (fd < 0)
		return EXIT_REFUSED;
	slot = slot_of_port(key, &whole);
	if (!slot) {
		close(fd);
		return EXIT_REFUSED;
	}
	err = bpf_map_update_elem(fd, key, port, BPF_NOEXIST);
	close(fd);
	switch (err) {
	case 0:
		leave_slot(slot, whole);
		take_slot(slot, whole, port);
		return EXIT_OK;
	case -EEXIST:
		return refused(PORTS_PIN ": this address and VLAN are taken");
	case -E2BIG:
		return refused(PORTS_PIN " is full: %u ports at most", MAX_PORTS);
	default:
		return refused(PORTS_PIN ": %s", strerror(-err));
	}
}

/* An entry that is not there is as good. Return: exit code */
int demux_del_port(const struct kvmflip_demux_key *key)
{
	int err, fd = ports_map();
	struct demux_slot *slot;
	__u64 whole;

	if (fd < 0)
		return EXIT_REFUSED;
	slot = slot_of_port(key, &whole);
	if (slot)
		leave_slot(slot, whole);
	err = bpf_map_delete_elem(fd, key);
	close(fd);
	if (err && err != -ENOENT)
		return refused(PORTS_PIN ": %s", strerror(-err));
	return EXIT_OK;
}

/**
 * demux_purge_ports - remove entries that have outlived their port
 * @alive: says if there is a port that an entry is of
 * @data: for @alive
 *
 * They are harmless, the module checks generations; but they are in the way of
 * ports that get their address. A module that was unloaded leaves them.
 *
 * Return: exit code
 */
int demux_purge_ports(bool (*alive)(const struct kvmflip_demux_key *key,
				    const struct kvmflip_demux_port *port,
				    const void *data), const void *data)
{
	struct kvmflip_demux_key key, next;
	struct kvmflip_demux_port port;
	int err, fd = ports_map();
	struct demux_slot *slot;
	__u64 whole;

	if (fd < 0)
		return EXIT_REFUSED;
	err = bpf_map_get_next_key(fd, NULL, &next);
	while (!err) {
		key = next;
		/* before the entry goes, or the walk begins anew */
		err = bpf_map_get_next_key(fd, &key, &next);
		if (bpf_map_lookup_elem(fd, &key, &port) || alive(&key, &port, data))
			continue;
		slot = slot_of_port(&key, &whole);
		if (slot)
			leave_slot(slot, whole);
		bpf_map_delete_elem(fd, &key);
	}
	close(fd);
	return EXIT_OK;
}
