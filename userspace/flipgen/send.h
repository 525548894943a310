/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPGEN_SEND_H
#define FLIPGEN_SEND_H

#include "tally.h"

/* Send generated frames on a netdev; returns NULL or what is wrong. */
const char *send_on(const char *dev, char **words, int n, struct tally *tally);

#endif /* FLIPGEN_SEND_H */
