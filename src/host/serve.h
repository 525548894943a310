/* SPDX-License-Identifier: GPL-2.0 */
/* kvmflip: serving a queue: completions in, free buffers out. */
#ifndef _KVMFLIP_SERVE_H
#define _KVMFLIP_SERVE_H

#include <linux/if_xdp.h>
#include <linux/types.h>

struct kvmflip_buffer;
struct kvmflip_delta;
struct kvmflip_rxq;
struct list_head;

int kvmflip_serve_init(struct kvmflip_rxq *rxq);
void kvmflip_serve_start(struct kvmflip_rxq *rxq, struct list_head *bufs);
void kvmflip_serve_stop(struct kvmflip_rxq *rxq);
void kvmflip_serve_drain(struct kvmflip_rxq *rxq);
void kvmflip_serve_destroy(struct kvmflip_rxq *rxq);
void kvmflip_serve_post(struct kvmflip_rxq *rxq, struct kvmflip_buffer *buf,
			struct kvmflip_delta *delta);
void kvmflip_serve_repost(struct kvmflip_rxq *rxq, struct list_head *bufs,
			  struct kvmflip_delta *delta);
u32 kvmflip_serve_wanted(const struct kvmflip_rxq *rxq);
void kvmflip_serve_refill(struct kvmflip_rxq *rxq, struct list_head *bufs,
			  struct kvmflip_delta *delta);

#if IS_ENABLED(CONFIG_KUNIT)
void kf_complete(struct kvmflip_rxq *rxq, const struct xdp_desc *desc, u32 n,
		 struct list_head *full);
#endif

#endif /* _KVMFLIP_SERVE_H */
