/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPGEN_COMMAND_H
#define FLIPGEN_COMMAND_H

#include <stdio.h>

#include "nic.h"

/* Obey one command line; the answer is one line of JSON. */
void command_run(struct nic *nics, int n_nics, char *line, FILE *answer);

/* Write the frames of a plan to a file; returns NULL or what is wrong. */
const char *command_pcap_write(const char *path, char **words, int n,
			       struct tally *tally);

#endif /* FLIPGEN_COMMAND_H */
