/* SPDX-License-Identifier: GPL-2.0 */
/* The attributes of the netlink family, by number and by name. */
#ifndef _KVMFLIP_LIB_ATTRS_H
#define _KVMFLIP_LIB_ATTRS_H

#include <stddef.h>

#include <linux/kvmflip_netlink.h>

#include "libkvmflip.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct attr_set;

/**
 * struct attr - an attribute
 * @attr: what users of the library see of it
 * @width: bytes of a number
 * @set: attributes in a nest
 * @values: names of the values of an enum
 * @num_values: how many
 */
struct attr {
	struct kvmflip_attr attr;
	unsigned int width;
	const struct attr_set *set;
	const char *const *values;
	size_t num_values;
};

/**
 * struct attr_set - attributes that are used together
 * @attrs: by number
 * @num: how many, number 0 included, which is none
 */
struct attr_set {
	const struct attr *attrs;
	int num;
};

/**
 * struct command - a command or notification of the family
 * @name: its name in the specification
 * @set: its attributes
 */
struct command {
	const char *name;
	const struct attr_set *set;
};

extern const struct command kf_commands[KVMFLIP_CMD_MAX + 1];

/* NULL for a number that the library does not know */
static inline const struct attr *attr_find(const struct attr_set *set, int number)
{
	if (number <= 0 || number >= set->num || !set->attrs[number].attr.name)
		return NULL;
	return &set->attrs[number];
}

/* NULL for a command that the library does not know */
static inline const struct command *command_find(unsigned int cmd)
{
	return cmd <= KVMFLIP_CMD_MAX && kf_commands[cmd].set ? &kf_commands[cmd] : NULL;
}

#endif /* _KVMFLIP_LIB_ATTRS_H */
