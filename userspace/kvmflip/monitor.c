// SPDX-License-Identifier: GPL-2.0
/* kvmflip monitor: what happens to pools, queues and ports, as it does */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module.h"
#include "monitor.h"
#include "output.h"
#include "parse.h"

#define TIME_LEN 32	/* with its NUL */

static int help(void)
{
	fputs("Usage: kvmflip monitor [ pool | rxq | port ]\n"
	      "Prints a line for each thing that happens to pools, queues and ports, or to those\n"
	      "of one kind, until it is ended: when, what, to which, and the reason.\n"
	      "With -j each line is a JSON object.\n", stdout);
	return EXIT_OK;
}

/* the local time with its offset, as RFC 3339 has it */
static void format_now(char text[TIME_LEN])
{
	struct timespec now;
	char offset[8];
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	len = strftime(text, TIME_LEN, "%FT%T", &tm);
	strftime(offset, sizeof(offset), "%z", &tm);
	snprintf(text + len, TIME_LEN - len, ".%03u%.3s:%.2s",
		 (unsigned int)(now.tv_nsec / 1000000), offset, offset + 3);
}

static void print_event_json(const char *event, cJSON *obj, const char *now)
{
	cJSON *item, *line = cJSON_CreateObject();
	char *text;

	cJSON_AddStringToObject(line, "time", now);
	cJSON_AddStringToObject(line, "event", event);
	while ((item = obj->child)) {
		cJSON_DetachItemViaPointer(obj, item);
		cJSON_AddItemToObject(line, item->string, item);
	}
	text = options.pretty ? cJSON_Print(line) : cJSON_PrintUnformatted(line);
	puts(text ? text : "");
	free(text);
	cJSON_Delete(line);
}

/* The name is what the line is about, and ifindex the same as ifname in numbers */
static void print_text(const char *event, const cJSON *obj, const char *now)
{
	const cJSON *item;
	char word[KEY_LEN];
	char *c;

	printf("%s %s", now, event);
	cJSON_ArrayForEach(item, obj) {
		if (!strcmp(item->string, "ifindex") || !item->valuestring)
			continue;
		snprintf(word, sizeof(word), "%s", item->string);
		while ((c = strchr(word, '_')))
			*c = '-';
		if (strcmp(word, "name") && strcmp(word, "ifname"))
			printf(" %s", word);
		printf(" %s", item->valuestring);
	}
	putchar('\n');
}

static void print_event(const char *event, const struct kvmflip_object *object,
			void *kind)
{
	char now[TIME_LEN];
	cJSON *obj;

	if (kind && (strncmp(event, kind, strlen(kind)) || event[strlen(kind)] != '-'))
		return;
	format_now(now);
	obj = json_of(object);
	if (options.json)
		print_event_json(event, obj, now);
	else
		print_text(event, obj, now);
	cJSON_Delete(obj);
	fflush(stdout);
}

int monitor_command(struct args *args)
{
	static const char *const kinds[] = { "pool", "rxq", "port" };
	const char *kind = next_arg(args);
	struct kvmflip *kf;
	unsigned int i = 0;
	int err, status = EXIT_OK;

	if (is_help(kind))
		return help();
	if (kind)
		status = parse_choice("kind", kind, kinds, ARRAY_SIZE(kinds), &i);
	if (!status)
		status = no_more_args(args);
	if (!status)
		status = module_connect(&kf);
	if (status)
		return status;
	err = kvmflip_subscribe(kf);
	while (!err || err == -ENOBUFS) {
		err = kvmflip_receive(kf, print_event, kind ? (void *)kinds[i] : NULL);
		if (err == -ENOBUFS)
			warning("monitor: %s", kvmflip_error(kf));
	}
	status = refused("monitor: %s", kvmflip_error(kf));
	kvmflip_close(kf);
	return status;
}
