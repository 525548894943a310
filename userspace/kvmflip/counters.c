// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "counters.h"
#include "module.h"
#include "output.h"

#define INDENT "    "
#define WIDTH 79

/**
 * struct group - counters that are read together
 * @label: what they are of; left out of names that begin with it
 * @names: as the specification has them
 */
struct group {
	const char *label;
	const char *names[12];
};

static const struct group groups[] = {
	{ "frames", { "received", "flipped", "copied" } },
	{ "copied", {
		"copied-small", "copied-stray", "copied-latency", "copied-quota",
		"copied-mode", "copied-host",
	} },
	{ "dropped", {
		"dropped-closed", "dropped-quota", "dropped-no-bounce",
		"dropped-ring-full", "dropped-foreign", "dropped-no-port",
		"dropped-no-meta", "dropped-no-memory", "dropped-unposted",
		"dropped-invalid",
	} },
	{ "bytes", {
		"received-bytes", "bytes-copied", "bytes-zeroed", "bytes-zeroed-tail",
	} },
	{ "buffers", {
		"flips", "recycled", "returns", "bad-returns", "reclaim-asked",
		"revoked",
	} },
	{ "window", {
		"window-faults", "sink-faults", "unmap-calls", "unlocked-unmaps",
	} },
	{ "guest", { "interrupts", "doorbells" } },
	{ "netdev", {
		"to-guest", "to-guest-bytes", "from-guest", "from-guest-bytes",
		"tx-errors",
	} },
	{ "device", {
		"revokes", "grants", "iotlb-syncs", "wakeups", "rx-ring-full",
	} },
};

/* @column is where the line ends so far, 0 before the label; returns the new one */
static int put_counter(int column, const char *label, const char *name,
		       const cJSON *value)
{
	char text[96];
	int len;

	if (!column)
		column = printf(INDENT "%s:", label);
	len = snprintf(text, sizeof(text), " %s %s", name,
		       cJSON_IsRaw(value) ? value->valuestring : "?");
	if (column + len > WIDTH)
		column = printf("\n" INDENT "   ") - 1;
	return column + printf("%s", text);
}

/* all of an object of counters */
void print_counters(const char *label, const cJSON *counters)
{
	const cJSON *item;
	int column = 0;

	cJSON_ArrayForEach(item, counters)
		column = put_counter(column, label, item->string, item);
	if (column)
		putchar('\n');
}

static void print_group(const struct group *group, const cJSON *stats)
{
	size_t i, len = strlen(group->label);
	char key[KEY_LEN];
	const cJSON *value;
	const char *name;
	int column = 0;

	for (i = 0; i < ARRAY_SIZE(group->names) && group->names[i]; i++) {
		name = group->names[i];
		json_key(name, key);
		value = cJSON_GetObjectItem(stats, key);
		if (!value)
			continue;
		if (!strncmp(name, group->label, len) && name[len] == '-')
			name += len + 1;
		column = put_counter(column, group->label, name, value);
	}
	if (column)
		putchar('\n');
}

static const struct {
	const char *name;
	const char *of;
	const char *per;
	bool percent;
} averages[] = {
	{ "flipped", "flipped", "received", true },
	{ "copied", "copied", "received", true },
	{ "bytes-per-frame", "received_bytes", "received", false },
	{ "frames-per-flip", "flipped", "flips", false },
	{ "flips-per-unmap", "flips", "unmap_calls", false },
	{ "buffers-per-iotlb-sync", "revokes", "iotlb_syncs", false },
	{ "frames-per-interrupt", "received", "interrupts", false },
	{ "frames-per-wakeup", "received", "wakeups", false },
};

/* What the counters come to; what there was none of is left out. */
static void print_averages(const cJSON *stats)
{
	char text[48];
	cJSON *value;
	unsigned int i;
	double average;
	int column = 0;

	for (i = 0; i < ARRAY_SIZE(averages); i++) {
		if (!obj_uint(stats, averages[i].per) || !obj_has(stats, averages[i].of))
			continue;
		average = (double)obj_uint(stats, averages[i].of) /
			  obj_uint(stats, averages[i].per);
		snprintf(text, sizeof(text), averages[i].percent ? "%.1f%%" : "%.1f",
			 averages[i].percent ? average * 100 : average);
		value = cJSON_CreateRaw(text);
		column = put_counter(column, "averages", averages[i].name, value);
		cJSON_Delete(value);
	}
	if (column)
		putchar('\n');
}

/* the counters of an object, those that belong together on a line */
void print_stats(const cJSON *stats)
{
	unsigned int i;

	for (i = 0; stats && i < ARRAY_SIZE(groups); i++)
		print_group(&groups[i], stats);
	if (options.stats > 1)
		print_averages(stats);
}
