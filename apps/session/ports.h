/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports of the machine's for a session apart: a filter that has them, under that of our session. */
#pragma once

#include <aegis/exposed.h>

#include "../../libos/net/given.h"

/* "tcp:8000-8099". 0, or -1: it is nothing of the kind. */
int ports_read(const char *text, struct net_given *g);
/* Installs their filter and fills in the rest of `g`. The filter is there as long as we or the session are; whoever of us has a
 * socket, or a filter, for one of them keeps it: -EADDRINUSE. */
int ports_give(struct net_given *g);
/* Our session answers for the address: whoever waits sees to that, if nobody else does. At most two predicates. */
unsigned ports_await(struct aegis_predicate *p, uint64_t *deadline);
void ports_run(void);
