/* SPDX-License-Identifier: GPL-2.0 */
/* What pools and ports have in common: they are known by name. */
#ifndef _KVMFLIP_NAMED_H
#define _KVMFLIP_NAMED_H

#include <cjson/cJSON.h>

struct args;

int named_do(const char *what, int cmd, const char *name, cJSON **reply);
int named_show(struct args *args, const char *what, int cmd,
	       void (*print_text)(const cJSON *obj), int (*help)(void));

#endif /* _KVMFLIP_NAMED_H */
