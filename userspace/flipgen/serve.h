/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLIPGEN_SERVE_H
#define FLIPGEN_SERVE_H

#include "nic.h"

/* Listen at a unix socket and obey commands; returns only on an error. */
int serve(const char *path, struct nic *nics, int n_nics);

#endif /* FLIPGEN_SERVE_H */
