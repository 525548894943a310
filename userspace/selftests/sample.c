// SPDX-License-Identifier: GPL-2.0
/*
 * sample: reads all counters again and again and checks that they add up.
 *
 *	sample COUNT	print how many objects were read in COUNT rounds
 *
 * Of ports and queues: received = flipped + copied + dropped, and copied is
 * the sum of its reasons. Of pools: the buffers in all states are the total.
 * Ends with status 1 and the object at the first that does not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvmflip_netlink.h>

#include "genl.h"
#include "output.h"

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
		"free", "posted", "filled", "mapped", "returned", "quarantined"
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

	status = genl_dump(cmd, &objs);
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

int main(int argc, char **argv)
{
	unsigned long i, n = argc == 2 ? strtoul(argv[1], NULL, 0) : 0;
	int status = 0;

	if (!n) {
		fputs("usage: sample COUNT\n", stderr);
		return 2;
	}
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
