/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPGEN_COUNT_H
#define FLIPGEN_COUNT_H

/* Count the frames that come up a netdev until SIGTERM. */
int count(const char *dev, const char *report);

#endif /* FLIPGEN_COUNT_H */
