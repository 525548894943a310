// SPDX-License-Identifier: GPL-2.0
/*
 * kvmflip trace: what happens to buffers, from the module's tracepoints. They are
 * read from an instance of the kernel's trace buffer that nobody else uses.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kvmflip.h>

#include "output.h"
#include "parse.h"
#include "trace.h"

#define WORD_LEN KVMFLIP_NAME_LEN	/* names and states */

/**
 * struct history - what is known of a buffer
 * @pool: its pool
 * @buffer: its number there
 * @since: when it came into its state, in microseconds; 0 if that was not seen
 * @port: whose guest it has been cleaned for, and is about to get it, or ""
 * @frames: of that guest, in it
 * @zeroed: bytes
 */
struct history {
	char pool[WORD_LEN];
	unsigned int buffer;
	unsigned long long since;
	char port[WORD_LEN];
	unsigned int frames;
	unsigned long long zeroed;
};

static volatile sig_atomic_t ended;

static int help(void)
{
	fputs("Usage: kvmflip trace [ pool NAME ] [ buffer N ] [ count N ]\n"
	      "Prints a line whenever a buffer, one of NAME or number N, comes into another state:\n"
	      "when, in seconds since the start; which; what it was and is; for how long it was\n"
	      "that; and before a guest gets it, whose, with how many frames, and what was zeroed.\n"
	      "Ends after N of them, or when it is ended. With -j each line is a JSON object.\n",
	      stdout);
	return EXIT_OK;
}

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[320];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err = refused("trace: %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

static int compare(const void *one, const void *other)
{
	const struct history *a = one, *b = other;

	if (a->buffer != b->buffer)
		return a->buffer < b->buffer ? -1 : 1;
	return strcmp(a->pool, b->pool);
}

/* what is known of the buffer; NULL without memory */
static struct history *history_of(const char *pool, unsigned int buffer)
{
	static void *all;
	struct history *history = calloc(1, sizeof(*history)), **found;

	if (!history)
		return NULL;
	snprintf(history->pool, sizeof(history->pool), "%s", pool);
	history->buffer = buffer;
	found = tsearch(history, &all, compare);
	if (!found || *found != history)
		free(history);
	return found ? *found : NULL;
}

static void print_json(const struct history *history, const char *from, const char *to,
		       unsigned long long now)
{
	cJSON *obj = cJSON_CreateObject();
	char number[32], *text;

	snprintf(number, sizeof(number), "%llu.%06llu", now / 1000000, now % 1000000);
	cJSON_AddRawToObject(obj, "time", number);
	cJSON_AddStringToObject(obj, "pool", history->pool);
	obj_add_uint(obj, "buffer", history->buffer);
	cJSON_AddStringToObject(obj, "from", from);
	cJSON_AddStringToObject(obj, "to", to);
	if (history->since)
		obj_add_uint(obj, "usecs", now - history->since);
	if (*history->port) {
		cJSON_AddStringToObject(obj, "port", history->port);
		obj_add_uint(obj, "frames", history->frames);
		obj_add_uint(obj, "bytes_zeroed", history->zeroed);
	}
	text = options.pretty ? cJSON_Print(obj) : cJSON_PrintUnformatted(obj);
	puts(text ? text : "");
	free(text);
	cJSON_Delete(obj);
}

static void print_text(const struct history *history, const char *from, const char *to,
		       unsigned long long now)
{
	printf("%llu.%06llu %s buffer %u: %s -> %s", now / 1000000, now % 1000000,
	       history->pool, history->buffer, from, to);
	if (history->since)
		printf(" after %llu us", now - history->since);
	if (*history->port)
		printf(", port %s frames %u zeroed %llu", history->port, history->frames,
		       history->zeroed);
	putchar('\n');
}

/* one line of trace_pipe; Return: whether a line was printed for it */
static bool read_event(const char *line)
{
	char pool[WORD_LEN], from[WORD_LEN], to[WORD_LEN];
	const char *event = strstr(line, ": kvmflip_"), *time = event;
	unsigned long long seconds, usecs, now;
	struct history *history;
	unsigned int buffer;
	int len;

	if (!event) {
		if (strstr(line, "[LOST "))
			warning("trace: events were lost:%.*s",
				(int)strcspn(strchr(line, ' '), "\n"), strchr(line, ' '));
		return false;
	}
	while (time > line && time[-1] != ' ')
		time--;
	event += strlen(": kvmflip_");
	/* names have no blanks; the width is that of the arrays */
	if (sscanf(time, "%llu.%llu", &seconds, &usecs) != 2 ||
	    sscanf(event, "%*[^:]: pool=%31s buffer=%u%n", pool, &buffer, &len) != 2)
		return false;
	now = seconds * 1000000 + usecs;
	history = history_of(pool, buffer);
	if (!history)
		return false;
	if (sscanf(event + len, " port=%31s frames=%u zeroed=%llu", history->port,
		   &history->frames, &history->zeroed) == 3)
		return false;
	if (sscanf(event + len, " from=%31s to=%31s", from, to) != 2)
		return false;
	if (options.json)
		print_json(history, from, to, now);
	else
		print_text(history, from, to, now);
	fflush(stdout);
	history->since = now;
	*history->port = '\0';
	return true;
}

static int follow(const char *dir, unsigned int count)
{
	struct sigaction action = { .sa_handler = end };
	char path[320], *line = NULL;
	size_t size = 0;
	FILE *pipe;

	snprintf(path, sizeof(path), "%s/trace_pipe", dir);
	pipe = fopen(path, "re");
	if (!pipe)
		return refused("trace: %s: %s", path, strerror(errno));
	/* no SA_RESTART: reading ends, and the instance is removed */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
	while (!ended && getline(&line, &size, pipe) >= 0)
		if (read_event(line) && count && !--count)
			break;
	free(line);
	fclose(pipe);
	return EXIT_OK;
}

static int follow_new(const char *filter, unsigned int count)
{
	const char *tracing = "/sys/kernel/tracing", *root = getenv("KVMFLIP_ROOT");
	char dir[256];
	int status;

	root = root ? root : "";
	snprintf(dir, sizeof(dir), "%s%s/instances", root, tracing);
	if (access(dir, F_OK))
		return refused("trace: there is no %s%s: mount -t tracefs trace %s",
			       root, tracing, tracing);
	snprintf(dir, sizeof(dir), "%s%s/events/kvmflip", root, tracing);
	if (access(dir, F_OK))
		return refused("the kvmflip module is not loaded: modprobe kvmflip");
	snprintf(dir, sizeof(dir), "%s%s/instances/kvmflip-%d", root, tracing, getpid());
	if (mkdir(dir, 0700))
		return refused("trace: %s: %s", dir, strerror(errno));
	status = *filter ? write_file(dir, "events/kvmflip/filter", filter) : EXIT_OK;
	if (!status)
		status = write_file(dir, "events/kvmflip/enable", "1");
	if (!status)
		status = follow(dir, count);
	if (rmdir(dir))
		return refused("trace: %s: %s", dir, strerror(errno));
	return status;
}

int trace_command(struct args *args)
{
	static const char *const keys[] = { "pool", "buffer", "count" };
	const char *values[ARRAY_SIZE(keys)];
	__u32 buffer = 0, count = 0;
	char filter[128] = "";
	int status;

	if (args->argc && is_help(args->argv[0]))
		return help();
	status = parse_keywords(args, keys, ARRAY_SIZE(keys), values);
	if (!status && values[0])
		status = check_name("trace: pool", values[0]);
	if (!status && values[1])
		status = parse_u32("buffer", values[1], UINT32_MAX, &buffer);
	if (!status && values[2])
		status = parse_u32("count", values[2], UINT32_MAX, &count);
	if (status)
		return status;
	if (values[0])
		snprintf(filter, sizeof(filter), "pool == \"%s\"", values[0]);
	if (values[1])
		snprintf(filter + strlen(filter), sizeof(filter) - strlen(filter),
			 "%sbuffer == %u", *filter ? " && " : "", buffer);
	return follow_new(filter, count);
}
