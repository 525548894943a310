/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPGEN_PCAP_H
#define FLIPGEN_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <stdio.h>

/**
 * struct pcap - a file of recorded Ethernet frames (the classic format)
 * @file: it
 * @swapped: it was written on a machine of the other byte order
 */
struct pcap {
	FILE *file;
	bool swapped;
};

/* All return NULL, or what is wrong. */
const char *pcap_open(struct pcap *pcap, const char *path);
const char *pcap_create(struct pcap *pcap, const char *path);
const char *pcap_put(struct pcap *pcap, const __u8 *frame, size_t len,
		     __u32 usec);
/* *len is room on entry, and the frame's length then; 0 at the end */
const char *pcap_get(struct pcap *pcap, __u8 *frame, size_t *len);
const char *pcap_close(struct pcap *pcap);

#endif /* FLIPGEN_PCAP_H */
