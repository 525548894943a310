/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip tests: pools and ports that go away with the test. */
#ifndef _KVMFLIP_KUNIT_FIXTURE_H
#define _KVMFLIP_KUNIT_FIXTURE_H

#include <kunit/test.h>

#include "../src/host/pool.h"
#include "../src/host/port.h"

struct kvmflip_pool *kvmflip_test_pool_chunks(struct kunit *test, const char *name, u32 nr,
					      u32 buffer_size, u32 chunk_size);
struct kvmflip_pool *kvmflip_test_pool_of(struct kunit *test, const char *name, u32 nr,
					  u32 buffer_size);
struct kvmflip_pool *kvmflip_test_pool(struct kunit *test, const char *name, u32 nr);
void kvmflip_test_advance(struct kvmflip_pool *pool, struct list_head *bufs,
			  enum kvmflip_state to);
struct kvmflip_buffer *kvmflip_test_buffer(struct kunit *test, struct kvmflip_pool *pool,
					   enum kvmflip_state state);
void kvmflip_test_return(struct kvmflip_pool *pool, struct list_head *bufs);
void kvmflip_test_states(struct kunit *test, struct kvmflip_buffers *table);
u8 *kvmflip_test_bytes(const struct kvmflip_pool *pool, const struct kvmflip_buffer *buf);

struct kvmflip_port *kvmflip_test_port(struct kunit *test, const char *name,
				       struct kvmflip_pool *pool, u32 slots);
int kvmflip_test_set(struct kvmflip_port *port, const struct kvmflip_port_config *config);
int kvmflip_test_open(struct kvmflip_port *port, struct address_space *mapping);
struct kvmflip_port *kvmflip_test_port_running(struct kunit *test, const char *name,
					       struct kvmflip_pool *pool, u32 slots);
struct net_device *kvmflip_test_netdev(struct kunit *test, struct kvmflip_port *port);
struct kvmflip_buffer *kvmflip_test_hold(struct kunit *test, struct kvmflip_port *port);
void kvmflip_test_put_back(struct kvmflip_port *port, u32 slot);
void kvmflip_test_doorbell(struct kvmflip_port *port);
void kvmflip_test_give_back(struct kvmflip_port *port, u32 slot);
struct address_space *kvmflip_test_mapping(struct kunit *test);
u32 kvmflip_test_slots(const struct kvmflip_window *window);

/* Where the window begins in the file that the tests pretend to have. */
#define KVMFLIP_TEST_BASE	BIT_ULL(40)

#endif /* _KVMFLIP_KUNIT_FIXTURE_H */
