// SPDX-License-Identifier: GPL-2.0
/* kvmflip metrics: counters and gauges in the text format of Prometheus */
#include <stdio.h>
#include <string.h>

#include "metrics.h"
#include "module.h"
#include "output.h"
#include "parse.h"

/**
 * struct kind - objects of a kind
 * @name: in names of metrics
 * @cmd: KVMFLIP_CMD_*_GET
 * @labels: keys that tell one object from another
 * @gauges: keys of numbers that go up and down
 */
struct kind {
	const char *name;
	int cmd;
	const char *labels[4];
	const char *gauges[8];
};

static const struct kind kinds[] = {
	{ "pool", KVMFLIP_CMD_POOL_GET, { "name" },
	  { "size", "buffer_size", "chunk_size", "ports", "rxqs" } },
	{ "rxq", KVMFLIP_CMD_RXQ_GET, { "ifname", "queue", "pool" },
	  { "posted", "fill_usecs" } },
	{ "port", KVMFLIP_CMD_PORT_GET, { "name", "pool" },
	  { "min_size", "max_size", "mapped", "slots" } },
};

static int help(void)
{
	fputs("Usage: kvmflip metrics\n"
	      "Prints all counters and gauges in the text format of Prometheus, as the textfile\n"
	      "collector of its node exporter reads it.\n", stdout);
	return EXIT_OK;
}

static void print_quoted(const char *text)
{
	for (; *text; text++)
		printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

/* a sample: which object, and with @label, if it is not NULL, of what part of it */
static void print_sample(const struct kind *kind, const char *metric,
			 const cJSON *obj, const char *label, const char *part,
			 const char *value)
{
	const cJSON *item;
	unsigned int i;

	printf("kvmflip_%s_%s{", kind->name, metric);
	for (i = 0; i < ARRAY_SIZE(kind->labels) && kind->labels[i]; i++) {
		item = cJSON_GetObjectItem(obj, kind->labels[i]);
		printf("%s%s=\"", i ? "," : "", strcmp(kind->labels[i], "name") ?
		       kind->labels[i] : kind->name);
		print_quoted(item && item->valuestring ? item->valuestring : "");
		putchar('"');
	}
	if (label)
		printf(",%s=\"%s\"", label, part);
	printf("} %s\n", value);
}

static void print_type(const struct kind *kind, const char *metric, const char *type)
{
	printf("# TYPE kvmflip_%s_%s %s\n", kind->name, metric, type);
}

static void print_gauge(const struct kind *kind, const char *key, const cJSON *objs)
{
	const cJSON *obj, *item;

	print_type(kind, key, "gauge");
	cJSON_ArrayForEach(obj, objs) {
		item = cJSON_GetObjectItem(obj, key);
		if (cJSON_IsRaw(item))
			print_sample(kind, key, obj, NULL, NULL, item->valuestring);
	}
}

/* the members of a nest whose keys begin with @prefix, as one metric with a label */
static void print_parts(const struct kind *kind, const char *metric, const char *type,
			const cJSON *objs, const char *nest, const char *prefix,
			const char *label)
{
	const size_t len = strlen(prefix);
	const cJSON *obj, *item;

	print_type(kind, metric, type);
	cJSON_ArrayForEach(obj, objs)
		cJSON_ArrayForEach(item, cJSON_GetObjectItem(obj, nest))
			if (!strncmp(item->string, prefix, len) && strcmp(item->string, "total"))
				print_sample(kind, metric, obj, label, item->string + len,
					     item->valuestring);
}

/* Sums are left out: they are those of the reasons */
static bool is_counter(const char *key)
{
	return strcmp(key, "copied") && strncmp(key, "copied_", 7) &&
	       strncmp(key, "dropped_", 8);
}

static void print_counters(const struct kind *kind, const cJSON *objs)
{
	const cJSON *obj, *stats, *item;
	char metric[KEY_LEN + 8];

	stats = cJSON_GetObjectItem(objs->child, "stats");
	if (!stats)
		return;
	print_parts(kind, "copied_total", "counter", objs, "stats", "copied_", "reason");
	print_parts(kind, "dropped_total", "counter", objs, "stats", "dropped_", "reason");
	cJSON_ArrayForEach(item, stats) {
		if (!is_counter(item->string))
			continue;
		snprintf(metric, sizeof(metric), "%s_total", item->string);
		print_type(kind, metric, "counter");
		cJSON_ArrayForEach(obj, objs)
			print_sample(kind, metric, obj, NULL, NULL,
				     cJSON_GetObjectItem(cJSON_GetObjectItem(obj, "stats"),
							 item->string)->valuestring);
	}
}

static void print_states(const struct kind *kind, const cJSON *objs)
{
	const cJSON *obj;

	print_type(kind, "state", "gauge");
	cJSON_ArrayForEach(obj, objs)
		print_sample(kind, "state", obj, "state", obj_str(obj, "state"), "1");
}

static int print_kind(const struct kind *kind)
{
	unsigned int i;
	cJSON *objs;
	int status = module_dump(kind->cmd, &objs);

	if (status)
		return status;
	if (objs->child) {
		for (i = 0; i < ARRAY_SIZE(kind->gauges) && kind->gauges[i]; i++)
			print_gauge(kind, kind->gauges[i], objs);
		if (kind->cmd == KVMFLIP_CMD_POOL_GET)
			print_parts(kind, "buffers", "gauge", objs, "buffers", "", "state");
		if (kind->cmd == KVMFLIP_CMD_PORT_GET)
			print_states(kind, objs);
		print_counters(kind, objs);
	}
	cJSON_Delete(objs);
	return EXIT_OK;
}

int metrics_command(struct args *args)
{
	unsigned int i;
	int status;

	if (args->argc && is_help(args->argv[0]))
		return help();
	status = no_more_args(args);
	for (i = 0; i < ARRAY_SIZE(kinds) && !status; i++)
		status = print_kind(&kinds[i]);
	return status;
}
