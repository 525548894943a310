// SPDX-License-Identifier: GPL-2.0
/*
 * sample: reads all counters, quicker than a process for each reading could.
 *
 *	sample COUNT	check COUNT times that they add up
 *	sample still	print those of ports and queues at a moment when nothing
 *			moves and no guest has a buffer, although traffic flows
 *
 * What adds up: of ports and queues: received = flipped + copied + dropped, and copied is
 * the sum of its reasons. Of pools: the buffers in all states are the total.
 * Ends with status 1 and the object at the first that does not.
 *
 * What is printed: a line "port NAME JSON" or "rxq NAME JSON" for each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvmflip_netlink.h>

#include "module.h"
#include "output.h"

#define STILL_TRIES	20000
#define STILL_US	1000

static unsigned long objects;

static __u64 value(const cJSON *item)
{
	return cJSON_IsRaw(item) ? strtoull(item->valuestring, NULL, 10) : 0;
}

static __u64 sum_of(const cJSON *obj, const char *prefix)
{
	const cJSON *item;
	__u64 sum = 0;

	cJSON_ArrayForEach(item, obj)
		if (!strncmp(item->string, prefix, strlen(prefix)))
			sum += value(item);
	return sum;
}

static bool stats_add_up(const cJSON *obj)
{
	const cJSON *stats = cJSON_GetObjectItem(obj, "stats");
	__u64 copied = obj_uint(stats, "copied");

	return stats && copied == sum_of(stats, "copied_") &&
		obj_uint(stats, "received") == obj_uint(stats, "flipped") +
			copied + sum_of(stats, "dropped_");
}

static bool buffers_add_up(const cJSON *obj)
{
	static const char *const states[] = {
		"free", "posted", "filled", "mapped", "returned", "quarantined",
		"steered"
	};
	const cJSON *buffers = cJSON_GetObjectItem(obj, "buffers");
	__u64 sum = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		sum += obj_uint(buffers, states[i]);
	return sum && sum == obj_uint(buffers, "total");
}

static int check_all(int cmd, bool (*adds_up)(const cJSON *obj))
{
	const cJSON *obj;
	cJSON *objs;
	int status;

	status = module_dump(cmd, &objs);
	if (status)
		return status;
	cJSON_ArrayForEach(obj, objs) {
		objects++;
		if (adds_up(obj))
			continue;
		fprintf(stderr, "sample: does not add up: %s\n",
			cJSON_PrintUnformatted(obj));
		status = 1;
	}
	cJSON_Delete(objs);
	return status;
}

/* Lines of what sort of objects there are, and how many buffers guests have */
static char *read_lines(__s64 *out)
{
	static const struct {
		int cmd;
		const char *sort;
		const char *key;
	} sorts[] = {
		{ KVMFLIP_CMD_PORT_GET, "port", "name" },
		{ KVMFLIP_CMD_RXQ_GET, "rxq", "ifname" },
	};
	const cJSON *obj, *stats;
	char *lines, *json;
	cJSON *objs;
	size_t len, i;
	FILE *to;

	to = open_memstream(&lines, &len);
	*out = 0;
	for (i = 0; i < ARRAY_SIZE(sorts); i++) {
		if (module_dump(sorts[i].cmd, &objs))
			exit(1);
		cJSON_ArrayForEach(obj, objs) {
			stats = cJSON_GetObjectItem(obj, "stats");
			*out += obj_uint(stats, "flips") -
				obj_uint(stats, "returns") -
				obj_uint(stats, "revoked");
			json = cJSON_PrintUnformatted(stats);
			fprintf(to, "%s %s %s\n", sorts[i].sort,
				obj_str(obj, sorts[i].key), json);
			free(json);
		}
		cJSON_Delete(objs);
	}
	fclose(to);
	return lines;
}

static int print_still(void)
{
	char *before, *after;
	unsigned int i;
	__s64 out;

	before = read_lines(&out);
	for (i = 0; i < STILL_TRIES; i++) {
		usleep(STILL_US);
		after = read_lines(&out);
		if (!out && !strcmp(before, after)) {
			fputs(after, stdout);
			return 0;
		}
		free(before);
		before = after;
	}
	fputs("sample: it is never still\n", stderr);
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long i, n = argc == 2 ? strtoul(argv[1], NULL, 0) : 0;
	bool still = argc == 2 && !strcmp(argv[1], "still");
	int status;

	if (!n && !still) {
		fputs("usage: sample { COUNT | still }\n", stderr);
		return 2;
	}
	status = module_open();
	if (!status && still)
		return print_still();
	for (i = 0; i < n && !status; i++) {
		status = check_all(KVMFLIP_CMD_PORT_GET, stats_add_up);
		if (!status)
			status = check_all(KVMFLIP_CMD_RXQ_GET, stats_add_up);
		if (!status)
			status = check_all(KVMFLIP_CMD_POOL_GET,
					   buffers_add_up);
	}
	printf("%lu samples, %lu objects\n", i, objects);
	return status;
}
