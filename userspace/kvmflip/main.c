// SPDX-License-Identifier: GPL-2.0
/* kvmflip - pools, NIC queues and ports of the kvmflip module */
#include <getopt.h>
#include <stdio.h>

#include "apply.h"
#include "batch.h"
#include "check.h"
#include "metrics.h"
#include "monitor.h"
#include "output.h"
#include "parse.h"
#include "pool.h"
#include "port.h"
#include "rxq.h"
#include "save.h"
#include "top.h"
#include "trace.h"

static int usage(void)
{
	fputs("Usage: kvmflip [ OPTIONS ] OBJECT { COMMAND | help }\n"
	      "       kvmflip [ OPTIONS ] check [ DEV ]\n"
	      "       kvmflip [ OPTIONS ] monitor [ OBJECT ]\n"
	      "       kvmflip [ OPTIONS ] -b[atch] FILE\n"
	      "       kvmflip apply [ -n ] FILE\n"
	      "       kvmflip { save | metrics }\n"
	      "       kvmflip top [ interval SECONDS ] [ count N ]\n"
	      "       kvmflip [ OPTIONS ] trace [ pool NAME ] [ buffer N ] [ count N ]\n"
	      "       OBJECT := { pool | rxq | port }\n"
	      "       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -j[son] | -p[retty] }\n"
	      "Objects, commands and arguments may be abbreviated.\n"
	      "Exit status: 0 done, 1 the command line makes no sense,\n"
	      "             2 the kernel or the system refused.\n", stdout);
	return EXIT_OK;
}

static const struct command objects[] = {
	{ "pool", pool_command },
	{ "rxq", rxq_command },
	{ "port", port_command },
	{ "check", check_command },
	{ "monitor", monitor_command },
	{ "apply", apply_command },
	{ "save", save_command },
	{ "metrics", metrics_command },
	{ "top", top_command },
	{ "trace", trace_command },
};

static int run_line(struct args *args, void *data)
{
	(void)data;
	return run_command(args, objects, ARRAY_SIZE(objects), "object", usage);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "Version", no_argument, NULL, 'V' },
		{ "statistics", no_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "details", no_argument, NULL, 'd' },
		{ "batch", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *batch = NULL;
	struct args args;
	int c;

	opterr = 0;
	while ((c = getopt_long_only(argc, argv, "+:Vsjpdb:h", long_options, NULL)) != -1) {
		switch (c) {
		case 'V':
			puts("kvmflip " VERSION);
			return EXIT_OK;
		case 's':
			options.stats++;
			break;
		case 'p':
			options.pretty = true;
			options.json = true;
			break;
		case 'j':
			options.json = true;
			break;
		case 'd':
			options.details = true;
			break;
		case 'b':
			batch = optarg;
			break;
		case 'h':
			return usage();
		case ':':
			return usage_error("option \"%s\" needs a value", argv[optind - 1]);
		default:
			return usage_error("unknown option \"%s\"", argv[optind - 1]);
		}
	}
	args.argc = argc - optind;
	args.argv = argv + optind;
	if (batch)
		return args.argc ? no_more_args(&args) : batch_read(batch, run_line, NULL);
	if (!args.argc)
		return usage_error("an object is missing: pool, rxq or port (see kvmflip help)");
	return run_command(&args, objects, ARRAY_SIZE(objects), "object", usage);
}
