// SPDX-License-Identifier: GPL-2.0
/* kvmflip apply: have pools, queues and ports as a file has them */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "batch.h"
#include "bpffs.h"
#include "config.h"
#include "demux.h"
#include "module.h"
#include "parse.h"
#include "plan.h"
#include "pool.h"
#include "port.h"
#include "rxq.h"

#define MAX_WORDS 32
#define MAX_LINE 512

static int help(void)
{
	fputs("Usage: kvmflip apply [ -n ] FILE\n"
	      "Makes what FILE has and is not there, changes what is otherwise, prints the\n"
	      "commands for that and leaves the rest alone. -n: print them only.\n"
	      "FILE has a command a line: pool add, port add, rxq attach and rxq detach, in the\n"
	      "order in which they would be given. kvmflip save prints such a file.\n", stdout);
	return EXIT_OK;
}

/**
 * plan_do - print a command, and run it if that is wanted
 * @plan: plan
 * @fmt: the command, without the program's name
 *
 * Return: exit code
 */
int plan_do(const struct plan *plan, const char *fmt, ...)
{
	char line[MAX_LINE], *words[MAX_WORDS], *word, *rest = line;
	struct args args = { .argv = words + 1 };
	va_list list;

	va_start(list, fmt);
	vsnprintf(line, sizeof(line), fmt, list);
	va_end(list);
	puts(line);
	if (plan->dry)
		return EXIT_OK;
	fflush(stdout);
	while ((word = strsep(&rest, " ")) && args.argc < MAX_WORDS)
		words[args.argc++] = word;
	args.argc--;
	if (!strcmp(words[0], "pool"))
		return pool_command(&args);
	return strcmp(words[0], "port") ? rxq_command(&args) : port_command(&args);
}

/* the command of a line, in full */
int plan_line(const struct plan *plan, const struct line *line)
{
	static const char *const commands[] = {
		[LINE_POOL] = "pool add",
		[LINE_PORT] = "port add",
		[LINE_ATTACH] = "rxq attach",
		[LINE_DETACH] = "rxq detach",
	};
	char text[MAX_LINE];
	size_t len;
	int i;

	len = snprintf(text, sizeof(text), "%s", commands[line->kind]);
	for (i = 0; i < line->argc && len < sizeof(text); i++)
		len += snprintf(text + len, sizeof(text) - len, " %s", line->argv[i]);
	if (len >= sizeof(text))
		return usage_error("%s: the command is too long", commands[line->kind]);
	return plan_do(plan, "%s", text);
}

static const cJSON *named(const cJSON *objs, const char *name)
{
	const cJSON *obj;

	cJSON_ArrayForEach(obj, objs)
		if (!strcmp(obj_str(obj, "name"), name))
			return obj;
	return NULL;
}

/* what cannot be changed has to be as it is wanted */
static int check_size(const char *pool, const char *what, __u64 is, __u64 wanted)
{
	char is_text[SIZE_LEN], wanted_text[SIZE_LEN];

	if (!wanted || is == wanted)
		return EXIT_OK;
	format_size(is, is_text);
	format_size(wanted, wanted_text);
	return refused("pool %s: %s is %s and not %s: delete the pool first", pool, what,
		       is_text, wanted_text);
}

static int apply_pool(const struct plan *plan, const struct line *line)
{
	struct args args = { line->argc, line->argv };
	struct pool_config config;
	const cJSON *pool;
	int status = pool_parse(&config, &args);

	if (status)
		return status;
	pool = named(plan->pools, config.name);
	if (!pool)
		return plan_line(plan, line);
	status = check_size(config.name, "size", obj_uint(pool, "size"), config.size);
	if (!status)
		status = check_size(config.name, "buffer", obj_uint(pool, "buffer_size"),
				    config.buffer);
	if (!status)
		status = check_size(config.name, "chunk", obj_uint(pool, "chunk_size"),
				    config.chunk);
	if (!status && config.has_node &&
	    (!obj_has(pool, "node") || obj_uint(pool, "node") != config.node))
		return refused("pool %s: node is not %u: delete the pool first",
			       config.name, config.node);
	return status;
}

static int apply_port(const struct plan *plan, const struct line *line)
{
	struct args args = { line->argc, line->argv };
	char uuid[UUID_TEXT_LEN], text[CONFIG_TEXT_LEN];
	struct config config, now;
	const cJSON *port;
	unsigned int diff;
	int status;

	status = port_parse(&config, &args);
	if (status)
		return status;
	port = named(plan->ports, config.name);
	if (!port)
		return plan_line(plan, line);
	format_uuid(config.uuid, uuid);
	if (config_has(&config, CONFIG_UUID) && strcmp(uuid, obj_str(port, "uuid")))
		return refused("port %s: uuid is %s and not %s: delete the port first",
			       config.name, obj_str(port, "uuid"), uuid);
	if (strcmp(config.pool, obj_str(port, "pool")))
		return refused("port %s: pool is %s and not %s: delete the port first",
			       config.name, obj_str(port, "pool"), config.pool);
	config_of(port, &now);
	diff = config_diff(&config, &now);
	if (!diff)
		return EXIT_OK;
	config_text(&config, diff, text);
	return plan_do(plan, "port set %s%s", config.name, text);
}

/* which of the commands that a file may have; the grammar of its words too */
static int classify(struct args *args, enum line_kind *kind)
{
	static const char *const objects[] = { "pool", "rxq", "port" };
	static const char *const add[] = { "add" };
	static const char *const attach[] = { "attach", "detach" };
	const char *object = next_arg(args), *command = next_arg(args);
	struct args copy = *args;
	struct rxq_config rxq;
	struct pool_config pool;
	struct config port;
	unsigned int i, j;
	int status = parse_choice("object", object, objects, ARRAY_SIZE(objects), &i);

	if (status)
		return status;
	if (!command)
		return usage_error("a command is missing");
	status = i == 1 ? parse_choice("command", command, attach, ARRAY_SIZE(attach), &j) :
			  parse_choice("command", command, add, ARRAY_SIZE(add), &j);
	if (status)
		return status;
	switch (i) {
	case 0:
		*kind = LINE_POOL;
		return pool_parse(&pool, &copy);
	case 1:
		*kind = j ? LINE_DETACH : LINE_ATTACH;
		status = j ? rxq_parse_queue(&copy, "rxq detach", &rxq) :
			     rxq_parse(&copy, &rxq);
		return status ? status : no_more_args(&copy);
	default:
		*kind = LINE_PORT;
		return port_parse(&port, &copy);
	}
}

/* adds a line to the plan, the end of whose list is *@data */
static int add_line(struct args *args, void *data)
{
	struct line *line = calloc(1, sizeof(*line)), ***end = data;
	int i, status;

	if (!line)
		goto no_memory;
	**end = line;
	status = classify(args, &line->kind);
	if (status)
		return status;
	*end = &line->next;
	line->argv = calloc(args->argc + 1, sizeof(*line->argv));
	line->where = strdup(options.where);
	if (!line->argv || !line->where)
		goto no_memory;
	for (i = 0; i < args->argc; i++) {
		line->argv[i] = strdup(args->argv[i]);
		if (!line->argv[i])
			goto no_memory;
		line->argc++;
	}
	return EXIT_OK;

no_memory:
	return refused("out of memory");
}

static void free_plan(struct plan *plan)
{
	struct line *line;
	int i;

	while ((line = plan->lines)) {
		plan->lines = line->next;
		for (i = 0; i < line->argc; i++)
			free(line->argv[i]);
		free(line->argv);
		free(line->where);
		free(line);
	}
	cJSON_Delete(plan->pools);
	cJSON_Delete(plan->rxqs);
	cJSON_Delete(plan->ports);
}

static int apply_line(const struct plan *plan, const struct line *line)
{
	switch (line->kind) {
	case LINE_POOL:
		return apply_pool(plan, line);
	case LINE_PORT:
		return apply_port(plan, line);
	default:
		return plan_queues(plan, line);
	}
}

static int apply(struct plan *plan, const char *path)
{
	struct line **end = &plan->lines;
	const struct line *line;
	int status = batch_read(path, add_line, &end);

	if (!status)
		status = module_open();
	if (!status && !plan->dry)
		status = bpffs_lock();
	if (!status)
		status = module_dump(KVMFLIP_CMD_POOL_GET, &plan->pools);
	if (!status)
		status = module_dump(KVMFLIP_CMD_RXQ_GET, &plan->rxqs);
	if (!status)
		status = module_dump(KVMFLIP_CMD_PORT_GET, &plan->ports);
	/* what a command would print is not what has changed */
	options.quiet = true;
	for (line = plan->lines; line && !status; line = line->next) {
		options.where = line->where;
		status = apply_line(plan, line);
	}
	options.where = NULL;
	return status;
}

int apply_command(struct args *args)
{
	const char *path = next_arg(args);
	struct plan plan = { };
	int status;

	if (is_help(path))
		return help();
	if (path && !strcmp(path, "-n")) {
		plan.dry = true;
		path = next_arg(args);
	}
	if (!path)
		return usage_error("apply: a file is missing");
	status = no_more_args(args);
	if (!status)
		status = apply(&plan, path);
	free_plan(&plan);
	return status;
}
