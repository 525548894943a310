// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "module.h"
#include "output.h"
#include "parse.h"

#define VLAN_MAX 4094

static const char *const words[CONFIG_WORDS] = {
	[CONFIG_MAC] = "mac",
	[CONFIG_VLAN] = "vlan",
	[CONFIG_MIN] = "min",
	[CONFIG_MAX] = "max",
	[CONFIG_COPYBREAK] = "copybreak",
	[CONFIG_LATENCY] = "latency",
	[CONFIG_POOL] = "pool",
	[CONFIG_UUID] = "uuid",
	[CONFIG_DEVICE] = "device",
};

bool config_has(const struct config *config, enum config_word word)
{
	return config->given & 1u << word;
}

static int parse_word(struct config *config, enum config_word word, const char *value)
{
	static const char *const device[] = { "yes", "no" };
	const char *name = words[word];
	unsigned int choice;
	__u32 vlan = 0;
	int status;

	switch (word) {
	case CONFIG_MAC:
		return parse_mac(name, value, config->key.mac);
	case CONFIG_VLAN:
		status = parse_u32(name, value, VLAN_MAX, &vlan);
		config->key.vlan = vlan;
		return status;
	case CONFIG_MIN:
		return parse_size(name, value, &config->min);
	case CONFIG_MAX:
		return parse_positive_size(name, value, &config->max);
	case CONFIG_COPYBREAK:
		return parse_u32(name, value, KVMFLIP_COPYBREAK_MAX,
				 &config->copybreak);
	case CONFIG_LATENCY:
		return parse_u32(name, value, KVMFLIP_LATENCY_USECS_MAX,
				 &config->latency);
	case CONFIG_POOL:
		config->pool = value;
		return check_name(name, value);
	case CONFIG_DEVICE:
		status = parse_choice(name, value, device, ARRAY_SIZE(device), &choice);
		config->no_device = !status && choice;
		return status;
	default:
		return parse_uuid(name, value, config->uuid);
	}
}

/**
 * config_parse - all remaining words: a name and what is said of the port
 * @config: out
 * @args: words
 * @what: command they are for, in errors
 * @end: the first keyword that the command does not have
 * @help: prints the help of this level
 *
 * Return: exit code
 */
int config_parse(struct config *config, struct args *args, const char *what,
		 enum config_word end, int (*help)(void))
{
	const char *values[CONFIG_WORDS];
	unsigned int word;
	int status;

	memset(config, 0, sizeof(*config));
	status = parse_name(args, what, help, &config->name);
	if (!status)
		status = parse_keywords(args, words, end, values);
	for (word = 0; !status && word < end; word++) {
		if (!values[word])
			continue;
		config->given |= 1u << word;
		status = parse_word(config, word, values[word]);
	}
	return status;
}

/* into a request what is given */
void config_put(const struct config *config, struct kvmflip_request *req)
{
	kvmflip_put_string(req, KVMFLIP_A_PORT_NAME, config->name);
	if (config_has(config, CONFIG_MAC))
		kvmflip_put_binary(req, KVMFLIP_A_PORT_MAC, config->key.mac,
				   sizeof(config->key.mac));
	if (config_has(config, CONFIG_VLAN))
		kvmflip_put_uint(req, KVMFLIP_A_PORT_VLAN, config->key.vlan);
	if (config_has(config, CONFIG_MIN))
		kvmflip_put_uint(req, KVMFLIP_A_PORT_MIN_SIZE, config->min);
	if (config_has(config, CONFIG_MAX))
		kvmflip_put_uint(req, KVMFLIP_A_PORT_MAX_SIZE, config->max);
	if (config_has(config, CONFIG_COPYBREAK))
		kvmflip_put_uint(req, KVMFLIP_A_PORT_COPYBREAK, config->copybreak);
	if (config_has(config, CONFIG_LATENCY))
		kvmflip_put_uint(req, KVMFLIP_A_PORT_LATENCY_USECS, config->latency);
	if (config_has(config, CONFIG_POOL))
		kvmflip_put_string(req, KVMFLIP_A_PORT_POOL, config->pool);
	if (config_has(config, CONFIG_UUID))
		kvmflip_put_binary(req, KVMFLIP_A_PORT_UUID, config->uuid,
				   sizeof(config->uuid));
}

/* address and VLAN of a port that the module has told of */
void config_key(const cJSON *port, struct kvmflip_demux_key *key)
{
	memset(key, 0, sizeof(*key));
	parse_mac("mac", obj_str(port, "mac"), key->mac);
	key->vlan = obj_uint(port, "vlan");
}

/* everything that port set can change, as the module has told of it */
void config_of(const cJSON *port, struct config *config)
{
	memset(config, 0, sizeof(*config));
	config->name = obj_str(port, "name");
	config->given = (1u << CONFIG_SETTABLE) - 1;
	config_key(port, &config->key);
	config->min = obj_uint(port, "min_size");
	config->max = obj_uint(port, "max_size");
	config->copybreak = obj_uint(port, "copybreak");
	config->latency = obj_uint(port, "latency_usecs");
}

/**
 * config_diff - what has to be set
 * @wanted: what is to be; what it does not say may be as it is
 * @now: what is
 *
 * Return: bit per enum config_word that port set has to change
 */
unsigned int config_diff(const struct config *wanted, const struct config *now)
{
	const bool differs[CONFIG_SETTABLE] = {
		[CONFIG_MAC] = memcmp(wanted->key.mac, now->key.mac, sizeof(now->key.mac)),
		[CONFIG_VLAN] = wanted->key.vlan != now->key.vlan,
		[CONFIG_MIN] = wanted->min != now->min,
		[CONFIG_MAX] = wanted->max != now->max,
		[CONFIG_COPYBREAK] = wanted->copybreak != now->copybreak,
		[CONFIG_LATENCY] = wanted->latency != now->latency,
	};
	unsigned int word, diff = 0;

	for (word = 0; word < CONFIG_SETTABLE; word++)
		diff |= (differs[word] && config_has(wanted, word)) << word;
	return diff;
}

/**
 * config_text - settings as they are said to port add and port set
 * @config: settings
 * @bits: bit per enum config_word that is wanted, of those that port set has
 * @text: out: words, each with a blank before it
 */
void config_text(const struct config *config, unsigned int bits,
		 char text[CONFIG_TEXT_LEN])
{
	char values[CONFIG_SETTABLE][SIZE_LEN];
	unsigned int word;
	size_t len = 0;

	format_mac(config->key.mac, values[CONFIG_MAC]);
	snprintf(values[CONFIG_VLAN], SIZE_LEN, "%u", config->key.vlan);
	format_size(config->min, values[CONFIG_MIN]);
	format_size(config->max, values[CONFIG_MAX]);
	snprintf(values[CONFIG_COPYBREAK], SIZE_LEN, "%u", config->copybreak);
	snprintf(values[CONFIG_LATENCY], SIZE_LEN, "%u", config->latency);
	*text = '\0';
	for (word = 0; word < CONFIG_SETTABLE; word++)
		if (bits & 1u << word)
			len += snprintf(text + len, CONFIG_TEXT_LEN - len, " %s %s",
					words[word], values[word]);
}
