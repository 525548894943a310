/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The attributes of the netlink family, with their names as the specification
 * has them: Documentation/netlink/specs/kvmflip.yaml.
 */
#ifndef _KVMFLIP_ATTRS_H
#define _KVMFLIP_ATTRS_H

#include <stddef.h>

#include <cjson/cJSON.h>

#define ATTR_KEY_LEN 32	/* with its NUL */

struct nlattr;

enum attr_type {
	ATTR_UNUSED,
	ATTR_UINT,	/* u8 to u64, and uint of 4 or 8 bytes */
	ATTR_ENUM,
	ATTR_STRING,
	ATTR_MAC,
	ATTR_UUID,
	ATTR_FLAG,
	ATTR_NEST,
};

/**
 * struct attr - an attribute
 * @name: its name
 * @type: how its value is read
 * @nested: attributes in an ATTR_NEST
 * @values: names of the values of an ATTR_ENUM
 * @num_values: how many
 */
struct attr {
	const char *name;
	enum attr_type type;
	const struct attr_set *nested;
	const char *const *values;
	size_t num_values;
};

/**
 * struct attr_set - attributes by number
 * @attrs: the attributes
 * @num: how many, number 0 included
 */
struct attr_set {
	const struct attr *attrs;
	int num;
};

const struct attr_set *command_attrs(int cmd);
const struct attr *attr_by_type(const struct attr_set *set, int type);
void attr_key(const char *name, char key[ATTR_KEY_LEN]);
cJSON *decode_attrs(const struct attr_set *set, struct nlattr *head, int len);

#endif /* _KVMFLIP_ATTRS_H */
