// SPDX-License-Identifier: GPL-2.0
/*
 * Unit test of the demux program: frames through BPF_PROG_TEST_RUN, and what
 * the program returned and wrote in front of them. Prints KTAP; needs root.
 *
 * The socket map holds a real AF_XDP socket at queue 0 (it need not be bound
 * but must have an RX ring), because a redirect to an empty entry returns its
 * fallback. ctx_in is always given: the kernel makes room for metadata only
 * then.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_xdp.h>
#include <linux/kvmflip.h>

#include "demux.skel.h"
#include "slots.h"

#define __printf(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAYLOAD 64	/* bytes after the headers of an ordinary frame */

/* Frames in hex: destination, source, then tags and protocol */
#define A "525400000101"
#define B "525400000102"
#define STALE "525400000103"
#define UNKNOWN "5254000001ff"
#define SLOT "525400000301"
#define SLOT_OTHER "525400010301"	/* has the same one */
#define BROADCAST "ffffffffffff"
#define MULTICAST "01005e000001"
#define MULTICAST6 "333300000001"
#define SRC "525400000099"
#define IP "0800"

static const struct {
	const char *mac;
	__u16 vlan;
	struct kvmflip_demux_port port;
} entries[] = {
	{ A, 0, { 1, 0x11 } },
	{ A, 7, { 2, 0x22 } },
	{ B, 7, { 3, 0x33 } },
	{ B, 4094, { 0xfffffffe, 0xffffffff } },
	/* the program has no say in generations: it writes what it finds */
	{ STALE, 0, { 1, 0x10 } },
	/* such entries have no business here and must not be found */
	{ BROADCAST, 0, { 66, 66 } },
	{ MULTICAST, 0, { 66, 66 } },
	{ "000000000000", 0, { 66, 66 } },
};

struct frame_case {
	const char *name;
	__u32 port;
	__u32 gen;
	unsigned int payload;
	const char *head;
};

static const struct frame_case frames[] = {
	{ "mac", 1, 0x11, PAYLOAD, A SRC IP },
	{ "mac and vlan", 2, 0x22, PAYLOAD, A SRC "81000007" IP },
	{ "mac and vlan of another port", 3, 0x33, PAYLOAD,
	  B SRC "81000007" IP },
	{ "highest vlan, highest id", 0xfffffffe, 0xffffffff, PAYLOAD,
	  B SRC "81000ffe" IP },
	{ "priority bits are not the vlan", 2, 0x22, PAYLOAD,
	  A SRC "8100f007" IP },
	{ "vlan 0 is untagged", 1, 0x11, PAYLOAD, A SRC "8100e000" IP },
	{ "stale entry keeps its generation", 1, 0x10, PAYLOAD, STALE SRC IP },
	{ "wrong vlan", 0, 0, PAYLOAD, A SRC "81000008" IP },
	{ "untagged to a tagged port", 0, 0, PAYLOAD, B SRC IP },
	{ "vlan 0 to a tagged port", 0, 0, PAYLOAD, B SRC "81000000" IP },
	{ "reserved vlan", 0, 0, PAYLOAD, B SRC "81000fff" IP },
	{ "unknown mac", 0, 0, PAYLOAD, UNKNOWN SRC IP },
	{ "unknown mac, known vlan", 0, 0, PAYLOAD, UNKNOWN SRC "81000007" IP },
	{ "broadcast", 0, 0, PAYLOAD, BROADCAST SRC IP },
	{ "broadcast with vlan", 0, 0, PAYLOAD, BROADCAST SRC "81000007" IP },
	{ "ipv4 multicast", 0, 0, PAYLOAD, MULTICAST SRC IP },
	{ "ipv6 multicast", 0, 0, PAYLOAD, MULTICAST6 SRC "86dd" },
	{ "qinq, service tag outside", 0, 0, PAYLOAD,
	  A SRC "88a80007 81000007" IP },
	{ "service tag alone", 0, 0, PAYLOAD, A SRC "88a80007" IP },
	{ "two customer tags", 0, 0, PAYLOAD, A SRC "81000007 81000007" IP },
	{ "priority tag over a tag", 0, 0, PAYLOAD,
	  A SRC "81000000 81000007" IP },
	{ "service tag inside", 0, 0, PAYLOAD, A SRC "81000007 88a80007" IP },
	{ "header alone", 1, 0x11, 0, A SRC IP },
	{ "tagged header alone", 2, 0x22, 0, A SRC "81000007" IP },
	{ "tag without its protocol", 0, 0, 0, A SRC "81000007" },
	{ "tag cut in the middle", 0, 0, 0, A SRC "8100000708" },
	{ "no tag after its type", 0, 0, 0, A SRC "8100" },
	{ "largest frame", 1, 0x11, 3498, A SRC IP },
	{ "runt without protocol", 0, 0, 0, A SRC },
	{ "runt of one byte", 0, 0, 0, "52" },
	{ "length in place of a protocol", 1, 0x11, PAYLOAD, A SRC "0040" },
};

static struct demux_bpf *skel;
static unsigned int tests, failures;

/* one KTAP line; @fmt says what was wrong */
static __printf(3, 4)
void result(bool ok, const char *name, const char *fmt, ...)
{
	va_list args;

	if (!ok) {
		failures++;
		printf("# %s: ", name);
		va_start(args, fmt);
		vprintf(fmt, args);
		va_end(args);
		putchar('\n');
	}
	printf("%sok %u %s\n", ok ? "" : "not ", ++tests, name);
}

static void skip(const char *name, const char *why)
{
	printf("ok %u %s # SKIP %s\n", ++tests, name, why);
}

struct run {
	unsigned char in[4096];
	unsigned char out[4096];
	struct xdp_md ctx;		/* as the program left it */
	unsigned int out_len;
	unsigned int verdict;
};

/*
 * Run the program on @len bytes of r->in, of which the first @meta lie in front
 * of the frame as metadata already.
 */
static int run(struct run *r, unsigned int len, unsigned int meta)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct xdp_md in = { .data = meta, .data_end = len };
	int err;

	opts.data_in = r->in;
	/* the kernel wants a whole header, the program sees less of it */
	opts.data_size_in = len - meta < 14 ? meta + 14 : len;
	opts.data_out = r->out;
	opts.data_size_out = sizeof(r->out);
	opts.ctx_in = &in;
	opts.ctx_size_in = sizeof(in);
	opts.ctx_out = &r->ctx;
	opts.ctx_size_out = sizeof(r->ctx);

	memset(r->out, 0xee, sizeof(r->out));
	err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.kvmflip_demux),
				     &opts);
	r->verdict = opts.retval;
	r->out_len = opts.data_size_out;
	return err;
}

/* decode @hex, in which blanks mean nothing; returns the number of bytes */
static unsigned int unhex(unsigned char *out, const char *hex)
{
	unsigned int n = 0, byte;
	int used;

	while (sscanf(hex, " %2x%n", &byte, &used) == 1) {
		out[n++] = byte;
		hex += used;
	}
	return n;
}

/* lay a frame down in r->in after @meta bytes of 0xaa; returns the length */
static unsigned int put_frame(struct run *r, const struct frame_case *f,
			      unsigned int meta)
{
	unsigned int i, len;

	memset(r->in, 0, sizeof(r->in));
	memset(r->in, 0xaa, meta);
	len = meta + unhex(r->in + meta, f->head);
	for (i = 0; i < f->payload; i++)
		r->in[len++] = i * 7 + 1;
	return len;
}

static void test_frame(const struct frame_case *f)
{
	struct kvmflip_meta want = { KVMFLIP_META_MAGIC, f->port, f->gen, 0 };
	struct kvmflip_meta got;
	struct run r;
	unsigned int len = put_frame(&r, f, 0);
	int err = run(&r, len, 0);

	if (err == -EINVAL && len < 14) {
		skip(f->name, "this kernel runs no frame without a header");
		return;
	}
	if (err) {
		result(false, f->name, "test run: %s", strerror(-err));
		return;
	}
	memcpy(&got, r.out, sizeof(got));
	if (r.verdict != XDP_REDIRECT)
		result(false, f->name, "verdict %u", r.verdict);
	else if (r.ctx.data - r.ctx.data_meta != sizeof(got))
		result(false, f->name, "%u bytes of metadata",
		       r.ctx.data - r.ctx.data_meta);
	else if (memcmp(&got, &want, sizeof(got)))
		result(false, f->name, "magic %#x port %u gen %#x flags %#x",
		       got.magic, got.port, got.gen, got.flags);
	else if (r.ctx.data_end - r.ctx.data != len ||
		 memcmp(r.out + sizeof(got), r.in, len))
		result(false, f->name, "the frame was changed");
	else
		result(true, f->name, "%s", "");
}

/*
 * A driver that has no room for the metadata: of the 256 bytes before a frame
 * the kernel keeps the first 40 for itself, and 208 are in use.
 */
static void test_adjust_meta_fails(void)
{
	const char *name = "failing adjust_meta: redirected as it is";
	const unsigned int meta = 208;
	struct run r;
	unsigned int len = put_frame(&r, &frames[0], meta);
	int err = run(&r, len, meta);

	if (err)
		result(false, name, "test run: %s", strerror(-err));
	else if (r.verdict != XDP_REDIRECT)
		result(false, name, "verdict %u", r.verdict);
	else if (r.ctx.data - r.ctx.data_meta != meta)
		result(false, name, "%u bytes of metadata",
		       r.ctx.data - r.ctx.data_meta);
	else if (memcmp(r.out, r.in, len))
		result(false, name, "the frame or what lay before it was changed");
	else
		result(true, name, "%s", "");
}

/*
 * An earlier program left metadata of its own. Ours then begins 16 bytes before
 * that, not before the frame: the module finds no magic there and drops.
 */
static void test_foreign_meta(void)
{
	const char *name = "metadata of another program is not taken for ours";
	const unsigned int meta = 16;
	struct kvmflip_meta got;
	struct run r;
	unsigned int len = put_frame(&r, &frames[0], meta);
	int err = run(&r, len, meta);

	if (err) {
		result(false, name, "test run: %s", strerror(-err));
		return;
	}
	memcpy(&got, r.out + r.ctx.data - r.ctx.data_meta - sizeof(got),
	       sizeof(got));
	result(r.verdict == XDP_REDIRECT && got.magic != KVMFLIP_META_MAGIC &&
	       !memcmp(r.out + r.ctx.data - r.ctx.data_meta, r.in + meta,
		       len - meta),
	       name, "verdict %u, magic %#x", r.verdict, got.magic);
}

/* The frames of one entry, before it is there, while it is and after */
static void test_map_changes(void)
{
	const struct frame_case f = {
		.head = UNKNOWN SRC "81000009" IP, .payload = PAYLOAD,
	};
	struct kvmflip_demux_key key = { .vlan = 9 };
	const struct kvmflip_demux_port port = { 9, 0x99 };
	int fd = bpf_map__fd(skel->maps.ports);
	struct kvmflip_meta got[3];
	struct run r;
	unsigned int i, len = put_frame(&r, &f, 0);
	int err = 0;

	unhex(key.mac, UNKNOWN);
	for (i = 0; i < 3 && !err; i++) {
		if (i == 1)
			err = bpf_map_update_elem(fd, &key, &port, BPF_NOEXIST);
		else if (i == 2)
			err = bpf_map_delete_elem(fd, &key);
		err = err ? : run(&r, len, 0);
		memcpy(&got[i], r.out, sizeof(got[i]));
	}
	result(!err && !got[0].port && got[1].port == 9 &&
	       got[1].gen == 0x99 && !got[2].port && !got[2].gen,
	       "entries added and deleted", "error %d, ports %u %u %u", err,
	       got[0].port, got[1].port, got[2].port);
}

/* What is in a slot is found there, and what is not in the map of ports */
static void test_slots(void)
{
	const struct frame_case f[] = {
		{ .head = SLOT SRC IP, .payload = PAYLOAD },
		{ .head = SLOT_OTHER SRC IP, .payload = PAYLOAD },
	};
	const struct kvmflip_demux_port port = { 10, 0xaa };
	int slots = bpf_map__fd(skel->maps.slots);
	int ports = bpf_map__fd(skel->maps.ports);
	struct demux_slot slot = { .port = { 11, 0xbb } };
	struct kvmflip_demux_key key = { };
	__u32 at = slot_of(0x0301, 0);
	struct kvmflip_meta got[6];
	struct run r;
	unsigned int i;
	int err;

	unhex(key.mac, SLOT);
	err = bpf_map_update_elem(ports, &key, &port, BPF_NOEXIST);
	for (i = 0; i < 6 && !err; i++) {
		/* empty, the port's, another one's before */
		slot.key = SLOT_USED;
		if (i / 2 == 0)
			slot.key = 0;
		else if (i / 2 == 1)
			memcpy(&slot.key, &key, sizeof(key));
		err = bpf_map_update_elem(slots, &at, &slot, BPF_ANY);
		err = err ? : run(&r, put_frame(&r, &f[i % 2], 0), 0);
		memcpy(&got[i], r.out, sizeof(got[i]));
	}
	result(!err && got[0].port == 10 && got[2].port == 11 && got[2].gen == 0xbb &&
	       got[4].port == 10 && !got[1].port && !got[3].port && !got[5].port,
	       "slots", "error %d, ports %u %u %u, others %u %u %u", err, got[0].port,
	       got[2].port, got[4].port, got[1].port, got[3].port, got[5].port);
}

static void test_no_socket(void)
{
	const char *name = "queue without a socket: passed to the stack";
	struct run r;
	unsigned int len = put_frame(&r, &frames[0], 0);
	__u32 queue = 0;
	int err;

	err = bpf_map_delete_elem(bpf_map__fd(skel->maps.xsks), &queue);
	if (!err)
		err = run(&r, len, 0);
	result(!err && r.verdict == XDP_PASS, name, "error %d, verdict %u", err,
	       r.verdict);
}

static int set_up(void)
{
	const struct rlimit infinity = { RLIM_INFINITY, RLIM_INFINITY };
	const int ring_entries = 64;
	struct kvmflip_demux_key key;
	__u32 queue = 0, xsk;
	unsigned int i;
	int err;

	setrlimit(RLIMIT_MEMLOCK, &infinity);
	libbpf_set_print(NULL);
	skel = demux_bpf__open_and_load();
	if (!skel) {
		printf("Bail out! the program does not load: %s\n",
		       strerror(errno));
		return -errno;
	}
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		unhex(key.mac, entries[i].mac);
		key.vlan = entries[i].vlan;
		err = bpf_map_update_elem(bpf_map__fd(skel->maps.ports), &key,
					  &entries[i].port, BPF_NOEXIST);
		if (err) {
			printf("Bail out! port map: %s\n", strerror(-err));
			return err;
		}
	}
	xsk = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	setsockopt(xsk, SOL_XDP, XDP_RX_RING, &ring_entries,
		   sizeof(ring_entries));
	err = bpf_map_update_elem(bpf_map__fd(skel->maps.xsks), &queue, &xsk,
				  BPF_ANY);
	if (err)
		printf("Bail out! socket map: %s\n", strerror(-err));
	return err;
}

int main(void)
{
	const unsigned int others = 5;
	unsigned int i;

	printf("KTAP version 1\n");
	if (geteuid()) {
		printf("1..0 # SKIP needs root\n");
		return 4;
	}
	if (set_up())
		return 1;
	printf("1..%zu\n", ARRAY_SIZE(frames) + others);
	for (i = 0; i < ARRAY_SIZE(frames); i++)
		test_frame(&frames[i]);
	test_adjust_meta_fails();
	test_foreign_meta();
	test_map_changes();
	test_slots();
	test_no_socket();
	demux_bpf__destroy(skel);
	return failures ? 1 : 0;
}
