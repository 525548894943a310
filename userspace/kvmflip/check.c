// SPDX-License-Identifier: GPL-2.0
/* kvmflip check: is this host fit for flipping, and what to do if it is not */
#include <stdio.h>

#include "check.h"
#include "findings.h"
#include "parse.h"

static int help(void)
{
	fputs("Usage: kvmflip check [ DEV ]\n"
	      "Looks at the processor, the kernel, the IOMMU, memory, the NICs (or DEV alone),\n"
	      "and at what is set up, and says of each: ok, warn (it works, and costs more than\n"
	      "it has to) or fail (nothing can be flipped), and what to do.\n"
	      "Exit status: 0 fit, 2 not.\n", stdout);
	return EXIT_OK;
}

static void print_finding(const cJSON *finding)
{
	printf("%-4s  %-18s %s\n", obj_str(finding, "grade"), obj_str(finding, "check"),
	       obj_str(finding, "found"));
	if (obj_has(finding, "advice"))
		printf("%-24s -> %s\n", "", obj_str(finding, "advice"));
}

int check_command(struct args *args)
{
	struct findings findings = { };
	const char *dev = next_arg(args);
	unsigned int host, nics, fit;
	int status;

	if (is_help(dev))
		return help();
	status = no_more_args(args);
	if (status)
		return status;
	findings.list = cJSON_CreateArray();
	check_host(&findings);
	host = findings.failed;
	/* one NIC that is fit will do, but the one that is asked for has to be */
	fit = check_nics(&findings, dev);
	nics = findings.failed - host;
	check_setup(&findings);
	status = show_objects(findings.list, print_finding);
	if (status)
		return status;
	return findings.failed > nics || !fit ? EXIT_REFUSED : EXIT_OK;
}
