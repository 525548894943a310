// SPDX-License-Identifier: GPL-2.0
/* What the module has told of a pool, a queue or a port. */
#include <string.h>

#include <netlink/attr.h>

#include "attrs.h"

/* the attribute, if the object has it */
static struct nlattr *find(const struct kvmflip_object *object, int attr)
{
	return nla_find((struct nlattr *)object->data, object->len, attr);
}

/* the same, and what is known of it */
static struct nlattr *find_known(const struct kvmflip_object *object, int number,
				 const struct attr **attr)
{
	*attr = object->set ? attr_find(object->set, number) : NULL;
	return *attr ? find(object, number) : NULL;
}

static uint64_t read_uint(const struct nlattr *nla)
{
	switch (nla_len(nla)) {
	case 1:
		return nla_get_u8(nla);
	case 2:
		return nla_get_u16(nla);
	case 4:
		return nla_get_u32(nla);
	case 8:
		return nla_get_u64(nla);
	default:
		return 0;
	}
}

/**
 * kvmflip_has - does an object have an attribute?
 * @object: the object
 * @attr: KVMFLIP_A_*
 *
 * Return: if it has.
 */
bool kvmflip_has(const struct kvmflip_object *object, int attr)
{
	return find(object, attr);
}

/**
 * kvmflip_uint - a number, of whatever width
 * @object: the object
 * @attr: KVMFLIP_A_*
 *
 * Return: its value, or 0 if the object does not have it.
 */
uint64_t kvmflip_uint(const struct kvmflip_object *object, int attr)
{
	const struct nlattr *nla = find(object, attr);

	return nla ? read_uint(nla) : 0;
}

/**
 * kvmflip_word - what a number stands for
 * @object: the object
 * @attr: KVMFLIP_A_* of an enum
 *
 * Return: the word of the specification, or NULL if the object does not have the
 * attribute or the library, which is older than the module, no word for it.
 */
const char *kvmflip_word(const struct kvmflip_object *object, int attr)
{
	const struct attr *known;
	const struct nlattr *nla = find_known(object, attr, &known);
	uint64_t value;

	if (!nla || !known->values)
		return NULL;
	value = read_uint(nla);
	return value < known->num_values ? known->values[value] : NULL;
}

/**
 * kvmflip_string - text
 * @object: the object
 * @attr: KVMFLIP_A_*
 *
 * Return: the text, which is the object's, or NULL if it does not have it.
 */
const char *kvmflip_string(const struct kvmflip_object *object, int attr)
{
	const struct nlattr *nla = find(object, attr);
	int len = nla ? nla_len(nla) : 0;

	if (!len || ((char *)nla_data(nla))[len - 1])
		return NULL;
	return nla_data(nla);
}

/**
 * kvmflip_binary - bytes
 * @object: the object
 * @attr: KVMFLIP_A_*
 * @len: how many there have to be
 *
 * Return: the bytes, which are the object's, or NULL if it does not have them or
 * they are more or fewer.
 */
const void *kvmflip_binary(const struct kvmflip_object *object, int attr, size_t len)
{
	const struct nlattr *nla = find(object, attr);

	return nla && nla_len(nla) == (int)len ? nla_data(nla) : NULL;
}

/**
 * kvmflip_nested - attributes in an attribute
 * @object: the object
 * @attr: KVMFLIP_A_* of a nest
 *
 * Return: an object, which has no attributes if the nest is not there.
 */
struct kvmflip_object kvmflip_nested(const struct kvmflip_object *object, int attr)
{
	struct kvmflip_object nested = { };
	const struct attr *known;
	const struct nlattr *nla = find_known(object, attr, &known);

	if (nla && known->set) {
		nested.set = known->set;
		nested.data = nla_data(nla);
		nested.len = nla_len(nla);
	}
	return nested;
}

/**
 * kvmflip_walk - all attributes of an object, in the order of the message
 * @object: the object
 * @each: is given them; any value but 0 ends the walk
 * @data: for @each
 *
 * Those that the library does not know are left out.
 *
 * Return: 0, or what @each has returned.
 */
int kvmflip_walk(const struct kvmflip_object *object,
		 int (*each)(const struct kvmflip_object *object,
			     const struct kvmflip_attr *attr, void *data),
		 void *data)
{
	const struct attr *attr;
	struct nlattr *nla;
	int rem, end;

	if (!object->set)
		return 0;
	nla_for_each_attr(nla, (struct nlattr *)object->data, (int)object->len, rem) {
		attr = attr_find(object->set, nla_type(nla));
		end = attr ? each(object, &attr->attr, data) : 0;
		if (end)
			return end;
	}
	return 0;
}
