/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip tests: a guest that sends, and what comes out at the host's side. */
#ifndef _KVMFLIP_KUNIT_SENDER_H
#define _KVMFLIP_KUNIT_SENDER_H

#include <linux/completion.h>
#include <linux/skbuff.h>

#include "fixture.h"

/* The guest's memory. */
#define KVMFLIP_TEST_MEM	SZ_256K
#define KVMFLIP_TEST_IOVA	0x123450000ULL

#define KVMFLIP_TEST_TX_FEATURES \
	(KVMFLIP_F_TX | KVMFLIP_F_TX_CSUM | KVMFLIP_F_TX_GSO | KVMFLIP_F_CONFIG)

/**
 * struct kvmflip_test_sender - a guest that sends
 * @test: test
 * @mapping: of the VMM
 * @port: its port
 * @mem: its memory
 * @tx: its TX ring
 * @txc: its TX completion ring
 * @prod: where its next entry goes
 * @cons: index of the next completion
 * @got: packets that the host's side took
 * @backlogged: the host's side can take no more
 * @interrupts: number of them, for each vector
 * @reads: how often its memory was read
 * @during: called at each of these, or NULL
 */
struct kvmflip_test_sender {
	struct kunit *test;
	struct address_space *mapping;
	struct kvmflip_port *port;
	u8 *mem;
	struct kvmflip_ring *tx;
	struct kvmflip_ring *txc;
	u32 prod;
	u32 cons;
	struct sk_buff_head got;
	bool backlogged;
	u32 interrupts[KVMFLIP_VECS];
	u32 reads;
	void (*during)(struct kvmflip_test_sender *sender);
};

struct kvmflip_test_sender *kvmflip_test_sender(struct kunit *test, u32 features);
void kvmflip_test_sender_open(struct kvmflip_test_sender *sender);
void kvmflip_test_sender_start(struct kvmflip_test_sender *sender, u32 features);
void kvmflip_test_piece(struct kvmflip_test_sender *sender, u64 addr, u32 len, u32 flags);
void kvmflip_test_header(struct kvmflip_test_sender *sender, const struct kvmflip_net_hdr *net,
			 u32 flags);
u32 kvmflip_test_packet(struct kvmflip_test_sender *sender, u32 len);
void kvmflip_test_show(struct kvmflip_test_sender *sender);
void kvmflip_test_send(struct kvmflip_test_sender *sender);
bool kvmflip_test_completed(struct kvmflip_test_sender *sender, u32 *index);
void kvmflip_test_free(struct kvmflip_test_sender *sender);
struct sk_buff *kvmflip_test_got(struct kvmflip_test_sender *sender);

#endif /* _KVMFLIP_KUNIT_SENDER_H */
