// SPDX-License-Identifier: GPL-2.0
/*
 * nthfail: does one thing after the other with each allocation of the module failing once.
 *
 *	nthfail UUID [STEP]
 *	nthfail UUID calls
 *
 * There is a pool p, and on it a port a that has this UUID and that nobody has open; faults
 * are confined to what the module asks for (faults.sh). Whatever fails has to say ENOMEM and
 * to leave everything as it was. Prints how many allocations failed, and how many of those
 * were not needed. With a STEP it is not each, but one of so many, beyond
 * the first few. Or each call of the function fails that has been chosen for that, and EIO
 * is what has to be said.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvmflip.h>
#include <linux/kvmflip_pci.h>

#include "libkvmflip.h"

/* So many are tried one by one in any case. */
#define FEW		4

#define MIB		(1u << 20)
#define PAGE		4096
#define CREATE	"/sys/devices/platform/kvmflip/mdev_supported_types/kvmflip-port/create"
#define DEVICES	"/sys/bus/mdev/devices/"
#define CALLS	"/sys/kernel/debug/fail_function/"
#define UUID_B	"6b766d66-6c69-4070-8000-0000000000b2"

#define expect(what) do {						\
	if (!(what)) {							\
		fprintf(stderr, "nthfail: line %d: not %s (%s)\n",	\
			__LINE__, #what, strerror(errno));		\
		exit(1);						\
	}								\
} while (0)

/**
 * struct op - something that is done over and over
 * @name: what it is
 * @run: does it; 0 or a negative errno
 * @undo: what was done is undone
 * @told: those who listen are told of it, or that they were not
 */
struct op {
	const char *name;
	int (*run)(void);
	void (*undo)(void);
	bool told;
};

static struct kvmflip *kf, *listener;
static const char *uuid;
static int group, container, device = -1, pool = -1, irq;
static __u64 regs, window;
static char *mapped = MAP_FAILED;
static unsigned int step = 1, failed, unneeded;
static int wanted = ENOMEM;

static void nothing(void)
{
}

/* --- Netlink -------------------------------------------------------------- */

static struct kvmflip_request *request(int cmd, int attr, const char *name)
{
	struct kvmflip_request *req = kvmflip_request(kf, cmd);

	if (name)
		kvmflip_put_string(req, attr, name);
	return req;
}

static int call(struct kvmflip_request *req)
{
	return kvmflip_call(kf, req, NULL, NULL);
}

static int add_pool(unsigned int size, unsigned int buffer)
{
	struct kvmflip_request *req = request(KVMFLIP_CMD_POOL_ADD, KVMFLIP_A_POOL_NAME, "q");

	kvmflip_put_uint(req, KVMFLIP_A_POOL_SIZE, size);
	kvmflip_put_uint(req, KVMFLIP_A_POOL_BUFFER_SIZE, buffer);
	return call(req);
}

static int add_large_pool(void)
{
	return add_pool(4 * MIB, 2 * MIB);
}

static int add_small_pool(void)
{
	return add_pool(8 * PAGE, PAGE);
}

static int try_del_pool(void)
{
	return call(request(KVMFLIP_CMD_POOL_DEL, KVMFLIP_A_POOL_NAME, "q"));
}

static void del_pool(void)
{
	expect(!try_del_pool());
}

static void add_pool_again(void)
{
	expect(!add_small_pool());
}

static int add_port(void)
{
	static const unsigned char mac[] = { 0xb2, 0xb2, 0xb2, 0xb2, 0xb2, 0xb2 };
	static const unsigned char id[] = {
		0x6b, 0x76, 0x6d, 0x66, 0x6c, 0x69, 0x40, 0x70, 0x80, 0, 0, 0, 0, 0, 0, 0xb2
	};
	struct kvmflip_request *req = request(KVMFLIP_CMD_PORT_ADD, KVMFLIP_A_PORT_NAME, "b");

	kvmflip_put_string(req, KVMFLIP_A_PORT_POOL, "p");
	kvmflip_put_binary(req, KVMFLIP_A_PORT_MAC, mac, sizeof(mac));
	kvmflip_put_binary(req, KVMFLIP_A_PORT_UUID, id, sizeof(id));
	return call(req);
}

static int try_del_port(void)
{
	return call(request(KVMFLIP_CMD_PORT_DEL, KVMFLIP_A_PORT_NAME, "b"));
}

static void del_port(void)
{
	expect(!try_del_port());
}

static void add_port_again(void)
{
	expect(!add_port());
}

static int set_address(unsigned char last)
{
	const unsigned char mac[] = { 0x92, 0x91, 0x91, 0x91, 0x91, last };
	struct kvmflip_request *req = request(KVMFLIP_CMD_PORT_SET, KVMFLIP_A_PORT_NAME, "a");

	kvmflip_put_binary(req, KVMFLIP_A_PORT_MAC, mac, sizeof(mac));
	return call(req);
}

static int set_port(void)
{
	return set_address(0x99);
}

static void reset_port(void)
{
	expect(!set_address(0x91));
}

static int reclaim(void)
{
	return call(request(KVMFLIP_CMD_PORT_RECLAIM, KVMFLIP_A_PORT_NAME, "a"));
}

static int get_pool(void)
{
	return call(request(KVMFLIP_CMD_POOL_GET, KVMFLIP_A_POOL_NAME, "p"));
}

static int get_port(void)
{
	return call(request(KVMFLIP_CMD_PORT_GET, KVMFLIP_A_PORT_NAME, "a"));
}

/* --- The devices ------------------------------------------------------------ */

static int write_file(const char *path, const char *text)
{
	int err = 0, fd = open(path, O_WRONLY);

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int add_mdev(void)
{
	return write_file(CREATE, UUID_B);
}

static void del_mdev(void)
{
	expect(!write_file(DEVICES UUID_B "/remove", "1"));
}

static void open_group(void)
{
	char path[PATH_MAX], target[PATH_MAX] = "";

	snprintf(path, sizeof(path), DEVICES "%s/iommu_group", uuid);
	expect(readlink(path, target, sizeof(target) - 1) > 0);
	snprintf(path, sizeof(path), "/dev/vfio%s", strrchr(target, '/'));
	group = open(path, O_RDWR);
	expect(group >= 0);
	container = open("/dev/vfio/vfio", O_RDWR);
	expect(container >= 0);
	expect(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	expect(!ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
}

static int open_device(void)
{
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, uuid);
	return device < 0 ? -errno : 0;
}

static void close_device(void)
{
	expect(!close(device));
}

static int find_regions(void)
{
	struct vfio_region_info info = { .argsz = sizeof(info) };

	info.index = VFIO_PCI_BAR0_REGION_INDEX;
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return -errno;
	regs = info.offset;
	info.argsz = sizeof(info);
	info.index = VFIO_PCI_BAR2_REGION_INDEX;
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return -errno;
	window = info.offset;
	return 0;
}

static int set_irq(int fd)
{
	char buf[sizeof(struct vfio_irq_set) + sizeof(fd)];
	struct vfio_irq_set *set = (void *)buf;

	*set = (struct vfio_irq_set) {
		.argsz = sizeof(buf),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.count = 1,
	};
	memcpy(set->data, &fd, sizeof(fd));
	return ioctl(device, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
}

static int set_vector(void)
{
	return set_irq(irq);
}

static void unset_vector(void)
{
	expect(!set_irq(-1));
}

static int reset(void)
{
	return ioctl(device, VFIO_DEVICE_RESET) ? -errno : 0;
}

static int start_driver(void)
{
	__u32 status = KVMFLIP_STATUS_DRIVER_OK;

	return pwrite(device, &status, sizeof(status), regs + KVMFLIP_REG_STATUS) < 0 ? -errno : 0;
}

static void stop_driver(void)
{
	expect(!reset());
}

/* A page fault that finds no memory is tried again. */
static int map_window(void)
{
	__u32 slots;

	if (pread(device, &slots, sizeof(slots), regs + KVMFLIP_REG_SLOTS_OFF) < 0)
		return -errno;
	mapped = mmap(NULL, slots + 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, device, window);
	if (mapped == MAP_FAILED)
		return -errno;
	*(volatile char *)mapped;
	*(volatile char *)(mapped + slots);
	*(volatile char *)(mapped + slots + MIB);
	expect(!munmap(mapped, slots + 2 * MIB));
	return 0;
}

static int open_pool(void)
{
	struct kvmflip_ioc_pool ioc = { .size = sizeof(ioc), .name = "p" };
	int err;

	pool = open("/dev/kvmflip", O_RDWR);
	if (pool < 0)
		return -errno;
	if (ioctl(pool, KVMFLIP_IOC_POOL, &ioc))
		goto err_close;
	mapped = mmap(NULL, ioc.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, pool, 0);
	if (mapped == MAP_FAILED)
		goto err_close;
	expect(!munmap(mapped, ioc.bytes));
	return 0;

err_close:
	err = -errno;
	close(pool);
	return err;
}

static void close_pool(void)
{
	expect(!close(pool));
}

/* --- Each allocation ------------------------------------------------------------ */

/**
 * struct note - what there is, as text
 * @file: to write to
 * @strict: numbers too, which change when something is undone
 */
struct note {
	FILE *file;
	bool strict;
};

static int note_attr(const struct kvmflip_object *object, const struct kvmflip_attr *attr,
		     void *data)
{
	struct kvmflip_object nested;
	const unsigned char *mac;
	struct note *note = data;

	if (!strcmp(attr->name, "stats"))
		return 0;
	if (!note->strict && (!strcmp(attr->name, "gen") || !strcmp(attr->name, "id") ||
			      !strncmp(attr->name, "if", 2)))
		return 0;
	fprintf(note->file, " %s ", attr->name);
	switch (attr->type) {
	case KVMFLIP_TYPE_UINT:
	case KVMFLIP_TYPE_ENUM:
		fprintf(note->file, "%llu", (long long)kvmflip_uint(object, attr->number));
		break;
	case KVMFLIP_TYPE_STRING:
		fputs(kvmflip_string(object, attr->number), note->file);
		break;
	case KVMFLIP_TYPE_MAC:
		mac = kvmflip_binary(object, attr->number, 6);
		fprintf(note->file, "%02x:%02x", mac[0], mac[5]);
		break;
	case KVMFLIP_TYPE_NEST:
		nested = kvmflip_nested(object, attr->number);
		return kvmflip_walk(&nested, note_attr, note);
	default:
		break;
	}
	return 0;
}

static int note_object(const struct kvmflip_object *object, void *data)
{
	struct note *note = data;

	fputc('\n', note->file);
	return kvmflip_walk(object, note_attr, data);
}

static char *state(bool strict)
{
	static const int cmds[] = {
		KVMFLIP_CMD_POOL_GET, KVMFLIP_CMD_RXQ_GET, KVMFLIP_CMD_PORT_GET, 0
	};
	struct note note = { .strict = strict };
	const int *cmd;
	size_t len;
	char *text;

	note.file = open_memstream(&text, &len);
	expect(note.file);
	for (cmd = cmds; *cmd; cmd++)
		expect(!kvmflip_call(kf, kvmflip_request_all(kf, *cmd), note_object, &note));
	expect(!fclose(note.file));
	return text;
}

static void same(const struct op *op, unsigned int n, char *before, bool strict)
{
	char *now = state(strict);

	if (strcmp(now, before)) {
		fprintf(stderr, "nthfail: %s, allocation %u: there was%s\nnow there is%s\n",
			op->name, n, before, now);
		exit(1);
	}
	free(now);
	free(before);
}

static unsigned int get(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned int value;

	expect(file && fscanf(file, "%u", &value) == 1);
	fclose(file);
	return value;
}

static void set(const char *path, unsigned int value)
{
	FILE *file = fopen(path, "w");

	expect(file && fprintf(file, "%u", value) > 0 && !fclose(file));
}

/* The kernel sees who has asked for memory, but not who has called a function. */
static bool by_call(void)
{
	return wanted == EIO;
}

static bool is_left(void)
{
	return get(by_call() ? CALLS "times" : "/proc/self/fail-nth");
}

static void fail_nth(unsigned int n)
{
	if (!by_call()) {
		set("/proc/self/fail-nth", n);
		return;
	}
	set(CALLS "space", n);
	set(CALLS "times", !!n);
}

static void on_event(const char *event, const struct kvmflip_object *object, void *data)
{
	(void)event;
	(void)object;
	*(bool *)data = true;
}

/* Have there been events, or an error that says that some were lost? */
static bool heard(void)
{
	struct pollfd poller = { .fd = kvmflip_fd(listener), .events = POLLIN };
	bool any = false;

	while (poll(&poller, 1, 0) > 0)
		any |= kvmflip_receive(listener, on_event, &any) == -ENOBUFS;
	return any;
}

/* The kernel has other names for a shortage when it makes a network device. */
static bool is_wanted(int err)
{
	return err == -wanted || strstr(kvmflip_error(kf), "network device of the port cannot");
}

static void sweep(const struct op *op)
{
	unsigned int n, tries = 0, well = 0;
	char *loose, *strict;
	bool done = false;
	int err;

	for (n = 1; !done; n += n < FEW ? 1 : step, tries++) {
		loose = state(false);
		strict = state(true);
		fail_nth(n);
		err = op->run();
		done = is_left();
		fail_nth(0);
		if (err && (done || !is_wanted(err))) {
			fprintf(stderr, "nthfail: %s, allocation %u%s: %s\n", op->name, n,
				done ? ", which did not fail" : "", strerror(-err));
			exit(1);
		}
		if (err) {
			free(loose);
			same(op, n, strict, true);
			heard();
			continue;
		}
		free(strict);
		if (op->told && !heard()) {
			fprintf(stderr, "nthfail: %s, allocation %u: nobody is told\n",
				op->name, n);
			exit(1);
		}
		op->undo();
		heard();
		same(op, n, loose, false);
		well += !done;
	}
	tries--;
	printf("# %s: %u allocations failed, %u of them not needed\n", op->name, tries, well);
	failed += tries;
	unneeded += well;
}

static const struct op closed[] = {
	{ "pool add, 2 MiB", add_large_pool, del_pool, true },
	{ "pool add, 4 KiB", add_small_pool, del_pool, true },
	{ "port add", add_port, del_port, true },
	{ "port set", set_port, reset_port, true },
	{ "pool show", get_pool, nothing, false },
	{ "port show", get_port, nothing, false },
	{ "open of the pool", open_pool, close_pool, false },
	{ "open of the device", open_device, close_device, true },
	{ }
};

static const struct op opened[] = {
	{ "regions", find_regions, nothing, false },
	{ "interrupts", set_vector, unset_vector, false },
	{ "start of the driver", start_driver, stop_driver, true },
	{ "reset", reset, nothing, false },
	{ "faults in the window", map_window, nothing, false },
	{ "port reclaim", reclaim, nothing, false },
	{ }
};

static const struct op second[] = {
	{ "mediated device", add_mdev, del_mdev, false },
	{ "port del", try_del_port, add_port_again, true },
	{ "pool del", try_del_pool, add_pool_again, true },
	{ }
};

static void sweep_all(const struct op *op)
{
	for (; op->name; op++)
		sweep(op);
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[2], "calls"))
		wanted = EIO;
	else if (argc > 2)
		step = strtoul(argv[2], NULL, 0);
	if (argc < 2 || !step) {
		fputs("usage: nthfail UUID [STEP | calls]\n", stderr);
		return 2;
	}
	uuid = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	expect(!kvmflip_open(&kf));
	expect(!kvmflip_open(&listener) && !kvmflip_subscribe(listener));
	irq = eventfd(0, 0);
	expect(irq >= 0);
	open_group();
	sweep_all(closed);
	expect(!add_port() && !add_small_pool());
	sweep_all(second);
	del_port();
	del_pool();
	expect(!open_device());
	sweep_all(opened);
	close_device();
	printf("{\"injected\": %u, \"unneeded\": %u}\n", failed, unneeded);
	return 0;
}
