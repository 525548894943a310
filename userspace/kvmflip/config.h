/* SPDX-License-Identifier: GPL-2.0 */
/* What a user asks of a port, in words and in attributes. */
#ifndef _KVMFLIP_CLI_CONFIG_H
#define _KVMFLIP_CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <linux/kvmflip.h>

#define CONFIG_TEXT_LEN 256	/* of config_text(), with its NUL */

struct args;
struct kvmflip_request;

/* keywords, in bits of &struct config.given; first those that port set has */
enum config_word {
	CONFIG_MAC,
	CONFIG_VLAN,
	CONFIG_MIN,
	CONFIG_MAX,
	CONFIG_COPYBREAK,
	CONFIG_LATENCY,
	CONFIG_SETTABLE,
	CONFIG_POOL = CONFIG_SETTABLE,
	CONFIG_UUID,
	CONFIG_DEVICE,
	CONFIG_WORDS,
};

/**
 * struct config - what the command line says of a port
 * @name: its name
 * @given: bit per enum config_word that is said
 * @key: address and VLAN
 * @min: bytes of the pool that are kept for it
 * @max: most bytes of the pool it may hold
 * @copybreak: longest frame that is copied whatever else holds
 * @latency: microseconds that a frame may wait
 * @pool: its pool
 * @uuid: of its device
 * @no_device: somebody else makes the device
 */
struct config {
	const char *name;
	unsigned int given;
	struct kvmflip_demux_key key;
	__u64 min;
	__u64 max;
	__u32 copybreak;
	__u32 latency;
	const char *pool;
	__u8 uuid[16];
	bool no_device;
};

bool config_has(const struct config *config, enum config_word word);
int config_parse(struct config *config, struct args *args, const char *what,
		 enum config_word end, int (*help)(void));
void config_put(const struct config *config, struct kvmflip_request *req);
void config_key(const cJSON *port, struct kvmflip_demux_key *key);
unsigned int config_diff(const struct config *wanted, const struct config *now);
void config_text(const struct config *config, unsigned int bits,
		 char text[CONFIG_TEXT_LEN]);
void config_of(const cJSON *port, struct config *config);

#endif /* _KVMFLIP_CLI_CONFIG_H */
