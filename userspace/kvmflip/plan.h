/* SPDX-License-Identifier: GPL-2.0 */
/* What has to be done for pools, queues and ports to be as a file has them. */
#ifndef _KVMFLIP_CLI_PLAN_H
#define _KVMFLIP_CLI_PLAN_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "output.h"

/* What a line of the file is */
enum line_kind {
	LINE_POOL,	/* pool add */
	LINE_PORT,	/* port add */
	LINE_ATTACH,	/* rxq attach */
	LINE_DETACH,	/* rxq detach */
};

/**
 * struct line - a command of the file
 * @next: the next one, or NULL
 * @kind: what it is
 * @argc: words behind object and command
 * @argv: those words
 * @where: FILE:LINE
 */
struct line {
	struct line *next;
	enum line_kind kind;
	int argc;
	char **argv;
	char *where;
};

/**
 * struct plan - a file that is applied
 * @lines: its commands
 * @pools: pools that there are
 * @rxqs: attached queues
 * @ports: ports
 * @dry: nothing is done
 */
struct plan {
	struct line *lines;
	cJSON *pools;
	cJSON *rxqs;
	cJSON *ports;
	bool dry;
};

int plan_do(const struct plan *plan, const char *fmt, ...) __printf(2, 3);
int plan_line(const struct plan *plan, const struct line *line);
int plan_queues(const struct plan *plan, const struct line *line);

#endif /* _KVMFLIP_CLI_PLAN_H */
