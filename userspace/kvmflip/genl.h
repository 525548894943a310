/* SPDX-License-Identifier: GPL-2.0 */
/* Talking to the module over its netlink family. */
#ifndef _KVMFLIP_GENL_H
#define _KVMFLIP_GENL_H

#include <cjson/cJSON.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

int genl_open(void);
struct nl_msg *genl_request(int cmd);
int genl_do(struct nl_msg *msg, cJSON **reply);
int genl_dump(int cmd, cJSON **replies);
const char *genl_error(void);

#endif /* _KVMFLIP_GENL_H */
