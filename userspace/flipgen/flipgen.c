// SPDX-License-Identifier: GPL-2.0
/*
 * flipgen: a generator and counter of Ethernet frames for tests. The frames
 * say of each of their bytes whose it is, see payload.h.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "count.h"
#include "send.h"
#include "serve.h"

static int print_usage(void)
{
	fputs("usage: flipgen serve --control SOCKET --nic NAME=BIND,PEER...\n"
	      "       flipgen count DEV --report FILE\n"
	      "       flipgen send DEV WORD...\n"
	      "       flipgen pcap-write FILE WORD...\n"
	      "WORD := count=N | seed=N | size={MIN-MAX|N,...}\n"
	      "        to=MAC[/{VLAN|p}[/TAG[/WEIGHT]]]\n"
	      "        paced=MAC/{VLAN|p}/TAG/USECS\n"
	      "        udp=SOURCE/DESTINATION/PORT, of IPv4; SOURCE is one more\n"
	      "            for each further destination\n"
	      "        other=TAG | {bcast|mcast|unknown|qinq}=WEIGHT\n"
	      "        burst=N | gap-us=N\n", stderr);
	return 2;
}

static int main_serve(int argc, char **argv)
{
	static const struct option options[] = {
		{ "control", required_argument, NULL, 'c' },
		{ "nic", required_argument, NULL, 'n' },
		{ }
	};
	static struct nic nics[16];
	const char *control = NULL;
	int n_nics = 0, opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			control = optarg;
			break;
		case 'n':
			if (n_nics == 16)
				return print_usage();
			nics[n_nics].number = n_nics;
			if (!nic_open(&nics[n_nics++], optarg))
				return 1;
			break;
		default:
			return print_usage();
		}
	}
	if (!control || optind < argc)
		return print_usage();
	return serve(control, nics, n_nics);
}

/* A command that makes frames for argv[1] and prints what they are */
static int main_make(int argc, char **argv,
		     const char *(*make)(const char *to, char **words, int n,
					 struct tally *tally))
{
	struct tally tally = { 0 };
	const char *error;

	if (argc < 2)
		return print_usage();
	error = make(argv[1], argv + 2, argc - 2, &tally);
	if (error) {
		fprintf(stderr, "flipgen: %s\n", error);
		return 1;
	}
	fputs("{", stdout);
	tally_print(&tally, stdout);
	fputs("}\n", stdout);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return print_usage();
	argc--;
	argv++;
	if (!strcmp(argv[0], "serve"))
		return main_serve(argc, argv);
	if (!strcmp(argv[0], "pcap-write"))
		return main_make(argc, argv, command_pcap_write);
	if (!strcmp(argv[0], "send"))
		return main_make(argc, argv, send_on);
	if (!strcmp(argv[0], "count") && argc == 4 &&
	    !strcmp(argv[2], "--report"))
		return count(argv[1], argv[3]);
	return print_usage();
}
