// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

struct options options;

static void complain(const char *fmt, va_list args)
{
	char line[1024], *c;

	vsnprintf(line, sizeof(line), fmt, args);
	/* one line, whatever the kernel or the user has put into it */
	for (c = line; *c; c++)
		if (*c == '\n')
			*c = ' ';
	fflush(stdout);
	fprintf(stderr, "kvmflip: %s%s%s\n", options.where ? options.where : "",
		options.where ? ": " : "", line);
}

/**
 * usage_error - say what is wrong with the command line
 * @fmt: text without the program's name
 *
 * Return: the exit code for that.
 */
int usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	return EXIT_USAGE;
}

/**
 * refused - say what the kernel or the system did not do, and why
 * @fmt: text without the program's name
 *
 * Return: the exit code for that.
 */
int refused(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	return EXIT_REFUSED;
}

/**
 * warning - say what did not go well although the command did its work
 * @fmt: text without the program's name
 */
void warning(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
}

void obj_add_uint(cJSON *obj, const char *key, __u64 value)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", value);
	cJSON_AddRawToObject(obj, key, number);
}

/* 0 if there is no such number */
__u64 obj_uint(const cJSON *obj, const char *key)
{
	const cJSON *item = cJSON_GetObjectItem(obj, key);

	return cJSON_IsRaw(item) ? strtoull(item->valuestring, NULL, 10) : 0;
}

/* "?" if there is no such string: good enough to print */
const char *obj_str(const cJSON *obj, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(obj, key));

	return s ? s : "?";
}

bool obj_has(const cJSON *obj, const char *key)
{
	return cJSON_HasObjectItem(obj, key);
}

/* the largest unit that leaves no remainder, as on the command line */
void format_size(__u64 bytes, char text[SIZE_LEN])
{
	static const char units[] = "\0KMGT";
	const char *unit = units;

	while (bytes && !(bytes % 1024) && unit[1]) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, SIZE_LEN, "%llu%.1s", bytes, unit);
}

void print_size(const char *label, __u64 bytes)
{
	char text[SIZE_LEN];

	format_size(bytes, text);
	printf(" %s %s", label, text);
}

static int print_json(const cJSON *objs)
{
	char *text = options.pretty ? cJSON_Print(objs) :
				      cJSON_PrintUnformatted(objs);

	if (!text)
		return refused("JSON: out of memory");
	puts(text);
	free(text);
	return EXIT_OK;
}

/* Of the counters only why frames were copied or dropped, if any were */
static void keep_details(cJSON *stats)
{
	cJSON *item, *next;

	for (item = stats ? stats->child : NULL; item; item = next) {
		next = item->next;
		if ((strncmp(item->string, "copied_", 7) &&
		     strncmp(item->string, "dropped_", 8)) ||
		    !obj_uint(stats, item->string))
			cJSON_Delete(cJSON_DetachItemViaPointer(stats, item));
	}
}

/**
 * show_objects - print an array of objects as the options say, and free it
 * @objs: the objects
 * @print_text: prints one of them as text
 *
 * Return: exit code
 */
int show_objects(cJSON *objs, void (*print_text)(const cJSON *obj))
{
	int status = EXIT_OK;
	cJSON *obj;

	cJSON_ArrayForEach(obj, objs)
		if (options.details && !options.stats)
			keep_details(cJSON_GetObjectItem(obj, "stats"));
		else if (!options.stats)
			cJSON_DeleteItemFromObject(obj, "stats");
	if (options.json && !options.quiet) {
		status = print_json(objs);
	} else if (!options.quiet) {
		cJSON_ArrayForEach(obj, objs)
			print_text(obj);
	}
	cJSON_Delete(objs);
	return status;
}
