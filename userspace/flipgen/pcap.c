// SPDX-License-Identifier: GPL-2.0
/* Reads and writes pcap files. */
#include <byteswap.h>

#include "pcap.h"

#define MAGIC_USEC	0xa1b2c3d4u
#define MAGIC_NSEC	0xa1b23c4du
#define LINK_ETHERNET	1

struct file_hdr {
	__u32 magic;
	__u16 major;
	__u16 minor;
	__u32 zone;
	__u32 accuracy;
	__u32 snaplen;
	__u32 link;
};

struct frame_hdr {
	__u32 sec;
	__u32 frac;
	__u32 kept;
	__u32 len;
};

const char *pcap_open(struct pcap *pcap, const char *path)
{
	struct file_hdr hdr;
	const char *error = NULL;

	pcap->file = fopen(path, "re");
	if (!pcap->file)
		return "the pcap file cannot be opened";
	if (fread(&hdr, sizeof(hdr), 1, pcap->file) != 1)
		error = "no pcap file: too short";
	pcap->swapped = hdr.magic == bswap_32(MAGIC_USEC) ||
		hdr.magic == bswap_32(MAGIC_NSEC);
	if (pcap->swapped)
		hdr.link = bswap_32(hdr.link);
	else if (!error && hdr.magic != MAGIC_USEC && hdr.magic != MAGIC_NSEC)
		error = "no pcap file (pcapng is not read)";
	if (!error && hdr.link != LINK_ETHERNET)
		error = "the pcap file holds no Ethernet frames";
	if (error)
		fclose(pcap->file);
	return error;
}

const char *pcap_create(struct pcap *pcap, const char *path)
{
	struct file_hdr hdr = {
		.magic = MAGIC_USEC,
		.major = 2,
		.minor = 4,
		.snaplen = 65535,
		.link = LINK_ETHERNET,
	};

	pcap->swapped = false;
	pcap->file = fopen(path, "we");
	if (!pcap->file)
		return "the pcap file cannot be created";
	if (fwrite(&hdr, sizeof(hdr), 1, pcap->file) != 1) {
		fclose(pcap->file);
		return "the pcap file cannot be written";
	}
	return NULL;
}

const char *pcap_put(struct pcap *pcap, const __u8 *frame, size_t len,
		     __u32 usec)
{
	struct frame_hdr hdr = {
		.sec = usec / 1000000,
		.frac = usec % 1000000,
		.kept = len,
		.len = len,
	};

	if (fwrite(&hdr, sizeof(hdr), 1, pcap->file) != 1 ||
	    fwrite(frame, len, 1, pcap->file) != 1)
		return "the pcap file cannot be written";
	return NULL;
}

const char *pcap_get(struct pcap *pcap, __u8 *frame, size_t *len)
{
	size_t room = *len;
	struct frame_hdr hdr;

	*len = 0;
	if (fread(&hdr, sizeof(hdr), 1, pcap->file) != 1)
		return feof(pcap->file) ? NULL : "the pcap file cannot be read";
	if (pcap->swapped)
		hdr.kept = bswap_32(hdr.kept);
	if (!hdr.kept || hdr.kept > room)
		return "the pcap file holds a frame too long (or empty)";
	if (fread(frame, hdr.kept, 1, pcap->file) != 1)
		return "the pcap file ends within a frame";
	*len = hdr.kept;
	return NULL;
}

const char *pcap_close(struct pcap *pcap)
{
	return fclose(pcap->file) ? "the pcap file cannot be written" : NULL;
}
