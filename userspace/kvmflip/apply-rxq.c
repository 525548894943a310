// SPDX-License-Identifier: GPL-2.0
/* The queues of a device, as the lines of a file have them. */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "nic.h"
#include "parse.h"
#include "plan.h"
#include "rxq.h"

/**
 * struct queue - a queue of the device
 * @wanted: the line that attaches it, or NULL if it is not to be attached
 * @config: what that says
 * @is: the attached queue, or NULL
 */
struct queue {
	const struct line *wanted;
	struct rxq_config config;
	const cJSON *is;
};

/* what a line says, which has been looked at before */
static void parse_line(const struct line *line, struct rxq_config *config)
{
	struct args args = { line->argc, line->argv };

	if (line->kind == LINE_ATTACH)
		rxq_parse(&args, config);
	else
		rxq_parse_queue(&args, "rxq detach", config);
}

/* the next line that is about queues of the device */
static const struct line *next_of(const struct line *line, const char *dev)
{
	for (; line; line = line->next)
		if ((line->kind == LINE_ATTACH || line->kind == LINE_DETACH) &&
		    !strcmp(line->argv[0], dev))
			return line;
	return NULL;
}

static int read_wanted(const struct plan *plan, const struct nic *nic,
		       struct queue *queues)
{
	const struct line *line;
	struct rxq_config config;
	__u32 first, last;

	for (line = next_of(plan->lines, nic->name); line;
	     line = next_of(line->next, nic->name)) {
		parse_line(line, &config);
		if (config.queue != ALL_QUEUES && config.queue >= nic->queues)
			return refused("%s has no receive queue %u: it has %u", nic->name,
				       config.queue, nic->queues);
		first = config.queue == ALL_QUEUES ? 0 : config.queue;
		last = config.queue == ALL_QUEUES ? nic->queues - 1 : config.queue;
		for (; first <= last; first++) {
			queues[first].wanted = line->kind == LINE_ATTACH ? line : NULL;
			queues[first].config = config;
		}
	}
	return EXIT_OK;
}

static void read_attached(const struct plan *plan, const struct nic *nic,
			  struct queue *queues)
{
	const cJSON *rxq;
	__u64 queue;

	cJSON_ArrayForEach(rxq, plan->rxqs) {
		queue = obj_uint(rxq, "queue");
		if (obj_uint(rxq, "ifindex") == nic->ifindex && queue < nic->queues)
			queues[queue].is = rxq;
	}
}

static bool as_wanted(const struct queue *queue)
{
	const struct rxq_config *config = &queue->config;
	const cJSON *is = queue->is;

	if (!queue->wanted || !is)
		return !queue->wanted && !is;
	return !strcmp(obj_str(is, "pool"), config->pool) &&
	       !strcmp(obj_str(is, "mode"), rxq_mode(config->mode)) &&
	       !strcmp(config->port ? config->port : "?", obj_str(is, "port")) &&
	       !obj_has(is, "broken");
}

/* from nothing: as the file has it */
static int attach_anew(const struct plan *plan, const struct nic *nic, bool attached)
{
	const struct line *line;
	int status = EXIT_OK;

	if (attached)
		status = plan_do(plan, "rxq detach %s all", nic->name);
	if (!status && !nic_is_up(nic)) {
		printf("ip link set %s up\n", nic->name);
		status = plan->dry ? EXIT_OK : nic_set_up(nic);
	}
	for (line = next_of(plan->lines, nic->name); line && !status;
	     line = next_of(line->next, nic->name))
		status = plan_line(plan, line);
	return status;
}

/* one queue of a device that has others, which go on meanwhile */
static int change_queue(const struct plan *plan, const struct nic *nic, __u32 number,
			const struct queue *queue)
{
	const struct rxq_config *config = &queue->config;
	int status = EXIT_OK;

	if (queue->is)
		status = plan_do(plan, "rxq detach %s %u", nic->name, number);
	if (status || !queue->wanted)
		return status;
	return plan_do(plan, "rxq attach %s %u pool %s mode %s%s%s", nic->name, number,
		       config->pool, rxq_mode(config->mode), config->port ? " port " : "",
		       config->port ? config->port : "");
}

static int change_queues(const struct plan *plan, const struct nic *nic,
			 const struct queue *queues)
{
	unsigned int i, attached = 0, right = 0, missing = 0;
	int status = EXIT_OK;

	for (i = 0; i < nic->queues; i++) {
		attached += !!queues[i].is;
		if (as_wanted(&queues[i]))
			right += !!queues[i].is;
		else
			missing += !!queues[i].wanted;
	}
	/* a queue can be attached alone when all the others are */
	if (missing && (!right || right + 1 < nic->queues))
		return attach_anew(plan, nic, attached);
	for (i = 0; i < nic->queues && !status; i++)
		if (!as_wanted(&queues[i]))
			status = change_queue(plan, nic, i, &queues[i]);
	return status;
}

/**
 * plan_queues - have the queues of a device as the file has them
 * @plan: plan
 * @line: a line that is about one of them; it is the last one that does it
 *
 * Return: exit code
 */
int plan_queues(const struct plan *plan, const struct line *line)
{
	const char *dev = line->argv[0];
	struct queue *queues;
	struct nic nic;
	int status;

	if (next_of(line->next, dev))
		return EXIT_OK;
	/* it may come later, and then the file is applied again */
	if (!if_nametoindex(dev)) {
		warning("%s: there is no such network device yet", dev);
		return EXIT_OK;
	}
	status = nic_open(&nic, dev);
	if (status)
		return status;
	queues = calloc(nic.queues, sizeof(*queues));
	if (!queues)
		return refused("%s: out of memory", dev);
	status = read_wanted(plan, &nic, queues);
	if (!status) {
		read_attached(plan, &nic, queues);
		status = change_queues(plan, &nic, queues);
	}
	free(queues);
	return status;
}
