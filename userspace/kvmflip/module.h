/* SPDX-License-Identifier: GPL-2.0 */
/* Asking the module, by libkvmflip; what it tells becomes JSON. */
#ifndef _KVMFLIP_CLI_MODULE_H
#define _KVMFLIP_CLI_MODULE_H

#include <cjson/cJSON.h>

#include <libkvmflip.h>

#define KEY_LEN 32	/* with its NUL */

int module_connect(struct kvmflip **kf);
int module_open(void);
struct kvmflip_request *module_request(int cmd);
int module_do(struct kvmflip_request *req, cJSON **reply);
int module_dump(int cmd, cJSON **replies);
const char *module_error(void);

void json_key(const char *name, char key[KEY_LEN]);
cJSON *json_of(const struct kvmflip_object *object);

#endif /* _KVMFLIP_CLI_MODULE_H */
