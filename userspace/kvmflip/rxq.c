// SPDX-License-Identifier: GPL-2.0
/* kvmflip rxq: queues of NICs that receive into a pool */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "bpffs.h"
#include "counters.h"
#include "module.h"
#include "output.h"
#include "parse.h"
#include "rxq.h"

static int help(void)
{
	fputs("Usage: kvmflip rxq attach DEV { QUEUE | all } pool NAME [ mode MODE ]\n"
	      "                          [ port NAME ]\n"
	      "       kvmflip rxq detach DEV { QUEUE | all }\n"
	      "       kvmflip rxq [ show [ DEV ] ]\n"
	      "MODE := { strict | copy | steered }, strict if not given\n"
	      "port is for mode steered, which needs one.\n", stdout);
	return EXIT_OK;
}

static const char *const modes[] = {
	[KVMFLIP_MODE_STRICT] = "strict",
	[KVMFLIP_MODE_STEERED] = "steered",
	[KVMFLIP_MODE_COPY] = "copy",
};

/* the word for a mode */
const char *rxq_mode(enum kvmflip_mode mode)
{
	return modes[mode];
}

/**
 * rxq_parse_queue - the next words: DEV { QUEUE | all }
 * @args: words
 * @what: command they are for, in errors
 * @config: out: device and queue
 *
 * Return: exit code
 */
int rxq_parse_queue(struct args *args, const char *what, struct rxq_config *config)
{
	const char *word;

	memset(config, 0, sizeof(*config));
	config->dev = next_arg(args);
	if (is_help(config->dev))
		exit(help());
	if (!config->dev)
		return usage_error("%s: a network device is missing", what);
	word = next_arg(args);
	if (!word)
		return usage_error("%s %s: a queue is missing: a number, or all",
				   what, config->dev);
	config->queue = ALL_QUEUES;
	if (!strcmp(word, "all"))
		return EXIT_OK;
	return parse_u32("queue", word, UINT16_MAX, &config->queue);
}

/**
 * rxq_parse - all remaining words: a queue and how it is to be attached
 * @args: words
 * @config: out
 *
 * Return: exit code
 */
int rxq_parse(struct args *args, struct rxq_config *config)
{
	static const char *const keys[] = { "pool", "mode", "port" };
	const char *values[ARRAY_SIZE(keys)];
	unsigned int mode = KVMFLIP_MODE_STRICT;
	const char *dev;
	int status;

	status = rxq_parse_queue(args, "rxq attach", config);
	if (!status)
		status = parse_keywords(args, keys, ARRAY_SIZE(keys), values);
	if (status)
		return status;
	dev = config->dev;
	config->pool = values[0];
	config->port = values[2];
	if (!config->pool)
		return usage_error("rxq attach %s: \"pool\" is missing", dev);
	status = check_name("pool", config->pool);
	if (!status && values[1])
		status = parse_choice("mode", values[1], modes, ARRAY_SIZE(modes), &mode);
	config->mode = mode;
	if (!status && config->port)
		status = check_name("port", config->port);
	if (status)
		return status;
	if (config->mode == KVMFLIP_MODE_STEERED && !config->port)
		return usage_error("rxq attach %s: mode steered needs a port", dev);
	if (config->mode != KVMFLIP_MODE_STEERED && config->port)
		return usage_error("rxq attach %s: a port is for mode steered only", dev);
	return EXIT_OK;
}

static int rxq_attach(struct args *args)
{
	struct rxq_config config;
	struct attach a = { };
	int status = rxq_parse(args, &config);

	if (!status)
		status = module_open();
	if (!status)
		status = nic_open(&a.nic, config.dev);
	if (!status)
		status = bpffs_lock();
	a.pool_name = config.pool;
	a.mode = config.mode;
	a.port = config.port;
	return status ? status : attach_run(&a, config.queue);
}

static int detach_all(const struct nic *nic)
{
	unsigned int detached = 0;
	const cJSON *rxq;
	cJSON *rxqs;
	int status;

	status = module_dump(KVMFLIP_CMD_RXQ_GET, &rxqs);
	if (status)
		return status;
	cJSON_ArrayForEach(rxq, rxqs) {
		if (obj_uint(rxq, "ifindex") != nic->ifindex)
			continue;
		/* one that fails is no reason to keep the others */
		status |= detach_queue(nic, obj_uint(rxq, "queue"));
		detached++;
	}
	cJSON_Delete(rxqs);
	if (!detached)
		return refused("%s has no attached queue", nic->name);
	return status;
}

static int rxq_detach(struct args *args)
{
	struct rxq_config config;
	struct nic nic;
	int status;

	status = rxq_parse_queue(args, "rxq detach", &config);
	if (!status)
		status = no_more_args(args);
	if (!status)
		status = module_open();
	if (!status)
		status = nic_open(&nic, config.dev);
	if (!status)
		status = bpffs_lock();
	if (status)
		return status;
	status = config.queue == ALL_QUEUES ? detach_all(&nic) :
					      detach_queue(&nic, config.queue);
	unpin_unused();
	return status;
}

static void print_rxq(const cJSON *rxq)
{
	printf("%s queue %u: pool %s mode %s", obj_str(rxq, "ifname"),
	       (unsigned int)obj_uint(rxq, "queue"), obj_str(rxq, "pool"),
	       obj_str(rxq, "mode"));
	if (obj_has(rxq, "port"))
		printf(" port %s", obj_str(rxq, "port"));
	printf(" posted %u", (unsigned int)obj_uint(rxq, "posted"));
	if (obj_has(rxq, "fill_usecs"))
		printf(" fill-usecs %u", (unsigned int)obj_uint(rxq, "fill_usecs"));
	puts(obj_has(rxq, "broken") ? " broken" : "");
	print_stats(cJSON_GetObjectItem(rxq, "stats"));
}

static int rxq_show(struct args *args)
{
	const char *dev = next_arg(args);
	cJSON *rxqs, *rxq, *next;
	struct nic nic;
	int status;

	if (is_help(dev))
		return help();
	status = no_more_args(args);
	if (!status && dev)
		status = nic_open(&nic, dev);
	if (!status)
		status = module_dump(KVMFLIP_CMD_RXQ_GET, &rxqs);
	if (status)
		return status;
	for (rxq = rxqs->child; rxq && dev; rxq = next) {
		next = rxq->next;
		if (obj_uint(rxq, "ifindex") != nic.ifindex)
			cJSON_Delete(cJSON_DetachItemViaPointer(rxqs, rxq));
	}
	return show_objects(rxqs, print_rxq);
}

int rxq_command(struct args *args)
{
	static const struct command commands[] = {
		{ "show", rxq_show },
		{ "attach", rxq_attach },
		{ "detach", rxq_detach },
	};

	return run_command(args, commands, ARRAY_SIZE(commands), "command", help);
}
