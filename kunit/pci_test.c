// SPDX-License-Identifier: GPL-2.0
/* kvmflip tests: config space and registers of the PCI device a guest sees. */

#include <kunit/test.h>
#include <linux/unaligned.h>

#include "../src/host/pci.h"
#include "fixture.h"

/**
 * struct kft_writable - what a driver or firmware may change
 * @offset: in config space, of 32 bits
 * @bits: that can be changed
 */
struct kft_writable {
	u32 offset;
	u32 bits;
};

/* As PCI has it, written down a second time; 0x40 is the MSI-X capability. */
static const struct kft_writable kft_writables[] = {
	{ PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE },
	{ PCI_CACHE_LINE_SIZE, 0xff },
	{ PCI_BASE_ADDRESS_0, 0xfffff000 },
	{ PCI_BASE_ADDRESS_2, 0xc0000000 },
	{ PCI_BASE_ADDRESS_3, 0xffffffff },
	{ PCI_BASE_ADDRESS_4, 0xfffff000 },
	{ PCI_INTERRUPT_LINE, 0xff },
	{ 0x40, (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) << 16 },
};

static void kft_mask(u8 *mask)
{
	u32 i;

	memset(mask, 0, PCI_CFG_SPACE_SIZE);
	for (i = 0; i < ARRAY_SIZE(kft_writables); i++)
		put_unaligned_le32(kft_writables[i].bits, mask + kft_writables[i].offset);
}

static struct kvmflip_pci_config *kft_config(struct kunit *test)
{
	struct kvmflip_pci_config *config = kunit_kzalloc(test, sizeof(*config), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, config);
	memset(config, 0xff, sizeof(*config));
	kvmflip_pci_config_init(config);
	return config;
}

static void kft_config_write32(struct kvmflip_pci_config *config, u32 offset, u32 value)
{
	u8 data[sizeof(u32)];

	put_unaligned_le32(value, data);
	kvmflip_pci_config_write(config, offset, data, sizeof(data));
}

static void kft_identity(struct kunit *test)
{
	const u8 *value = kft_config(test)->value;

	KUNIT_EXPECT_EQ(test, get_unaligned_le16(value + PCI_VENDOR_ID), 0x1af4);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(value + PCI_DEVICE_ID), 0x10f0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(value + PCI_SUBSYSTEM_VENDOR_ID), 0x1af4);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(value + PCI_SUBSYSTEM_ID), 0x10f0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(value + PCI_CLASS_DEVICE), 0x0200);
	KUNIT_EXPECT_EQ(test, value[PCI_REVISION_ID], KVMFLIP_PCI_VERSION);
	KUNIT_EXPECT_EQ(test, value[PCI_HEADER_TYPE], PCI_HEADER_TYPE_NORMAL);
	KUNIT_EXPECT_EQ(test, value[PCI_INTERRUPT_PIN], 0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(value + PCI_COMMAND), 0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(value + PCI_STATUS), PCI_STATUS_CAP_LIST);
}

/**
 * struct kft_width - how a write is made
 * @name: of the case
 * @bytes: at once
 */
struct kft_width {
	const char *name;
	u32 bytes;
};

static const struct kft_width kft_widths[] = {
	{ "1 byte", 1 },
	{ "2 bytes", 2 },
	{ "3 bytes", 3 },
	{ "4 bytes", 4 },
	{ "8 bytes", 8 },
	{ "all bytes", PCI_CFG_SPACE_SIZE },
};

KUNIT_ARRAY_PARAM_DESC(kft_width, kft_widths, name);

/* At every offset, aligned or not: ones, then zeroes, then every other bit. */
static void kft_config_write(struct kunit *test)
{
	static const u8 patterns[] = { 0xff, 0x00, 0x55, 0xaa };
	const struct kft_width *width = test->param_value;
	struct kvmflip_pci_config *config = kft_config(test);
	u8 init[PCI_CFG_SPACE_SIZE], mask[PCI_CFG_SPACE_SIZE];
	u8 data[PCI_CFG_SPACE_SIZE];
	u32 offset, i, p, wrong = 0;
	u8 expect;

	kft_mask(mask);
	memcpy(init, config->value, sizeof(init));
	for (offset = 0; offset + width->bytes <= PCI_CFG_SPACE_SIZE; offset++) {
		kvmflip_pci_config_init(config);
		for (p = 0; p < ARRAY_SIZE(patterns); p++) {
			memset(data, patterns[p], sizeof(data));
			kvmflip_pci_config_write(config, offset, data, width->bytes);
			for (i = 0; i < PCI_CFG_SPACE_SIZE; i++) {
				expect = init[i];
				if (i >= offset && i < offset + width->bytes)
					expect = (expect & ~mask[i]) | (patterns[p] & mask[i]);
				if (config->value[i] == expect)
					continue;
				wrong++;
				kunit_err(test, "%#x at %#x made %#x at %#x, not %#x\n",
					  patterns[p], offset, config->value[i], i, expect);
			}
			KUNIT_ASSERT_EQ(test, wrong, 0);
		}
	}
}

/**
 * struct kft_bar - a base address register
 * @name: of the case
 * @bar: number
 * @size: bytes, 0 if there is none
 * @type: the low bits
 */
struct kft_bar {
	const char *name;
	u32 bar;
	u64 size;
	u32 type;
};

static const struct kft_bar kft_bars[] = {
	{ "registers", KVMFLIP_BAR_REGS, SZ_4K, 0 },
	{ "none at 1", 1, 0, 0 },
	{ "window", KVMFLIP_BAR_WINDOW, SZ_1G,
	  PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH },
	{ "MSI-X", KVMFLIP_BAR_MSIX, SZ_4K, 0 },
	{ "none at 5", 5, 0, 0 },
	{ "no ROM", (PCI_ROM_ADDRESS - PCI_BASE_ADDRESS_0) / 4, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(kft_bar, kft_bars, name);

/* What firmware does to find out how large a BAR is. */
static void kft_bar_sizing(struct kunit *test)
{
	const struct kft_bar *row = test->param_value;
	struct kvmflip_pci_config *config = kft_config(test);
	u32 offset = PCI_BASE_ADDRESS_0 + 4 * row->bar;
	bool wide = row->type & PCI_BASE_ADDRESS_MEM_TYPE_64;
	u32 low = 0x9abcdef0, high = 0x12345678;
	u64 mask;

	KUNIT_EXPECT_EQ(test, get_unaligned_le32(config->value + offset), row->type);
	kft_config_write32(config, offset, U32_MAX);
	if (wide)
		kft_config_write32(config, offset + 4, U32_MAX);
	mask = get_unaligned_le32(config->value + offset);
	KUNIT_EXPECT_EQ(test, mask & 0xf, row->type);
	mask &= ~0xfULL;
	if (wide)
		mask |= (u64)get_unaligned_le32(config->value + offset + 4) << 32;
	else if (mask)
		mask |= 0xffffffffULL << 32;
	KUNIT_EXPECT_EQ(test, -mask, row->size);

	/* Then it writes the address there. */
	kft_config_write32(config, offset, low);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(config->value + offset),
			(low & lower_32_bits(mask)) | row->type);
	if (wide) {
		kft_config_write32(config, offset + 4, high);
		KUNIT_EXPECT_EQ(test, get_unaligned_le32(config->value + offset + 4), high);
	}
}

static void kft_msix(struct kunit *test)
{
	struct kvmflip_pci_config *config = kft_config(test);
	const u8 *value = config->value;
	u32 cap = value[PCI_CAPABILITY_LIST];
	u32 table, pba, vecs;

	KUNIT_ASSERT_GE(test, cap, PCI_STD_HEADER_SIZEOF);
	KUNIT_ASSERT_LE(test, cap + PCI_CAP_MSIX_SIZEOF, PCI_CFG_SPACE_SIZE);
	KUNIT_EXPECT_EQ(test, cap % 4, 0);
	KUNIT_EXPECT_EQ(test, value[cap], PCI_CAP_ID_MSIX);
	KUNIT_EXPECT_EQ(test, value[cap + PCI_CAP_LIST_NEXT], 0);

	vecs = (get_unaligned_le16(value + cap + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1;
	table = get_unaligned_le32(value + cap + PCI_MSIX_TABLE);
	pba = get_unaligned_le32(value + cap + PCI_MSIX_PBA);
	KUNIT_EXPECT_EQ(test, vecs, KVMFLIP_VECS);
	KUNIT_EXPECT_EQ(test, table & PCI_MSIX_TABLE_BIR, KVMFLIP_BAR_MSIX);
	KUNIT_EXPECT_EQ(test, pba & PCI_MSIX_PBA_BIR, KVMFLIP_BAR_MSIX);
	table &= PCI_MSIX_TABLE_OFFSET;
	pba &= PCI_MSIX_PBA_OFFSET;
	KUNIT_EXPECT_LE(test, table + vecs * PCI_MSIX_ENTRY_SIZE, pba);
	KUNIT_EXPECT_LE(test, pba + DIV_ROUND_UP(vecs, 64) * 8, SZ_4K);

	/* The driver can switch it on and off, and change nothing else. */
	kft_config_write32(config, cap, U32_MAX);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(value + cap),
			0xc0000000 | (KVMFLIP_VECS - 1) << 16 | PCI_CAP_ID_MSIX);
	kft_config_write32(config, cap, 0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(value + cap),
			(KVMFLIP_VECS - 1) << 16 | PCI_CAP_ID_MSIX);
}

/**
 * struct kft_register - a register of BAR0
 * @name: of the case
 * @offset: where
 * @value: for a port of 8 slots named "kunit-a"
 */
struct kft_register {
	const char *name;
	u32 offset;
	u32 value;
};

static const struct kft_register kft_registers[] = {
	{ "magic", KVMFLIP_REG_MAGIC, 0x504c464b },
	{ "version", KVMFLIP_REG_VERSION, 1 },
	{ "features", KVMFLIP_REG_FEATURES, 0x3f },
	{ "accept", KVMFLIP_REG_ACCEPT, 0 },
	{ "status", KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK },
	{ "MAC, low", KVMFLIP_REG_MAC_LO, 0x00000002 },
	{ "MAC, high", KVMFLIP_REG_MAC_HI, 0x6100 },
	{ "slots offset", KVMFLIP_REG_SLOTS_OFF, SZ_8M },
	{ "slot shift", KVMFLIP_REG_SLOT_SHIFT, 12 },
	{ "slots", KVMFLIP_REG_SLOTS, 8 },
	{ "RX offset", KVMFLIP_REG_RX_OFF, 0 },
	{ "RX entries", KVMFLIP_REG_RX_ENTRIES, 2048 },
	{ "return offset", KVMFLIP_REG_RET_OFF, 128 + 2048 * 16 },
	{ "return entries", KVMFLIP_REG_RET_ENTRIES, 128 },
	{ "bounce offset", KVMFLIP_REG_BOUNCE_OFF, 14 * SZ_4K },
	{ "bounce shift", KVMFLIP_REG_BOUNCE_SHIFT, 16 },
	{ "bounces", KVMFLIP_REG_BOUNCES, 64 },
	{ "TX offset", KVMFLIP_REG_TX_OFF, 128 + 2048 * 16 + 128 + 128 * 4 },
	{ "TX entries", KVMFLIP_REG_TX_ENTRIES, 1024 },
	{ "TX completion offset", KVMFLIP_REG_TXC_OFF,
	  128 + 2048 * 16 + 128 + 128 * 4 + 128 + 1024 * 16 },
	{ "TX completion entries", KVMFLIP_REG_TXC_ENTRIES, 1024 },
	{ "link", KVMFLIP_REG_LINK, KVMFLIP_LINK_UP },
	{ "MTU", KVMFLIP_REG_MTU, 1500 },
	{ "keep", KVMFLIP_REG_KEEP, 0 },
	{ "chunk shift", KVMFLIP_REG_CHUNK_SHIFT, 12 },
	{ "doorbell", KVMFLIP_REG_DOORBELL, 0 },
};

KUNIT_ARRAY_PARAM_DESC(kft_register, kft_registers, name);

static struct kvmflip_port *kft_port(struct kunit *test)
{
	struct kvmflip_pool *pool = kvmflip_test_pool(test, "kunit", 16);

	return kvmflip_test_port_running(test, "kunit-a", pool, 8);
}

static void kft_read(struct kunit *test)
{
	const struct kft_register *reg = test->param_value;

	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(kft_port(test), reg->offset), reg->value);
}

static u32 kft_expected(u32 offset)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kft_registers); i++)
		if (kft_registers[i].offset == offset)
			return kft_registers[i].value;
	return 0;
}

/* Every offset there is, and some that there are not. */
static void kft_read_unknown(struct kunit *test)
{
	struct kvmflip_port *port = kft_port(test);
	u32 offset;

	for (offset = 0; offset < KVMFLIP_BAR_REGS_SIZE; offset++)
		KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, offset), kft_expected(offset));
	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, KVMFLIP_BAR_REGS_SIZE), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, U32_MAX), 0);
}

static void kft_write_read_only(struct kunit *test)
{
	struct kvmflip_port *port = kft_port(test);
	u32 offset, i;

	for (offset = 0; offset < KVMFLIP_BAR_REGS_SIZE; offset++) {
		if (offset == KVMFLIP_REG_STATUS || offset == KVMFLIP_REG_DOORBELL ||
		    offset == KVMFLIP_REG_ACCEPT)
			continue;
		kvmflip_pci_write(port, offset, U32_MAX);
		kvmflip_pci_write(port, offset, 0);
	}
	for (i = 0; i < ARRAY_SIZE(kft_registers); i++)
		KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, kft_registers[i].offset),
				kft_registers[i].value);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_RUNNING);
}

static void kft_status(struct kunit *test)
{
	struct kvmflip_port *port = kft_port(test);

	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, 0);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_OPENED);
	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, KVMFLIP_REG_STATUS), 0);

	/* Without the bit that says so the driver is not ready. */
	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, ~KVMFLIP_STATUS_DRIVER_OK);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_OPENED);
	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_RUNNING);

	/* Out of failure there is no way but a reset. */
	kvmflip_port_lock(port);
	port->state = KVMFLIP_PORT_STATE_FAILED;
	kvmflip_port_unlock(port);
	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, KVMFLIP_REG_STATUS),
			KVMFLIP_STATUS_DRIVER_OK | KVMFLIP_STATUS_FAILED);
	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_FAILED);
	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, 0);
	KUNIT_EXPECT_EQ(test, port->state, KVMFLIP_PORT_STATE_OPENED);
}

/**
 * struct kft_accepted - what a driver wants of the features, and gets
 * @name: of the case
 * @wants: what it writes
 * @gets: what it reads back
 */
struct kft_accepted {
	const char *name;
	u32 wants;
	u32 gets;
};

static const struct kft_accepted kft_accepteds[] = {
	{ "nothing", 0, 0 },
	{ "everything", 0x3f, 0x3f },
	{ "more than there is", U32_MAX, 0x3f },
	{ "what is not there", 0x40, 0 },
	{ "sending", 0x01, 0x01 },
	{ "sending with checksums", 0x03, 0x03 },
	{ "checksums without sending", 0x02, 0 },
	{ "segmentation without checksums", 0x05, 0x01 },
	{ "segmentation without sending", 0x06, 0 },
	{ "segmentation alone", 0x04, 0 },
	{ "all of sending", 0x07, 0x07 },
	{ "received checksums", 0x08, 0x08 },
	{ "received segments without checksums", 0x10, 0 },
	{ "all of receiving", 0x18, 0x18 },
	{ "news", 0x20, 0x20 },
	{ "all but sending", 0x3e, 0x38 },
};

KUNIT_ARRAY_PARAM_DESC(kft_accepted, kft_accepteds, name);

static void kft_accept(struct kunit *test)
{
	const struct kft_accepted *row = test->param_value;
	struct kvmflip_port *port = kft_port(test);

	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, 0);
	kvmflip_pci_write(port, KVMFLIP_REG_ACCEPT, row->wants);
	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, KVMFLIP_REG_ACCEPT), row->gets);
	/* What a driver asked for before counts no more. */
	kvmflip_pci_write(port, KVMFLIP_REG_ACCEPT, 0);
	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, KVMFLIP_REG_ACCEPT), 0);
}

/* Features stay as they are until the reset, and do not survive it. */
static void kft_accept_when(struct kunit *test)
{
	struct address_space *mapping = kvmflip_test_mapping(test);
	struct kvmflip_port *port = kft_port(test);

	kvmflip_pci_write(port, KVMFLIP_REG_ACCEPT, 0x3f);
	KUNIT_EXPECT_EQ(test, port->features, 0);
	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, 0);
	kvmflip_pci_write(port, KVMFLIP_REG_ACCEPT, 0x21);
	KUNIT_EXPECT_EQ(test, port->features, 0x21);

	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, KVMFLIP_STATUS_DRIVER_OK);
	kvmflip_pci_write(port, KVMFLIP_REG_ACCEPT, 0x3f);
	KUNIT_EXPECT_EQ(test, port->features, 0x21);
	kvmflip_port_lock(port);
	kvmflip_port_fail(port);
	kvmflip_port_unlock(port);
	kvmflip_pci_write(port, KVMFLIP_REG_ACCEPT, 0);
	KUNIT_EXPECT_EQ(test, port->features, 0x21);

	kvmflip_pci_write(port, KVMFLIP_REG_STATUS, 0);
	KUNIT_EXPECT_EQ(test, port->features, 0);
	kvmflip_pci_write(port, KVMFLIP_REG_ACCEPT, 0x21);
	KUNIT_EXPECT_EQ(test, port->features, 0x21);
	kvmflip_port_close(port);
	KUNIT_EXPECT_EQ(test, port->features, 0);
	KUNIT_ASSERT_EQ(test, kvmflip_test_open(port, mapping), 0);
	KUNIT_EXPECT_EQ(test, port->features, 0);
}

static void kft_keep(struct kunit *test)
{
	struct kvmflip_port *port = kft_port(test);
	struct kvmflip_port_config config = port->config;

	config.min = 3 * SZ_4K;
	KUNIT_ASSERT_EQ(test, kvmflip_test_set(port, &config), 0);
	KUNIT_EXPECT_EQ(test, kvmflip_pci_read(port, KVMFLIP_REG_KEEP), 3);
}

static void kft_doorbell(struct kunit *test)
{
	struct kvmflip_port *port = kft_port(test);

	kvmflip_pci_write(port, KVMFLIP_REG_DOORBELL, 1);
	kvmflip_pci_write(port, KVMFLIP_REG_DOORBELL, U32_MAX);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_DOORBELLS], 0);
	kvmflip_pci_write(port, KVMFLIP_REG_DOORBELL, KVMFLIP_DB_RETURN);
	KUNIT_EXPECT_EQ(test, port->stats.v[KVMFLIP_A_STATS_DOORBELLS], 1);
}

static struct kunit_case kft_cases[] = {
	KUNIT_CASE(kft_identity),
	KUNIT_CASE_PARAM(kft_config_write, kft_width_gen_params),
	KUNIT_CASE_PARAM(kft_bar_sizing, kft_bar_gen_params),
	KUNIT_CASE(kft_msix),
	KUNIT_CASE_PARAM(kft_read, kft_register_gen_params),
	KUNIT_CASE(kft_read_unknown),
	KUNIT_CASE(kft_write_read_only),
	KUNIT_CASE(kft_status),
	KUNIT_CASE_PARAM(kft_accept, kft_accepted_gen_params),
	KUNIT_CASE(kft_accept_when),
	KUNIT_CASE(kft_keep),
	KUNIT_CASE(kft_doorbell),
	{}
};

static struct kunit_suite kft_suite = {
	.name = "kvmflip_pci",
	.test_cases = kft_cases,
};

kunit_test_suite(kft_suite);
