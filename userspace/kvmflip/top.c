// SPDX-License-Identifier: GPL-2.0
/* kvmflip top: rates of ports and queues, and where buffers are, as it changes */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "module.h"
#include "output.h"
#include "parse.h"
#include "top.h"

#define INTERVAL_MAX 3600	/* seconds */
#define BAR 20

/* in the order of a bar, and the letter that stands for each in it */
static const struct {
	const char *key;
	char letter;
} states[] = {
	{ "posted", 'p' }, { "filled", 'f' }, { "mapped", 'm' }, { "steered", 's' },
	{ "returned", 'r' }, { "quarantined", 'q' }, { "free", '.' },
};

/**
 * struct sample - what the module has told at some time
 * @time: that time, in seconds
 * @pools: pools
 * @rxqs: queues
 * @ports: ports
 */
struct sample {
	double time;
	cJSON *pools;
	cJSON *rxqs;
	cJSON *ports;
};

static int help(void)
{
	fputs("Usage: kvmflip top [ interval SECONDS ] [ count N ]\n"
	      "Shows rates of ports and queues and where buffers are, every second if not told\n"
	      "otherwise, until q is pressed. What is not a terminal gets it once, or N times.\n",
	      stdout);
	return EXIT_OK;
}

static int take_sample(struct sample *sample)
{
	struct timespec now;
	int status;

	memset(sample, 0, sizeof(*sample));
	status = module_dump(KVMFLIP_CMD_POOL_GET, &sample->pools);
	if (!status)
		status = module_dump(KVMFLIP_CMD_RXQ_GET, &sample->rxqs);
	if (!status)
		status = module_dump(KVMFLIP_CMD_PORT_GET, &sample->ports);
	clock_gettime(CLOCK_MONOTONIC, &now);
	sample->time = now.tv_sec + now.tv_nsec / 1e9;
	return status;
}

static void free_sample(struct sample *sample)
{
	cJSON_Delete(sample->pools);
	cJSON_Delete(sample->rxqs);
	cJSON_Delete(sample->ports);
	memset(sample, 0, sizeof(*sample));
}

/* the same object a while ago, or NULL; a port of another generation is another one */
static const cJSON *before(const cJSON *objs, const cJSON *obj)
{
	static const char *const keys[] = { "name", "gen", "ifname", "queue" };
	const cJSON *old, *a, *b;
	unsigned int i;

	cJSON_ArrayForEach(old, objs) {
		for (i = 0; i < ARRAY_SIZE(keys); i++) {
			a = cJSON_GetObjectItem(old, keys[i]);
			b = cJSON_GetObjectItem(obj, keys[i]);
			if (a && b && strcmp(a->valuestring, b->valuestring))
				break;
		}
		if (i == ARRAY_SIZE(keys))
			return old;
	}
	return NULL;
}

/* a counter, or if the key ends in '_' the sum of those that begin so, per second */
static double rate(const cJSON *obj, const cJSON *old, const char *key, double seconds)
{
	const cJSON *stats = cJSON_GetObjectItem(obj, "stats"), *item;
	const cJSON *old_stats = cJSON_GetObjectItem(old, "stats");
	const size_t len = strlen(key);
	const bool sums = key[len - 1] == '_';
	__u64 sum = 0;

	cJSON_ArrayForEach(item, stats)
		if (old && (sums ? !strncmp(item->string, key, len) :
				   !strcmp(item->string, key)))
			sum += obj_uint(stats, item->string) -
			       obj_uint(old_stats, item->string);
	return sum / seconds;
}

static void print_bar(const cJSON *pool)
{
	const cJSON *buffers = cJSON_GetObjectItem(pool, "buffers");
	const __u64 total = obj_uint(buffers, "total");
	unsigned int i, at = 0;
	__u64 sum = 0;

	putchar('[');
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		sum += obj_uint(buffers, states[i].key);
		for (; total && at < sum * BAR / total; at++)
			putchar(states[i].letter);
	}
	printf("%*s]", BAR - at, "");
}

static void print_pools(const struct sample *now)
{
	const cJSON *pool;
	char size[SIZE_LEN];
	unsigned int i;

	printf("%-16s %6s %-*s", "POOL", "SIZE", BAR + 2, "BUFFERS");
	for (i = 0; i < ARRAY_SIZE(states); i++)
		printf(" %c:%-6.6s", states[i].letter, states[i].key);
	putchar('\n');
	cJSON_ArrayForEach(pool, now->pools) {
		format_size(obj_uint(pool, "size"), size);
		printf("%-16s %6s ", obj_str(pool, "name"), size);
		print_bar(pool);
		for (i = 0; i < ARRAY_SIZE(states); i++)
			printf(" %8llu", obj_uint(cJSON_GetObjectItem(pool, "buffers"),
						  states[i].key));
		putchar('\n');
	}
}

static void print_rates(const cJSON *obj, const cJSON *old, double seconds)
{
	static const char *const reasons[] = {
		"copied_small", "copied_stray", "copied_latency", "copied_quota", "copied_mode",
	};
	unsigned int i;

	printf(" %9.0f %9.1f %9.0f", rate(obj, old, "received", seconds),
	       rate(obj, old, "received_bytes", seconds) * 8 / 1e6,
	       rate(obj, old, "flipped", seconds));
	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		printf(" %7.0f", rate(obj, old, reasons[i], seconds));
	printf(" %7.0f", rate(obj, old, "dropped_", seconds));
}

static void print_head(const char *what)
{
	printf("\n%-24s %9s %9s %9s %7s %7s %7s %7s %7s %7s", what, "FRAMES/s", "MBIT/s",
	       "FLIPPED/s", "SMALL", "STRAY", "LATENCY", "QUOTA", "MODE", "DROPS/s");
}

static void print_ports(const struct sample *now, const struct sample *last)
{
	const cJSON *port, *pool;
	char title[48];
	__u64 buffer;

	print_head("PORT");
	puts("  SHARE");
	cJSON_ArrayForEach(port, now->ports) {
		buffer = 0;
		cJSON_ArrayForEach(pool, now->pools)
			if (!strcmp(obj_str(pool, "name"), obj_str(port, "pool")))
				buffer = obj_uint(pool, "buffer_size");
		snprintf(title, sizeof(title), "%s %s", obj_str(port, "name"),
			 obj_str(port, "state"));
		printf("%-24s", title);
		print_rates(port, before(last->ports, port), now->time - last->time);
		printf(" %5llu%%\n", obj_uint(port, "mapped") * buffer * 100 /
		       (obj_uint(port, "max_size") + !obj_uint(port, "max_size")));
	}
}

static void print_rxqs(const struct sample *now, const struct sample *last)
{
	const cJSON *rxq;
	char title[48];

	print_head("QUEUE");
	putchar('\n');
	cJSON_ArrayForEach(rxq, now->rxqs) {
		snprintf(title, sizeof(title), "%s:%llu %s", obj_str(rxq, "ifname"),
			 obj_uint(rxq, "queue"), obj_str(rxq, "mode"));
		printf("%-24s", title);
		print_rates(rxq, before(last->rxqs, rxq), now->time - last->time);
		putchar('\n');
	}
}

/* Return: if q was pressed before the time has passed */
static bool pressed_q(bool terminal, unsigned int seconds)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char key = 0;

	if (!terminal) {
		sleep(seconds);
		return false;
	}
	if (poll(&in, 1, seconds * 1000) > 0 && read(STDIN_FILENO, &key, 1) < 1)
		return true;
	return key == 'q' || key == '\x03';
}

/* keys come as they are pressed, and are not shown; @saved is how it was */
static bool take_terminal(struct termios *saved)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, saved))
		return false;
	raw = *saved;
	/* Ctrl-C is a key as any other, so that the terminal is put right at the end */
	raw.c_lflag &= ~(ICANON | ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	/* the other screen, without a cursor */
	fputs("\033[?1049h\033[?25l", stdout);
	return true;
}

static void give_terminal(const struct termios *saved)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, saved);
}

static void print_screen(bool terminal, const struct sample *now,
			 const struct sample *last)
{
	if (terminal)
		fputs("\033[H\033[2J", stdout);
	print_pools(now);
	print_ports(now, last);
	print_rxqs(now, last);
	fflush(stdout);
}

static int show(unsigned int interval, unsigned int count)
{
	struct sample last, now = { };
	struct termios saved;
	bool terminal;
	int status = take_sample(&last);

	if (status) {
		free_sample(&last);
		return status;
	}
	terminal = take_terminal(&saved);
	if (!terminal && !count)
		count = 1;
	while (!pressed_q(terminal, interval)) {
		status = take_sample(&now);
		if (status)
			break;
		print_screen(terminal, &now, &last);
		free_sample(&last);
		last = now;
		memset(&now, 0, sizeof(now));
		if (count && !--count)
			break;
		if (!terminal)
			putchar('\n');
	}
	free_sample(&last);
	free_sample(&now);
	if (terminal)
		give_terminal(&saved);
	return status;
}

int top_command(struct args *args)
{
	static const char *const keys[] = { "interval", "count" };
	const char *values[ARRAY_SIZE(keys)];
	__u32 interval = 1, count = 0;
	int status;

	if (args->argc && is_help(args->argv[0]))
		return help();
	status = parse_keywords(args, keys, ARRAY_SIZE(keys), values);
	if (!status && values[0])
		status = parse_u32("interval", values[0], INTERVAL_MAX, &interval);
	if (!status && !interval)
		status = usage_error("interval must not be 0");
	if (!status && values[1])
		status = parse_u32("count", values[1], UINT32_MAX, &count);
	return status ? status : show(interval, count);
}
